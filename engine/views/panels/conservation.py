"""Entropy of the columns of an alignment."""

from __future__ import annotations

from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import filled, steps


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Bars from 0 to 2 bits."""
    found = evidence.results["covariation"]
    trace = filled(steps(found.entropy, levels=80), theme(dark=style.dark)["bar"], name="entropy")
    axis = {"range": [0, 2.3], "tickvals": [0, 1, 2], "showgrid": False}
    return Drawn((trace,), axis, model=found.provenance.card.title, readout=(Readout("entropy of the column", found.entropy, 2, "bits"),))


PANEL = Panel(
    id="conservation",
    title="Entropy of the column",
    unit="bits",
    help="How much the bases of an alignment's column differ: Shannon entropy H(i), from 0 (all alike) to 2 bits (all four as often).",
    reading="Low columns are conserved; two that covary must be high, for only what differs can differ together.",
    order=31,
    height=60,
    draw=draw,
    analyses=("covariation",),
)
