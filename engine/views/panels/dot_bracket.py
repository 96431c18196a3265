"""Possible base pairs as a dot-bracket under the sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import FAR, NEAR, Path, boxes, filled, placed, together

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.results import ContactMap

LETTER_RANGE, BLOCK_RANGE = (-0.15, 1.15), (FAR - 0.15, FAR + 1.15)


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Two traces: dots, and brackets; blocks for paired bases where bases are narrow."""
    found: ContactMap = evidence.results["contacts"]
    symbols = np.array(list(found.dot_bracket))
    near = style.base_width(len(symbols)) >= NEAR
    letters, blocks = near or style.live, style.live or not near
    dots, paired = np.flatnonzero(symbols == "."), np.flatnonzero(symbols != ".")
    colours = theme(dark=style.dark)
    traces = [filled(boxes(dots + 0.88, dots + 1.12, 0.42, 0.58), colours["faint"], name="unpaired")] if letters and len(dots) else []
    parts = [_symbol(symbol, np.flatnonzero(symbols == symbol)) for symbol in sorted(set(symbols[paired].tolist()))] if letters else []
    parts += [placed("", paired + 0.5, FAR, 1.0, 1.0)] if blocks else []
    traces.append(filled(together(parts), colours["accent"], name="paired"))
    axis = {"visible": False, "range": list(LETTER_RANGE if near else BLOCK_RANGE)}
    readout = (Readout("pairs with", _partners(found), 0),)
    model = found.provenance.card.title
    facts = {"dot_bracket": found.dot_bracket, "pairs": found.pairs + 1}
    return Drawn(tuple(traces), axis, model=model, readout=readout, near=LETTER_RANGE, far=BLOCK_RANGE, facts=facts)


def _symbol(symbol: str, at: NDArray[np.int64]) -> Path:
    """Brackets as outlines; the letters of a fifth and further kind as half boxes that open and close."""
    if symbol.isalpha():
        start = 0.62 if symbol.isupper() else 0.98
        return boxes(at + start, at + start + 0.4, 0.0, 1.0)
    return placed(symbol, at + 0.62, 0.0, 0.76, 1.0)


def _partners(found: ContactMap) -> NDArray[np.float32]:
    """1-based position of the partner of each base, float32 (L,), NaN without one."""
    partners = np.full(len(found.dot_bracket), np.nan, np.float32)
    partners[found.pairs[:, 0]] = found.pairs[:, 1] + 1
    partners[found.pairs[:, 1]] = found.pairs[:, 0] + 1
    return partners


PANEL = Panel(
    id="dot_bracket",
    title="Possible base pairs",
    unit="dot-bracket",
    help=(
        "Which bases could pair, read from the map as A-T (A-U), C-G and G-T (G-U) with at most one partner a base, above the background of "
        "this map (contacts, in dot-bracket notation)."
    ),
    reading="Brackets of different kinds cross each other, as in a pseudoknot; in DNA they mark inverted repeats.",
    order=35,
    height=15,
    draw=draw,
    analyses=("contacts",),
)
