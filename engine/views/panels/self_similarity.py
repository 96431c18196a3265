"""Self-similarity of the words across the layers: one row a layer, one column a base."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.views.cells import Cells, drawn
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel, Readout

if TYPE_CHECKING:
    from engine.analyses.vocabulary import Vocabulary

ROW = 7


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """A heat map layer × base; words that stand once are grey."""
    found: Vocabulary = evidence.results["vocabulary"]
    values = found.by_base()
    traces, images = drawn(
        Cells(np.maximum(values, 0), 1, 1, 0, 1), 1.0, FigureStyle(live=style.live, still=style.still), both_signs=False, bar="cosine"
    )
    last = len(values) - 1
    ground = {
        "type": "rect",
        "xref": "x",
        "x0": 0.5,
        "x1": values.shape[1] + 0.5,
        "y0": -0.5,
        "y1": last + 0.5,
        "line": {"width": 0},
        "layer": "below",
        "fillcolor": theme(dark=style.dark)["missing"],
    }
    axis = {"range": [last + 0.5, -0.5], "tickvals": [0, last], "ticktext": ["in", f"layer {last}"], "showgrid": False}
    return Drawn(
        tuple(traces),
        axis,
        tuple(images),
        height=max(PANEL.height, ROW * len(values)),
        model=found.provenance.card.title,
        readout=(Readout("first layer", values[min(1, last)], 2), Readout("last layer", values[-1], 2)),
        shapes=(ground,),
        facts={"limit": 1.0},
    )


PANEL = Panel(
    id="self-similarity",
    title="Self-similarity",
    unit="cosine",
    help=(
        "How alike the hidden states of a word are wherever it stands in the sequence, layer by layer from what enters the first; grey: it stands "
        "only once."
    ),
    reading="A word that falls off towards the last layer is read by what is around it; compare with that of different words, in the words beside.",
    order=41,
    height=48,
    draw=draw,
    analyses=("vocabulary",),
)
