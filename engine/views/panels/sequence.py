"""The letters of the sequence, as outlines; as coloured blocks where bases are too narrow for letters."""

from __future__ import annotations

import numpy as np

from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import base_colours, theme
from engine.views.panel import Drawn, Panel
from engine.views.paths import FAR, NEAR, anchor, filled, placed
from engine.views.pictures import Picture

LETTER_RANGE, BLOCK_RANGE = (-0.12, 1.12), (FAR - 0.12, FAR + 1.12)


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Letters on the axis, blocks `FAR` below them: both as pictures in a live figure, else a trace a letter of the one that fits."""
    symbols = np.array(list(evidence.sequence.letters))
    colours = base_colours(style.bases, dark=style.dark)
    places = {letter: np.flatnonzero(symbols == letter) for letter in sorted(set(evidence.sequence.letters))}
    inks = {letter: colours.get(letter, theme(dark=style.dark)["faint"]) for letter in places}
    near = style.base_width(len(symbols)) >= NEAR
    axis = {"visible": False, "range": list(LETTER_RANGE if near else BLOCK_RANGE)}
    if style.live:
        letters, blocks = Picture(len(symbols), 1), Picture(len(symbols), 1)
        for letter, at in places.items():
            letters.add(inks[letter], letter, at)
            blocks.add(inks[letter], "", at, width=1.0)
        return Drawn((anchor(),), axis, (letters.image(), blocks.image(FAR)), near=LETTER_RANGE, far=BLOCK_RANGE)
    if near:
        traces = tuple(filled(placed(letter, at + 0.56, 0.0, 0.88, 1.0), inks[letter], name=letter) for letter, at in places.items())
    else:
        traces = tuple(filled(placed("", at + 0.5, FAR, 1.0, 1.0), inks[letter], name=letter) for letter, at in places.items())
    return Drawn(traces, axis)


PANEL = Panel(
    id="sequence",
    title="Sequence",
    unit="5′→3′",
    help="The letters of the sequence from 5′ to 3′, one colour a base; other letters than A, C, G, T or U are grey.",
    reading="Zoom in until the letters are there.",
    order=30,
    height=17,
    draw=draw,
    when=lambda evidence: evidence.has_letters,
)
