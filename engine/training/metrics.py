"""Scores used by the evaluation; each is checked against cases worked by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]


def auroc(score: Floats, truth: Bools) -> float:
    """Chance that a random positive scores above a random negative (ties count half); NaN without both classes."""
    positives = int(truth.sum())
    negatives = truth.size - positives
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    upper = np.cumsum(counts)
    middle_rank = upper - (counts - 1) / 2
    total = float(middle_rank[inverse][truth].sum())
    return (total - positives * (positives + 1) / 2) / (positives * negatives)


def auprc(score: Floats, truth: Bools) -> float:
    """Average precision over the recall steps (ties resolved as one threshold); NaN without positives."""
    if not truth.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    hit = truth[order]
    last_of_tie = np.append(np.diff(score[order]) != 0, True)
    found = np.cumsum(hit)[last_of_tie]
    drawn = np.arange(1, truth.size + 1)[last_of_tie]
    gained = np.diff(found, prepend=0) / truth.sum()
    return float((gained * found / drawn).sum())


@dataclass(frozen=True)
class Confusion:
    """Counts of a two-class decision."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @classmethod
    def of(cls, called: Bools, truth: Bools) -> Confusion:
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


def pair_matrix(partner: NDArray[np.int32]) -> Bools:
    """(L, L) symmetric matrix of the pairs in a partner array (-1 where unpaired)."""
    out = np.zeros((partner.size, partner.size), dtype=np.bool_)
    left = np.flatnonzero(partner >= 0)
    out[left, partner[left]] = True
    return out | out.T
