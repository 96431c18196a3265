"""Annotation of long stretches, thinned to what can be seen: features narrower than a few pixels are drawn as one with their neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.core.features import Feature
from engine.views.panels.genes import KINDS, WHOLE

PIXELS = 2400
"""Steps into which a stretch is cut: twice the pixels of a wide screen, so that zooming in by two shows nothing coarse."""
ALONE = 3
"""Steps from which on a feature is drawn by itself."""


def thinned(features: Sequence[Feature], length: int, pixels: int = PIXELS) -> tuple[Feature, ...]:
    """Features of ``length`` bases, as many as ``pixels`` can show; those of a short stretch are all kept.

    Narrow ones of one kind and strand that lie within a pixel of each other become one, named ``N × kind``; narrow parts of genes are left out
    where whole genes are annotated. In indices of the letters, as they were given.
    """
    step = length / pixels
    if len(features) <= pixels // 2 or step <= 1:
        return tuple(features)
    has_genes = any(item.kind in WHOLE for item in features)
    kept: list[Feature] = []
    narrow: dict[tuple[str, str], list[Feature]] = {}
    for item in features:
        if item.width_bp >= ALONE * step:
            kept.append(item)
        elif not (has_genes and item.kind in KINDS - WHOLE):
            narrow.setdefault((item.kind, item.strand), []).append(item)
    for (kind, strand), items in narrow.items():
        kept += _merged(kind, strand, items, step)
    return tuple(sorted(kept, key=lambda item: (item.start, -item.end)))


def _merged(kind: str, strand: str, items: list[Feature], step: float) -> Iterable[Feature]:
    items.sort(key=lambda item: item.start)
    starts, ends = (np.array([getattr(item, side) for item in items], np.int64) for side in ("start", "end"))
    reach = np.maximum.accumulate(ends)
    firsts = np.flatnonzero(np.concatenate([[True], starts[1:] - reach[:-1] > step]))
    counts = np.diff([*firsts, len(items)])
    lasts = reach[firsts + counts - 1]
    for first, count, end in zip(firsts.tolist(), counts.tolist(), lasts.tolist(), strict=True):
        if count == 1:
            yield items[first]
        else:
            yield Feature(kind, f"{count:,} × {kind.replace('_', ' ')}", items[first].start, end, strand)


def coverage(features: Iterable[Feature], length: int, bins: int) -> NDArray[np.float32]:
    """Part of each of ``bins`` equal stretches that is covered by genes, float32 (2, bins), 0 to 1: the forward strand (and genes without one),
    the reverse strand. Where no gene is annotated, by anything."""
    given = list(features)
    genes = [item for item in given if item.kind in WHOLE] or [item for item in given if item.kind in KINDS] or given
    found = np.zeros((2, bins), np.float32)
    for row, strands in enumerate((("+", "."), ("-",))):
        own = [item for item in genes if item.strand in strands]
        edges = np.array([[item.start, item.end] for item in own], np.float64).reshape(-1, 2) * (bins / length)
        found[row] = _filled(np.clip(edges, 0, bins), bins)
    return found


def _filled(edges: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """How much of each bin lies between the two ``edges`` of any interval, (n, 2) in bins; overlaps count once at most."""
    steep = np.zeros(bins + 2)  # the slope of the summed coverage up to a place
    whole, part = np.divmod(edges, 1)
    at = whole.astype(np.int64)
    for side, sign in ((0, 1.0), (1, -1.0)):
        np.add.at(steep, at[:, side], sign * (1 - part[:, side]))
        np.add.at(steep, at[:, side] + 1, sign * part[:, side])
    return np.clip(np.cumsum(steep)[:bins], 0, 1)


def pooled(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Means of as many stretches as can be seen of a long signal, and their width in bases."""
    if len(values) <= 2 * PIXELS:
        return values, 1.0
    edges = np.linspace(0, len(values), PIXELS + 1).astype(np.int64)
    known = np.isfinite(values)
    sums = np.add.reduceat(np.where(known, values, 0).astype(np.float64), edges[:-1])
    counts = np.add.reduceat(known.astype(np.int64), edges[:-1])
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts > 0, sums / counts, np.nan).astype(np.float32), len(values) / PIXELS
