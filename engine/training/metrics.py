"""Scores used by the evaluation; each is checked against cases worked by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

RESAMPLED = 1000
Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]


def pair_matrix(partner: NDArray[np.int32]) -> Bools:
    """(L, L) symmetric matrix of the pairs in a partner array (-1 where unpaired)."""
    out = np.zeros((partner.size, partner.size), dtype=np.bool_)
    left = np.flatnonzero(partner >= 0)
    out[left, partner[left]] = True
    return out | out.T


def intervals(draw: Callable[[NDArray[np.intp]], Mapping[str, float]], count: int, seed: int) -> dict[str, list[float]]:
    """Of each number ``draw`` gives for picked rows: of all ``count`` of them, and the 2.5 and 97.5 percentiles over `RESAMPLED` draws with replacement."""
    rng = np.random.default_rng(seed)
    whole = draw(np.arange(count))
    drawn = [draw(rng.integers(0, count, count)) for _ in range(RESAMPLED)]
    found = {}
    for name, value in whole.items():
        there = [row[name] for row in drawn if np.isfinite(row[name])]
        low, high = np.percentile(there, (2.5, 97.5)) if there else (np.nan, np.nan)
        found[name] = [round(float(number), 4) for number in (value, low, high)]
    return found
