"""Patterns in the maps of shuffled sequences: how high scores get where nothing but the dinucleotides is left.

The shuffles of a sequence are drawn from its letters, the seed and their number, so that the same question has the same controls whoever asks;
they are an answer of their own, kept in the store and read by every question about the patterns of these letters.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses import dependency
from engine.analyses.declared import Declared
from engine.analyses.dependency import DependencyParameters, dependency_map
from engine.analyses.pattern_scores import BLOCK_BP, CELL_LIMITS, KINDS, Hit, PatternScores, cells_above
from engine.analyses.provenance import stamp
from engine.core.card import Capability, ModelCard, Offer
from engine.core.errors import Cancelled, ParameterError
from engine.core.parameters import Parameters, Precision, option
from engine.core.progress import Monitor, SilentMonitor, Stretch
from engine.core.protocols import NucleotideModel
from engine.core.results import Result, Table, Track, frozen_array
from engine.core.sequence import NucleotideSequence
from engine.core.shuffle import dinucleotide_shuffle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.provenance import Provenance

VERSION = "2"
MOST_SHUFFLES = 100


def map_bytes(sequence: NucleotideSequence, parameters: Any) -> int:
    """Bytes beside the model while patterns of a map are looked for: its own 4 a pair of bases, and 40 as measured for the sums and scores."""
    return len(sequence) ** 2 * 44


@dataclass(frozen=True)
class ControlParameters(Parameters):
    """``shuffles`` sequences drawn by ``seed``; ``precision``, ``tau``: of their maps, as of the map they are held against."""

    shuffles: int = option(20, "--shuffles", "Shuffled sequences, each costs one map.", metavar="N", low=1, high=MOST_SHUFFLES)
    seed: int = option(0, "--seed", "Of the random order.", metavar="N", low=0, high=2**31 - 1)
    precision: Precision = option("auto", "--precision", "Of the maps, as for the command map.", metavar="NAME")
    tau: float = option(0.05, "--tau", "Threshold of --precision sparse.", metavar="T", low=0, high=1, open_ends=True)

    def check(self, length: int) -> None:
        """Raise `ParameterError` for a sequence that has room for no block."""
        check_length(length)


def check_length(length: int) -> None:
    """Raise `ParameterError` where no pattern has room."""
    if length < BLOCK_BP:
        raise ParameterError(f"The sequence has {length} bases; patterns need at least {BLOCK_BP}.")


@dataclass(frozen=True, eq=False)
class PatternControls(Result):
    """Places of patterns in the maps of shuffled sequences, one row each.

    ``shuffles``: sequences that were asked for, of which ``finished`` are there. ``kinds`` int64 (n,): index into
    `engine.analyses.pattern_scores.KINDS`; ``numbers`` int64 (n,): which shuffle, from 0; ``places`` int64 (n, 2): first bases of both sides;
    ``scores`` float32 (n,), in the map's unit. ``cells`` int64 (161,): cells of all their maps at or above each of `CELL_LIMITS`.
    """

    faces = frozenset()
    sequence: NucleotideSequence
    shuffles: int
    finished: int
    kinds: NDArray[np.int64]
    numbers: NDArray[np.int64]
    places: NDArray[np.int64]
    scores: NDArray[np.float32]
    cells: NDArray[np.int64]
    provenance: Provenance

    def __post_init__(self) -> None:
        count = len(self.kinds)
        for name, dtype, shape in (
            ("kinds", np.int64, (count,)),
            ("numbers", np.int64, (count,)),
            ("places", np.int64, (count, 2)),
            ("scores", np.float32, (count,)),
            ("cells", np.int64, (len(CELL_LIMITS),)),
        ):
            object.__setattr__(self, name, frozen_array(getattr(self, name), dtype, shape, name))

    @property
    def complete(self) -> bool:
        """Whether every shuffle is computed."""
        return self.finished >= self.shuffles

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``kinds`` as words, ``numbers``, ``places``, ``scores``; ``cell_limits`` and how many ``cells`` reach them."""
        places = {"kinds": np.array(KINDS)[self.kinds], "numbers": self.numbers, "places": self.places, "scores": self.scores}
        return {**places, "cell_limits": CELL_LIMITS, "cells": self.cells}

    def rows(self) -> Table:
        """One row a place, shuffle by shuffle."""
        first, second = self.places.T
        kinds = [KINDS[kind] for kind in self.kinds]
        return Table(
            {"shuffle": self.numbers + 1, "kind": kinds, "first": first + 1, "second": second + 1, "score": self.scores}, first, second
        )

    def tracks(self) -> tuple[Track, ...]:
        """None: the places are those of other sequences."""
        return ()

    def words(self) -> str:
        """How high each kind gets."""
        parts = []
        for number, kind in enumerate(KINDS):
            of_kind = self.kinds == number
            best = [self.scores[of_kind & (self.numbers == shuffle)].max(initial=0) for shuffle in range(self.finished)]
            if best:
                parts.append(f"{kind} {np.median(best):.2f} (at most {max(best):.2f})")
        seed = self.provenance.parameters.get("seed", 0)
        return (
            f"{self.finished:,} of {self.shuffles:,} dinucleotide-shuffled sequences (seed {seed}); highest score of a sequence, median: "
            f"{', '.join(parts) or 'none'}."
        )


def pattern_controls(
    model: NucleotideModel,
    sequence: NucleotideSequence,
    parameters: ControlParameters | None = None,
    monitor: Monitor | None = None,
    known: PatternControls | None = None,
) -> PatternControls:
    """Places of patterns in the maps of shuffled sequences; ``known``: what a stopped run left, which goes on from there.

    Raises
    ------
    SequenceError, ParameterError, CapabilityMissing
        As `engine.analyses.dependency.dependency_map` does.
    Cancelled
        Through ``monitor.advance``; the shuffles that are finished are published before.
    """
    chosen, watcher = parameters or ControlParameters(), monitor or SilentMonitor()
    check_length(len(sequence))
    began, earlier = time.perf_counter(), 0.0 if known is None else known.provenance.seconds
    hits = [] if known is None else _hits_of(known)
    finished = 0 if known is None else known.finished
    cells = np.zeros(len(CELL_LIMITS), np.int64) if known is None else known.cells.copy()
    each = dependency.passes(sequence, DependencyParameters())
    watcher.start(chosen.shuffles * each)
    if finished:
        watcher.advance(finished * each)

    def result() -> PatternControls:
        seconds = earlier + time.perf_counter() - began
        partial = finished < chosen.shuffles
        return _gathered(
            hits, cells, finished, chosen, sequence, stamp("pattern_controls", VERSION, model, chosen, sequence, seconds, partial)
        )

    settings = DependencyParameters(precision=chosen.precision, tau=chosen.tau)
    try:
        for number in range(finished, chosen.shuffles):
            shuffled = NucleotideSequence(shuffle(sequence.letters, chosen.seed, number), sequence.alphabet)
            found = dependency_map(model, shuffled, settings, Stretch(watcher))
            cells += cells_above(found.values)
            hits += [(number, hit) for hit in PatternScores.of(found.values, causal=model.card.causal).hits()]
            finished = number + 1
            if finished < chosen.shuffles and watcher.wants_partial():
                watcher.publish(result())
    except Cancelled:
        if finished:
            watcher.publish(result())
        raise
    return result()


def shuffle(letters: str, seed: int, number: int) -> str:
    """The letters of shuffle ``number`` (from 0)."""
    return dinucleotide_shuffle(letters, np.random.default_rng([seed, number]))


def _hits_of(known: PatternControls) -> list[tuple[int, Hit]]:
    rows = zip(known.numbers, known.kinds, known.places, known.scores, strict=True)
    return [(int(number), Hit(KINDS[kind], int(first), int(second), float(score))) for number, kind, (first, second), score in rows]


def _gathered(
    hits: list[tuple[int, Hit]],
    cells: NDArray[np.int64],
    finished: int,
    chosen: ControlParameters,
    sequence: NucleotideSequence,
    provenance: Provenance,
) -> PatternControls:
    return PatternControls(
        sequence=sequence,
        shuffles=chosen.shuffles,
        finished=finished,
        kinds=np.array([KINDS.index(hit.kind) for _, hit in hits], np.int64),
        numbers=np.array([number for number, _ in hits], np.int64),
        places=np.array([(hit.first, hit.second) for _, hit in hits], np.int64).reshape(-1, 2),
        scores=np.array([hit.score for _, hit in hits], np.float32),
        cells=cells,
        provenance=provenance,
    )


def _passes(sequence: NucleotideSequence, parameters: ControlParameters, card: ModelCard, offer: Offer) -> int:
    return parameters.shuffles * dependency.passes(sequence, DependencyParameters())


DECLARED = (
    Declared(
        name="pattern_controls",
        command="pattern-controls",
        version=VERSION,
        title="Patterns of shuffled sequences",
        summary="Scores of blocks, stems, repeats and hotspots in the maps of dinucleotide-shuffled sequences, the controls of patterns.",
        capability=Capability.DEPENDENCY,
        parameters=ControlParameters,
        result=PatternControls,
        passes=_passes,
        run=lambda model, sequence, parameters, monitor, answers: pattern_controls(
            model, sequence, parameters, monitor, answers.get("pattern_controls")
        ),
        out="pattern-controls.tsv",
        memory=map_bytes,
        growth="quadratic",
        pace="mutants",
        one_core=True,
        shown="clicked",
        order=46,
        windows=False,
    ),
)
