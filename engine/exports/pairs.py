"""Pairs of bases of a dependency map or a contact map, with what was left out said in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.results import ContactMap, DependencyMap

PER_BASE = 5
"""Of a dependency map the strongest pairs are written, this many for each base of the map."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """``indices`` int64 (n, 2), i < j, strongest first; ``scores`` float32 (n,); ``note`` says which pairs these are."""

    indices: NDArray[np.int64]
    scores: NDArray[np.float32]
    note: str


def _of_map(result: DependencyMap) -> Pairs:
    values = result.values
    width = len(values)
    first, second = np.triu_indices(width, 1)
    both = np.stack([values[first, second], values[second, first]])
    known = np.isfinite(both).any(axis=0)
    first, second = first[known], second[known]
    scores = np.nanmax(both[:, known], axis=0) if known.any() else np.zeros(0, np.float32)
    count = min(len(scores), PER_BASE * width)
    order = np.lexsort((second, first, -scores.astype(np.float64)))[:count]
    indices = np.stack([first[order], second[order]], axis=1).astype(np.int64) + result.offset
    note = f"the {count} strongest of {len(scores)} pairs, score = larger of the two directions ({result.metric})"
    return Pairs(indices, scores[order].astype(np.float32), note)


def pairs_of(result: DependencyMap | ContactMap) -> Pairs:
    """All pairs of a contact map, or the `PER_BASE` x width strongest pairs of a dependency map."""
    if isinstance(result, ContactMap):
        return Pairs(result.pairs, result.scores, f"all {len(result.pairs)} pairs of the predicted structure")
    return _of_map(result)
