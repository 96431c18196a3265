"""Secondary structures as Plotly figures: a drawing, two structures as arcs over and under the letters, two maps of pairs in one square."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.base_pairs import partners
from engine.core.errors import ParameterError
from engine.core.results import base_counted
from engine.views.layouts import Layout, layout
from engine.views.notes import plain
from engine.views.palettes import PALETTES, base_colours, interpolated, theme

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from numpy.typing import NDArray

    from engine.core.sequence import NucleotideSequence

LETTERS_UP_TO = 400
"""Bases up to which the drawing has letters; longer ones have dots."""
CURVE = 25
"""Points of a curve."""
NUMBERED = 10
"""Every so many bases have their position beside them."""
ARC_HEIGHT = 220
TOOLBAR = 34
"""Pixels over what is drawn, where Plotly shows its buttons while the pointer is on the figure."""


@dataclass(frozen=True, eq=False)
class Colouring:
    """What the bases of a drawing are coloured by: ``values`` float32 (L,), NaN without one; ``title`` and ``unit`` of the colour bar.

    ``low``, ``high``: ends of the scale; None = of the values.
    """

    title: str
    values: NDArray[np.float32]
    unit: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """Values of the first and the last colour."""
        known = self.values[np.isfinite(self.values)]
        low = float(known.min()) if self.low is None and known.size else self.low or 0.0
        high = float(known.max()) if self.high is None and known.size else self.high or 1.0
        return (low, high) if high > low else (low, low + 1.0)


def drawing(
    sequence: NucleotideSequence,
    pairs: NDArray[np.int64],
    colouring: Colouring | None = None,
    *,
    by: str = "",
    selected: tuple[int, ...] = (),
    dark: bool = False,
    palette: str = "cividis",
    width: int = 720,
) -> go.Figure:
    """The structure as it is drawn in books: backbone, pairs, letters; pairs that cross are curves. ``layout.meta`` says by which layout.

    Parameters
    ----------
    sequence : NucleotideSequence
        The letters, drawn as RNA.
    pairs : array of int64 (n, 2)
        0-based, i < j.
    colouring : Colouring or None
        None = the colours of the letters.
    by : str
        A layout of `engine.views.layouts`; empty = the best there is.
    selected : tuple of int
        0-based bases with a ring.
    dark, palette, width
        Theme, colours, pixels of the square.

    Raises `ParameterError` for values that are not one a base.
    """
    import plotly.graph_objects as go

    if colouring is not None and len(colouring.values) != len(sequence):
        raise ParameterError(f"There are {len(colouring.values):,} values for {len(sequence):,} bases; one a base is needed.")
    if palette not in PALETTES:
        raise ParameterError(f"The palette is {palette[:40]!r}; allowed: {', '.join(PALETTES)}.")
    placed = layout(len(sequence), pairs, by)
    colours = theme(dark=dark)
    traces = [_backbone(placed, colours["faint"]), _ladders(placed, colours["ink"])]
    traces += [_curves(placed, colours["accent"])] if placed.crossing else []
    traces += [_ring(placed, selected, colours["accent"])] if selected else []
    traces += _bases(sequence, pairs, placed, colouring, dark=dark, palette=palette)
    figure = go.Figure({"data": traces, "layout": _square(colours, width)})
    figure.update_layout(meta={"layout": placed.by}, annotations=_numbers(sequence, placed, colours["faint"]))
    return figure


def _backbone(placed: Layout, colour: str) -> dict[str, Any]:
    return _line(placed.places[:, 0], placed.places[:, 1], colour, 1.2, "backbone")


def _ladders(placed: Layout, colour: str) -> dict[str, Any]:
    ends = placed.places[np.array(placed.nested, dtype=np.int64).reshape(-1, 2)]
    gap = np.full((len(ends), 1), np.nan)
    return _line(np.hstack([ends[:, :, 0], gap]).ravel(), np.hstack([ends[:, :, 1], gap]).ravel(), colour, 1.8, "pairs")


def _curves(placed: Layout, colour: str) -> dict[str, Any]:
    """Crossing pairs as curves that bend away from the middle of the drawing."""
    part = np.linspace(0, 1, CURVE)[:, None]
    middle = placed.places.mean(axis=0)
    pieces = []
    for i, j in placed.crossing:
        start, end = placed.places[i], placed.places[j]
        way = (start + end) / 2 - middle
        away = way / max(float(np.linalg.norm(way)), 1e-9)
        bend = (start + end) / 2 + away * 0.35 * float(np.linalg.norm(end - start))
        pieces += [(1 - part) ** 2 * start + 2 * part * (1 - part) * bend + part**2 * end, np.full((1, 2), np.nan)]
    x, y = np.concatenate(pieces).T
    return _line(x, y, colour, 1.6, "pairs that cross")


def _ring(placed: Layout, selected: tuple[int, ...], colour: str) -> dict[str, Any]:
    x, y = placed.places[list(selected)].T
    marker = {"size": 24, "color": "rgba(0,0,0,0)", "line": {"color": colour, "width": 3}}
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "mode": "markers",
        "marker": marker,
        "hoverinfo": "skip",
        "showlegend": False,
        "name": "selected",
    }


def _bases(
    sequence: NucleotideSequence, pairs: NDArray[np.int64], placed: Layout, colouring: Colouring | None, *, dark: bool, palette: str
) -> list[dict[str, Any]]:
    """The bases, and those without a value in grey; ``customdata`` is the 0-based index."""
    letters = sequence.as_rna()
    small = len(letters) > LETTERS_UP_TO
    words = _words(sequence, pairs, colouring)
    common = {
        "type": "scatter",
        "mode": "markers" if small else "markers+text",
        "hovertemplate": "%{hovertext}<extra></extra>",
        "showlegend": False,
        "unselected": {"marker": {"opacity": 1}},
    }
    parts = []
    for known in (False, True):
        at = np.arange(len(letters)) if colouring is None else np.flatnonzero(np.isfinite(colouring.values) == known)
        if not len(at) or (colouring is None and not known):
            continue
        marker, inks = _marker(
            letters, at, colouring if known else None, dark=dark, palette=palette, plain_grey=colouring is not None and not known
        )
        x, y = placed.places[at].T
        texts = [letters[k] for k in at]
        found = {**common, "x": x, "y": y, "marker": {**marker, "size": 7 if small else 17}, "customdata": at, "text": texts}
        parts.append({**found, "textfont": {"size": 11, "color": inks}, "hovertext": [words[k] for k in at], "name": "bases"})
    return parts


def _marker(
    letters: str, at: NDArray[np.int64], colouring: Colouring | None, *, dark: bool, palette: str, plain_grey: bool
) -> tuple[dict[str, Any], list[str]]:
    """Fill of the bases ``at`` and the ink of their letters, which stays readable on it."""
    colours = theme(dark=dark)
    edge = {"color": colours["faint"], "width": 0.8}
    if plain_grey:
        return {"color": colours["missing"], "line": edge}, [colours["ink"]] * len(at)
    if colouring is None:
        scheme = base_colours("safe", dark=dark)
        return {"color": colours["background"], "line": edge}, [scheme.get(letters[k], colours["faint"]) for k in at]
    low, high = colouring.ends
    anchors = PALETTES[palette]
    parts = np.clip((colouring.values[at] - low) / (high - low), 0, 1)
    inks = ["#000000" if _bright(interpolated(anchors, float(part))) else "#ffffff" for part in parts]
    scale = [[step / (len(anchors) - 1), colour] for step, colour in enumerate(anchors)]
    title = f"{colouring.title}<br>{colouring.unit}" if colouring.unit else colouring.title
    bar = {"title": {"text": title, "font": {"size": 11}}, "thickness": 12, "len": 0.6, "x": 1.0, "tickfont": {"size": 10}}
    values = {"color": colouring.values[at], "cmin": low, "cmax": high, "colorscale": scale, "colorbar": bar}
    return {**values, "line": edge}, inks


def _bright(colour: str) -> bool:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue > 140


def _words(sequence: NucleotideSequence, pairs: NDArray[np.int64], colouring: Colouring | None) -> list[str]:
    partner = partners(len(sequence), pairs)
    rna = sequence.read_as_rna()
    texts = []
    for index in range(len(rna)):
        other = int(partner[index])
        text = base_counted(rna, index)
        text = plain(f"{text}, pairs with {base_counted(rna, other)}" if other >= 0 else f"{text}, unpaired")
        if colouring is not None:
            value = float(colouring.values[index])
            text += f"<br>{plain(colouring.title)}: {value:.2f} {colouring.unit}" if np.isfinite(value) else "<br>no value"
        texts.append(text)
    return texts


def _numbers(sequence: NucleotideSequence, placed: Layout, colour: str) -> list[dict[str, Any]]:
    """Positions of every tenth base, and of both ends, each on the side where other bases are farthest."""
    found = []
    every = NUMBERED * (1 + len(sequence) // LETTERS_UP_TO * 4)
    for index in sorted({0, len(sequence) - 1, *range(every - 1, len(sequence), every)}):
        before, after = placed.places[max(0, index - 1)], placed.places[min(len(sequence) - 1, index + 1)]
        along = after - before
        away = np.array([along[1], -along[0]])
        away = away / max(float(np.linalg.norm(away)), 1e-9)
        here, others = placed.places[index], np.delete(placed.places, index, axis=0)
        beside = here + 1.3 * np.array([away, -away])
        x, y = max(beside, key=lambda spot: np.linalg.norm(others - spot, axis=1).min(initial=np.inf))
        ends = {0: "5′", len(sequence) - 1: "3′"}
        text = f"{ends[index]} {index + 1:,}" if index in ends else f"{index + 1:,}"
        found.append({"x": x, "y": y, "text": text, "showarrow": False, "font": {"size": 10, "color": colour}})
    return found


def _square(colours: dict[str, str], width: int) -> dict[str, Any]:
    hidden = {"visible": False, "fixedrange": False}
    return {
        "template": "none",
        "width": width,
        "height": width,
        "paper_bgcolor": colours["background"],
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": colours["ink"], "size": 11},
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "xaxis": hidden,
        "yaxis": {**hidden, "scaleanchor": "x"},
        "dragmode": "pan",
        "hovermode": "closest",
        "clickmode": "event+select",
    }


def _line(x: NDArray[Any], y: NDArray[Any], colour: str, width: float, name: str) -> dict[str, Any]:
    line = {"color": colour, "width": width}
    return {"type": "scatter", "x": x, "y": y, "mode": "lines", "line": line, "hoverinfo": "skip", "showlegend": False, "name": name}


@dataclass(frozen=True, eq=False)
class Named:
    """A structure and what it is called: ``pairs`` int64 (n, 2)."""

    name: str
    pairs: NDArray[np.int64]


def arcs_of_two(sequence: NucleotideSequence, upper: Named, lower: Named, *, dark: bool = False, width: int = 1000) -> go.Figure:
    """One structure as arcs over the sequence, another one under it; pairs that both have in the accent."""
    import plotly.graph_objects as go

    colours = theme(dark=dark)
    both = {tuple(pair) for pair in upper.pairs.tolist()} & {tuple(pair) for pair in lower.pairs.tolist()}
    traces = []
    widest = max((j - i for pairs in (upper.pairs, lower.pairs) for i, j in pairs.tolist()), default=1)
    for sign, named in ((1, upper), (-1, lower)):
        for shared in (False, True):
            chosen = [pair for pair in named.pairs.tolist() if (tuple(pair) in both) == shared]
            if chosen:
                traces.append(
                    _arcs(chosen, sign / widest, colours["accent" if shared else "bar"], f"{named.name}{', both' if shared else ''}")
                )
    names = [
        {"x": 0, "xref": "paper", "xanchor": "left", "y": y, "yref": "paper", "yanchor": anchor, "text": f"<b>{plain(named.name)}</b>", "showarrow": False}
        for y, anchor, named in ((1.0, "top", upper), (0.0, "bottom", lower))
    ]  # fmt: skip
    axis = {"range": [0.5, len(sequence) + 0.5], "zeroline": False, "showgrid": False, "tickfont": {"size": 10}}
    figure = go.Figure({"data": traces or [_line(np.array([1.0]), np.array([0.0]), colours["bar"], 1, "none")]})
    figure.update_layout(
        template="none",
        width=width,
        height=2 * ARC_HEIGHT,
        paper_bgcolor=colours["background"],
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": colours["ink"], "size": 11},
        margin={"l": 20, "r": 20, "t": 20, "b": 34},
        xaxis={**axis, **_ticks(sequence)},
        yaxis={"visible": False, "range": [-1.08, 1.08], "fixedrange": True},
        shapes=[{"type": "line", "x0": 0.5, "x1": len(sequence) + 0.5, "y0": 0, "y1": 0, "line": {"color": colours["line"]}}],
        annotations=names,
        hovermode="closest",
    )
    return figure


def _ticks(sequence: NucleotideSequence) -> dict[str, Any]:
    step = max(1, round(len(sequence) / 12 / 5) * 5) if len(sequence) > 12 else 1
    at = [*range(step, len(sequence) + 1, step)]
    return {"tickvals": at, "ticktext": [f"{index:,}" for index in at]}


def _arcs(pairs: list[list[int]], scale: float, colour: str, name: str) -> dict[str, Any]:
    angle = np.linspace(0, np.pi, CURVE)
    ends = np.array(pairs, dtype=np.float64) + 1
    middle, radius = ends.mean(axis=1)[:, None], (ends[:, 1] - ends[:, 0])[:, None] / 2
    gap = np.full((len(ends), 1), np.nan)
    x = np.hstack([middle - radius * np.cos(angle), gap]).ravel()
    y = np.hstack([2 * radius * scale * np.sin(angle), gap]).ravel()
    return _line(x, y, colour, 1.6, name)


def two_maps(
    sequence: NucleotideSequence,
    upper: NDArray[np.float32],
    lower: NDArray[np.float32],
    names: tuple[str, str],
    *,
    dark: bool = False,
    width: int = 620,
) -> go.Figure:
    """Values of pairs of one kind over the diagonal and of another one under it, each from 0 to its own largest value."""
    import plotly.graph_objects as go

    colours = theme(dark=dark)
    parts = [values / max(float(np.nanmax(values, initial=0.0)), 1e-9) for values in (upper, lower)]
    cells = np.triu(np.maximum(parts[0], 0), 1) + np.tril(np.maximum(parts[1], 0), -1)
    words = [f"{names[0]} over the diagonal", f"{names[1]} under it"]
    at = np.arange(1, len(sequence) + 1)
    shown = np.where(np.triu(np.ones_like(cells, dtype=bool), 1), upper, lower)
    scale = (
        [[step / 8, PALETTES["paper"][step]] for step in range(9)]
        if not dark
        else [[step / 12, colour] for step, colour in enumerate(PALETTES["cividis"])]
    )
    heat = go.Heatmap(
        x=at, y=at, z=cells, customdata=shown, zmin=0, zmax=1, colorscale=scale, showscale=False,
        hovertemplate="%{y} with %{x}: %{customdata:.3g}<extra></extra>",
    )  # fmt: skip
    figure = go.Figure(heat)
    axis = {"showgrid": False, "zeroline": False, "constrain": "domain", **_ticks(sequence)}
    figure.update_layout(
        template="none",
        width=width,
        height=width + TOOLBAR,
        paper_bgcolor=colours["background"],
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": colours["ink"], "size": 11},
        margin={"l": 48, "r": 10, "t": TOOLBAR + 34, "b": 34},
        xaxis=axis,
        yaxis={**axis, "autorange": "reversed", "scaleanchor": "x"},
        title={
            "text": plain("; ".join(words)),
            "font": {"size": 12},
            "x": 0.02,
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "pad": {"b": 10},
        },
        shapes=[{"type": "line", "x0": 0.5, "x1": len(at) + 0.5, "y0": 0.5, "y1": len(at) + 0.5, "line": {"color": colours["line"]}}],
    )
    return figure


def combinations(values: NDArray[np.float32], pair: tuple[int, int], *, dark: bool = False) -> go.Figure:
    """The 4 × 4 table of a compensation test of the 0-based ``pair``: largest change elsewhere, pairing letters framed."""
    import plotly.graph_objects as go

    colours = theme(dark=dark)
    letters = list("ACGU")
    first, second = (f"{index + 1:,}" for index in pair)
    anchors = PALETTES["paper"] if not dark else PALETTES["cividis"]
    scale = [[step / (len(anchors) - 1), colour] for step, colour in enumerate(anchors)]
    heat = go.Heatmap(
        x=letters, y=letters, z=values, text=np.round(values, 2), texttemplate="%{text:.2f}", colorscale=scale, zmin=0, showscale=False,
        hovertemplate=f"%{{y}} at {first}, %{{x}} at {second}: %{{z:.2f}} bits<extra></extra>",
    )  # fmt: skip
    figure = go.Figure(heat)
    frames = [(0, 3, 2.5), (1, 2, 2.5), (2, 1, 2.5), (3, 0, 2.5), (2, 3, 1.2), (3, 2, 1.2)]
    shapes = [
        {
            "type": "rect",
            "x0": b - 0.47,
            "x1": b + 0.47,
            "y0": a - 0.47,
            "y1": a + 0.47,
            "line": {"color": colours["accent"], "width": thick},
        }
        for a, b, thick in frames
    ]
    figure.update_layout(
        template="none",
        width=330,
        height=320 + TOOLBAR,
        paper_bgcolor=colours["background"],
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": colours["ink"], "size": 12},
        margin={"l": 56, "r": 10, "t": TOOLBAR, "b": 50},
        xaxis={"title": {"text": f"letter at {second}", "standoff": 6}, "constrain": "domain"},
        yaxis={
            "title": {"text": f"letter at {first}", "standoff": 6},
            "autorange": "reversed",
            "scaleanchor": "x",
            "constrain": "domain",
        },
        shapes=shapes,
    )
    return figure
