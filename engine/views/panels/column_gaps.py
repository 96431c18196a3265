"""Gaps of the columns of an alignment."""

from __future__ import annotations

from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import filled, steps


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Bars from 0 to 1."""
    found = evidence.results["covariation"]
    trace = filled(steps(found.gaps, levels=80), theme(dark=style.dark)["faint"], name="gaps")
    axis = {"range": [0, 1.02], "tickvals": [0, 0.5, 1], "showgrid": False}
    return Drawn((trace,), axis, model=found.provenance.card.title, readout=(Readout("gaps", found.gaps, 2, ""),))


PANEL = Panel(
    id="gaps",
    title="Gaps in the column",
    unit="share of the sequences",
    help="Share of an alignment's sequences, by their weight, that have a gap where the reference has this base.",
    reading="Where it is high, only some of the sequences have the base at all, and entropy and covariation rest on few.",
    order=32,
    height=40,
    draw=draw,
    analyses=("covariation",),
)
