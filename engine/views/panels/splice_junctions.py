"""Splice junctions as arcs from the base before an intron to the base behind it: a sashimi plot without its coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.views.evidence import FigureStyle, LocusEvidence, PanelState
from engine.views.palettes import theme
from engine.views.panel import Drawn, Label, Panel
from engine.views.panels.arcs import arc_heights, curves
from engine.views.paths import joined, lines

if TYPE_CHECKING:
    from engine.analyses.splice_junctions import SpliceJunctions

STRENGTHS = 4
MOST_ARCS, MOST_LABELS = 60, 12
OVER = 0.12
"""Of the panel's height, from an arc to its number."""
LEAST_SHARE = 0.01
"""Of the reads of the strongest: fainter junctions are in the table."""


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """One trace a strength and strand, thicker for more reads."""
    found: SpliceJunctions = evidence.results["splice_junctions"]
    model = found.provenance.card.title
    reads = found.reads
    shown = np.flatnonzero(reads >= LEAST_SHARE * reads.max(initial=0))[:MOST_ARCS]
    if not len(shown):
        return Drawn(state=PanelState("result", "no junction has both ends here"), model=model)
    places, reads = found.introns[shown], reads[shown]
    heights = arc_heights(places)
    step = np.minimum((reads / max(float(reads.max()), 1e-9) * STRENGTHS).astype(int), STRENGTHS - 1)
    colours = theme(dark=style.dark)
    forward = np.array([found.strands[k] != "-" for k in shown])
    traces: list[dict[str, Any]] = []
    for level in range(STRENGTHS):
        for is_forward, colour in ((True, colours["bar"]), (False, colours["accent"])):
            chosen = (step == level) & (forward == is_forward)
            if chosen.any():
                part = (level + 0.5) / STRENGTHS
                path = joined(*curves(places[chosen], heights[chosen]))
                traces.append(lines(path, colour, 0.8 + 2.5 * part, opacity=0.35 + 0.65 * part))
    named = range(min(MOST_LABELS, len(places)))
    labels = tuple(Label(f"{reads[k]:.3g}", float(places[k, 0] + 1), float(places[k, 1] + 1), float(heights[k]) + OVER) for k in named)
    facts = {"arcs": {"i": places[:, 0] + 1, "j": places[:, 1] + 1, "value": reads, "height": heights}}
    left_out = len(found.strands) - len(shown)
    unit = "mean predicted reads" + (f"; {left_out:,} fainter ones in the table" if left_out else "")
    return Drawn(tuple(traces), {"visible": False, "range": [0, 1.22]}, unit=unit, model=model, labels=labels, facts=facts)


PANEL = Panel(
    id="splice_junctions",
    title="Predicted splice junctions",
    unit="reads",
    help="Arcs join the ends of introns that a hosted model predicts, thicker for more RNA-seq reads (mean over the tracks asked for).",
    reading="Arcs that share an end are alternatives; those of the other strand have the second colour.",
    order=17,
    height=80,
    draw=draw,
    analyses=("splice_junctions",),
)
