"""The contact map of chromatin that a hosted model predicts, in the shapes of the dependency map: square, wide, or hanging from the sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.views.cells import Cells, drawn
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel
from engine.views.panels.dependency_map import TICK_PIXELS, rotated, usual_height
from engine.views.ruler import axis_labels

if TYPE_CHECKING:
    from engine.analyses.chromatin_contacts import ChromatinContacts


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """One cell a pair of bins, on the scale of the model; blue below 0 and red above where it has both signs."""
    found: ChromatinContacts = evidence.results["chromatin_contacts"]
    height = style.heights.get(PANEL.id, usual_height(style))
    known = np.abs(found.values[np.isfinite(found.values)])
    limit = float(f"{np.percentile(known, style.percentile):.2g}") or 1.0 if known.size else 1.0
    both_signs = bool((found.values < 0).any())
    middle, size = found.offset + 1 + (found.bin_bp - 1) / 2, found.bin_bp
    if style.shape == "triangle":
        cells = Cells(rotated(found.values), middle - 0.25 * size, 0.5 * size, 0, size)
        hover = "%{y:,} bases apart around %{x}: %{z:.2f}<extra></extra>"
    else:
        cells = Cells(found.values, middle, size, middle, size)
        hover = "%{y} with %{x}: %{z:.2f}<extra></extra>"
    traces, images = drawn(cells, limit, style, both_signs=both_signs, bar="contact", hover=hover)
    return Drawn(
        tuple(traces),
        _axis(evidence, style, height),
        tuple(images),
        height=height,
        unit=f"{-limit if both_signs else 0:g} to {limit:g}, bins of {found.bin_bp:,} bases",
        model=found.provenance.card.title,
        shapes=_ground(evidence, style),
    )


def _axis(evidence: LocusEvidence, style: FigureStyle, height: int) -> dict[str, Any]:
    length = len(evidence.sequence)
    first, last = style.region(length)
    if style.shape == "triangle":
        title = {"text": "bases apart", "font": {"size": 11}, "standoff": 4}
        return {"range": [last - first + 1, 0], "title": title, "showgrid": False, "nticks": 6, "tickformat": ",d"}
    labels = axis_labels(first, last, length, evidence.sequence.locus, height / TICK_PIXELS, zooms_alone=style.zooms_alone)
    return {"range": [last + 0.5, first - 0.5], **labels, "showgrid": False}


def _ground(evidence: LocusEvidence, style: FigureStyle) -> tuple[dict[str, Any], ...]:
    if style.shape == "triangle":
        return ()
    corners = {"x0": 0.5, "x1": len(evidence.sequence) + 0.5, "y0": 0.5, "y1": len(evidence.sequence) + 0.5}
    return (
        {"type": "rect", "xref": "x", **corners, "fillcolor": theme(dark=style.dark)["missing"], "line": {"width": 0}, "layer": "below"},
    )


PANEL = Panel(
    id="chromatin_contacts",
    title="Predicted chromatin contacts",
    unit="contact",
    help=(
        "How much two bins of 2,048 bases meet in the nucleus as a hosted model predicts it, on its own scale; mean over the cell types asked "
        "for."
    ),
    reading="Squares of high values on the diagonal are domains; a dot off it is a loop. It needs a stretch of many kilobases.",
    order=52,
    height=420,
    draw=draw,
    analyses=("chromatin_contacts",),
)
