"""Two maps in one square: covariation of an alignment under the diagonal, a model's dependency map of its reference over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.findings import stronger
from engine.views.cells import Cells, drawn
from engine.views.codes import FULL_WIDTH, pooled
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.measures import colour_limit
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel
from engine.views.panels.dependency_map import TICK_PIXELS
from engine.views.ruler import axis_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.covariation import Covariation


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Each half from 0 to its own limit; without a model's map both halves are the alignment's."""
    found: Covariation = evidence.results["covariation"]
    own, other = found.values, found.values if found.dependency is None else stronger(found.dependency.values)
    limits = [colour_limit(np.maximum(values, 0), style) for values in (own, other)]
    upper = np.triu(np.ones(own.shape, bool), 1)
    shown = np.where(upper, other, own)
    relative = np.maximum(np.where(upper, other / limits[1], own / limits[0]), 0).astype(np.float32)
    height = style.heights.get(PANEL.id, style.plot_width)
    if found.dependency is None:
        unit, bar, model = "bits", "bits", found.provenance.card.title
        cells, limit = _cells(np.maximum(shown, 0).astype(np.float32), style), limits[0]
    else:
        title = found.dependency.provenance.card.title
        unit = f"under the diagonal, 0 to {limits[0]:.2g} bits; over it the dependency map, 0 to {limits[1]:.2g} {found.dependency.unit}"
        bar, model, limit = "of limit", title, 1.0
        cells = _cells(relative, style)
    whole = cells.values.shape == shown.shape
    value = "%{customdata:.2f}" if whole else "%{z:.2f}"
    traces, images = drawn(cells, limit, style, both_signs=False, bar=bar, hover=f"%{{y}} with %{{x}}: {value}<extra></extra>")
    if whole and not style.still:
        traces[0]["customdata"] = shown
    return Drawn(
        tuple(traces),
        _axis(evidence, style, height),
        tuple(images),
        height=height,
        title=found.title,
        unit=unit,
        model=model,
        shapes=_ground(len(own), style),
    )


def _cells(values: NDArray[np.float32], style: FigureStyle) -> Cells:
    """The whole map, or of one wider than `FULL_WIDTH` the region shown, pooled until it fits."""
    first, last = style.region(len(values))
    low, high = (0, len(values)) if len(values) <= FULL_WIDTH else (first - 1, last)
    part = values[low:high, low:high]
    size = max(1, -(-len(part) // FULL_WIDTH))
    grid = part if size == 1 else pooled(np.ascontiguousarray(part), size)
    middle = low + 1 + (size - 1) / 2
    return Cells(grid, middle, size, middle, size)


def _axis(evidence: LocusEvidence, style: FigureStyle, height: int) -> dict[str, Any]:
    sequence = evidence.sequence
    first, last = style.region(len(sequence))
    labels = axis_labels(first, last, len(sequence), sequence.locus, height / TICK_PIXELS, zooms_alone=style.zooms_alone)
    return {"range": [last + 0.5, first - 0.5], **labels, "showgrid": False, "fixedrange": False}


def _ground(length: int, style: FigureStyle) -> tuple[dict[str, Any], ...]:
    """Pairs without a value are not the colour of zero; a line parts the halves."""
    colours = theme(dark=style.dark)
    corners = {"x0": 0.5, "x1": length + 0.5, "y0": 0.5, "y1": length + 0.5}
    return (
        {"type": "rect", **corners, "fillcolor": colours["missing"], "line": {"width": 0}, "layer": "below"},
        {"type": "line", **corners, "line": {"width": 1, "color": colours["line"]}},
    )


PANEL = Panel(
    id="covariation",
    title="Mutual information",
    unit="bits",
    help=(
        "Under the diagonal how much two columns of an alignment tell about each other (mutual information, with or without average product "
        "correction; grey where too few sequences have both), over it a model's dependency map of the reference, the stronger of both directions."
    ),
    reading=(
        "What is on both sides of the diagonal was kept by evolution and learnt by the model; what is on one side alone, only one of them knows."
    ),
    order=51,
    height=800,
    draw=draw,
    analyses=("covariation",),
)
