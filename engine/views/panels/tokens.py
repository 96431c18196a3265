"""The words of models whose units are longer than a base."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import theme
from engine.views.panel import Drawn, Label, Panel, Readout
from engine.views.paths import boxes, filled

if TYPE_CHECKING:
    from engine.analyses.tokens import TokenTrack

SHADES = 4


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Boxes in four shades, darker the surer the model is of the word."""
    found: TokenTrack = evidence.results["tokens"]
    sure = np.nan_to_num(found.probabilities, nan=0.0)
    shade = np.minimum((sure * SHADES).astype(int), SHADES - 1)
    colour = theme(dark=style.dark)["bar"]
    traces = []
    for level in dict.fromkeys(sorted(shade.tolist())):
        spans = found.spans[shade == level]
        path = boxes(spans[:, 0] + 0.56, spans[:, 1] + 0.44, 0.0, 1.0)
        traces.append(filled(path, colour, opacity=0.12 + 0.78 * (level + 0.5) / SHADES, name=f"P from {level / SHADES:g}"))
    labels = tuple(Label(text, start + 0.5, end + 0.5, 0.5) for text, (start, end) in zip(found.tokens, found.spans.tolist(), strict=True))
    values = np.full(len(found.sequence), np.nan, np.float32)
    for (start, end), probability in zip(found.spans, found.probabilities, strict=True):
        values[start:end] = probability
    axis = {"visible": False, "range": [-0.06, 1.06]}
    model = found.provenance.card.title
    return Drawn(tuple(traces), axis, model=model, readout=(Readout("word", values, 2, "P"),), labels=labels)


PANEL = Panel(
    id="tokens",
    title="Words of the model",
    unit="P",
    help="The words (tokens) a model reads the sequence in, darker the surer it is of each from all the others.",
    reading="A dependency within one word is no finding: its bases are changed together.",
    order=40,
    height=16,
    draw=draw,
    analyses=("tokens",),
)
