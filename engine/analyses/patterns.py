"""Patterns in dependency maps: blocks of binding sites, stems and repeats, hotspots.

Sources (gagneurlab/dependencies_DNALM, manuscript_code): fig2_Blockyness.ipynb (``compute_blockyness``, ``blockyness_qtl``),
pattern_finding_species.py (``create_diagonal_filter``, ``apply_conv_get_max``), pattern_stats_species.py. All take a plain map
float32 (L, L); none of them runs a model.
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

_PAIRS = {"A": "T", "T": "A", "C": "G", "G": "C"}


@dataclass(frozen=True)
class Hit:
    """The strongest place of a pattern: row and column of the filter's first cell in the map, and the score there."""

    row: int
    column: int
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
    return np.quantile(blocks[index, index][:, off_diagonal].astype(np.float64), 0.25, axis=1).astype(np.float32)


def block_score_per_base(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Best block around each base, float32 (L,), NaN where undefined.

    As published, base b takes the best of the blocks that start at b − 4 .. b + 1 (one more to the right than the blocks that contain
    b), which leaves bases 2 .. L − 4.
    """
    scores = block_scores(values)
    padded = np.pad(scores, BLOCK_BP // 2, constant_values=-np.inf)
    best = np.lib.stride_tricks.sliding_window_view(padded, BLOCK_BP).max(axis=1)[1:]
    result = np.full(len(values), np.nan, dtype=np.float32)
    result[2 : 2 + len(best)] = best
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
    """Valid cross-correlation with `pattern_filter`, float32 (L − 4, L − 4), 0 where |i − j| is up to 4 (indices of the result)."""
    scores: NDArray[np.float32] = np.einsum("ijab,ab->ij", _sliding(values, FILTER_BP, FILTER_BP), pattern_filter(direction), optimize=True)
    index = np.arange(len(scores))
    scores[np.abs(index[:, None] - index[None, :]) <= BAND] = 0.0
    return scores


def strongest(scores: NDArray[np.float32]) -> Hit:
    """The largest cell; of equal ones the first in reading order (the authors draw at random)."""
    row, column = np.unravel_index(int(np.argmax(scores)), scores.shape)
    return Hit(int(row), int(column), float(scores[row, column]))


def hotspots(values: NDArray[np.float32]) -> tuple[Hit, Hit]:
    """Base that changes most elsewhere (largest row mean) and base that is changed most (largest column mean).

    As published, the means include the band around the diagonal.
    """
    rows, columns = values.mean(axis=1, dtype=np.float64), values.mean(axis=0, dtype=np.float64)
    row, column = int(np.argmax(rows)), int(np.argmax(columns))
    return Hit(row, 0, float(rows[row])), Hit(0, column, float(columns[column]))


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
