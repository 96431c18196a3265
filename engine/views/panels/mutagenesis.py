"""In-silico mutagenesis by a hosted model: four rows, one a new base, as the effects of a language model are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.views.evidence import FigureStyle, LocusEvidence, PanelState
from engine.views.panel import Drawn, Panel
from engine.views.panels.effects import substitutions

if TYPE_CHECKING:
    from engine.analyses.mutagenesis import Mutagenesis


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """The scores; grey is the reference base, and what was not asked yet."""
    from dataclasses import replace

    found: Mutagenesis = evidence.results["mutagenesis"]
    drawn = substitutions(found.values, f"{found.output} score", found.provenance.card.title, evidence, style)
    return drawn if found.complete else replace(drawn, state=PanelState("partial", "partial"))


PANEL = Panel(
    id="mutagenesis",
    title="In-silico mutagenesis",
    unit="raw score",
    help=(
        "How much less (blue) or more (red) accessibility, expression or binding the hosted model predicts around a base that is substituted "
        "(raw score of its recommended scorer, mean over the tracks asked for)."
    ),
    reading="Columns that are blue throughout are bases the predicted signal needs, as in a binding site.",
    order=71,
    height=56,
    draw=draw,
    analyses=("mutagenesis",),
)
