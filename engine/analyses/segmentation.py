"""Probabilities of genomic elements at every base, tiled where the sequence is longer than the model's window.

Tiles overlap by twice the bases that want context at each edge (`WindowRule.context_bp`), and every base takes the answer of the tile in
whose inside it lies deepest, so that a seam runs where both tiles have equal context. A model whose answer depends on no more than that
context gives the same numbers tiled and whole.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.declared import Declared
from engine.analyses.provenance import stamp
from engine.core.card import Capability, ModelCard, Offer
from engine.core.errors import CapabilityMissing, ParameterError, SequenceError
from engine.core.parameters import Parameters, option
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import ElementModel, WatchedElementModel
from engine.core.results import Interval, Result, Table, Track, frozen_array, place, slug
from engine.core.sequence import NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.card import WindowRule
    from engine.core.provenance import Provenance

VERSION = "1"
THRESHOLD = 0.5
"""Probability from which a base counts as part of an element."""


@dataclass(frozen=True)
class SegmentationParameters(Parameters):
    """Element probabilities; ``overlap_bp`` of tiles (None = the model's own), ``both_strands`` averages the reverse complement."""

    overlap_bp: int | None = option(None, "--overlap", "Overlap of tiles of a long input.", metavar="BP", low=0, unit="bases")
    both_strands: bool = option(False, "--both-strands", "Average with the reverse complement.")


@dataclass(frozen=True, eq=False)
class Segmentation(Result):
    """``values`` float32 (L, E): probability of each of ``elements`` at each base; elements are independent and may overlap."""

    faces = frozenset({"tracks", "intervals"})
    sequence: NucleotideSequence
    elements: tuple[str, ...]
    values: NDArray[np.float32]
    provenance: Provenance

    def __post_init__(self) -> None:
        shape = (len(self.sequence), len(self.elements))
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, shape, "segmentation"))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``probabilities`` and ``elements``."""
        return {"probabilities": self.values, "elements": np.array(self.elements)}

    def rows(self) -> Table:
        """One row a base: the probability of each element."""
        bases = np.arange(len(self.values))
        columns = {name: self.values[:, index] for index, name in enumerate(self.elements)}
        return Table({"position": bases + 1, "base": list(self.sequence.letters), **columns}, bases)

    def tracks(self) -> tuple[Track, ...]:
        """The probability of each element."""
        return tuple(Track(slug(name), f"probability of {name}", self.values[:, column]) for column, name in enumerate(self.elements))

    def intervals(self) -> tuple[Interval, ...]:
        """Stretches where an element has a probability of at least `THRESHOLD`, with their mean, by first base."""
        found: list[Interval] = []
        for column, element in enumerate(self.elements):
            values = self.values[:, column]
            inside = np.concatenate(([False], values >= THRESHOLD, [False]))
            edges = np.flatnonzero(inside[1:] != inside[:-1])
            direction = "+" if element.endswith("_forward") else "-" if element.endswith("_reverse") else "."
            for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
                found.append(Interval(first, last, element, float(values[first:last].mean(dtype=np.float64)), direction, column))
        return tuple(sorted(found, key=lambda item: (item.first, item.last)))

    def words(self) -> str:
        """Which elements reach one half, and where each is likeliest."""
        parts = []
        for index, name in enumerate(self.elements):
            column = self.values[:, index]
            if np.nanmax(column) >= THRESHOLD:
                parts.append(f"{name} reaches {np.nanmax(column):.2f} at {place(self.sequence, int(np.nanargmax(column)))}")
        return f"Element probabilities by {self.provenance.card.title}: {'; '.join(parts) or 'no element reaches 0.5'}."


@dataclass(frozen=True)
class Tile:
    """One window: what goes in and what is answered, 0-based half-open on the sequence; input outside it is N."""

    start: int
    end: int
    answer_start: int
    answer_end: int


def tiles(length: int, rule: WindowRule, max_length: int, overlap_bp: int | None = None) -> tuple[Tile, ...]:
    """Windows that answer for every base of a sequence of ``length``.

    Raises
    ------
    SequenceError
        Too short for the model, or its ends cannot be reached because the model takes no N.
    ParameterError
        The overlap leaves no room to move on.
    """
    if rule.fixed_bp is not None:
        return _fixed_tiles(length, rule, rule.fixed_bp, overlap_bp)
    widest = max_length // rule.multiple_bp * rule.multiple_bp
    if length < rule.multiple_bp:
        raise SequenceError(f"The sequence has {length:,} bases; this model needs at least {rule.multiple_bp:,}; give a longer one.")
    width = min(widest, length // rule.multiple_bp * rule.multiple_bp)
    if width == length:
        return (Tile(0, length, 0, length),)
    step = _step(width, rule.context_bp, overlap_bp) if length > widest else width
    starts = [*range(0, length - width, step), length - width]
    return tuple(Tile(start, start + width, start, start + width) for start in starts)


def _step(answered: int, context_bp: int, overlap_bp: int | None) -> int:
    """Bases from one tile to the next; the overlap is at most three quarters of what a tile answers for when the model chooses it."""
    if overlap_bp is None:
        return answered - min(2 * context_bp, answered * 3 // 4)
    if not 0 <= overlap_bp < answered:
        raise ParameterError(
            f"The overlap is {overlap_bp:,} bp; allowed: 0 to {answered - 1:,} for windows that answer for {answered:,} bp."
        )
    return answered - overlap_bp


def _fixed_tiles(length: int, rule: WindowRule, fixed: int, overlap_bp: int | None) -> tuple[Tile, ...]:
    """Windows of one length: one of them is the input itself where it is long enough, centred in N where it is shorter."""
    left = rule.output_start or 0
    right = fixed if rule.output_end is None else rule.output_end
    step = _step(right - left, rule.context_bp, overlap_bp)
    anchor = 0 if length >= fixed else -((fixed - length) // 2)
    starts = [anchor]
    while starts[0] + left > 0:
        starts.insert(0, starts[0] - step)
    while starts[-1] + right < length:
        starts.append(starts[-1] + step)
    whole_window = left == 0 and right == fixed
    if length >= fixed and (whole_window or not rule.allows_ambiguous):
        starts = sorted({min(max(start, 0), length - fixed) for start in starts})
    found = tuple(Tile(start, start + fixed, max(0, start + left), min(length, start + right)) for start in starts)
    padded = any(tile.start < 0 or tile.end > length for tile in found)
    if not rule.allows_ambiguous and (padded or found[0].answer_start > 0 or found[-1].answer_end < length):
        raise SequenceError(
            f"The sequence has {length:,} bases; this model reads windows of exactly {fixed:,} without N and answers for bases "
            f"{left + 1:,}-{right:,} of them; give a sequence that is longer or exactly as long."
        )
    return found


def segmentation(
    model: ElementModel,
    sequence: NucleotideSequence,
    parameters: SegmentationParameters | None = None,
    monitor: Monitor | None = None,
) -> Segmentation:
    """Probability float32 (L, E) of each of the model's elements at each base.

    ``both_strands`` averages with the answer for the reverse complement; elements whose names end in ``+`` and ``-``, or
    in ``forward`` and ``reverse``, change places there.

    Raises
    ------
    SequenceError, ParameterError, CapabilityMissing
        The sequence is too short or has letters the model cannot read, the overlap is too large, or the model knows no elements.
    Cancelled
        Through ``monitor.advance``.
    """
    if not isinstance(model, ElementModel):
        raise CapabilityMissing(f"{model.card.title} does not predict genomic elements; choose a segmentation model.")
    chosen = parameters or SegmentationParameters()
    began = time.perf_counter()
    watcher = monitor or SilentMonitor()
    letters = readable_letters(sequence, model)
    plan = tiles(len(sequence), model.window_rule, model.card.max_length, chosen.overlap_bp)
    watcher.start(len(plan) * (2 if chosen.both_strands else 1), "windows")
    values = _tiled(model, letters, plan, watcher)
    if chosen.both_strands:
        reverse = NucleotideSequence(letters).reverse_complement().letters
        flipped = _tiled(model, reverse, plan, watcher)[::-1]
        values = ((values + flipped[:, _strand_partners(model.elements)]) / 2).astype(np.float32)
    provenance = stamp("segmentation", VERSION, model, chosen, sequence, time.perf_counter() - began)
    return Segmentation(sequence=sequence, elements=model.elements, values=values, provenance=provenance)


def readable_letters(sequence: NucleotideSequence, model: ElementModel) -> str:
    """DNA letters with every ambiguous one as N. Raises `SequenceError` where the model takes none."""
    letters = "".join(letter if letter in "ACGT" else "N" for letter in sequence.as_dna())
    if "N" in letters and not model.window_rule.allows_ambiguous:
        where = letters.index("N")
        raise SequenceError(
            f"Position {where + 1:,} is {sequence.letters[where]}; {model.card.title} reads A, C, G and T only; "
            "choose a region without ambiguous letters."
        )
    return letters


def _strand_partners(elements: tuple[str, ...]) -> list[int]:
    """Column of each element's counterpart on the other strand: itself, unless its name ends in a strand that has one."""
    named = {name: index for index, name in enumerate(elements)}
    return [named.get(_other_strand(name), index) for index, name in enumerate(elements)]


def _other_strand(name: str) -> str:
    for here, there in (("+", "-"), ("-", "+"), ("forward", "reverse"), ("reverse", "forward")):
        if name.endswith(here):
            return name.removesuffix(here) + there
    return name


def owners(plan: tuple[Tile, ...], length: int) -> NDArray[np.int64]:
    """Which tile answers for each base, int64 (L,): the one in whose inside it lies deepest."""
    found = np.zeros(length, dtype=np.int64)
    deepest = np.full(length, -1.0)
    bases = np.arange(length)
    for number, tile in enumerate(plan):
        here = bases[tile.answer_start : tile.answer_end]
        to_left = np.where(tile.answer_start > 0, here - tile.answer_start, np.inf)
        to_right = np.where(tile.answer_end < length, tile.answer_end - 1 - here, np.inf)
        depth = np.minimum(to_left, to_right)
        better = depth > deepest[here]
        found[here[better]] = number
        deepest[here[better]] = depth[better]
    return found


def answered(
    model: ElementModel, letters: str, tile: Tile, bases: NDArray[np.int64], monitor: Monitor | None = None
) -> NDArray[np.float32]:
    """What the model says of ``bases`` (indices of ``letters``, all answered for by the tile), float32 (n, E), when it reads one tile.

    Raises through ``monitor.advance``, inside the tile where the model can be stopped there.
    """
    inside = letters[max(0, tile.start) : min(len(letters), tile.end)]
    window = "N" * max(0, -tile.start) + inside + "N" * max(0, tile.end - len(letters))
    first = tile.start + (model.window_rule.output_start or 0)
    if isinstance(model, WatchedElementModel) and monitor is not None:
        return model.watched_probabilities(window, lambda: monitor.advance(0))[bases - first]
    return model.element_probabilities(window)[bases - first]


def _tiled(model: ElementModel, letters: str, plan: tuple[Tile, ...], monitor: Monitor) -> NDArray[np.float32]:
    """Answers float32 (L, E) put together from tiles."""
    values = np.zeros((len(letters), len(model.elements)), dtype=np.float32)
    owner = owners(plan, len(letters))
    for number, tile in enumerate(plan):
        here = np.flatnonzero(owner == number)
        values[here] = answered(model, letters, tile, here, monitor)
        monitor.advance(1)
    return values


def _passes(sequence: NucleotideSequence, parameters: SegmentationParameters, card: ModelCard, offer: Offer) -> int:
    """Windows that go through the model."""
    if offer.windows is None:
        return 2 if parameters.both_strands else 1
    try:
        plan = tiles(len(sequence), offer.windows, card.max_length, parameters.overlap_bp)
    except (SequenceError, ParameterError):
        return 1
    return len(plan) * (2 if parameters.both_strands else 1)


DECLARED = (
    Declared(
        name="segmentation",
        command="segment",
        version=VERSION,
        title="Elements",
        summary="Probability of each genomic element at each base.",
        capability=Capability.SEGMENTATION,
        parameters=SegmentationParameters,
        result=Segmentation,
        passes=_passes,
        run=lambda model, sequence, parameters, monitor, answers: segmentation(model, sequence, parameters, monitor),
        out="segments.npz",
        default_model="locuscope-segmenter",
        tiled=True,
        shown="always",
        order=50,
    ),
)
