"""How well the model knows each base."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import filled, steps

if TYPE_CHECKING:
    from engine.analyses.loss import LossTrack

EVERY_BASE_BP = 2000
"""Longer sequences are drawn by their windows."""


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Bars of the bases, or of the windows of a long sequence; the moving mean is in the table beside."""
    found: LossTrack = evidence.results["loss"]
    heights = found.values if len(found.values) <= EVERY_BASE_BP else found.blocks()
    top = max(2.0, float(np.nanmax(heights, initial=0.0)))
    trace = filled(steps(heights, levels=80), theme(dark=style.dark)["faint"], name=found.name)
    axis = {"range": [0, top * 1.02], "showgrid": False}
    readout = (Readout(found.name, found.values, 2, "nats"), Readout(f"{found.large:,} bp around", found.moving(), 2, "nats"))
    return Drawn((trace,), axis, model=found.provenance.answered_by, readout=readout)


PANEL = Panel(
    id="loss",
    title="Loss",
    unit="nats",
    help="−ln P of the base that stands there: 0 where the model is sure of it, 1.39 where it has no idea; over 2,000 bases in windows.",
    reading="Conserved and repeated stretches are low. By a masked model it is a pseudo-loss: each base is predicted from both sides.",
    order=95,
    height=40,
    draw=draw,
    analyses=("loss",),
)
