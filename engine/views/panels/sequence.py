"""The letters of the sequence, as outlines; as coloured blocks where bases are too narrow for letters."""

from __future__ import annotations

import numpy as np

from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import base_colours, theme
from engine.views.panel import Drawn, Panel
from engine.views.paths import FAR, NEAR, filled, placed, together

LETTER_RANGE, BLOCK_RANGE = (-0.12, 1.12), (FAR - 0.12, FAR + 1.12)


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """One trace a letter: outlines near the top of the axis, blocks `FAR` below them."""
    codes = np.array(list(evidence.sequence.letters))
    colours = base_colours(style.bases, dark=style.dark)
    faint = theme(dark=style.dark)["faint"]
    near = style.base_width(len(codes)) >= NEAR
    traces = []
    for letter in sorted(set(evidence.sequence.letters)):
        at = np.flatnonzero(codes == letter)
        parts = []
        if near or style.live:
            parts.append(placed(letter, at + 0.56, 0.0, 0.88, 1.0))
        if style.live or not near:
            parts.append(placed("", at + 0.5, FAR, 1.0, 1.0))
        traces.append(filled(together(parts), colours.get(letter, faint), name=letter))
    axis = {"visible": False, "range": list(LETTER_RANGE if near else BLOCK_RANGE)}
    return Drawn(tuple(traces), axis, unit="5′→3′", near=LETTER_RANGE, far=BLOCK_RANGE)


PANEL = Panel(
    id="sequence",
    title="Sequence",
    unit="5′→3′",
    help="The letters of the sequence from 5′ to 3′, one colour a base; other letters than A, C, G, T or U are grey.",
    reading="Zoom in until the letters are there.",
    order=30,
    height=17,
    draw=draw,
    when=lambda evidence: True,
)
