"""The figure of a locus: every panel on one x axis, so that zoom, pan and one cursor run through all of them.

What is seen is this figure, wherever it is seen: in the explorer (``live``: a component draws it and puts the map's bytes in), on the pages
Compare and Figure, in every export and in notebooks. Positions on the x axis are 1-based indices into the sequence; its labels are genome
coordinates where there is a locus, and so are the positions themselves where plotly zooms alone (`engine.views.coordinates`). ``layout.meta`` says in plain values what is drawn where.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import ParameterError
from engine.views.bands import Band, columns, inner_height
from engine.views.coordinates import in_coordinates
from engine.views.evidence import LEFT, RIGHT, FigureStyle, LocusEvidence
from engine.views.measures import colour_limit, displayed
from engine.views.meta import described, hover_trace
from engine.views.notes import LINE, heading_height, highlights, mark_names, marks, notes, plain, title
from engine.views.palettes import theme
from engine.views.panel import drawn_analyses
from engine.views.paths import anchor
from engine.views.ruler import axis_labels
from engine.views.words import heading, sentence

if TYPE_CHECKING:
    import plotly.graph_objects as go

TOP, LIVE_TOP = 78, 26
"""Pixels above the panels, without the lines of the sentence."""
BOTTOM = 18
TICK_PIXELS = 92
BETWEEN = 0.09
"""Part of the width between two columns, for the ticks of the second."""


def locus_figure(evidence: LocusEvidence, style: FigureStyle | None = None) -> go.Figure:
    """The figure of what is known about one sequence. Raises `ParameterError` when there is nothing to draw."""
    import plotly.graph_objects as go

    chosen = style or FigureStyle()
    if not chosen.live:  # a live one is there to be moved in, whatever is known
        _has_something(evidence)
    (bands,) = columns([evidence], chosen)
    traces, layout = _column(evidence, chosen, bands)
    if chosen.zooms_alone and evidence.sequence.locus is not None:
        traces, layout = in_coordinates(traces, layout, evidence.sequence.locus)
    words = "" if chosen.live else sentence(evidence)
    name = heading(evidence)
    layout |= frame(chosen, inner_height(bands, chosen), heading_height(name, words, chosen))
    layout["meta"] = described(evidence, chosen, bands)
    if not chosen.live:
        layout["title"] = title(name, words, chosen)
    return go.Figure({"data": traces, "layout": layout})


def side_by_side(first: LocusEvidence, second: LocusEvidence, titles: tuple[str, str], style: FigureStyle | None = None) -> go.Figure:
    """Two figures beside each other: the same panels, one colour scale of the maps, and of sequences of one length a zoom that moves both.

    Raises `ParameterError` when there is nothing to draw.
    """
    import plotly.graph_objects as go

    chosen = replace(style or FigureStyle(width=1200), live=False)
    together = len(first.sequence) == len(second.sequence)
    part = (1 - BETWEEN) / 2
    narrow = replace(chosen, width=round(chosen.plot_width * part) + LEFT + RIGHT, colour_limit=common_limit(first, second, chosen))
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {"shapes": [], "annotations": [], "images": []}
    evidences = (replace(first, title=titles[0]), replace(second, title=titles[1]))
    sides = columns(evidences, narrow)
    for number, (evidence, bands) in enumerate(zip(evidences, sides, strict=True)):
        _has_something(evidence)
        found, own = _column(evidence, narrow, bands)
        traces += [_without_bar(trace) for trace in found] if number == 0 else found
        for name in ("shapes", "annotations", "images"):
            layout[name] += own.pop(name)
        layout |= own
        start = number * (part + BETWEEN)
        layout[f"xaxis{bands[0].x_axis[1:]}"] |= {"domain": [start, start + part], **({"matches": "x"} if number and together else {})}
        layout["annotations"].append(_column_title(titles[number], bands[0].x_axis))
    for left, right in zip(*sides, strict=True):
        if left.panel.id == "map" and together:
            layout[right.axis_key]["matches"] = left.axis
    layout |= frame(chosen, inner_height(sides[0], chosen), LINE)
    layout["meta"] = described(evidences[0], narrow, sides[0]) | {"second": described(evidences[1], narrow, sides[1])}
    return go.Figure({"data": traces, "layout": layout})


def common_limit(first: LocusEvidence, second: LocusEvidence, style: FigureStyle) -> float | None:
    """One colour limit for both maps; None where neither has one."""
    maps = [found for evidence in (first, second) if (found := evidence.results.get("dependency")) is not None]
    if not maps:
        return style.colour_limit
    return colour_limit(np.concatenate([displayed(found, style).ravel() for found in maps]), style)


def _has_something(evidence: LocusEvidence) -> None:
    given = {*evidence.results, *evidence.states}
    if not given:
        raise ParameterError("There is nothing to draw yet; compute an analysis of this sequence first.")
    if not given & drawn_analyses():
        raise ParameterError(f"No panel of the figure shows {', '.join(sorted(given))[:80]}; write a table instead.")


def _column(evidence: LocusEvidence, style: FigureStyle, bands: list[Band]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Traces and layout of the panels of one sequence."""
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {f"xaxis{bands[0].x_axis[1:]}": x_layout(evidence, style, bands[0])}
    shapes: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for band in bands:
        layout[band.axis_key] = _says_off(y_layout(band, style), band, style)
        axes = {"xref": band.x_axis, "yref": band.axis}
        off = {item.trace for item in band.drawn.choices if f"{band.panel.id}/{item.name}" in style.off}
        drawn = [{**trace, "visible": False} if k in off else dict(trace) for k, trace in enumerate(band.drawn.traces)] or [anchor()]
        hover = None if style.live or style.still else hover_trace(evidence, band)
        traces += [_placed(trace, band) for trace in [*drawn, *([hover] if hover else [])]]
        shapes += [{**shape, **axes} for shape in band.drawn.shapes]
        images += [{**image, **axes} for image in band.drawn.images]
        annotations += [] if style.live else notes(evidence, band, style)
    annotations += [] if style.live else mark_names(evidence, bands, style)
    return traces, layout | {
        "shapes": [*shapes, *highlights(evidence, bands), *marks(evidence, bands, style)],
        "annotations": annotations,
        "images": images,
    }


def _says_off(axis: dict[str, Any], band: Band, style: FigureStyle) -> dict[str, Any]:
    """The names beside rows, which are in the order of the panel's choices, with a word at those that are switched off."""
    gone = [f"{band.panel.id}/{item.name}" in style.off for item in band.drawn.choices]
    if "ticktext" not in axis or not any(gone):
        return axis
    names = [f"{text} off" if row < len(gone) and gone[row] else text for row, text in enumerate(axis["ticktext"])]
    return axis | {"ticktext": names}


def _placed(trace: dict[str, Any], band: Band) -> dict[str, Any]:
    """A trace on its axes; a colour bar stands beside its panel."""
    holder = trace if "colorbar" in trace else trace.get("marker", {})
    if "colorbar" in holder:
        low, high = band.domain
        bar = {"x": 1.0, "xpad": 8, "xanchor": "left", "y": high, "yanchor": "top", "ypad": 0}
        holder["colorbar"] = {**holder["colorbar"], **bar, "lenmode": "fraction", "len": min(high - low, 0.6)}
    return {**trace, "xaxis": band.x_axis, "yaxis": band.axis}


def _without_bar(trace: dict[str, Any]) -> dict[str, Any]:
    if "colorbar" in trace:
        return {**{key: value for key, value in trace.items() if key != "colorbar"}, "showscale": False}
    if "colorbar" in trace.get("marker", {}):
        return {**trace, "marker": {"opacity": 0}}
    return trace


def _column_title(name: str, x_axis: str) -> dict[str, Any]:
    place = {"xref": f"{x_axis} domain", "yref": "paper", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "yshift": 38}
    return {**place, "showarrow": False, "text": f"<b>{plain(name)}</b>", "font": {"size": 14}}


def x_layout(evidence: LocusEvidence, style: FigureStyle, ruler: Band) -> dict[str, Any]:
    """The x axis, above all panels."""
    first, last = style.region(len(evidence.sequence))
    faint = theme(dark=style.dark)["faint"]
    sequence, count = evidence.sequence, style.plot_width / TICK_PIXELS
    labels = axis_labels(first, last, len(sequence), sequence.locus, count, zooms_alone=style.zooms_alone)
    spikes = {"showspikes": not style.live, "spikemode": "across", "spikesnap": "cursor", "spikethickness": 1, "spikecolor": faint}
    labelled = {**labels, "ticks": "outside", "ticklen": 4, "tickcolor": faint}
    quiet = {"showgrid": False, "zeroline": False, "ticklabeloverflow": "allow", "automargin": False, "spikedash": "dot"}
    return {"anchor": ruler.axis, "side": "top", "range": [first - 0.5, last + 0.5], **labelled, **quiet, **spikes}


def y_layout(band: Band, style: FigureStyle) -> dict[str, Any]:
    """The y axis of a panel."""
    axis: dict[str, Any] = dict(band.drawn.axis) if band.drawn.traces else {"visible": False, "range": [-1, 1]}
    labels: list[str] | None = axis.get("ticktext")
    if labels is not None:
        axis["ticktext"] = [plain(text) for text in labels]
    quiet = {"zeroline": False, "ticklabeloverflow": "allow", "automargin": False, "fixedrange": band.panel.id != "map"}
    faint = {"tickfont": {"size": 10}, "tickcolor": theme(dark=style.dark)["faint"], "ticks": "outside", "ticklen": 3}
    return {"domain": list(band.domain), "anchor": band.x_axis, **quiet, **faint, **axis}


def frame(style: FigureStyle, inner: int, above: int) -> dict[str, Any]:
    """Size, theme and pointer of a figure whose panels are ``inner`` pixels high under ``above`` pixels of words."""
    colours = theme(dark=style.dark)
    top = LIVE_TOP if style.live else TOP + above
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
    }
