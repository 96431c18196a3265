"""Counts of a two-class decision, and what is read from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Confusion:
    """Counts of a two-class decision."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @classmethod
    def of(cls, called: NDArray[np.bool_], truth: NDArray[np.bool_]) -> Confusion:
        """Count two boolean arrays of one shape."""
        hit = int((called & truth).sum())
        return cls(hit, int(called.sum()) - hit, int(truth.sum()) - hit, int((~called & ~truth).sum()))

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where neither is defined."""
        whole = 2 * self.true_positive + self.false_positive + self.false_negative
        return 2 * self.true_positive / whole if whole else 0.0

    @property
    def jaccard(self) -> float:
        """Intersection over union."""
        whole = self.true_positive + self.false_positive + self.false_negative
        return self.true_positive / whole if whole else 0.0

    @property
    def mcc(self) -> float:
        """Matthews correlation; 0 where a margin is empty."""
        tp, fp, fn, tn = (float(v) for v in (self.true_positive, self.false_positive, self.false_negative, self.true_negative))
        scale = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
        return float((tp * tn - fp * fn) / np.sqrt(scale)) if scale else 0.0
