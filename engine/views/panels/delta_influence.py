"""What an allele does to the influence of each base on all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.panel import Drawn, Panel
from engine.views.signed import signed

if TYPE_CHECKING:
    from engine.views.comparison import TrackDifferences


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Red bars over zero, blue ones under it."""
    found: TrackDifferences = evidence.results["differences"]
    return (
        Drawn()
        if found.influence is None
        else signed(found.influence, "change of the influence", "Δ bits", 0.05, found.provenance.card.title)
    )


def _is_there(evidence: LocusEvidence) -> bool:
    found = evidence.results.get("differences")
    return found is not None and found.influence is not None


PANEL = Panel(
    id="delta-influence",
    title="Δ influence",
    unit="Δ bits",
    help="Change of a base's influence, mean over its three substitutions, alternate less reference: red more, blue less.",
    reading="A blue stretch has lost its hold on the rest of the sequence.",
    order=81,
    height=44,
    draw=draw,
    analyses=("differences",),
    when=_is_there,
)
