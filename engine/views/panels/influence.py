"""Influence of a base on all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.core.arithmetic import mean_of_known
from engine.views.evidence import FigureStyle, LocusEvidence, PanelState
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import filled, steps

if TYPE_CHECKING:
    from engine.analyses.effects import VariantEffects


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Bars, one a base; nothing else is drawn under this name."""
    found: VariantEffects = evidence.results["effects"]
    card = found.provenance.card
    if found.influence is None:
        why = "it reads from left to right only" if card.causal else "its answer has none"
        return Drawn(model=card.title, state=PanelState("cannot", f"{card.title} has no influence: {why}"))
    values = mean_of_known(found.influence)
    top = float(np.nanmax(values, initial=0.0)) or 1.0
    trace = filled(steps(values, levels=120 / top), theme(dark=style.dark)["bar"], name="influence")
    axis = {"range": [0, top * 1.04], "nticks": 3, "showgrid": False}
    return Drawn(
        (trace,),
        axis,
        model=found.provenance.answered_by if found.provenance.tiled else card.title,
        readout=(Readout("influence", values, 3, "bits"),),
    )


PANEL = Panel(
    id="influence",
    title="Influence on other bases",
    unit="bits",
    help=(
        "How much changing a base changes what the model expects elsewhere: mean over all other bases of the largest change of log2 odds, and "
        "over the three substitutions, as in files and in Compare; triage has that of its one substitution."
    ),
    reading="High bars are bases that others depend on.",
    order=80,
    height=44,
    draw=draw,
    analyses=("effects",),
)
