"""Logos of clusters: which letters the places nearest to the middle of each cluster have, aligned at their first base.

Heights are the information of a column in bits with the correction for few sequences (Schneider et al., J. Mol. Biol. 1986, 188:415).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.core.arithmetic import entropy
from engine.core.results import frozen_array
from engine.core.sequence import BASES

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAREST = 100
"""Places of a cluster that make its logo, those nearest to its mean."""
MOST_CLUSTERS = 12
WIDTH = 40
"""Bases of a logo, from the 5\u2032 end of the places on their strand."""


@dataclass(frozen=True, eq=False)
class ClusterLogo:
    """``counts`` int64 (W, 4): how often each base stands at each of the first W bases of the ``rows`` int64 (k,) nearest to the mean of ``cluster``,
    which has ``size`` places."""

    cluster: int
    size: int
    rows: NDArray[np.int64]
    counts: NDArray[np.int64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", frozen_array(self.counts, np.int64, (None, 4), "counts of a logo"))

    @property
    def frequencies(self) -> NDArray[np.float32]:
        """Share of each base, float32 (W, 4), 0 where no place is so long."""
        return np.asarray(self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1), np.float32)

    @property
    def bits(self) -> NDArray[np.float64]:
        """Information of each column, float64 (W,), corrected for few sequences; at least 0."""
        total = self.counts.sum(axis=1)
        correction = 3 / (2 * math.log(2) * np.maximum(total, 1))
        return np.where(total > 0, np.maximum(2 - entropy(self.frequencies) - correction, 0.0), 0.0)


def nearest(space: NDArray[np.float32], clusters: NDArray[np.int32]) -> dict[int, NDArray[np.int64]]:
    """Of each of the largest clusters the rows nearest to its mean, nearest first; ``space`` (n, C), ``clusters`` (n,), the largest is 0."""
    found = {}
    for cluster in range(min(MOST_CLUSTERS, int(clusters.max(initial=-1)) + 1)):
        rows = np.flatnonzero(clusters == cluster)
        away = np.linalg.norm(space[rows] - space[rows].mean(axis=0, dtype=np.float64), axis=1)
        found[cluster] = rows[np.argsort(away, kind="stable")[:NEAREST]]
    return found


def logo(cluster: int, size: int, rows: NDArray[np.int64], letters: Sequence[str]) -> ClusterLogo:
    """The logo of ``letters``, one a row; letters that are no base are not counted."""
    codes = np.full((len(letters), WIDTH), -1, np.int64)
    for row, text in enumerate(letters):
        codes[row, : min(WIDTH, len(text))] = [BASES.find(base) for base in text[:WIDTH].replace("U", "T")]
    counts = np.stack([(codes == base).sum(axis=0) for base in range(4)], axis=1)
    return ClusterLogo(cluster, size, rows, counts)
