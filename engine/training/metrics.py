"""Scores used by the evaluation; each is checked against cases worked by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.analyses.ranking import auprc, auroc

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]


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


def greedy_pairs(score: Floats, count: int, shortest: int = 4) -> list[tuple[int, int]]:
    """The `count` best pairs i < j with j - i >= `shortest`, each position used once, best first (score: symmetric (L, L))."""
    i, j = np.triu_indices(score.shape[0], shortest)
    order = np.argsort(-score[i, j], kind="stable")
    taken = np.zeros(score.shape[0], dtype=np.bool_)
    out: list[tuple[int, int]] = []
    for k in order:
        if len(out) == count:
            break
        a, b = int(i[k]), int(j[k])
        if not (taken[a] or taken[b]):
            taken[a] = taken[b] = True
            out.append((a, b))
    return out


@dataclass(frozen=True)
class ContactScore:
    """How well a symmetric (L, L) score finds the pairs of one RNA."""

    auroc: float
    auprc: float
    f1: float

    @classmethod
    def of(cls, score: Floats, partner: NDArray[np.int32]) -> ContactScore:
        """AUROC and AUPRC over the strict triangle; F1 of as many greedy pairs as the structure has."""
        truth = pair_matrix(partner)
        i, j = np.triu_indices(partner.size, 1)
        flat, hits = score[i, j], truth[i, j]
        pairs = int(hits.sum())
        chosen = greedy_pairs(score, pairs)
        found = sum(bool(truth[a, b]) for a, b in chosen)
        f1 = 2 * found / (len(chosen) + pairs) if pairs else float("nan")
        return cls(auroc(flat, hits), auprc(flat, hits), f1)
