"""Near-duplicate genomes by sampled 21-mers (a fraction MinHash), without any dependency but numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.training.letters import Codes

Sketch = NDArray[np.uint64]
_MIX = np.uint64(0x9E3779B97F4A7C15)


def sketch(codes: Codes, one_in: int, k: int = 21) -> Sketch:
    """Sorted hashes of about one in `one_in` distinct canonical k-mers; words with unknown letters are left out."""
    if codes.size < k:
        return np.empty(0, dtype=np.uint64)
    count = codes.size - k + 1
    forward = np.zeros(count, dtype=np.uint64)
    backward = np.zeros(count, dtype=np.uint64)
    wide = (codes & 3).astype(np.uint64)
    for place in range(k):
        part = wide[place : place + count]
        forward |= part << np.uint64(2 * (k - 1 - place))
        backward |= (np.uint64(3) - part) << np.uint64(2 * place)
    hashed = np.minimum(forward, backward) * _MIX
    hashed ^= hashed >> np.uint64(29)
    hashed *= np.uint64(0xBF58476D1CE4E5B9)
    known = np.concatenate(([0], np.cumsum(codes > 3)))
    clean = known[k:] == known[:-k]
    return np.unique(hashed[clean & (hashed <= np.uint64((2**64 - 1) // one_in))])


def containment(one: Sketch, other: Sketch) -> float:
    """Shared hashes over the smaller sketch, 0 to 1."""
    smaller = min(one.size, other.size)
    return float(np.intersect1d(one, other, assume_unique=True).size / smaller) if smaller else 0.0


def clusters(sketches: list[Sketch], threshold: float) -> list[int]:
    """Single-linkage cluster number of every sketch: pairs with containment of at least `threshold` are joined."""
    parent = list(range(len(sketches)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    owners = np.concatenate([np.full(s.size, i) for i, s in enumerate(sketches)]) if sketches else np.empty(0, dtype=int)
    hashes = np.concatenate(sketches) if sketches else np.empty(0, dtype=np.uint64)
    order = np.argsort(hashes, kind="stable")
    shared: dict[tuple[int, int], int] = {}
    starts = np.flatnonzero(np.diff(hashes[order], prepend=hashes[order][:1] - np.uint64(1) if hashes.size else hashes))
    for group in np.split(owners[order], starts[1:]):
        if 1 < group.size <= 64:
            for a in range(group.size):
                for b in range(a + 1, group.size):
                    pair = (int(group[a]), int(group[b]))
                    shared[pair] = shared.get(pair, 0) + 1
    for (a, b), count in shared.items():
        if count >= threshold * min(sketches[a].size, sketches[b].size) and count >= 2:
            parent[root(a)] = root(b)
    return [root(i) for i in range(len(sketches))]
