"""Effects of every substitution: four rows, one a new base."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.views.cells import Cells, drawn
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel, Readout
from engine.views.panels.reconstruction import letters_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.effects import VariantEffects


def scores(found: VariantEffects) -> tuple[NDArray[np.float32] | None, str]:
    """Which score the model has, float32 (L, 4), and its unit; None when it has neither."""
    if found.llr is not None:
        return found.llr, "ln ratio"
    return found.delta_log_likelihood, "Δ ln P"


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """A heatmap of 4 × L; the reference base of each column has no cell and is grey."""
    found: VariantEffects = evidence.results["effects"]
    values, unit = scores(found)
    if values is None:
        values = np.full((len(evidence.sequence), 4), np.nan, np.float32)
    return substitutions(values, unit, found.provenance.answered_by, evidence, style)


def substitutions(values: NDArray[np.float32], unit: str, model: str, evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Scores of every substitution, float32 (L, 4), blue below and red above 0."""
    letters = letters_of(evidence)
    limit = _limit(values)
    grid = Cells(np.ascontiguousarray(values.T), 1, 1, 0, 1)
    traces, images = drawn(grid, limit, FigureStyle(live=style.live, still=style.still), both_signs=True, bar=unit)
    corners = {"x0": 0.5, "x1": len(values) + 0.5, "y0": -0.5, "y1": 3.5}
    ground = {"type": "rect", "xref": "x", **corners, "line": {"width": 0}, "layer": "below"}
    readout = tuple(Readout(f"→{base}", values[:, k], 2, unit) for k, base in enumerate(letters))
    axis = {"range": [3.5, -0.5], "tickvals": [0, 1, 2, 3], "ticktext": list(letters), "showgrid": False}
    return Drawn(
        tuple(traces),
        axis,
        tuple(images),
        unit=unit,
        model=model,
        readout=readout,
        shapes=({**ground, "fillcolor": theme(dark=style.dark)["line"]},),
        facts={"limit": limit},
    )


def _limit(values: NDArray[np.float32]) -> float:
    sizes = np.abs(values[np.isfinite(values)])
    return float(f"{np.percentile(sizes, 99):.2g}") or 1.0 if sizes.size else 1.0


PANEL = Panel(
    id="effects",
    title="Effect of each substitution",
    unit="ln ratio",
    help=(
        "How much less (blue) or more (red) the model expects the new base than the reference: natural log-likelihood ratio (llr), position "
        "masked; for models that read from left to right the change of the log-likelihood of the whole window."
    ),
    reading="A column that is blue throughout is a base that the model would not change; grey cells are the reference itself.",
    order=70,
    height=56,
    draw=draw,
    analyses=("effects",),
)
