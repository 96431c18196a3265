"""What an allele does to the reconstruction: the change of P(the reference's base)."""

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
        if found.expected is None
        else signed(found.expected, "change of P(reference base)", "Δ P", 0.1, found.provenance.card.title)
    )


def _is_there(evidence: LocusEvidence) -> bool:
    found = evidence.results.get("differences")
    return found is not None and found.expected is not None


PANEL = Panel(
    id="delta-expected",
    title="Δ expected base",
    unit="Δ P",
    help="Change of the probability that the model gives the reference's own base (reconstruction), alternate less reference: red more, blue less.",
    reading="Blue bars are bases that the model expects less beside the alternate: they hang on what was changed.",
    order=61,
    height=44,
    draw=draw,
    analyses=("differences",),
    when=_is_there,
)
