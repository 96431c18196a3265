"""Markov models of fixed order, the baseline of the language model's bits per base."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import ParameterError
from engine.training.letters import Codes, reverse_complement

HIGHEST_ORDER = 11


def contexts(codes: Codes, order: int) -> NDArray[np.int32]:
    """Number of the `order` letters before each position from `order` on; int32 (L - order,). Letters must be 0 to 3."""
    out = np.zeros(codes.size - order, dtype=np.int32)
    for place in range(order):
        out = out * 4 + codes[place : codes.size - order + place]
    return out


@dataclass(frozen=True)
class Markov:
    """Counts of the next letter after every context, (4 ** order, 4)."""

    order: int
    counts: NDArray[np.int64]

    @classmethod
    def learn(cls, order: int, sequences: Iterable[Codes], both_strands: bool) -> Markov:
        """Count the letters of sequences without unknown letters."""
        if not 0 <= order <= HIGHEST_ORDER:
            raise ParameterError(f"the order of a Markov model is 0 to {HIGHEST_ORDER}, not {order}")
        counts = np.zeros(4 ** (order + 1), dtype=np.int64)
        waiting: list[NDArray[np.int64]] = []
        held = 0
        for codes in sequences:
            for strand in (codes, reverse_complement(codes)) if both_strands else (codes,):
                if strand.size > order:
                    waiting.append(contexts(strand, order).astype(np.int64) * 4 + strand[order:])
                    held += waiting[-1].size
            if held > 2**23:
                counts += np.bincount(np.concatenate(waiting), minlength=counts.size)
                waiting, held = [], 0
        if waiting:
            counts += np.bincount(np.concatenate(waiting), minlength=counts.size)
        return cls(order, counts.reshape(-1, 4))

    def shorter(self, order: int) -> Markov:
        """The model of a lower order that the same counts imply."""
        return Markov(order, self.counts.reshape(-1, 4**order, 4).sum(axis=0))

    def mix(self, codes: Codes, lower: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities (L, 4) of the next letter at each position.

        Counts are smoothed by the model of a lower order, given as its probabilities `lower` (L, 4): p = (n + 4 lower) / (N + 4).
        Positions without a full context keep the lower order's probability.
        """
        out = lower.copy()
        if codes.size > self.order:
            seen = self.counts[contexts(codes, self.order)].astype(np.float64)
            weight = 4.0
            out[self.order :] = (seen + weight * lower[self.order :]) / (seen.sum(1, keepdims=True) + weight)
        return out


def ladder(highest: Markov, orders: tuple[int, ...]) -> list[Markov]:
    """Models of ascending orders from the counts of the highest one."""
    return [highest.shorter(order) for order in orders]


def ladder_probabilities(models: list[Markov], codes: Codes) -> dict[int, NDArray[np.float64]]:
    """P (L, 4) of the next letter by each model of a ladder, the lowest one smoothed by the uniform distribution."""
    lower = np.full((codes.size, 4), 0.25)
    out: dict[int, NDArray[np.float64]] = {}
    for model in models:
        lower = model.mix(codes, lower)
        out[model.order] = lower
    return out


def ladder_bits(models: list[Markov], codes: Codes) -> dict[int, NDArray[np.float64]]:
    """Bits per letter of each model of a ladder."""
    return {order: -np.log2(p[np.arange(codes.size), codes]) for order, p in ladder_probabilities(models, codes).items()}
