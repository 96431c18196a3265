"""Possible base pairs as a dot-bracket under the sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import FAR, NEAR, anchor, filled, placed
from engine.views.pictures import Picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.contacts import ContactMap

LETTER_RANGE, BLOCK_RANGE = (-0.15, 1.15), (FAR - 0.15, FAR + 1.15)
WIDTH = 0.8
"""Of a bracket, in bases."""


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Dots and brackets on the axis, blocks for paired bases `FAR` below them."""
    found: ContactMap = evidence.results["contacts"]
    symbols = np.array(list(found.dot_bracket))
    near = style.base_width(len(symbols)) >= NEAR
    paired = np.flatnonzero(symbols != ".")
    colours = theme(dark=style.dark)
    places = {symbol: np.flatnonzero(symbols == symbol) for symbol in sorted(set(found.dot_bracket))}
    inks = {symbol: colours["faint" if symbol == "." else "accent"] for symbol in places}
    traces = [anchor()]
    images: tuple[dict[str, Any], ...] = ()
    if style.live:
        letters, blocks = Picture(len(symbols), 1), Picture(len(symbols), 1)
        for symbol, at in places.items():
            letters.add(inks[symbol], symbol, at, width=WIDTH)
        blocks.add(colours["accent"], "", paired, width=1.0)
        images = (letters.image(), blocks.image(FAR))
    elif near:
        traces = [filled(placed(symbol, at + 1 - WIDTH / 2, 0.0, WIDTH, 1.0), inks[symbol], name=symbol) for symbol, at in places.items()]
    elif len(paired):
        traces = [filled(placed("", paired + 0.5, FAR, 1.0, 1.0), colours["accent"], name="paired")]
    return Drawn(
        tuple(traces),
        {"visible": False, "range": list(LETTER_RANGE if near else BLOCK_RANGE)},
        images,
        model=found.provenance.card.title,
        readout=(Readout("pairs with", _partners(found), 0, position=True),),
        near=LETTER_RANGE if style.live else None,
        far=BLOCK_RANGE if style.live else None,
        facts={"dot_bracket": found.dot_bracket, "pairs": found.pairs + 1},
    )


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
