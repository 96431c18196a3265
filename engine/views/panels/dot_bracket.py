"""Possible base pairs as dot-brackets under the sequence: of the model, and of what knows less or other things."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.base_pairs import dot_bracket, partners
from engine.core.evaluation import contacts_words
from engine.core.sequence import Alphabet
from engine.core.stems import STEM_COUNT_GROWTH, pair_weights, stem_threshold, strongest_stems
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import FAR, NEAR, anchor, filled, placed
from engine.views.pictures import Picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH = 0.8
"""Of a bracket, in bases."""
STEP, MARGIN = 1.3, 0.15
"""From one row to the next, and above and below all of them, in heights of a bracket."""
PIXELS = 15
MOST_COUNTED = 3000
"""Bases up to which the stem counter is drawn."""


@dataclass(frozen=True)
class Row:
    """One structure: what it is by, its symbols (L,) and pairs int64 (n, 2)."""

    name: str
    symbols: NDArray[np.str_]
    pairs: NDArray[np.int64]


@lru_cache(maxsize=32)
def counted(letters: str) -> NDArray[np.int64]:
    """Pairs of the stem counter, of DNA letters."""
    weights = pair_weights(letters)
    return strongest_stems(weights, weights > 0, stem_threshold(STEM_COUNT_GROWTH, len(letters)))[0]


def rows_of(evidence: LocusEvidence) -> list[Row]:
    """The structures there are, the model's first."""
    letters = evidence.sequence.as_dna()
    found = [(name, evidence.results[name].pairs) for name in ("contacts", "fold") if name in evidence.results]
    names = {"contacts": "from the map", "fold": "by energies"}
    structures = [(names[name], pairs) for name, pairs in found]
    if len(letters) <= MOST_COUNTED:
        structures.insert(1 if "contacts" in evidence.results else 0, ("stem counter", counted(letters)))
    return [Row(name, np.array(list(dot_bracket(len(letters), pairs))), pairs) for name, pairs in structures]


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Dots and brackets on the axis, blocks for paired bases `FAR` below them; one row a structure, the first on top."""
    rows = rows_of(evidence)
    length, below = len(evidence.sequence), STEP * (len(rows) - 1)
    near = style.base_width(length) >= NEAR
    ranges = [(bottom - below - MARGIN, bottom + 1 + MARGIN) for bottom in (0.0, FAR)]
    traces = [anchor()]
    images: tuple[dict[str, Any], ...] = ()
    if style.live:
        images = _images(rows, length, style)
    else:
        traces += [trace for number, row in enumerate(rows) for trace in _traces(row, -STEP * number, style, near=near, first=number == 0)]
    main = next((evidence.results[name] for name in ("contacts", "fold") if name in evidence.results), None)
    ticks = [bottom + 0.5 - STEP * number for bottom in (0.0, FAR) for number in range(len(rows))]
    names = [row.name for row in rows] * 2
    return Drawn(
        tuple(traces),
        {"range": list(ranges[0 if near else 1]), "tickvals": ticks, "ticktext": names, "showgrid": False, "zeroline": False},
        images,
        height=round(PIXELS * (1 + below)),
        model=main.provenance.card.title if main is not None else "",
        readout=tuple(
            Readout(row.name if len(rows) > 1 else "pairs with", _partners(row), 0, position=True) for number, row in enumerate(rows)
        ),
        near=ranges[0] if style.live else None,
        far=ranges[1] if style.live else None,
        note=_measured(evidence),
        facts={"dot_bracket": "".join(rows[0].symbols), "pairs": rows[0].pairs + 1},
    )


def _measured(evidence: LocusEvidence) -> str:
    found = evidence.results.get("contacts")
    if found is None:
        return ""
    return contacts_words(found.provenance.card, found.provenance.parameters, rna=found.sequence.alphabet is Alphabet.RNA)


def _inks(row: Row, style: FigureStyle, *, first: bool) -> dict[str, str]:
    colours = theme(dark=style.dark)
    return {symbol: colours["faint" if symbol == "." else "accent" if first else "bar"] for symbol in sorted(set(row.symbols.tolist()))}


def _images(rows: list[Row], length: int, style: FigureStyle) -> tuple[dict[str, Any], ...]:
    below = STEP * (len(rows) - 1)
    letters, blocks = Picture(length, 1 + below), Picture(length, 1 + below)
    for number, row in enumerate(rows):
        bottom = below - STEP * number
        inks = _inks(row, style, first=number == 0)
        for symbol, ink in inks.items():
            at = np.flatnonzero(row.symbols == symbol)
            letters.add(ink, symbol, at, bottom, width=WIDTH)
            if symbol != ".":
                blocks.add(ink, "", at, bottom, width=1.0)
    return letters.image(-below), blocks.image(FAR - below)


def _traces(row: Row, bottom: float, style: FigureStyle, *, near: bool, first: bool) -> list[dict[str, Any]]:
    inks = _inks(row, style, first=first)
    if near:
        at = {symbol: np.flatnonzero(row.symbols == symbol) + 1 - WIDTH / 2 for symbol in inks}
        return [filled(placed(symbol, at[symbol], bottom, WIDTH, 1.0), ink, name=symbol) for symbol, ink in inks.items()]
    paired = np.flatnonzero(row.symbols != ".")
    ink = theme(dark=style.dark)["accent" if first else "bar"]
    return [filled(placed("", paired + 0.5, FAR + bottom, 1.0, 1.0), ink, name="paired")] if len(paired) else []


def _partners(row: Row) -> NDArray[np.float32]:
    """1-based position of the partner of each base, float32 (L,), NaN without one."""
    found = partners(len(row.symbols), row.pairs) + 1
    return np.where(found > 0, found, np.nan).astype(np.float32)


PANEL = Panel(
    id="dot_bracket",
    title="Possible base pairs",
    unit="dot-bracket",
    help=(
        "Which bases could pair, read from the map (contacts, in dot-bracket notation); below it what the stem counter finds, which sees letters "
        "only, and, where asked for, the structure of least free energy (ViennaRNA)."
    ),
    reading="Brackets of different kinds cross each other, as in a pseudoknot; in DNA they mark inverted repeats.",
    order=35,
    height=PIXELS,
    draw=draw,
    analyses=("contacts", "fold"),
)
