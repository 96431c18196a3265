"""The reconstruction: what the model expects at each base, as scaled letters; as stacked blocks where bases are narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.arithmetic import entropy
from engine.core.sequence import BASES, Alphabet
from engine.views.evidence import FigureStyle, LocusEvidence, PanelState
from engine.views.palettes import base_colours
from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import FAR, NEAR, anchor, filled, placed
from engine.views.pictures import Picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.probabilities import BaseProbabilities

MOST_BITS = 2.0
LOWEST_BITS = 0.03
"""Letters lower than this are not drawn: a pixel of a panel of 60."""
SEEN_BITS = 0.15
"""Letters that are all lower than this look like none: five pixels of a panel of 60."""


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """The heights of a base's letters add up to its information, the likeliest on top; letters on the axis, blocks `FAR` below them."""
    found: BaseProbabilities = evidence.results["probabilities"]
    bottoms, heights = stacked(found.values)
    colours = base_colours(style.bases, dark=style.dark)
    near = style.base_width(len(heights)) >= NEAR
    ranges = ((0.0, MOST_BITS), (FAR, FAR + MOST_BITS))
    ticks = {"tickvals": [0, 1, 2, FAR, FAR + 1, FAR + 2], "ticktext": ["0", "1", "2"] * 2, "showgrid": False}
    traces: list[dict[str, Any]] = [anchor()] if style.live else []
    letters, blocks = Picture(len(heights), MOST_BITS), Picture(len(heights), MOST_BITS)
    bases = letters_of(evidence)
    for k, base in enumerate(bases):
        at = np.flatnonzero(heights[:, k] > LOWEST_BITS)
        bottom, height, colour = bottoms[at, k], heights[at, k], colours[base]
        if style.live:
            letters.add(colour, base, at, bottom, height)
            blocks.add(colour, "", at, bottom, height, width=1.0)
        elif near:
            traces.append(filled(placed(base, at + 0.56, bottom, 0.88, height), colour, name=base))
        else:
            traces.append(filled(placed("", at + 0.5, bottom + FAR, 1.0, height), colour, name=base))
    highest = float(np.nanmax(heights, initial=0.0))
    nothing = "nothing" if highest <= LOWEST_BITS else "next to nothing"
    empty = PanelState("result", f"no letter is higher than {SEEN_BITS:g} bits: the model expects {nothing} here")
    return Drawn(
        tuple(traces),
        {"range": list(ranges[0] if near else ranges[1]), **ticks},
        (letters.image(), blocks.image(FAR)) if style.live else (),
        model=found.provenance.answered_by,
        readout=tuple(Readout(base, found.values[:, k], 2, "P") for k, base in enumerate(bases)),
        near=ranges[0] if style.live else None,
        far=ranges[1] if style.live else None,
        state=None if highest > SEEN_BITS else empty,
    )


def stacked(values: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bottoms and heights in bits, float64 (L, 4) each, of the letters of P(base) (L, 4), least likely at the bottom."""
    heights = values.astype(np.float64) * (MOST_BITS - entropy(values))[:, None]
    return bottoms_of(heights), heights


def bottoms_of(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where each letter of a column stands, float64 (L, 4), on those that are lower."""
    order = np.argsort(heights, axis=1, kind="stable")
    ordered = np.take_along_axis(heights, order, axis=1)
    bottoms = np.empty_like(ordered)
    np.put_along_axis(bottoms, order, np.cumsum(ordered, axis=1) - ordered, axis=1)
    return bottoms


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
