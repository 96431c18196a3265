"""What one step of training computes, as numbers that a process can draw ahead of the device: nothing in it is decided on the device.

Drawing is a function of (seed, rank, step, micro-step), so that a resumed run sees the same steps and several processes draw what one would.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import ParameterError
from engine.training.batches import IGNORE, LENGTHS, Batch, Batches, Mixture, mask_codons, substituted
from engine.training.corpus import Corpus
from engine.training.labels import UNSURE, Labels, Marks, beside, frames

RANKED = 2000  # other bases that each partner is compared with in a step
MINIMUM_LOOP = 3  # as `engine.models.locuscope.network` has it, which needs torch
NEAR = 3.0  # how much oftener than others the bases too near to pair are drawn: the recipe of contacts counts them, too
SHAPED = ("rna", "invented")
"""Kinds of batches whose maps are shaped by annotated pairs; in genomes the loudness of the stem layer is left to the letters alone."""


@dataclass(frozen=True)
class Shaped:
    """Substitutions that shape a map.

    ``ids`` uint8 (2 rows, T): rows without masks, then the same with one base substituted each. ``quiet`` bool (rows, T): bases that nothing
    should happen to; ``partners`` and ``others`` int64: places in the flattened (rows, T) of the partners of substituted bases and of other
    bases that should change less. Empty where there are none.
    """

    ids: NDArray[np.uint8]
    quiet: NDArray[np.bool_]
    partners: NDArray[np.int64]
    others: NDArray[np.int64]


@dataclass(frozen=True)
class Labelled:
    """``marks`` uint8 (B, T) as `engine.training.labels` has them; ``places`` int64 (n,) in the flattened ids of the middle bases of codons that
    are masked as a whole, and what ``amino_acids`` int64 (n,) they stand for, places in `engine.training.codons.AMINO_ACIDS`.
    """

    marks: Marks
    places: NDArray[np.int64]
    amino_acids: NDArray[np.int64]


@dataclass(frozen=True)
class Drawn:
    """``ids`` uint8 (B, T) with masks in place; ``places`` int64 (n,) in the flattened ids, whose ``letters`` uint8 (n,) are asked for."""

    kind: str
    ids: NDArray[np.uint8]
    places: NDArray[np.int64]
    letters: NDArray[np.uint8]
    shaped: Shaped | None = None
    labelled: Labelled | None = None


def labelled(batch: Batch, codons: float, rng: np.random.Generator) -> Labelled | None:
    """The labels of a batch of which something is known, with a share ``codons`` of the codons masked in it."""
    if batch.marks is None or (frames(batch.marks) == UNSURE).all():
        return None
    return Labelled(batch.marks, *mask_codons(batch, codons, rng))


def drawn(batch: Batch, rng: np.random.Generator | None) -> Drawn:
    """A batch as a step takes it; with ``rng`` its substitutions, too."""
    places = np.flatnonzero(batch.targets != IGNORE)
    letters = batch.targets.reshape(-1)[places].astype(np.uint8)
    return Drawn(batch.kind, batch.ids.astype(np.uint8), places, letters, None if rng is None else shaped(batch, rng))


def shaped(batch: Batch, rng: np.random.Generator) -> Shaped:
    """A third of a batch's rows, a substitution in each."""
    ids, places = substituted(batch, max(1, len(batch.ids) // 3), rng)
    count, length = len(places), ids.shape[1]
    rows = np.arange(count)
    elsewhere = np.ones((count, length), dtype=np.bool_)
    elsewhere[:, 0] = elsewhere[rows, places] = False
    partner = batch.partners[rows, places]
    paired = partner > 0
    others = elsewhere & (partner != IGNORE)[:, None]
    others[rows[paired], partner[paired]] = False
    near = np.abs(np.arange(length) - places[:, None]) <= MINIMUM_LOOP
    pool = np.flatnonzero(others)
    heap = np.cumsum(1 + (NEAR - 1) * near.reshape(-1)[pool])
    height = rng.random(RANKED) * (heap[-1] if len(heap) else 0.0)
    picked = pool[np.minimum(np.searchsorted(heap, height), len(pool) - 1)] if paired.any() and len(pool) else pool[:0]
    return Shaped(ids.astype(np.uint8), elsewhere & ~paired[:, None], rows[paired] * length + partner[paired], picked)


@dataclass(frozen=True)
class Drawing:
    """What decides the steps of a run: ``tokens`` a batch, lengths in steps of ``bucket`` tokens, whether maps are shaped, and the bases of
    genome windows (one of `LENGTHS`; 0: all of them, mixed). ``labels``: genome windows have their labels, and ``codons`` of their codons are
    masked as a whole.
    """

    seed: int
    tokens: int
    bucket: int = 1
    shapes: bool = True
    window: int = 0
    labels: bool = False
    codons: float = 0.0

    def __post_init__(self) -> None:
        if self.window and self.window not in LENGTHS:
            raise ParameterError(f"genome windows have {', '.join(map(str, LENGTHS))} bases, or 0 for all of these, not {self.window}")

    @property
    def mixture(self) -> Mixture:
        """Of the batches."""
        return replace(Mixture(), lengths=tuple(float(length == self.window) for length in LENGTHS)) if self.window else Mixture()


class Drawer:
    """Draws in this process. ``marks``: of the corpus' genomes, for a drawing with labels."""

    def __init__(self, corpus: Corpus, drawing: Drawing, marks: Marks | None = None) -> None:
        self.drawing = drawing
        if drawing.labels and marks is None:
            raise ParameterError(
                "a run with labels needs those of its corpus; make them: python -m engine.training labels --data DIR --corpus FILE"
            )
        own = marks if drawing.labels else None
        self._batches = Batches(corpus, drawing.seed, drawing.tokens, drawing.mixture, drawing.bucket, own)

    @classmethod
    def of_file(cls, path: Path, drawing: Drawing) -> Drawer:
        """Of a packed corpus and, for a drawing with labels, those beside it."""
        corpus = Corpus.load(path)
        return cls(corpus, drawing, Labels.load(beside(path)).marks(corpus) if drawing.labels else None)

    def __call__(self, rank: int, step: int, micro: int, dna_share: float) -> Drawn:
        """A step."""
        drawing = self.drawing
        batch = self._batches.draw(rank, step, micro, dna_share)
        known = labelled(batch, drawing.codons, np.random.default_rng((drawing.seed, rank, step, micro, 2)))
        shapes = drawing.shapes and batch.kind in SHAPED
        found = drawn(batch, np.random.default_rng((drawing.seed, rank, step, micro, 1)) if shapes else None)
        return replace(found, labelled=known)


class DrawerAhead:
    """Draws in ``processes`` of its own, a few steps ahead of the one that is asked for; the steps are those of a `Drawer`.

    The share of genome batches is that of the moment a step is begun. Close it when done.
    """

    def __init__(self, corpus: Path, drawing: Drawing, processes: int, accumulate: int = 1) -> None:
        if drawing.labels:  # said here, not by processes that end
            Labels.load(beside(corpus)).check(Corpus.load(corpus))
        self._accumulate, self._ahead = accumulate, 2 * processes
        self._pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin, (corpus, drawing))
        self._coming: deque[tuple[tuple[int, int, int], Future[Drawn]]] = deque()

    def __call__(self, rank: int, step: int, micro: int, dna_share: float) -> Drawn:
        """A step, which is waited for only when the processes are behind."""
        wanted = (rank, step, micro)
        if self._coming and self._coming[0][0] != wanted:
            self._coming.clear()
        while len(self._coming) <= self._ahead:
            coming = self._after(self._coming[-1][0]) if self._coming else wanted
            self._coming.append((coming, self._pool.submit(_draw, *coming, dna_share)))
        return self._coming.popleft()[1].result()

    def _after(self, one: tuple[int, int, int]) -> tuple[int, int, int]:
        rank, step, micro = one
        return (rank, step, micro + 1) if micro + 1 < self._accumulate else (rank, step + 1, 0)

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown(wait=False, cancel_futures=True)


_drawer: Drawer | None = None


def _begin(corpus: Path, drawing: Drawing) -> None:
    global _drawer  # noqa: PLW0603 - one a process of the pool
    _drawer = Drawer.of_file(corpus, drawing)


def _draw(rank: int, step: int, micro: int, dna_share: float) -> Drawn:
    if _drawer is None:
        raise RuntimeError("a drawing process was not begun")
    return _drawer(rank, step, micro, dna_share)
