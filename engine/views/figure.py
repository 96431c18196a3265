"""The figure of a locus: every panel on one x axis, so that zoom, pan and one cursor run through all of them.

What is seen is this figure, wherever it is seen: in the explorer (``live``: a component draws it and puts the map's bytes in), on the pages
Compare and Figure, in every export and in notebooks. Positions on the x axis are 1-based indices into the sequence; its labels are genome
coordinates where there is a locus. ``layout.meta`` says in plain values what is drawn where.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.core.errors import ParameterError
from engine.views.evidence import LEFT, RIGHT, FigureStyle, LocusEvidence
from engine.views.meta import described, hover_trace
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel, arranged
from engine.views.paths import anchor
from engine.views.ruler import ticks
from engine.views.words import heading, sentence

if TYPE_CHECKING:
    import plotly.graph_objects as go

GAP, LIVE_GAP = 24, 22
"""Pixels between panels, where their titles stand."""
TOP, LIVE_TOP, BOTTOM = 112, 26, 14
PLACEHOLDER = 34
"""Pixels of a panel without a result."""
TICK_PIXELS = 92


@dataclass(frozen=True)
class Band:
    """A panel in its place: which, how it is drawn, its axis and its part of the height (from below)."""

    panel: Panel
    drawn: Drawn
    height: int
    axis: str
    domain: tuple[float, float]

    @property
    def axis_key(self) -> str:
        """The axis' name in the layout."""
        return f"yaxis{self.axis[1:]}"


def locus_figure(evidence: LocusEvidence, style: FigureStyle | None = None) -> go.Figure:
    """The figure of what is known about one sequence. Raises `ParameterError` when there is nothing to draw."""
    import plotly.graph_objects as go

    chosen = style or FigureStyle()
    if not (evidence.results or evidence.states):
        raise ParameterError("There is nothing to draw yet; compute an analysis of this sequence first.")
    bands = _bands(evidence, chosen)
    traces, layout = _column(evidence, chosen, bands, "x")
    inner = sum(band.height for band in bands) + gap(chosen) * (len(bands) - 1)
    layout |= frame(chosen, inner)
    layout["meta"] = described(evidence, chosen, bands)
    if not chosen.live:
        layout["title"] = title(heading(evidence), sentence(evidence), chosen)
    return go.Figure({"data": traces, "layout": layout})


def gap(style: FigureStyle) -> int:
    """Pixels between two panels."""
    return LIVE_GAP if style.live else GAP


def _bands(evidence: LocusEvidence, style: FigureStyle) -> list[Band]:
    """The panels of a figure, top to bottom, each with its axis and place."""
    kept = [(panel, panel.drawn(evidence, style)) for panel in arranged(style) if panel.belongs(evidence)]
    heights = [_height(panel, drawn, style) for panel, drawn in kept]
    total = sum(heights) + gap(style) * (len(kept) - 1)
    bands, top = [], float(total)
    for number, ((panel, drawn), height) in enumerate(zip(kept, heights, strict=True), start=1):
        domain = (max(0.0, (top - height) / total), min(1.0, top / total))
        bands.append(Band(panel, drawn, height, "y" if number == 1 else f"y{number}", domain))
        top -= height + gap(style)
    return bands


def _height(panel: Panel, drawn: Drawn, style: FigureStyle) -> int:
    if drawn.state is not None and not drawn.traces:
        return PLACEHOLDER
    return style.heights.get(panel.id, drawn.height or panel.height)


def _column(evidence: LocusEvidence, style: FigureStyle, bands: list[Band], x_axis: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Traces and layout of the panels of one sequence."""
    traces: list[dict[str, Any]] = []
    shapes: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    layout: dict[str, Any] = {f"xaxis{x_axis[1:]}": x_layout(evidence, style, bands[0].axis)}
    for band in bands:
        layout[band.axis_key] = y_layout(band, style, x_axis)
        drawn = [dict(trace) for trace in band.drawn.traces] or [anchor()]
        if not style.live and (hover := hover_trace(evidence, band)) is not None:
            drawn.append(hover)
        traces += [_placed(trace, band, x_axis) for trace in drawn]
        shapes += [{**shape, "xref": x_axis, "yref": band.axis} for shape in band.drawn.shapes]
        images += [{**image, "xref": x_axis, "yref": band.axis} for image in band.drawn.images]
        notes += [] if style.live else _notes(evidence, band, style, x_axis)
    layout |= {"shapes": shapes, "annotations": notes, "images": images}
    return traces, layout


def _placed(trace: dict[str, Any], band: Band, x_axis: str) -> dict[str, Any]:
    """A trace on its axes; a colour bar stands beside its panel."""
    if "colorbar" in trace:
        low, high = band.domain
        bar = {"x": 1.0, "xpad": 8, "xanchor": "left", "y": high, "yanchor": "top", "ypad": 0}
        trace["colorbar"] = {**trace["colorbar"], **bar, "lenmode": "fraction", "len": min(high - low, 0.6)}
    return {**trace, "xaxis": x_axis, "yaxis": band.axis}


def x_layout(evidence: LocusEvidence, style: FigureStyle, anchor: str) -> dict[str, Any]:
    """The ruler: the x axis, above all panels."""
    first, last = style.region(len(evidence.sequence))
    colours = theme(dark=style.dark)
    places, labels = ticks(first, last, evidence.sequence.locus, style.plot_width / TICK_PIXELS)
    return {
        "anchor": anchor, "side": "top", "range": [first - 0.5, last + 0.5], "tickvals": places, "ticktext": labels, "ticks": "outside",
        "ticklen": 4, "tickcolor": colours["faint"], "showgrid": False, "zeroline": False, "ticklabeloverflow": "allow", "automargin": False,
        "showspikes": not style.live, "spikemode": "across", "spikesnap": "cursor", "spikethickness": 1, "spikecolor": colours["faint"],
        "spikedash": "dot",
    }  # fmt: skip


def y_layout(band: Band, style: FigureStyle, x_axis: str) -> dict[str, Any]:
    """The y axis of a panel."""
    axis = {"visible": False, "range": [-1, 1]} if not band.drawn.traces else band.drawn.axis
    faint = {"tickfont": {"size": 10}, "tickcolor": theme(dark=style.dark)["faint"]}
    fixed = {"zeroline": False, "ticklabeloverflow": "allow", "automargin": False, "fixedrange": band.panel.id != "map"}
    return {"domain": list(band.domain), "anchor": x_axis, **fixed, **faint, **axis}


def _notes(evidence: LocusEvidence, band: Band, style: FigureStyle, x_axis: str) -> list[dict[str, Any]]:
    """The title of a panel, the names in it, and why it is empty."""
    colours = theme(dark=style.dark)
    notes: list[dict[str, Any]] = []
    text = " · ".join(part for part in (f"<b>{_title(band)}</b>", _unit(band), band.drawn.model) if part)
    state = band.drawn.state
    if state is not None and band.drawn.traces:
        text += f" · {state.words}"
    place = {"xref": f"{x_axis} domain", "yref": "paper", "x": 0, "xanchor": "left", "yanchor": "bottom", "showarrow": False}
    if band.panel.id != "ruler":
        notes.append({**place, "y": band.domain[1], "text": text, "font": {"size": 12, "color": colours["ink"]}})
    if not band.drawn.traces and state is not None:
        middle = {"x": 0.5, "xanchor": "center", "y": sum(band.domain) / 2, "yanchor": "middle"}
        notes.append({**place, **middle, "text": state.words, "font": {"size": 12, "color": colours["faint"]}})
    return notes + [_label_note(item, band, x_axis, colours["ink"]) for item in _fitting(evidence, band, style)]


def _title(band: Band) -> str:
    return band.panel.title if band.drawn.title is None else band.drawn.title


def _unit(band: Band) -> str:
    return band.panel.unit if band.drawn.unit is None else band.drawn.unit


def _fitting(evidence: LocusEvidence, band: Band, style: FigureStyle) -> list[tuple[str, float, float]]:
    """Names that fit into the part of their box that is shown: text, middle, y."""
    first, last = style.region(len(evidence.sequence))
    width = style.base_width(len(evidence.sequence))
    found = []
    for label in band.drawn.labels:
        start, end = max(label.start, first - 0.5), min(label.end, last + 0.5)
        room = int((end - start) * width / LETTER_PIXELS)
        if room >= min(len(label.text), 4):
            text = label.text if len(label.text) <= room else label.text[: room - 1] + "…"
            found.append((text, (start + end) / 2, label.y))
    return found


LETTER_PIXELS = 6.2


def _label_note(item: tuple[str, float, float], band: Band, x_axis: str, ink: str) -> dict[str, Any]:
    text, x, y = item
    return {"text": text, "x": x, "y": y, "xref": x_axis, "yref": band.axis, "showarrow": False, "font": {"size": 10, "color": ink}}


def frame(style: FigureStyle, inner: int) -> dict[str, Any]:
    """Size, theme and pointer of a figure whose panels are ``inner`` pixels high."""
    colours = theme(dark=style.dark)
    top = LIVE_TOP if style.live else TOP
    return {
        "template": "none",
        "paper_bgcolor": "rgba(0,0,0,0)" if style.live else colours["background"],
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": colours["ink"], "size": 11},
        "width": None if style.live else style.width,
        "height": inner + top + BOTTOM,
        "margin": {"l": LEFT, "r": RIGHT, "t": top, "b": BOTTOM},
        "hovermode": "x",
        "hoversubplots": "axis",
        "hoverlabel": {"font": {"size": 11}},
        "showlegend": False,
        "dragmode": "zoom",
    }  # fmt: skip


def title(name: str, words: str, style: FigureStyle) -> dict[str, Any]:
    """Heading and, under it, the sentence."""
    colours = theme(dark=style.dark)
    line = f'<br><span style="font-size:12px;color:{colours["faint"]}">{words}</span>' if words else ""
    return {"text": f"<b>{name}</b>{line}", "x": LEFT / style.width, "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
            "pad": {"t": 14}, "font": {"size": 15}}  # fmt: skip


def in_region(style: FigureStyle, first: int, last: int) -> FigureStyle:
    """The same style of another region."""
    return replace(style, first=first, last=last)
