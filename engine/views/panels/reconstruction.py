"""The reconstruction: what the model expects at each base, as scaled letters; as stacked blocks where bases are narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.core.sequence import BASES, Alphabet
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import base_colours
from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import FAR, NEAR, filled, placed, together
from engine.views.tables import entropy

if TYPE_CHECKING:
    from engine.core.results import BaseProbabilities

MOST_BITS = 2.0
LOWEST_BITS = 0.03
"""Letters lower than this are not drawn: a pixel of a panel of 60."""


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """One trace a base; the heights of a base's letters add up to its information, the likeliest on top."""
    found: BaseProbabilities = evidence.results["probabilities"]
    values = found.values
    heights = values * (MOST_BITS - entropy(values))[:, None]
    order = np.argsort(values, axis=1)
    stacked = np.take_along_axis(heights, order, axis=1)
    bottoms = np.empty_like(stacked)
    np.put_along_axis(bottoms, order, np.cumsum(stacked, axis=1) - stacked, axis=1)
    colours = base_colours(style.bases, dark=style.dark)
    near = style.base_width(len(values)) >= NEAR
    traces, letters = [], letters_of(evidence)
    for k, base in enumerate(letters):
        at = np.flatnonzero(heights[:, k] > LOWEST_BITS)
        bottom, height = bottoms[at, k], heights[at, k]
        parts = [placed(base, at + 0.56, bottom, 0.88, height)] if near or style.live else []
        parts += [placed("", at + 0.5, bottom + FAR, 1.0, height)] if style.live or not near else []
        traces.append(filled(together(parts), colours[base], name=base))
    readout = tuple(Readout(base, values[:, k], 2, "P") for k, base in enumerate(letters))
    near_range, far_range = (0.0, MOST_BITS), (FAR, FAR + MOST_BITS)
    ticks = {"tickvals": [0, 1, 2, FAR, FAR + 1, FAR + 2], "ticktext": ["0", "1", "2"] * 2, "showgrid": False}
    axis = {"range": list(near_range if near else far_range), **ticks}
    return Drawn(tuple(traces), axis, model=found.provenance.card.title, readout=readout, near=near_range, far=far_range)


def letters_of(evidence: LocusEvidence) -> str:
    """The four bases as the sequence writes them."""
    return BASES.replace("T", "U") if evidence.sequence.alphabet is Alphabet.RNA else BASES


PANEL = Panel(
    id="reconstruction",
    title="Expected bases",
    unit="bits",
    help=(
        "What the model expects at each base from all others (reconstruction): letters as high as their share of the information, which is "
        "2 bits less the entropy."
    ),
    reading="High letters are bases that the rest of the sequence determines; an empty column is a base the model knows nothing about.",
    order=60,
    height=60,
    draw=draw,
    analyses=("probabilities",),
)
