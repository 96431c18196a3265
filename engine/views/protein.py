"""All substitutions of a protein as a picture: mean by position, and the 20 × L map of a stretch with its classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.proteins import AMINO_ACIDS, CLASSES, LIKELY_BENIGN_BELOW, LIKELY_PATHOGENIC_ABOVE, NO_CLASS, ProteinScores, Substitution
from engine.views.chart import axis, clickable
from engine.views.notes import plain
from engine.views.palettes import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

THRESHOLDS = (LIKELY_BENIGN_BELOW, LIKELY_PATHOGENIC_ABOVE)
"""Where the authors' classes meet."""
RAMPS = {
    "light": (("#1f5fa8", "#a9c9e8"), ("#d9dbde", "#b9bcc1"), ("#f0b48c", "#b3390b")),
    "dark": (("#5aa2ee", "#274d78"), ("#4a515b", "#6b737e"), ("#96522c", "#ff8a4d")),
}
"""Ends of each class's own ramp: blue benign, grey ambiguous, orange pathogenic, apart for readers with colour vision deficiency."""
MOST_LETTERS = 70
"""Residues of a stretch up to which each has its letter on the axis."""
CLICKABLE = 300
"""Positions of a stretch up to which each cell can be hovered over and clicked by itself: 6,000 points."""
MOST_SEEN = 3_000
"""Positions of the longest stretch of the map; more are narrower than a pixel."""
CELLS = "cells"
"""Name of the trace whose points are the cells of the map: x = position, y = row of `AMINO_ACIDS`."""

VARIANTS = "variants"
"""Name of the trace of the marks in the map, on the same axes."""


@dataclass(frozen=True)
class Mark:
    """A variant that stands out: its substitution, what it is called, and whether it is the chosen one."""

    substitution: Substitution
    text: str
    chosen: bool = False


def protein_figure(found: ProteinScores, first: int, last: int, marks: Sequence[Mark] = (), *, dark: bool = False) -> go.Figure:
    """Mean score along the whole protein with the stretch ``first`` to ``last`` (1-based inclusive) in a box, below it the map of the stretch.

    Cells of the reference are left open and carry its letter. ``marks`` are drawn in both; the chosen one is selected, so that a click in the
    browser moves the mark and leaves the figure as it is. Beyond `CLICKABLE` positions there are no `CELLS`, the map itself says its values.
    """
    import plotly.graph_objects as go

    colours = theme(dark=dark)
    traces = [
        _means(found, colours),
        _map(found, first, last, dark=dark),
        *([_cells(found, first, last, colours)] if last - first < CLICKABLE else []),
        _reference(found, first, last, colours),
    ]
    traces += [trace for trace in (_marks_above(found, marks, colours), _marks(marks, first, last, colours)) if trace is not None]
    figure = go.Figure(traces)
    figure.update_layout(**_layout(found, first, last, colours))
    return figure


def _colours(*, dark: bool) -> list[list[Any]]:
    edges = (0.0, *THRESHOLDS, 1.0)
    ramps = RAMPS["dark" if dark else "light"]
    return [[edges[number + end], ramps[number][end]] for number in range(3) for end in (0, 1)]


def _means(found: ProteinScores, colours: dict[str, str]) -> Any:
    import plotly.graph_objects as go

    positions = np.arange(1, len(found) + 1)
    return go.Scatter(
        x=positions, y=found.means(), mode="lines", line={"color": colours["bar"], "width": 1}, fill="tozeroy", name="mean", yaxis="y2",
        xaxis="x2", showlegend=False, hovertemplate="position %{x}: mean %{y:.2f}<extra></extra>",
    )  # fmt: skip


def _map(found: ProteinScores, first: int, last: int, *, dark: bool) -> Any:
    import plotly.graph_objects as go

    colours = theme(dark=dark)
    bar = {
        "title": {"text": "pathogenicity"},
        "len": 0.7,
        "y": 0.33,
        "x": 1.005,
        "thickness": 14,
        "tickvals": [0, *THRESHOLDS, 1],
        "outlinewidth": 0,
    }
    apart = last - first < CLICKABLE
    texts = None if apart else np.repeat(np.array(list(AMINO_ACIDS))[:, None], last - first + 1, axis=1)
    said = {"hoverinfo": "skip"} if apart else {"hovertemplate": "position %{x} to %{customdata}: %{z:.3f}<extra></extra>"}
    return go.Heatmap(
        x=np.arange(first, last + 1), y=np.arange(len(AMINO_ACIDS)), z=found.values[:, first - 1 : last], zmin=0, zmax=1, customdata=texts,
        colorscale=_colours(dark=dark), colorbar={**bar, "tickfont": {"color": colours["ink"]}}, xgap=0.5 if apart else 0, ygap=0.5, name="map", **said,
    )  # fmt: skip


def _cells(found: ProteinScores, first: int, last: int, colours: dict[str, str]) -> Any:
    """Points that cannot be seen, one a scored cell: what is hovered over and clicked. The clicked one is a frame."""
    import plotly.graph_objects as go

    rows, places = np.nonzero(found.classes[:, first - 1 : last] != NO_CLASS)
    places = places + first - 1
    texts = [
        f"{found.protein}:{found.residues[place]}{place + 1}{AMINO_ACIDS[row]} · {found.values[row, place]:.3f} · "
        f"{CLASSES[found.classes[row, place]].replace('_', ' ')}"
        for row, place in zip(rows.tolist(), places.tolist(), strict=True)
    ]
    return go.Scatter(
        x=places + 1, y=rows, mode="markers", marker={"opacity": 0, "size": 12, "symbol": "square-open", "color": colours["ink"], "line": {"width": 3}}, text=texts, name=CELLS,
        hovertemplate="%{text}<extra></extra>", showlegend=False, cliponaxis=False, unselected={"marker": {"opacity": 0}}, selected={"marker": {"opacity": 1, "size": 18}},
    )  # fmt: skip


def _reference(found: ProteinScores, first: int, last: int, colours: dict[str, str]) -> Any:
    import plotly.graph_objects as go

    there = [(place, letter) for place, letter in enumerate(found.residues[first - 1 : last], start=first) if letter in AMINO_ACIDS]
    drawn = last - first < 2 * MOST_LETTERS
    return go.Scatter(
        x=[place for place, _ in there], y=[AMINO_ACIDS.index(letter) for _, letter in there], text=[letter for _, letter in there],
        mode="text" if drawn else "markers", textfont={"size": 9, "color": colours["faint"]}, hovertemplate="reference %{text}%{x}<extra></extra>",
        marker={"size": 3, "color": colours["faint"]}, showlegend=False, name="reference",
        unselected={"marker": {"opacity": 1}, "textfont": {"color": colours["faint"]}},
    )  # fmt: skip


def _marks(marks: Sequence[Mark], first: int, last: int, colours: dict[str, str]) -> Any:
    import plotly.graph_objects as go

    here = [mark for mark in marks if first <= mark.substitution.position <= last]
    if not here:
        return None
    chosen = [number for number, mark in enumerate(here) if mark.chosen]
    return go.Scatter(
        x=[mark.substitution.position for mark in here], y=[AMINO_ACIDS.index(mark.substitution.alternate) for mark in here], mode="markers",
        marker={"symbol": "square-open", "size": 11, "line": {"width": 2}, "color": colours["ink"]}, text=[plain(mark.text) for mark in here],
        hovertemplate="%{text}<extra></extra>", showlegend=False, cliponaxis=False, name=VARIANTS, selectedpoints=chosen or None,
        selected={"marker": {"size": 18, "opacity": 1}}, unselected={"marker": {"opacity": 1, "size": 11}},
    )  # fmt: skip


def _marks_above(found: ProteinScores, marks: Sequence[Mark], colours: dict[str, str]) -> Any:
    import plotly.graph_objects as go

    if not marks:
        return None
    scores = [found.score(mark.substitution) for mark in marks]
    return go.Scatter(
        x=[mark.substitution.position for mark in marks], y=[score.value if score is not None else None for score in scores], mode="markers",
        marker={"size": [11 if mark.chosen else 7 for mark in marks], "color": colours["accent"], "line": {"width": 1, "color": colours["background"]}},
        text=[plain(mark.text) for mark in marks], hovertemplate="%{text}<extra></extra>", showlegend=False, xaxis="x2", yaxis="y2", name="variants above",
        unselected={"marker": {"opacity": 1}},
    )  # fmt: skip


def _layout(found: ProteinScores, first: int, last: int, colours: dict[str, str]) -> dict[str, Any]:
    count = last - first + 1
    step = next(size for size in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000) if count / size <= MOST_LETTERS / 2)
    ticks = [place for place in range(first, last + 1) if place % step == 0]
    names = [f"{found.residues[place - 1]}{place}" if step <= 5 else f"{place:,}" for place in ticks]
    plain_axis = axis(colours)
    box = {"type": "rect", "xref": "x2", "yref": "y2", "x0": first - 0.5, "x1": last + 0.5, "y0": 0, "y1": 1}
    lines = [
        {"type": "line", "xref": "x2 domain", "yref": "y2", "x0": 0, "x1": 1, "y0": edge, "y1": edge, "line": {"dash": "dot", "width": 1, "color": colours["faint"]}}
        for edge in THRESHOLDS
    ]  # fmt: skip
    return {
        **clickable(colours, 520), "margin": {"l": 60, "r": 16, "t": 24, "b": 84},
        "xaxis": {**plain_axis, "anchor": "y", "tickvals": ticks, "ticktext": names, "tickangle": -90 if step <= 5 else 0, "range": [first - 0.5, last + 0.5], "showgrid": False,
                  "title": {"standoff": 8, "text": f"{plain(found.protein)}, positions {first:,} to {last:,} of {len(found):,}"}},
        "yaxis": {**plain_axis, "anchor": "x", "domain": [0, 0.68], "tickvals": list(range(len(AMINO_ACIDS))), "ticktext": list(AMINO_ACIDS), "range": [len(AMINO_ACIDS) - 0.5, -0.5],
                  "showgrid": False, "fixedrange": True, "title": {"text": "becomes"}},
        "xaxis2": {**plain_axis, "anchor": "y2", "range": [0.5, len(found) + 0.5], "fixedrange": True, "side": "top"},
        "yaxis2": {**plain_axis, "anchor": "x2", "domain": [0.76, 0.96], "range": [0, 1], "fixedrange": True, "title": {"text": "mean"}, "tickvals": [0, *THRESHOLDS, 1]},
        "shapes": [{**box, "line": {"color": colours["accent"], "width": 1.5}, "fillcolor": "rgba(0,0,0,0)"}, *lines],
    }  # fmt: skip
