"""Effects on elements: one row an element, one column a base, the strongest of its three substitutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.views.cells import Cells, drawn
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel, Readout
from engine.views.panels.elements import beside_row, plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.element_effects import ElementEffects

ROW = 15
LEAST_LIMIT = 0.05
"""Probability of the last colour at least: smaller changes are the same colour as none."""


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """A heat map element × base, red where the element gains, blue where it loses; bases that were not changed are grey."""
    found: ElementEffects = evidence.results["element-effects"]
    return rows_of_elements(found.strongest(), found.elements, "effect on", found.provenance.card.title, style)


def rows_of_elements(values: NDArray[np.float32], elements: tuple[str, ...], word: str, model: str, style: FigureStyle) -> Drawn:
    """Signed changes float32 (E, L) of elements' probabilities, one row each; NaN is grey. ``word``: what the read-out says before a name."""
    names = [beside_row(name) for name in elements]
    known = np.abs(values[np.isfinite(values)])
    limit = max(LEAST_LIMIT, float(f"{known.max():.2g}")) if known.size else 1.0
    traces, images = drawn(Cells(values, 1, 1, 0, 1), limit, FigureStyle(live=style.live, still=style.still), both_signs=True, bar="Δ p")
    ground = {
        "type": "rect",
        "xref": "x",
        "x0": 0.5,
        "x1": values.shape[1] + 0.5,
        "y0": -0.5,
        "y1": len(names) - 0.5,
        "line": {"width": 0},
        "layer": "below",
        "fillcolor": theme(dark=style.dark)["missing"],
    }
    axis = {"range": [len(names) - 0.5, -0.5], "tickvals": list(range(len(names))), "ticktext": names, "showgrid": False}
    largest = np.nan_to_num(np.fmax.reduce(np.abs(values), axis=1, initial=0.0))
    order = np.argsort(-largest, kind="stable")[:3].tolist()
    return Drawn(
        tuple(traces),
        axis,
        tuple(images),
        height=max(56, ROW * len(names)),
        model=model,
        readout=tuple(Readout(f"{word} {plain(elements[k])}", values[k], 3) for k in order),
        shapes=(ground,),
        facts={"limit": limit},
    )


PANEL = Panel(
    id="element-effects",
    title="Effects on elements",
    unit="Δ p",
    help=(
        "Of each base the substitution that changes an element's probability most, anywhere in the sequence: red where the element becomes more "
        "likely, blue where it becomes less so."
    ),
    reading="A blue column in the row of an element is a base that it hangs on; colours begin at the largest change, so read the scale first.",
    order=102,
    height=56,
    draw=draw,
    analyses=("element-effects",),
)
