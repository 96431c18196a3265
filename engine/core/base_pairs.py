"""Base pairs of a secondary structure: dot-brackets in and out, helices, and how well two structures agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.core.errors import FileFormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BRACKETS = ("()", "[]", "{}", "<>", *(f"{chr(code)}{chr(code + 32)}" for code in range(ord("A"), ord("Z") + 1)))
"""Pairs of symbols of a dot-bracket, in the order they are used; crossing helices take the next."""

UNPAIRED = ".,:_-~"
"""Symbols of an unpaired base in the notations in use."""

_OPENED_BY = {brackets[1]: brackets[0] for brackets in BRACKETS}
_OPENING = frozenset(_OPENED_BY.values())


def pairs_of_dot_bracket(text: str) -> NDArray[np.int64]:
    """Pairs int64 (n, 2), i < j and ordered by i, of a dot-bracket with any of `BRACKETS`; helices may cross.

    Raises `FileFormatError` for another symbol, or for a bracket without its partner.
    """
    open_at: dict[str, list[int]] = {}
    pairs: list[tuple[int, int]] = []
    for index, symbol in enumerate(text):
        if symbol in _OPENING:
            open_at.setdefault(symbol, []).append(index)
        elif symbol in _OPENED_BY:
            waiting = open_at.get(_OPENED_BY[symbol])
            if not waiting:
                raise FileFormatError(f"The structure closes a pair with {symbol!r} at position {index + 1:,} that was never opened.")
            pairs.append((waiting.pop(), index))
        elif symbol not in UNPAIRED:
            raise FileFormatError(f"The structure has {symbol!r} at position {index + 1:,}; dots and brackets such as ()[]{{}}<> are read.")
    left = [index for waiting in open_at.values() for index in waiting]
    if left:
        raise FileFormatError(f"The structure opens a pair at position {min(left) + 1:,} that is never closed.")
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def helices(pairs: Iterable[Sequence[int]]) -> list[list[tuple[int, int]]]:
    """Stacks of pairs (i, j), (i + 1, j − 1), ... ; longest first, of equal length the one that starts first."""
    left = {(int(i), int(j)) for i, j in pairs}
    found: list[list[tuple[int, int]]] = []
    for pair in sorted(left):
        if pair not in left:
            continue
        stack = [pair]
        left.discard(pair)
        while (following := (stack[-1][0] + 1, stack[-1][1] - 1)) in left:
            stack.append(following)
            left.discard(following)
        found.append(stack)
    return sorted(found, key=lambda stack: (-len(stack), stack[0]))


def levels(pairs: Iterable[Sequence[int]]) -> list[list[tuple[int, int]]]:
    """Helices in levels inside which nothing crosses, the longest helices first: level 0 is the nested structure, others are pseudoknots.

    A base that pairs twice keeps its partner of the first level; there are as many levels as the pairs need.
    """
    found: list[list[tuple[int, int]]] = []
    taken: set[int] = set()
    for stack in helices(pairs):
        kept = [pair for pair in stack if not taken & set(pair)]
        taken.update(base for pair in kept for base in pair)
        for level in found:
            if not any(crosses(pair, other) for pair in kept for other in level):
                level.extend(kept)
                break
        else:
            if kept:
                found.append(kept)
    return found


def dot_bracket(length: int, pairs: Iterable[Sequence[int]]) -> str:
    """Dot-bracket of ``length`` symbols; helices that cross longer ones take the next of `BRACKETS`.

    There are 30 kinds of brackets; pairs that would need more stay dots, as do further partners of a base.
    """
    symbols = ["."] * length
    for level, brackets in zip(levels(pairs), BRACKETS, strict=False):
        for i, j in level:
            symbols[i], symbols[j] = brackets[0], brackets[1]
    return "".join(symbols)


def crosses(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two pairs cross, as those of a pseudoknot do."""
    return one[0] < other[0] < one[1] < other[1] or other[0] < one[0] < other[1] < one[1]


def partners(length: int, pairs: Iterable[Sequence[int]]) -> NDArray[np.int64]:
    """0-based partner of each base, int64 (length,), −1 without one; of several the first that is named."""
    found = np.full(length, -1, dtype=np.int64)
    for i, j in pairs:
        if found[i] < 0 and found[j] < 0:
            found[i], found[j] = j, i
    return found


@dataclass(frozen=True)
class Agreement:
    """How many pairs a structure has, how many the structure it is held against, and how many are in both."""

    found: int
    known: int
    both: int

    @classmethod
    def of(cls, found: Iterable[Sequence[int]], known: Iterable[Sequence[int]]) -> Agreement:
        """Count; a pair is the same when both of its bases are."""
        one, two = ({(int(i), int(j)) for i, j in pairs} for pairs in (found, known))
        return cls(len(one), len(two), len(one & two))

    @property
    def sensitivity(self) -> float:
        """Share of the known pairs that were found; NaN without known pairs."""
        return self.both / self.known if self.known else float("nan")

    @property
    def ppv(self) -> float:
        """Positive predictive value: share of the found pairs that are known; NaN without found pairs."""
        return self.both / self.found if self.found else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of both; NaN where neither structure has a pair."""
        return 2 * self.both / (self.found + self.known) if self.found + self.known else float("nan")
