"""Small sums that results, views and exports share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def entropy(values: NDArray[Any]) -> NDArray[np.float64]:
    """Shannon entropy in bits, float64 (L,), of P(base) (L, 4); 0 log 0 is 0."""
    exact = values.astype(np.float64)
    logs = np.log2(exact, out=np.zeros_like(exact), where=exact > 0)
    return np.asarray(-(exact * logs).sum(axis=1) + 0.0)


def strongest_pairs(values: NDArray[np.float32], count: int, minimum_distance: int = 1) -> NDArray[np.int64]:
    """int64 (n, 2), i < j: pairs at least ``minimum_distance`` apart by the larger of their two directions, strongest first, n <= ``count``."""
    finite = np.nan_to_num(np.abs(values))
    both = np.triu(np.maximum(finite, finite.T), max(1, minimum_distance)).ravel()
    least = np.partition(both, len(both) - count)[len(both) - count] if 0 < count < len(both) else 0.0
    places = np.flatnonzero((both >= least) & (both > 0))
    rows, columns = np.divmod(places, len(values))
    order = np.lexsort((columns, rows, -both[places]))[:count]
    return np.stack([rows[order], columns[order]], axis=1).astype(np.int64)


def mean_of_known(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over the last axis of the values that are numbers, float32 (L,) of (L, k); NaN where none is."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0).sum(axis=1, dtype=np.float64)
    mean: NDArray[np.float32] = np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0).astype(np.float32)
    return mean


def largest_of_known(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Largest of the values that are numbers over the last axis, float32 (L,) of (L, k); NaN where none is."""
    known = np.isfinite(values)
    largest = np.where(known, values, -np.inf).max(axis=1, initial=-np.inf)
    return np.where(known.any(axis=1), largest, np.nan).astype(np.float32)
