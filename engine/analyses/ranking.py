"""How well a score ranks labelled things: AUROC, average precision, Spearman's and Pearson's correlation, and bootstrap intervals of them.

Checked against cases worked by hand and against scikit-learn and SciPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]
Measure = Callable[[Floats, NDArray[Any]], float]

CONFIDENCE = 0.95


def middle_ranks(values: Floats) -> NDArray[np.float64]:
    """Ranks from 1; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks


def auroc(score: Floats, truth: Bools) -> float:
    """Chance that a random positive scores above a random negative (ties count half); NaN without both classes."""
    positives = int(truth.sum())
    negatives = truth.size - positives
    if not positives or not negatives:
        return float("nan")
    total = float(middle_ranks(score)[truth].sum())
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


def spearman(score: Floats, value: Floats) -> float:
    """Pearson's correlation of the middle ranks; NaN where either does not vary."""
    return pearson(middle_ranks(score), middle_ranks(value)) if score.size else float("nan")


def pearson(score: Floats, value: Floats) -> float:
    """Pearson's correlation; NaN where either does not vary."""
    if score.size < 2:
        return float("nan")
    a, b = score - score.mean(), value - value.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale else float("nan")


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval; the ends are NaN where it could not be drawn."""

    value: float
    low: float
    high: float


def chance(measure: Measure, truth: NDArray[Any], *, replicates: int, seed: int, told: Callable[[int], None] = lambda _: None) -> Estimate:
    """What ``measure`` gives random scores for these labels: the mean, and the range that holds 95 % of them."""
    generator = np.random.default_rng(seed)
    drawn = np.empty(replicates)
    for number in range(replicates):
        drawn[number] = measure(generator.random(truth.size), truth)
        told(1)
    return _summary(float(drawn.mean()), drawn)


def estimate(
    measure: Measure, score: Floats, truth: NDArray[Any], *, replicates: int, seed: int, told: Callable[[int], None] = lambda _: None
) -> Estimate:
    """``measure(score, truth)`` with the percentile interval of bootstrap replicates.

    Rows are drawn with replacement; with boolean ``truth`` positives and negatives apart, so that their numbers stay. ``told`` hears of every
    replicate and may raise to stop.
    """
    value = measure(score, truth)
    if not np.isfinite(value):
        return Estimate(value, float("nan"), float("nan"))
    generator = np.random.default_rng(seed)
    strata = [np.flatnonzero(truth), np.flatnonzero(~truth)] if truth.dtype == np.bool_ else [np.arange(truth.size)]
    drawn = np.empty(replicates)
    for number in range(replicates):
        rows = np.concatenate([stratum[generator.integers(0, stratum.size, stratum.size)] for stratum in strata if stratum.size])
        drawn[number] = measure(score[rows], truth[rows])
        told(1)
    return _summary(value, drawn)


def _summary(value: float, drawn: NDArray[np.float64]) -> Estimate:
    drawn = drawn[np.isfinite(drawn)]
    if not drawn.size:
        return Estimate(value, float("nan"), float("nan"))
    low, high = np.quantile(drawn, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return Estimate(value, float(low), float(high))
