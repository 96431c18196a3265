"""Measures of a ranking against cases worked by hand and a second route, and their bootstrap intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

from engine.analyses.ranking import auprc, auroc, chance, estimate, middle_ranks, spearman


def test_auroc_counts_ordered_pairs_and_half_of_the_ties() -> None:
    truth = np.array([True, True, False, False])
    assert auroc(np.array([4.0, 3.0, 2.0, 1.0]), truth) == 1.0
    assert auroc(np.array([4.0, 1.0, 3.0, 2.0]), truth) == 0.5
    assert auroc(np.array([2.0, 1.0, 1.0, 0.0]), truth) == (1 + 1 + 0.5 + 1) / 4
    assert math.isnan(auroc(np.array([1.0, 2.0]), np.array([True, True])))


def test_average_precision_of_a_small_ranking() -> None:
    """Hits at ranks 1 and 3 of 4: (1/1 + 2/3) / 2."""
    assert auprc(np.array([9.0, 8.0, 7.0, 6.0]), np.array([True, False, True, False])) == pytest.approx((1 + 2 / 3) / 2)
    assert auprc(np.array([1.0, 1.0]), np.array([True, False])) == pytest.approx(0.5)


def test_equal_values_share_their_middle_rank() -> None:
    np.testing.assert_array_equal(middle_ranks(np.array([3.0, 1.0, 3.0, 2.0])), [3.5, 1.0, 3.5, 2.0])


def test_spearman_of_small_rankings() -> None:
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 100.0, 1000.0])) == pytest.approx(1)
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])) == pytest.approx(-1)
    assert spearman(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert math.isnan(spearman(np.array([1.0, 1.0]), np.array([1.0, 2.0])))
    assert math.isnan(spearman(np.array([1.0]), np.array([1.0])))


def test_all_measures_agree_with_other_peoples_code_also_with_ties() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        score, truth = rng.integers(0, 8, 60).astype(float), rng.random(60) < 0.3
        assert auroc(score, truth) == pytest.approx(roc_auc_score(truth, score))
        assert auprc(score, truth) == pytest.approx(average_precision_score(truth, score))
        value = rng.normal(size=60).round(1)
        assert spearman(score, value) == pytest.approx(spearmanr(score, value).statistic)


def test_an_interval_holds_the_truth_as_often_as_it_says() -> None:
    """95 % intervals of scores whose AUROC is 0.7602 (two normals one unit apart), 100 samples: at least 88 hold it."""
    rng = np.random.default_rng(5)
    truth = np.arange(120) < 40
    hits = 0
    for seed in range(100):
        score = rng.normal(size=120) + truth
        found = estimate(auroc, score, truth, replicates=200, seed=seed)
        hits += found.low <= 0.7602 <= found.high
    assert 88 <= hits <= 100


def test_an_interval_repeats_with_its_seed_and_is_a_point_when_nothing_varies() -> None:
    rng = np.random.default_rng(1)
    score, truth = rng.normal(size=50), rng.random(50) < 0.5
    one, same, other = (estimate(auroc, score, truth, replicates=100, seed=seed) for seed in (4, 4, 5))
    assert one == same
    assert one != other
    assert one.low < one.value < one.high
    perfect = estimate(auroc, truth.astype(float), truth, replicates=50, seed=1)
    assert (perfect.value, perfect.low, perfect.high) == (1.0, 1.0, 1.0)


def test_chance_is_the_mean_and_the_spread_of_random_scores() -> None:
    truth = np.arange(200) < 20
    found = chance(auroc, truth, replicates=2000, seed=3)
    spread = math.sqrt((20 + 180 + 1) / (12 * 20 * 180))  # of the Mann-Whitney statistic
    assert found.value == pytest.approx(0.5, abs=0.01)
    assert (found.low, found.high) == pytest.approx((0.5 - 1.96 * spread, 0.5 + 1.96 * spread), abs=0.02)


def test_both_labels_keep_their_numbers_in_every_replicate() -> None:
    counts = set()

    def count(score: np.ndarray, truth: np.ndarray) -> float:
        counts.add((int(truth.sum()), truth.size))
        return 0.5

    estimate(count, np.arange(30.0), np.arange(30) < 4, replicates=50, seed=1)
    assert counts == {(4, 30)}


def test_what_cannot_be_measured_has_no_interval() -> None:
    found = estimate(auroc, np.arange(3.0), np.zeros(3, dtype=bool), replicates=20, seed=1)
    assert math.isnan(found.value)
    assert math.isnan(found.low)
