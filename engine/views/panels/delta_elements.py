"""What an allele does to the probability of each element: one row an element, one column a base."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.panel import Drawn, Panel
from engine.views.panels.element_effects import rows_of_elements

if TYPE_CHECKING:
    from engine.views.comparison import TrackDifferences


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """A heat map element × base, red where the element gains, blue where it loses."""
    found: TrackDifferences = evidence.results["differences"]
    if found.elements is None:
        return Drawn()
    return rows_of_elements(np.ascontiguousarray(found.elements.T), found.names, "change of", found.by, style)


def _is_there(evidence: LocusEvidence) -> bool:
    found = evidence.results.get("differences")
    return found is not None and found.elements is not None


PANEL = Panel(
    id="delta-elements",
    title="Δ elements",
    unit="Δ p",
    help="Change of each element's probability at each base, alternate less reference: red where the element becomes more likely, blue less.",
    reading="A row that turns blue behind a lost start or frame is what the allele takes; read the scale first, it begins at the largest change.",
    order=103,
    height=56,
    draw=draw,
    analyses=("differences",),
    when=_is_there,
)
