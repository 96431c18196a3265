"""How much of what follows each word the model spells right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import filled, steps

if TYPE_CHECKING:
    from engine.analyses.next_kmer import NextKmer


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Bars from 0 to 1."""
    found: NextKmer = evidence.results["next-kmer"]
    values = found.tracks()[0].values
    trace = filled(steps(values, levels=80), theme(dark=style.dark)["bar"], name="next k-mer")
    return Drawn(
        (trace,), {"range": [0, 1.02], "showgrid": False}, model=found.provenance.card.title, readout=(Readout("spelled right", values, 2),)
    )


PANEL = Panel(
    id="next-kmer",
    title="Next k-mer",
    unit="share",
    help="Share of the k bases behind each word that the model spells right from what is before it alone; where two questions overlap, their mean.",
    reading="A quarter is chance for single bases; the words beside have the accuracy of whole k-mers beside a look-up.",
    order=42,
    height=30,
    draw=draw,
    analyses=("next-kmer",),
)
