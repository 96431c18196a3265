"""What letters on both sides say of a base, without a network: the baselines of a masked language model.

A Markov model sees one side only; a masked model sees both, so what it has to beat is a table of both sides. ``left_right`` multiplies a
Markov model of the letters before a base with one of those behind it (independent but for the base itself); ``look_up`` counts the letter
between two words. Both are learned from the training part of the corpus, as the network is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.training.letters import Codes, reverse_complement
from engine.training.markov import Markov, contexts, ladder, ladder_probabilities

ORDERS = (2, 3, 5, 8, 11)
"""Of the Markov models, alone and as two sides."""
WIDEST = 6
"""Most letters of the look-up on either side; those of fewer letters smooth it."""
WEIGHT = 4.0

Floats = NDArray[np.float64]
Sequences = Callable[[], Iterable[Codes]]


@dataclass(frozen=True)
class LookUp:
    """Counts (16 ** width, 4) of the letter between ``width`` letters before and ``width`` behind it."""

    width: int
    counts: NDArray[np.int32]

    @classmethod
    def learn(cls, width: int, sequences: Iterable[Codes], both_strands: bool) -> LookUp:
        """Count the letters of sequences without unknown letters."""
        counts = np.zeros(4 ** (2 * width + 1), dtype=np.int32)
        waiting: list[NDArray[np.int64]] = []
        held = 0

        def add() -> None:
            if waiting:
                counts[:] += np.bincount(np.concatenate(waiting), minlength=counts.size).astype(np.int32)
                waiting.clear()

        for codes in sequences:
            for strand in (codes, reverse_complement(codes)) if both_strands else (codes,):
                if strand.size > 2 * width:
                    waiting.append(_around(strand, width) * 4 + strand[width : strand.size - width])
                    held += waiting[-1].size
            if held > 2**25:
                add()
                held = 0
        add()
        return cls(width, counts.reshape(-1, 4))

    def narrower(self) -> LookUp:
        """The look-up of one letter less on either side that the same counts imply."""
        inner = 16 ** (self.width - 1)
        return LookUp(self.width - 1, self.counts.reshape(4, inner, 4, 4).sum(axis=(0, 2), dtype=np.int32))

    def mix(self, codes: Codes, lower: Floats) -> Floats:
        """P (L, 4) of each letter, counts smoothed by ``lower`` (L, 4); bases too near to an end keep it."""
        out = lower.copy()
        if codes.size > 2 * self.width:
            inside = slice(self.width, codes.size - self.width)
            seen = self.counts[_around(codes, self.width)].astype(np.float64)
            out[inside] = (seen + WEIGHT * lower[inside]) / (seen.sum(1, keepdims=True) + WEIGHT)
        return out


def _around(codes: Codes, width: int) -> NDArray[np.int64]:
    """Number of the letters before and behind each base that has ``width`` of both."""
    words: NDArray[np.int64] = contexts(np.concatenate((codes, codes[:1])), width).astype(
        np.int64
    )  # of the letters up to each end, the end itself too
    found: NDArray[np.int64] = words[: codes.size - 2 * width] * 4**width + words[width + 1 : codes.size - width + 1]
    return found


@dataclass(frozen=True)
class BothSides:
    """Baselines of one domain."""

    before: list[Markov]
    behind: list[Markov]
    tables: list[LookUp]

    @classmethod
    def learn(cls, sequences: Sequences, *, both_strands: bool, orders: tuple[int, ...] = ORDERS, width: int = WIDEST) -> BothSides:
        """From the training sequences of a domain; of DNA both strands count, so both sides are one model. ``width`` 0: no look-up."""
        highest = Markov.learn(max(orders), sequences(), both_strands)
        other = highest if both_strands else Markov.learn(max(orders), map(reverse_complement, sequences()), both_strands=False)
        tables = [LookUp.learn(width, sequences(), both_strands)] if width else []
        while tables and tables[0].width > 1:
            tables.insert(0, tables[0].narrower())
        return cls(ladder(highest, (0, *orders)), ladder(other, (0, *orders)), tables)

    def probabilities(self, codes: Codes) -> dict[str, Floats]:
        """P (L, 4) of the letter at each base from the others, by name: ``markov_K``, ``left_right_K``, ``look_up_K``."""
        before = ladder_probabilities(self.before, codes)
        behind = {order: p[::-1, ::-1] for order, p in ladder_probabilities(self.behind, reverse_complement(codes)).items()}
        orders = [model.order for model in self.before if model.order]
        found = {f"markov_{order}": before[order] for order in orders}
        for order in orders:
            joint = before[order] * behind[order] / before[0]
            found[f"left_right_{order}"] = joint / joint.sum(axis=1, keepdims=True)
        lower = before[0]
        for table in self.tables:
            lower = table.mix(codes, lower)
            found[f"look_up_{table.width}"] = lower
        return found
