"""Entropy of what the model expects at each base."""

from __future__ import annotations

from engine.core.arithmetic import entropy
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import filled, steps


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Bars from 0 to 2 bits."""
    found = evidence.results["probabilities"]
    bits = entropy(found.values)
    trace = filled(steps(bits, levels=80), theme(dark=style.dark)["faint"], name="uncertainty")
    axis = {"range": [0, 2.3], "tickvals": [0, 1, 2], "showgrid": False}
    return Drawn((trace,), axis, model=found.provenance.answered_by, readout=(Readout("uncertainty", bits, 2, "bits"),))


PANEL = Panel(
    id="entropy",
    title="Uncertainty",
    unit="bits",
    help="How unsure the model is of each base: entropy of the four probabilities, from 0 (sure) to 2 bits (all four alike).",
    reading="Where it is near 2 the model has no opinion, and what depends on such bases may be chance.",
    order=90,
    height=40,
    draw=draw,
    analyses=("probabilities",),
)
