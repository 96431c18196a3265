"""Sequences that teach pairing: compensatory substitutions in annotated pairs, and invented stem-loops."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.training.letters import Codes

_PAIRS = np.array([(2, 1), (1, 2), (0, 3), (3, 0), (2, 3), (3, 2)], dtype=np.uint8)  # GC CG AU UA GU UG
_SHARE = np.array([0.28, 0.28, 0.16, 0.16, 0.06, 0.06])
_IS_PAIR = np.zeros((5, 5), dtype=np.bool_)
for _a, _b in _PAIRS:
    _IS_PAIR[_a, _b] = True


def is_canonical(codes: Codes, i: NDArray[np.integer], j: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether letters at i and j make a Watson-Crick or wobble pair."""
    out: NDArray[np.bool_] = _IS_PAIR[codes[i], codes[j]]
    return out


def compensate(codes: Codes, partner: NDArray[np.int32], share: float, rng: np.random.Generator) -> Codes:
    """Copy with about `share` of the annotated canonical pairs replaced by random canonical pairs."""
    left = np.flatnonzero(partner > np.arange(partner.size))
    right = partner[left]
    chosen = is_canonical(codes, left, right) & (rng.random(left.size) < share)
    out = codes.copy()
    drawn = _PAIRS[rng.choice(len(_PAIRS), size=int(chosen.sum()), p=_SHARE)]
    out[left[chosen]], out[right[chosen]] = drawn[:, 0], drawn[:, 1]
    return out


def random_letters(length: int, rng: np.random.Generator) -> Codes:
    """Independent letters with a random composition."""
    share = rng.dirichlet((6.0, 6.0, 6.0, 6.0))
    return rng.choice(4, size=length, p=share).astype(np.uint8)


def _fold(low: int, high: int, partner: NDArray[np.int32], rng: np.random.Generator) -> None:
    """Fill [low, high) with stems, some with bulges and branches, recursively."""
    while high - low >= 11:
        low += int(rng.integers(0, 7))
        span = int(rng.integers(11, max(12, high - low + 1)))
        if low + span > high:
            return
        i, j = low, low + span - 1
        depth = int(rng.integers(3, 11))
        while depth and j - i > 4:
            partner[i], partner[j] = j, i
            i, j, depth = i + 1, j - 1, depth - 1
            if rng.random() < 0.08:
                i += int(rng.integers(1, 3))
            if rng.random() < 0.08:
                j -= int(rng.integers(1, 3))
        if j - i > 14:
            _fold(i, j + 1, partner, rng)
        low += span


def invented_rna(length: int, rng: np.random.Generator) -> tuple[Codes, NDArray[np.int32]]:
    """Random letters with random nested stems: (codes, partner), both of `length`."""
    partner = np.full(length, -1, dtype=np.int32)
    _fold(int(rng.integers(0, 8)), length - int(rng.integers(0, 4)), partner, rng)
    codes = random_letters(length, rng)
    left = np.flatnonzero(partner > np.arange(length))
    drawn = _PAIRS[rng.choice(len(_PAIRS), size=left.size, p=_SHARE)]
    codes[left], codes[partner[left]] = drawn[:, 0], drawn[:, 1]
    return codes, partner
