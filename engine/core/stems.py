"""Stems by the letters alone, and scores read along them.

The cells (i, j), (i + 1, j − 1), ... of two bases that can pair, one after the other without a gap, are a run: the pairs of a stem. What is
summed over the run through a cell says more of the cell than the cell itself. The sum of `PAIR_WEIGHTS` is the stem counter, the weakest
baseline that contacts of a model have to beat.
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING

import numpy as np

from engine.core.base_pairs import crosses
from engine.core.progress import interruption_point

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAIR_WEIGHTS = {"AT": 2.0, "TA": 2.0, "CG": 3.0, "GC": 3.0, "GT": 0.8, "TG": 0.8}
"""Of A-U, G-C and G-U pairs, by their DNA letters: about their hydrogen bonds."""

CROSSING = 2.0
"""A stem that crosses one already taken, as in a pseudoknot, must exceed this many times the threshold."""

STEM_COUNT_GROWTH = 12.0
"""`stem_threshold` of the stem counter; `engine.training.measure_contacts` sets it as those of the models."""


def stem_threshold(growth: float, length: int) -> float:
    """Sum that a stem of an RNA must exceed: ``growth`` for each e-fold of its length beyond 40 bases, at least 1.

    Two bases that fit are the likelier to lie in a long run by chance the more of them there are; the largest of n such sums grows with ln n.
    """
    return max(1.0, growth * math.log(max(1, length) / 40))


def pair_weights(letters: str, minimum_loop: int = 3) -> NDArray[np.float32]:
    """`PAIR_WEIGHTS` of each two letters (as DNA), float32 (L, L); 0 where they cannot pair or are at most ``minimum_loop`` bases apart."""
    codes = np.frombuffer(letters.encode("ascii"), dtype=np.uint8)
    table = np.zeros((256, 256), dtype=np.float32)
    for pair, weight in PAIR_WEIGHTS.items():
        table[ord(pair[0]), ord(pair[1])] = weight
    index = np.arange(len(codes))
    apart = np.abs(index[:, None] - index[None, :]) > minimum_loop
    found: NDArray[np.float32] = np.where(apart, table[codes[:, None], codes[None, :]], np.float32(0))
    return found


def run_sums(values: NDArray[np.float32], paired: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Sum of symmetric ``values`` over the uninterrupted run of ``paired`` cells through each cell, float32 (L, L); 0 where not paired."""
    length = len(values)
    cells = np.where(paired, values, 0).astype(np.float64)
    inwards, outwards = cells.copy(), cells.copy()  # sums over the run up to a cell, from its outer and from its inner end
    for row in range(1, length):
        interruption_point()
        inwards[row, :-1] += np.where(paired[row, :-1], inwards[row - 1, 1:], 0)
    for row in range(length - 2, -1, -1):
        interruption_point()
        outwards[row, 1:] += np.where(paired[row, 1:], outwards[row + 1, :-1], 0)
    found: NDArray[np.float32] = np.where(paired, inwards + outwards - cells, 0).astype(np.float32)
    return found


Cells = list[tuple[int, int]]


def strongest_stems(
    values: NDArray[np.float32], paired: NDArray[np.bool_], threshold: float, *, crossing: float = CROSSING
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Stems of the highest sums, each base once: pairs int64 (n, 2), i < j, and the sum of the stem each is in, float32 (n,), strongest first.

    The run of ``paired`` cells with the highest sum of symmetric ``values`` is taken as long as it exceeds ``threshold``. What of another run
    meets its bases is cut off, and the rest of that run is summed anew. Pairs that would cross a taken stem need a sum above ``crossing`` times
    the threshold, else they are cut off likewise. Of equal sums the run that begins further left goes first.
    """
    waiting = [(-total, cells) for cells, total in runs(values, paired, threshold)]
    heapq.heapify(waiting)
    free = np.ones(len(values), dtype=bool)
    stems: list[Cells] = []
    scores: list[float] = []
    while waiting:
        interruption_point()
        negative, cells = heapq.heappop(waiting)
        may_cross = -negative > crossing * threshold
        usable = [bool(free[i] and free[j]) and (may_cross or not any(crosses((i, j), stem[0]) for stem in stems)) for i, j in cells]
        if all(usable):
            stems.append(cells)
            scores += [-negative] * len(cells)
            free[[base for cell in cells for base in cell]] = False
            continue
        for part in unbroken(cells, usable):
            total = float(sum(values[i, j] for i, j in part))
            if total > threshold:
                heapq.heappush(waiting, (-total, part))
    pairs = [cell for stem in stems for cell in stem]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2), np.array(scores, dtype=np.float32)


def runs(values: NDArray[np.float32], paired: NDArray[np.bool_], above: float = -np.inf) -> list[tuple[Cells, float]]:
    """Every run of the upper triangle whose sum of ``values`` is larger than ``above``: its cells, the outermost first, and the sum."""
    i, j = np.nonzero(np.triu(paired, 1))
    order = np.lexsort((i, i + j))
    i, j = i[order], j[order]
    interruption_point()
    if not len(i):
        return []
    begins = np.flatnonzero(np.concatenate(([True], (np.diff(i + j) != 0) | (np.diff(i) != 1))))
    sums = np.add.reduceat(values[i, j].astype(np.float64), begins)
    interruption_point()
    kept = np.flatnonzero(sums > above)
    ends = np.concatenate((begins[1:], [len(i)]))
    spans = zip(begins[kept].tolist(), ends[kept].tolist(), sums[kept].tolist(), strict=True)
    return [(list(zip(i[first:last].tolist(), j[first:last].tolist(), strict=True)), total) for first, last, total in spans]


def unbroken(cells: Cells, usable: list[bool]) -> list[Cells]:
    """The stretches of ``cells`` that are all ``usable``."""
    parts: list[Cells] = [[]]
    for cell, kept in zip(cells, usable, strict=True):
        if kept:
            parts[-1].append(cell)
        else:
            parts.append([])
    return [part for part in parts if part]
