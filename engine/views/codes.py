"""A map as one byte a cell, for the picture that the browser makes of it.

The code of a value grows with the root of its magnitude, so that small values keep their shades under every colour limit and on a logarithmic
scale. In a partial map, rows that are not computed yet show the row above, in codes of their own that are drawn dimmed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MISSING, DIM = 255, 128
"""No value; first code of rows that stand in for rows not computed yet."""
FULL_WIDTH = 1024
"""Widest map that is drawn cell by cell; wider ones are pooled."""
BLOCKS = (2, 4, 8)
LEAST = 64
"""Pictures of blocks of cells are made while they have this many."""


@dataclass(frozen=True)
class Codes:
    """uint8 (W, W); a code c means sign(c − centre) × step × (c − centre)², in a ``partial`` map c − `DIM` from `DIM` on; 255 is missing."""

    cells: NDArray[np.uint8] = field(repr=False)
    step: float
    centre: int
    partial: bool


def coded(values: NDArray[np.float32], done: NDArray[np.bool_] | None = None) -> Codes:
    """Codes of a map (W, W); ``done`` says which rows of a partial one are computed."""
    sizes = np.abs(values)
    top = float(np.nanmax(sizes, initial=0.0)) or 1.0
    most = 254 if done is None else 126
    centre = (most + 1) // 2 if np.nanmin(values, initial=0.0) < 0 else 0
    steps = most - centre
    step = top / steps**2
    known = np.isfinite(values)
    away = np.rint(np.sqrt(np.where(known, sizes, 0) / step))
    cells = np.where(known, centre + np.sign(np.where(known, values, 0)) * away, MISSING).astype(np.uint8)
    if done is not None:
        source = np.maximum.accumulate(np.where(done, np.arange(len(done)), -1))
        stand_in = np.where(cells[source] == MISSING, MISSING, cells[source] + np.uint8(DIM))
        cells = np.where(done[:, None], cells, np.where(source[:, None] < 0, MISSING, stand_in)).astype(np.uint8)
    return Codes(cells, step, centre, done is not None)


def pyramid(codes: Codes) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """The cells, then blocks of 2 × 2, 4 × 4, 8 × 8 reduced to their strongest cell, so that a lone contact stays visible when zoomed out."""
    ranked = _ranked(codes, codes.cells)
    yield 1, codes.cells
    for block in BLOCKS:
        ranked = _halved(ranked)
        if len(ranked) < LEAST:
            return
        yield block, (ranked & 255).astype(np.uint8)


def bricks(codes: Codes, cells: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The triangle, uint8 (W, 2 W): row = distance, column = i + j of a pair and the one after it; each pair by its stronger direction."""
    ranked = _ranked(codes, cells)
    both = (np.maximum(ranked, ranked.T) & 255).astype(np.uint8)
    width = len(both)
    out = np.full((width, 2 * width), MISSING, np.uint8)
    for distance in range(width):
        pairs = np.diagonal(both, distance)
        places = distance + 2 * np.arange(width - distance)
        out[distance, places] = out[distance, places + 1] = pairs
    return out


def pooled(values: NDArray[np.float32], bin_size: int) -> NDArray[np.float32]:
    """Square blocks of ``bin_size`` bases reduced to their value of largest magnitude, so that lone contacts survive; NaN where all are."""
    width = len(values)
    count = -(-width // bin_size)
    out = np.empty((count, count), np.float32)
    for row in range(count):  # one strip of blocks at a time: no second copy of a map of gigabytes
        strip = np.full((bin_size, count * bin_size), np.nan, np.float32)
        part = values[row * bin_size : (row + 1) * bin_size]
        strip[: len(part), :width] = part
        blocks = strip.reshape(bin_size, count, bin_size).transpose(1, 0, 2).reshape(count, -1)
        magnitude = np.where(np.isnan(blocks), -1.0, np.abs(blocks))
        out[row] = blocks[np.arange(count), magnitude.argmax(axis=1)]
    return out


def _ranked(codes: Codes, cells: NDArray[np.uint8]) -> NDArray[np.int32]:
    """How strong each cell is, above its code: missing, then cells that stand in, then computed ones by magnitude."""
    stands_in = (cells >= DIM) & codes.partial
    away = np.abs(np.where(stands_in, cells.astype(np.int32) - DIM, cells) - codes.centre)
    rank = np.where(cells == MISSING, 0, 1 + away + np.where(stands_in, 0, 256))
    return np.asarray(rank * 256 + cells, np.int32)


def _halved(ranked: NDArray[np.int32]) -> NDArray[np.int32]:
    padded = np.pad(ranked, (0, len(ranked) % 2), constant_values=MISSING)
    rows = np.maximum(padded[::2], padded[1::2])
    return np.asarray(np.maximum(rows[:, ::2], rows[:, 1::2]), np.int32)
