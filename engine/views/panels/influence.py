"""Influence of a base on all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import filled, steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.effects import VariantEffects


def belongs(evidence: LocusEvidence) -> bool:
    """Only where the model's effects have an influence; nothing else is drawn under its name."""
    found = evidence.results.get("effects")
    return found.influence is not None if found is not None else "effects" in evidence.states


def largest(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Largest of the substitutions of each base, float32 (L,), NaN where none is known."""
    best = np.fmax.reduce(values, axis=1)
    return np.asarray(best, np.float32)


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Bars, one a base."""
    found: VariantEffects = evidence.results["effects"]
    values = largest(np.asarray(found.influence))
    top = float(np.nanmax(values, initial=0.0)) or 1.0
    trace = filled(steps(values, levels=120 / top), theme(dark=style.dark)["bar"], name="influence")
    axis = {"range": [0, top * 1.04], "nticks": 3, "showgrid": False}
    return Drawn((trace,), axis, model=found.provenance.card.title, readout=(Readout("influence", values, 3, "bits"),))


PANEL = Panel(
    id="influence",
    title="Influence on other bases",
    unit="bits",
    help=(
        "How much a substitution changes what the model expects elsewhere: mean over all other bases of the largest change of log2 odds; the "
        "largest of the three substitutions is drawn."
    ),
    reading="High bars are bases that others depend on.",
    order=80,
    height=44,
    draw=draw,
    analyses=("effects",),
    when=belongs,
)
