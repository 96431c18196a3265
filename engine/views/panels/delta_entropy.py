"""What an allele does to the entropy of what the model expects."""

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
        Drawn() if found.entropy is None else signed(found.entropy, "change of the uncertainty", "Δ bits", 0.2, found.provenance.card.title)
    )


def _is_there(evidence: LocusEvidence) -> bool:
    found = evidence.results.get("differences")
    return found is not None and found.entropy is not None


PANEL = Panel(
    id="delta-entropy",
    title="Δ uncertainty",
    unit="Δ bits",
    help="Change of the entropy of the four probabilities, alternate less reference: red where the model is less sure, blue where it is surer.",
    reading="Red beside the allele means that it breaks something the model knew.",
    order=91,
    height=44,
    draw=draw,
    analyses=("differences",),
    when=_is_there,
)
