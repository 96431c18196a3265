"""Scores of patterns in dependency maps: blocks of binding sites, stems and repeats, hotspots; and the places where they are highest.

Sources (gagneurlab/dependencies_DNALM, manuscript_code): fig2_Blockyness.ipynb (``compute_blockyness``, ``blockyness_qtl``),
pattern_finding_species.py (``create_diagonal_filter``, ``apply_conv_get_max``), pattern_stats_species.py. All take a plain map
float32 (L, L) without NaN; none of them runs a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from engine.core.errors import ParameterError
from engine.core.quoting import quoted

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_BP = 6
FILTER_BP = 5
BAND = 4
"""Cells with |i − j| up to this are no pattern (the authors' mask of width 9)."""
MOST_HITS = 50
"""Of each kind the strongest places, so many at most."""
KINDS = ("block", "stem", "repeat", "hotspot", "target")
WORDS = {
    "block": "block of six bases that depend on each other",
    "stem": "stem: five bases that depend on five others read backwards",
    "repeat": "repeat: five bases that depend on five others in the same order",
    "hotspot": "hotspot: a base that changes all others more than its neighbours do",
    "target": "target: a base that all others change more than its neighbours",
}
WIDTHS = {"block": BLOCK_BP, "stem": FILTER_BP, "repeat": FILTER_BP, "hotspot": 1, "target": 1}
"""Bases of a place, on each side where it has two."""
CELL_LIMITS: NDArray[np.float32] = np.geomspace(0.01, 100, 161).astype(np.float32)
"""Thresholds of a map, in its unit, at which cells are counted."""

_PAIRS = {"A": "T", "T": "A", "C": "G", "G": "C"}


@dataclass(frozen=True)
class Hit:
    """A place of a pattern: ``first`` bases of its two sides (0-based, ``first <= second``; equal where it has one side), and its score."""

    kind: str
    first: int
    second: int
    score: float


def _sliding(values: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    if min(values.shape) < max(height, width):
        raise ParameterError(f"The map has {len(values)} bases; this pattern needs at least {max(height, width)}.")
    return np.lib.stride_tricks.sliding_window_view(values, (height, width))


def block_scores(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """25 % quantile (linear) of the 30 off-diagonal cells of each 6 × 6 block on the diagonal: float32 (L − 5,), by first base.

    High where six neighbouring bases all depend on each other, as in the binding site of a protein.
    """
    blocks = _sliding(values, BLOCK_BP, BLOCK_BP)
    index = np.arange(len(values) - BLOCK_BP + 1)
    off_diagonal = ~np.eye(BLOCK_BP, dtype=bool)
    return lower_quarter(blocks[index, index][:, off_diagonal])


def lower_quarter(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """25 % quantile (linear) of the cells of each block, float32 (n,) of (n, 30)."""
    found: NDArray[np.float32] = np.quantile(cells.astype(np.float64), 0.25, axis=1).astype(np.float32)
    return found


def block_score_per_base(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Best block around each base, float32 (L,), NaN where undefined.

    As published, base b takes the best of the blocks that start at b − 4 .. b + 1 (one more to the right than the blocks that contain
    b), which leaves bases 2 .. L − 4.
    """
    return best_block_around(block_scores(values), len(values))


def best_block_around(scores: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """As `block_score_per_base`, of the scores of all blocks (L − 5,), NaN where there is none."""
    padded = np.pad(np.nan_to_num(scores, nan=-np.inf), BLOCK_BP // 2, constant_values=-np.inf)
    best = np.lib.stride_tricks.sliding_window_view(padded, BLOCK_BP).max(axis=1)[1:]
    result = np.full(length, np.nan, dtype=np.float32)
    result[2 : 2 + len(best)] = np.where(np.isfinite(best), best, np.nan)
    return result


def pattern_filter(direction: Literal["stem", "repeat"]) -> NDArray[np.float32]:
    """The 5 × 5 filter of mean 0: +1.6 on the antidiagonal (``stem``, anti-parallel) or diagonal (``repeat``, parallel), −0.4 elsewhere."""
    filter_values = -np.ones((FILTER_BP, FILTER_BP))
    np.fill_diagonal(filter_values, 1.0)
    if direction == "stem":
        filter_values = filter_values[:, ::-1]
    elif direction != "repeat":
        raise ParameterError(f"The pattern is {quoted(direction)}; allowed: stem, repeat.")
    result: NDArray[np.float32] = (filter_values - filter_values.mean()).astype(np.float32)
    return result


def pattern_scores(values: NDArray[np.float32], direction: Literal["stem", "repeat"]) -> NDArray[np.float32]:
    """Valid cross-correlation with `pattern_filter`, float32 (L − 4, L − 4), 0 where |i − j| is up to 4 (indices of the result).

    The filter is 2 on its diagonal less 0.4 everywhere, so that sums of shifted maps are enough.
    """
    pattern_filter(direction)
    if len(values) < FILTER_BP:
        raise ParameterError(f"The map has {len(values)} bases; this pattern needs at least {FILTER_BP}.")
    size = len(values) - FILTER_BP + 1
    exact = values.astype(np.float64)
    columns, scores = np.zeros((len(values), size)), np.zeros((size, size))
    for step in range(FILTER_BP):
        columns += exact[:, step : step + size]
    for step in range(FILTER_BP):
        scores -= 0.4 * columns[step : step + size]
    for step in range(FILTER_BP):
        column = FILTER_BP - 1 - step if direction == "stem" else step
        scores += 2 * exact[step : step + size, column : column + size]
    for row in range(size):
        scores[row, max(0, row - BAND) : row + BAND + 1] = 0.0
    return scores.astype(np.float32)


def strongest(scores: NDArray[np.float32]) -> tuple[int, int]:
    """Row and column of the largest cell; of equal ones the first in reading order (the authors draw at random)."""
    row, column = np.unravel_index(int(np.argmax(scores)), scores.shape)
    return int(row), int(column)


def hotspot_means(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How much each base changes all others (row means) and is changed by them (column means), float32 (L,) each.

    As published, the means include the band around the diagonal.
    """
    return values.mean(axis=1, dtype=np.float64).astype(np.float32), values.mean(axis=0, dtype=np.float64).astype(np.float32)


def cells_above(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """How many cells beyond `BAND` are at or above each of `CELL_LIMITS`, int64 (161,)."""
    index = np.arange(len(values))
    far = np.abs(index[:, None] - index) > BAND
    sizes = np.sort(np.abs(values[far & np.isfinite(values)]))
    return np.asarray(len(sizes) - np.searchsorted(sizes, CELL_LIMITS, side="left"), np.int64)


def apart_peaks(values: NDArray[np.float32], reach: int, most: int = MOST_HITS) -> list[int]:
    """Places of the largest positive values (L,), largest first, no two within ``reach``; of equal ones the first."""
    found: list[int] = []
    left = values.copy()
    while len(found) < most and left.size and left[at := int(np.argmax(left))] > 0:
        found.append(at)
        left[max(0, at - reach) : at + reach + 1] = 0
    return found


def apart_cells(scores: NDArray[np.float32], reach: int, most: int = MOST_HITS) -> list[tuple[int, int]]:
    """Cells of the largest positive values above the diagonal, largest first, no two within ``reach`` in both directions."""
    found: list[tuple[int, int]] = []
    left = np.triu(scores, 1)
    while len(found) < most and left[at := strongest(left)] > 0:
        found.append(at)
        left[max(0, at[0] - reach) : at[0] + reach + 1, max(0, at[1] - reach) : at[1] + reach + 1] = 0
    return found


@dataclass(frozen=True, eq=False)
class PatternScores:
    """All scores of one map: ``block`` float32 (L − 5,), ``stem`` and ``repeat`` (L − 4, L − 4) symmetric, ``hotspot`` and ``target`` (L,).

    Of a stem or repeat the stronger of its two directions counts: the map changed on one side and read on the other, or the reverse.
    """

    values: NDArray[np.float32]
    block: NDArray[np.float32]
    stem: NDArray[np.float32]
    repeat: NDArray[np.float32]
    hotspot: NDArray[np.float32]
    target: NDArray[np.float32]

    @classmethod
    def of(cls, values: NDArray[np.float32], *, causal: bool = False) -> PatternScores:
        """Scores of a map; cells without a value count as no dependency, and a causal model's empty half is filled with the other one."""
        known = np.nan_to_num(values, nan=0.0)
        whole = np.maximum(known, known.T) if causal else known
        stem, repeat = pattern_scores(whole, "stem"), pattern_scores(whole, "repeat")
        return cls(whole, block_scores(whole), np.maximum(stem, stem.T), np.maximum(repeat, repeat.T), *hotspot_means(known))

    def hits(self) -> list[Hit]:
        """The strongest places of every kind, kind by kind, strongest first; places of one kind do not overlap on both sides."""
        found: list[Hit] = []
        for kind in KINDS:
            scores: NDArray[np.float32] = getattr(self, kind)
            reach = WIDTHS[kind] - 1
            if scores.ndim == 2:
                found += [Hit(kind, *cell, float(scores[cell])) for cell in apart_cells(scores, reach)]
            else:
                found += [Hit(kind, at, at, float(scores[at])) for at in apart_peaks(scores, max(2, reach))]
        return found

    def per_base(self) -> dict[str, NDArray[np.float32]]:
        """float32 (L,) of each kind: the best block around a base, the best stem and repeat with it on one side, the means."""
        length = len(self.values)
        found = {"block": block_score_per_base(self.values)}
        for kind in ("stem", "repeat"):
            best = np.pad(getattr(self, kind).max(axis=1), FILTER_BP - 1, constant_values=-np.inf)
            found[kind] = np.maximum(np.lib.stride_tricks.sliding_window_view(best, FILTER_BP).max(axis=1)[:length], 0)
        return found | {"hotspot": self.hotspot, "target": self.target}


def complementary_fraction(one: str, other: str, *, wobble: bool = True) -> float:
    """Share of positions at which ``one`` pairs with ``other`` read backwards (DNA letters; G-T counts with ``wobble``)."""
    _check_words(one, other)
    matches = [_PAIRS.get(a) == b or (wobble and {a, b} == {"G", "T"}) for a, b in zip(one, reversed(other), strict=True)]
    return sum(matches) / len(matches)


def equal_fraction(one: str, other: str) -> float:
    """Share of positions at which two words are the same."""
    _check_words(one, other)
    return sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


def _check_words(one: str, other: str) -> None:
    if not one or len(one) != len(other):
        raise ParameterError(f"The words have {len(one)} and {len(other)} letters; two of the same length, at least one, are needed.")
