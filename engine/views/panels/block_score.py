"""Block score of each base: where six neighbouring bases all depend on each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import filled, steps

if TYPE_CHECKING:
    from engine.analyses.band import DependencyBand
    from engine.analyses.patterns import Patterns


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Bars, one a base; of a map's patterns, else of a band."""
    patterns: Patterns | None = evidence.results.get("patterns")
    found: Patterns | DependencyBand = patterns or evidence.results["band"]
    values = patterns.scores[:, 0] if patterns is not None else evidence.results["band"].block_scores()
    top = float(np.nanmax(values, initial=0.0)) or 1.0
    trace = filled(steps(np.maximum(values, 0), levels=120 / top), theme(dark=style.dark)["bar"], name="block score")
    axis = {"range": [0, top * 1.04], "nticks": 3, "showgrid": False}
    return Drawn((trace,), axis, model=found.provenance.answered_by, readout=(Readout("block score", values, 2, "bits"),))


PANEL = Panel(
    id="block-score",
    title="Block score",
    unit="bits",
    help=(
        "How much six neighbouring bases all depend on each other, by the best six around each base: the lower quarter of their thirty pairs "
        "(block score)."
    ),
    reading="A high stretch is a motif that is read as one, such as a binding site; it is not a measurement of binding.",
    order=86,
    height=44,
    draw=draw,
    analyses=("patterns", "band"),
)
