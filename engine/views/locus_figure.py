"""One Plotly figure of a locus: every panel on the same x axis id, so that zoom, pan and one cursor run through all of them.

All panels stand on the axis ``x`` (not on matched copies of it), because Plotly shares its hover line and its unified read-out only between
subplots of one axis id (``hoversubplots="axis"``). Positions on the axis are 1-based indices into the sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engine.core.arithmetic import entropy, strongest_pairs
from engine.core.errors import ParameterError
from engine.core.sequence import BASES, Alphabet
from engine.views.palettes import BASE_COLOURS, ELEMENT_COLOURS, ink

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from numpy.typing import NDArray

    from engine.analyses.contacts import ContactMap
    from engine.analyses.dependency import DependencyMap
    from engine.analyses.effects import VariantEffects
    from engine.analyses.probabilities import BaseProbabilities
    from engine.analyses.segmentation import Segmentation
    from engine.core.features import Feature
    from engine.core.sequence import NucleotideSequence

ARC_POINTS = 24
MOST_LETTERS = 400


@dataclass(frozen=True)
class LocusEvidence:
    """What is known about one sequence: ``results`` by the name of their analysis, all of that sequence."""

    sequence: NucleotideSequence
    results: Mapping[str, Any] = field(default_factory=dict)
    features: tuple[Feature, ...] = ()

    def __post_init__(self) -> None:
        for name, result in self.results.items():
            if result.sequence.sha256 != self.sequence.sha256:
                raise ParameterError(f"The {name} belongs to another sequence; give results of the sequence that is drawn.")

    @property
    def dependency(self) -> DependencyMap | None:
        """The map."""
        return self.results.get("dependency")

    @property
    def contacts(self) -> ContactMap | None:
        """Pairs read from it."""
        return self.results.get("contacts")

    @property
    def effects(self) -> VariantEffects | None:
        """Of every substitution."""
        return self.results.get("effects")

    @property
    def probabilities(self) -> BaseProbabilities | None:
        """Of the bases."""
        return self.results.get("probabilities")

    @property
    def segmentation(self) -> Segmentation | None:
        """Elements."""
        return self.results.get("segmentation")


@dataclass(frozen=True)
class FigureStyle:
    """How it is drawn: ``shape`` of the map, sequential colour scale, upper colour limit (None = 99.5th percentile), theme, size in pixels."""

    shape: Literal["square", "triangle"] = "square"
    colours: str = "Cividis"
    colour_limit: float | None = None
    dark: bool = False
    width: int = 1000
    arcs: int = 60
    minimum_distance: int = 4
    first: int | None = None
    last: int | None = None


@dataclass
class _Panel:
    """One band of the figure: its title, height in pixels, traces, and how its y axis looks."""

    title: str
    height: int
    traces: list[Any]
    axis: dict[str, Any] = field(default_factory=dict)


def locus_figure(evidence: LocusEvidence, style: FigureStyle | None = None) -> go.Figure:
    """The composite figure. Raises `ParameterError` when there is nothing to draw."""
    import plotly.graph_objects as go

    chosen = style or FigureStyle()
    panels = [panel for build in _PANELS if (panel := build(evidence, chosen)) is not None]
    if not panels:
        raise ParameterError("There is nothing to draw yet; compute an analysis of this sequence first.")
    figure = go.Figure()
    total = sum(panel.height for panel in panels) + 26 * (len(panels) - 1)
    top, layout, notes = 1.0, {}, []
    for number, panel in enumerate(panels, start=1):
        bottom = top - panel.height / total
        axis = "y" if number == 1 else f"y{number}"
        layout[f"yaxis{'' if number == 1 else number}"] = {
            "domain": [max(0.0, bottom), top],
            "anchor": "x",
            "zeroline": False,
            **panel.axis,
        }
        for trace in panel.traces:
            figure.add_trace(trace.update(xaxis="x", yaxis=axis))
        notes.append(_title(panel.title, top, chosen))
        top = bottom - 26 / total
    figure.update_layout(
        template="plotly_dark" if chosen.dark else "plotly_white",
        width=chosen.width,
        height=total + 130,
        margin={"l": 70, "r": 90, "t": 60, "b": 60},
        hovermode="x",
        hoversubplots="axis",
        showlegend=evidence.segmentation is not None,
        legend={"orientation": "h", "y": -70 / (total + 130), "yanchor": "top"},
        title={"text": _heading(evidence), "x": 0.01, "font": {"size": 15}},
        annotations=notes,
        xaxis=_x_axis(evidence, chosen, len(panels)),
        **layout,
    )
    return figure


def _heading(evidence: LocusEvidence) -> str:
    place = str(evidence.sequence.locus or evidence.sequence.name or f"{len(evidence.sequence):,} bases")
    results = (evidence.dependency, evidence.effects, evidence.probabilities, evidence.segmentation)
    models = dict.fromkeys(result.provenance.card.title for result in results if result is not None)
    return f"{place} · {' and '.join(models)}" if models else place


def _title(text: str, top: float, style: FigureStyle) -> dict[str, Any]:
    font = {"size": 12, "color": ink(dark=style.dark)}
    return {
        "text": text,
        "x": 0,
        "y": top,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": font,
    }


def _x_axis(evidence: LocusEvidence, style: FigureStyle, panels: int) -> dict[str, Any]:
    length = len(evidence.sequence)
    first, last = style.first or 1, style.last or length
    axis: dict[str, Any] = {
        "anchor": "y" if panels == 1 else f"y{panels}",
        "range": [first - 0.5, last + 0.5],
        "title": {"text": "position, 1-based" + (f" on {evidence.sequence.locus}" if evidence.sequence.locus else "")},
        "showspikes": True,
        "spikemode": "across",
        "spikesnap": "cursor",
        "spikethickness": 1,
        "showgrid": False,
        "zeroline": False,
    }
    return axis


def _arcs_panel(evidence: LocusEvidence, style: FigureStyle) -> _Panel | None:
    import plotly.graph_objects as go

    if evidence.contacts is not None:
        pairs, title = evidence.contacts.pairs, "contacts (pairs read from the map)"
    elif evidence.dependency is not None:
        pairs = strongest_pairs(evidence.dependency.values, style.arcs, style.minimum_distance) + evidence.dependency.offset
        title = f"strongest {len(pairs)} pairs at least {style.minimum_distance} bases apart"
    else:
        return None
    if not len(pairs):
        return None
    angle = np.linspace(0, np.pi, ARC_POINTS)
    middle, radius = pairs.mean(axis=1) + 1, (pairs[:, 1] - pairs[:, 0]) / 2
    x = np.full((len(pairs), ARC_POINTS + 1), np.nan)
    y = x.copy()
    x[:, :-1] = middle[:, None] - radius[:, None] * np.cos(angle)
    y[:, :-1] = radius[:, None] * np.sin(angle)
    line = {"width": 1.2, "color": ink(dark=style.dark)}
    trace = go.Scatter(x=x.ravel(), y=y.ravel(), mode="lines", line=line, opacity=0.6, hoverinfo="skip", showlegend=False)
    return _Panel(title, 90, [trace], {"visible": False, "rangemode": "tozero"})


def _map_panel(evidence: LocusEvidence, style: FigureStyle) -> _Panel | None:
    import plotly.graph_objects as go

    found = evidence.dependency
    if found is None:
        return None
    unit = "bits" if found.metric == "log2_odds" else "nats"
    finite = found.values[np.isfinite(found.values)]
    limit = style.colour_limit or (float(np.percentile(finite, 99.5)) if finite.size else 1.0) or 1.0
    common: dict[str, Any] = {
        "colorscale": style.colours,
        "zmin": 0,
        "zmax": limit,
        "colorbar": {"title": {"text": f"max |Δ|<br>{unit}"}, "len": 0.35, "y": 1, "yanchor": "top", "thickness": 12},
        "showlegend": False,
    }
    state = "" if found.complete else " — partial, still being computed"
    if style.shape == "triangle":
        return _Panel(
            f"dependency map, stronger direction, rotated{state}", style.width // 3, [_triangle(found, common)], _triangle_axis(style)
        )
    positions = np.arange(len(found.values)) + found.offset + 1
    hover = f"base %{{y}} changed, base %{{x}} read: %{{z:.2f}} {unit}<extra></extra>"
    trace = go.Heatmap(z=found.values, x=positions, y=positions, hovertemplate=hover, **common)
    axis = {"autorange": "reversed", "title": {"text": "changed base"}, "showgrid": False}
    return _Panel(f"dependency map: row changed, column read{state}", style.width - 160, [trace], axis)


def _triangle_axis(style: FigureStyle) -> dict[str, Any]:
    span = {"range": [0, style.last - style.first + 1]} if style.first and style.last else {"rangemode": "tozero"}
    return {"title": {"text": "distance, nt"}, "showgrid": False, **span}


def _triangle(found: DependencyMap, common: dict[str, Any]) -> Any:
    """Heatmap over (distance, midpoint): each pair fills the two half-steps around its midpoint."""
    import plotly.graph_objects as go

    stronger = np.fmax(found.values, found.values.T)
    width = len(stronger)
    grid = np.full((width, 2 * width), np.nan, np.float32)
    for distance in range(1, width):
        starts = np.arange(width - distance)
        values = stronger[starts, starts + distance]
        grid[distance, 2 * starts + distance] = values
        grid[distance, 2 * starts + distance + 1] = values
    x0 = found.offset + 1 - 0.25
    hover = "midpoint %{x:.1f}, distance %{y} nt: %{z:.2f}<extra></extra>"
    return go.Heatmap(z=grid, x0=x0, dx=0.5, y0=0, dy=1, hovertemplate=hover, hoverongaps=False, **common)


def _effects_panel(evidence: LocusEvidence, style: FigureStyle) -> _Panel | None:
    import plotly.graph_objects as go

    if evidence.effects is None:
        return None
    llr = evidence.effects.llr
    values, name = (llr, "ln p(alt)/p(ref)") if llr is not None else (evidence.effects.delta_log_likelihood, "Δ ln P(window)")
    if values is None:
        return None
    limit = float(np.nanpercentile(np.abs(values), 99)) or 1.0
    bar = {"title": {"text": name}, "len": 0.2, "y": 0, "yanchor": "bottom", "thickness": 12}
    trace = go.Heatmap(
        z=values.T,
        x=np.arange(1, len(values) + 1),
        y=list(_bases(evidence.sequence)),
        colorscale="RdBu_r",
        zmid=0,
        zmin=-limit,
        zmax=limit,
        colorbar=bar,
        hovertemplate=f"%{{x}} to %{{y}}: %{{z:.2f}} {name}<extra></extra>",
        showlegend=False,
    )
    return _Panel(
        f"variant effects: {name}; blue = less expected than the reference, empty = reference",
        90,
        [trace],
        {"autorange": "reversed", "showgrid": False},
    )


def _influence_panel(evidence: LocusEvidence, style: FigureStyle) -> _Panel | None:
    import plotly.graph_objects as go

    if evidence.effects is None or evidence.effects.influence is None:
        return None
    values = evidence.effects.influence
    present = np.asarray(np.isfinite(values).any(axis=1))
    height = np.where(present, np.nanmax(np.where(present[:, None], values, 0.0), axis=1), np.nan)
    hover = "%{x}: largest influence %{y:.3f} bits<extra></extra>"
    trace = go.Bar(x=np.arange(1, len(height) + 1), y=height, marker={"color": ELEMENT_COLOURS[0]}, hovertemplate=hover, showlegend=False)
    return _Panel(
        "influence: mean |Δ log2 odds| at all other bases, largest of three substitutions",
        80,
        [trace],
        {"rangemode": "tozero", "nticks": 3},
    )


def _letters_panel(evidence: LocusEvidence, style: FigureStyle) -> _Panel | None:
    """Stacked bars of P(base) × information (2 − entropy bits), one colour a base: a logo that stays readable at any zoom."""
    import plotly.graph_objects as go

    if evidence.probabilities is None:
        return None
    values = evidence.probabilities.values
    heights = values * (2 - entropy(values))[:, None]
    positions = np.arange(1, len(values) + 1)
    traces = [
        go.Bar(
            x=positions,
            y=heights[:, k],
            offsetgroup="logo",
            base=heights[:, :k].sum(axis=1),
            name=base,
            marker={"color": BASE_COLOURS[BASES[k]]},
            text=_bar_letters(base, heights[:, k], style, len(values)),
            textposition="inside",
            textangle=0,
            constraintext="none",
            insidetextanchor="middle",
            insidetextfont={"size": 10, "color": "#FFFFFF"},
            hovertemplate=f"%{{x}}: {base} %{{y:.2f}} bits<extra></extra>",
            showlegend=False,
        )
        for k, base in enumerate(_bases(evidence.sequence))
    ]
    return _Panel("reconstruction: information of P(base), bits", 90, traces, {"range": [0, 2], "nticks": 3})


def _bar_letters(base: str, heights: NDArray[Any], style: FigureStyle, length: int) -> list[str] | None:
    shown = (style.last or length) - (style.first or 1) + 1
    return [base if height > 0.25 else "" for height in heights] if shown <= MOST_LETTERS // 4 else None


def _segments_panel(evidence: LocusEvidence, style: FigureStyle) -> _Panel | None:
    import plotly.graph_objects as go

    found = evidence.segmentation
    if found is None:
        return None
    positions = np.arange(1, len(found.values) + 1)
    traces = [
        go.Scatter(
            x=positions,
            y=found.values[:, k],
            name=name,
            mode="lines",
            line={
                "width": 1.5,
                "color": ELEMENT_COLOURS[k % len(ELEMENT_COLOURS)],
                "dash": ("solid", "dash", "dot")[k // len(ELEMENT_COLOURS) % 3],
            },
            hovertemplate=f"{name} %{{y:.2f}}<extra></extra>",
        )
        for k, name in enumerate(found.elements)
    ]
    return _Panel("element probabilities", 130, traces, {"range": [0, 1.02], "nticks": 4})


def _features_panel(evidence: LocusEvidence, style: FigureStyle) -> _Panel | None:
    """Each feature a filled box on the first free lane, its name above it."""
    import plotly.graph_objects as go

    if not evidence.features:
        return None
    ends: list[int] = []
    traces = []
    for number, feature in enumerate(sorted(evidence.features, key=lambda item: (item.start, -item.end))):
        lane = next((k for k, end in enumerate(ends) if end <= feature.start), len(ends))
        ends[lane : lane + 1] = [feature.end]
        x = [feature.start + 0.5, feature.end + 0.5, feature.end + 0.5, feature.start + 0.5, feature.start + 0.5]
        y = [-lane - 0.35, -lane - 0.35, -lane + 0.35, -lane + 0.35, -lane - 0.35]
        label = f"{feature.name or feature.kind} {'' if feature.strand == '.' else feature.strand}".strip()
        colour = ELEMENT_COLOURS[number % len(ELEMENT_COLOURS)]
        box: dict[str, Any] = {
            "mode": "lines",
            "fill": "toself",
            "line": {"width": 1, "color": colour},
            "hoverinfo": "text",
            "showlegend": False,
        }
        words = f"{feature.kind} {label}: {feature.start + 1:,}-{feature.end:,}"
        traces.append(go.Scatter(x=x, y=y, text=words, **box))
        middle = (feature.start + feature.end + 1) / 2
        font = {"size": 10, "color": ink(dark=style.dark)}
        traces.append(go.Scatter(x=[middle], y=[-lane], mode="text", text=[label], textfont=font, hoverinfo="skip", showlegend=False))
    return _Panel("annotation", 24 + 22 * len(ends), traces, {"visible": False, "range": [-len(ends) + 0.4, 0.6]})


def _sequence_panel(evidence: LocusEvidence, style: FigureStyle) -> _Panel | None:
    import plotly.graph_objects as go

    first, last = style.first or 1, style.last or len(evidence.sequence)
    if last - first + 1 > MOST_LETTERS // 4:
        return None
    letters = evidence.sequence.letters[first - 1 : last]
    colours = [BASE_COLOURS.get(letter.replace("U", "T"), ink(dark=style.dark)) for letter in letters]
    font = {"size": 11, "color": colours, "family": "monospace"}
    trace = go.Scatter(
        x=np.arange(first, last + 1),
        y=np.zeros(len(letters)),
        mode="text",
        text=list(letters),
        textfont=font,
        hoverinfo="skip",
        showlegend=False,
    )
    return _Panel("sequence, 5′→3′", 24, [trace], {"visible": False, "range": [-1, 1]})


def _bases(sequence: NucleotideSequence) -> str:
    return BASES.replace("T", "U") if sequence.alphabet is Alphabet.RNA else BASES


_PANELS: tuple[Callable[[LocusEvidence, FigureStyle], _Panel | None], ...] = (
    _arcs_panel,
    _map_panel,
    _effects_panel,
    _letters_panel,
    _influence_panel,
    _segments_panel,
    _features_panel,
    _sequence_panel,
)
