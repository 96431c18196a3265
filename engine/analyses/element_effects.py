"""What every substitution of a window does to each genomic element: the largest change of its probability at any base.

There is no published scorer of this kind for segmenters; the change is signed and says where it is largest. Of a sequence longer than the model's
window only the tiles that hold the changed base are read again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.declared import Declared, width_of
from engine.analyses.provenance import stamp
from engine.analyses.segmentation import Tile, answered, owners, readable_letters, tiles
from engine.core.card import Capability, ModelCard, Offer
from engine.core.errors import CapabilityMissing, ParameterError, SequenceError
from engine.core.parameters import WINDOW, Parameters, Window, check_window
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import ElementModel
from engine.core.results import Result, Table, Track, frozen_array, place, slug, substitution_at
from engine.core.sequence import BASES, NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.provenance import Provenance

VERSION = "1"
MOST_READABLE = 500
"""Rows of the table that a person reads."""


@dataclass(frozen=True)
class ElementChangeParameters(Parameters):
    """``window``: the bases that are substituted; all others are read."""

    window: Window | None = WINDOW()

    def __post_init__(self) -> None:
        super().__post_init__()
        check_window(self.window)


@dataclass(frozen=True, eq=False)
class ElementEffects(Result):
    """``changes`` float32 (L, 4, E): of the substitution by A, C, G, T at a base, the change of each element's probability where it is largest, NaN
    at the reference base and outside the window; ``positions`` int32 (L, 4, E): the 0-based base where that is, −1 for none."""

    sequence: NucleotideSequence
    elements: tuple[str, ...]
    changes: NDArray[np.float32]
    positions: NDArray[np.int32]
    provenance: Provenance

    def __post_init__(self) -> None:
        shape = (len(self.sequence), 4, len(self.elements))
        object.__setattr__(self, "changes", frozen_array(self.changes, np.float32, shape, "element changes"))
        object.__setattr__(self, "positions", frozen_array(self.positions, np.int32, shape, "positions of element changes"))

    def strongest(self) -> NDArray[np.float32]:
        """The map element × base, float32 (E, L): of the three substitutions of a base the one with the largest change, with its sign."""
        known = np.nan_to_num(self.changes)
        best = np.abs(known).argmax(axis=1)
        found = np.take_along_axis(known, best[:, None, :], axis=1)[:, 0]
        return np.where(np.isfinite(self.changes).any(axis=1), found, np.nan).T.astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``changes``, ``positions``, ``elements``."""
        return {"changes": self.changes, "positions": self.positions, "elements": np.array(self.elements)}

    def rows(self) -> Table:
        """One row a substitution: the change of each element, and where it is."""
        bases, alternates = np.nonzero(np.isfinite(self.changes).any(axis=2))
        letters = self.sequence.letters
        columns: dict[str, Any] = {
            "position": bases + 1,
            "base": [letters[base] for base in bases],
            "alternate": [BASES[alternate] for alternate in alternates],
        }
        for number, name in enumerate(self.elements):
            columns[name] = self.changes[bases, alternates, number]
            columns[f"{name}_position"] = self.positions[bases, alternates, number] + 1
        return Table(columns, bases)

    def readable(self) -> Table:
        """The largest changes, one row each."""
        bases, alternates, numbers = np.nonzero(np.isfinite(self.changes))
        sizes = self.changes[bases, alternates, numbers]
        order = np.argsort(-np.abs(sizes), kind="stable")[:MOST_READABLE]
        bases, alternates, numbers = bases[order], alternates[order], numbers[order]
        return Table(
            {
                "position": bases + 1,
                "base": [self.sequence.letters[base] for base in bases],
                "alternate": [BASES[alternate] for alternate in alternates],
                "element": [self.elements[number] for number in numbers],
                "change": self.changes[bases, alternates, numbers],
                "largest_at": self.positions[bases, alternates, numbers] + 1,
            },
            bases,
        )

    def tracks(self) -> tuple[Track, ...]:
        """The largest change of any element at each changed base, then each element's own with its sign."""
        found = self.strongest()
        largest = np.fmax.reduce(np.abs(found), axis=0) if len(found) else np.full(len(self.sequence), np.nan, np.float32)
        own = (Track(slug(f"effect on {name}"), f"largest change of {name}", row) for name, row in zip(self.elements, found, strict=True))
        return (Track("largest_element_effect", "largest change of any element", largest.astype(np.float32)), *own)

    def words(self) -> str:
        """The largest change, and which elements a substitution can change by a tenth or more."""
        if not np.isfinite(self.changes).any():
            return "No base of the window can be substituted."
        sizes = np.abs(np.nan_to_num(self.changes))
        base, alternate, number = np.unravel_index(int(sizes.argmax()), sizes.shape)
        where = int(self.positions[base, alternate, number])
        moved = [name for index, name in enumerate(self.elements) if sizes[:, :, index].max() >= 0.1]
        return (
            f"By {self.provenance.card.title}, the largest effect is {substitution_at(self.sequence, int(base), BASES[int(alternate)])} on "
            f"{self.elements[int(number)]}: {self.changes[base, alternate, number]:+.2f} at {place(self.sequence, where)}. "
            f"Changed by 0.1 or more: {', '.join(moved) or 'none'}."
        )


def element_effects(
    model: ElementModel, sequence: NucleotideSequence, parameters: ElementChangeParameters | None = None, monitor: Monitor | None = None
) -> ElementEffects:
    """The effect of each of the 3 W substitutions of a window of W bases on every element.

    Raises
    ------
    CapabilityMissing
        The model predicts no elements.
    SequenceError, ParameterError
        The sequence is too short or cannot be read; a window outside it.
    Cancelled
        Through ``monitor.advance``.
    """
    if not isinstance(model, ElementModel):
        raise CapabilityMissing(f"{model.card.title} does not predict genomic elements; choose a segmentation model.")
    chosen, watcher = parameters or ElementChangeParameters(), monitor or SilentMonitor()
    chosen.check(len(sequence))
    began = time.perf_counter()
    letters = readable_letters(sequence, model)
    plan = tiles(len(letters), model.window_rule, model.card.max_length)
    window = chosen.window or (0, len(letters))
    watcher.start(_count(plan, window, letters), "windows")
    owner = owners(plan, len(letters))
    parts = []
    for number, tile in enumerate(plan):
        bases = np.flatnonzero(owner == number)
        parts.append(_Part(tile, bases, answered(model, letters, tile, bases, watcher)))
        watcher.advance(1)
    changes = np.full((len(letters), 4, len(model.elements)), np.nan, dtype=np.float32)
    positions = np.full(changes.shape, -1, dtype=np.int32)
    for index in range(*window):
        touched = [part for part in parts if part.tile.start <= index < part.tile.end]
        for code, base in enumerate(BASES):
            if letters[index] in (base, "N"):
                continue
            mutant = letters[:index] + base + letters[index + 1 :]
            changes[index, code], positions[index, code] = _largest(model, mutant, touched, index, watcher)
    provenance = stamp("element-effects", VERSION, model, chosen, sequence, time.perf_counter() - began)
    return ElementEffects(sequence, model.elements, changes, positions, provenance)


@dataclass(frozen=True, eq=False)
class _Part:
    """A tile, the bases it answers for, and what it says of them without a change."""

    tile: Tile
    bases: NDArray[np.int64]
    reference: NDArray[np.float32]


def _largest(
    model: ElementModel, mutant: str, touched: list[_Part], index: int, monitor: Monitor
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Of each element the change of largest size and its base, float32 and int32 (E,)."""
    best = np.zeros(len(model.elements), dtype=np.float32)
    where = np.full(len(model.elements), index, dtype=np.int32)
    for part in touched:
        difference = answered(model, mutant, part.tile, part.bases, monitor) - part.reference
        monitor.advance(1)
        if not len(difference):
            continue
        rows = np.abs(difference).argmax(axis=0)
        found = difference[rows, np.arange(difference.shape[1])]
        better = np.abs(found) > np.abs(best)
        best, where = np.where(better, found, best), np.where(better, part.bases[rows], where).astype(np.int32)
    return best, where


def _count(plan: tuple[Tile, ...], window: Window, letters: str) -> int:
    """Windows that go through the model: none for an ambiguous letter."""
    return len(plan) + 3 * sum(_known(letters, max(tile.start, window[0]), min(tile.end, window[1])) for tile in plan)


def _known(letters: str, start: int, end: int) -> int:
    return sum(letters.count(base, start, max(start, end)) for base in BASES)


def _passes(sequence: NucleotideSequence, parameters: ElementChangeParameters, card: ModelCard, offer: Offer) -> int:
    window = parameters.window or (0, len(sequence))
    letters = sequence.as_dna()
    whole = 1 + 3 * _known(letters, *window)
    if offer.windows is None:
        return whole
    try:
        return _count(tiles(len(sequence), offer.windows, card.max_length), window, letters)
    except (SequenceError, ParameterError):
        return whole


DECLARED = (
    Declared(
        name="element-effects",
        command="element-effects",
        version=VERSION,
        title="Effects on elements",
        summary="What every substitution of a window does to each genomic element: the largest change of its probability, and where.",
        capability=Capability.SEGMENTATION,
        parameters=ElementChangeParameters,
        result=ElementEffects,
        passes=_passes,
        run=lambda model, sequence, parameters, monitor, answers: element_effects(model, sequence, parameters, monitor),
        default_model="locuscope-segmenter",
        memory=lambda sequence, parameters: len(sequence) * 4 * 64 * 8 + width_of(sequence, parameters),
        growth="quadratic",
        tiled=True,
        shown="asked",
        order=51,
        windows=False,
    ),
)
