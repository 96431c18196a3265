"""A planted label is found exactly, a shuffled one is chance, classes and missing scores are counted."""

from __future__ import annotations

import numpy as np
import pytest

from engine.analyses.benchmark import ALL, RANDOM, Benchmark, BenchmarkParameters, Measured, benchmark
from engine.core.errors import Cancelled, ParameterError
from engine.core.progress import SilentMonitor

FEW = BenchmarkParameters(replicates=200)


def by_name(found: Benchmark) -> dict[tuple[str, str], Measured]:
    return {(item.score, item.group): item for item in found.measured}


def test_a_planted_label_is_exact_and_a_shuffled_one_is_chance() -> None:
    rng = np.random.default_rng(2)
    labels = rng.random(600) < 0.3
    found = by_name(benchmark({"planted": labels + 0.0, "shuffled": rng.permutation(labels) + rng.random(600)}, labels, [""] * 600, FEW))
    planted, shuffled, random = (found[name, ALL] for name in ("planted", "shuffled", RANDOM))
    assert planted.auroc is not None
    assert planted.auprc is not None
    assert (planted.auroc.value, planted.auroc.low, planted.auroc.high) == (1.0, 1.0, 1.0)
    assert planted.auprc.value == 1.0
    assert planted.spearman.value == pytest.approx(1.0)
    for item in (shuffled, random):
        assert item.auroc is not None
        assert item.auroc.low < 0.5 < item.auroc.high
        assert item.spearman.low < 0 < item.spearman.high
        assert item.auprc is not None
        assert item.chance is not None
        assert abs(item.auprc.value - item.chance) < 0.1
    assert random.auroc is not None
    assert random.auroc.value == pytest.approx(0.5, abs=0.01)
    assert (random.baseline, planted.baseline) == (True, False)


def test_measured_numbers_have_a_correlation_and_no_auroc() -> None:
    rng = np.random.default_rng(3)
    value = rng.normal(size=200)
    found = by_name(benchmark({"planted": value**3, "against": -value}, value, [""] * 200, FEW))
    assert found["planted", ALL].spearman.value == pytest.approx(1.0)
    straight = found["planted", ALL].pearson
    assert straight is not None
    assert straight.value == pytest.approx(float(np.corrcoef(value**3, value)[0, 1]))
    assert found["against", ALL].spearman.value == pytest.approx(-1.0)
    assert found["planted", ALL].auroc is None
    assert found["planted", ALL].positives is None
    assert found["planted", ALL].chance is None


def test_classes_stand_beside_the_whole_largest_first_and_small_ones_are_left_out() -> None:
    labels = np.array([True, False] * 20)
    groups = ["missense"] * 20 + ["synonymous"] * 16 + ["stop"] * 4
    score = labels + 0.0
    score[20:36] = 0.5  # nothing is known of synonymous ones
    found = benchmark({"s": score}, labels, groups, FEW, {"b": np.arange(40.0)})
    assert [(item.score, item.group) for item in found.measured] == [
        (name, group) for name in ("s", "b", RANDOM) for group in (ALL, "missense", "synonymous")
    ]
    rows = by_name(found)
    whole, missense, synonymous = (rows["s", name].auroc for name in (ALL, "missense", "synonymous"))
    assert whole is not None
    assert missense is not None
    assert synonymous is not None
    assert (missense.value, synonymous.value) == (1.0, 0.5)
    # 12 positives of 1.0 above all 20 negatives; 8 of 0.5: half of a tie with 8 negatives, above the other 12
    assert whole.value == pytest.approx((12 * 20 + 8 * (8 / 2 + 12)) / (20 * 20))
    assert rows["s", "missense"].rows == 20


def test_rows_without_a_score_are_left_out_for_it_and_counted() -> None:
    labels = np.array([True, False] * 10)
    score = labels + 0.0
    score[:5] = np.nan
    item = by_name(benchmark({"s": score}, labels, [""] * 20, FEW))["s", ALL]
    assert (item.rows, item.missing, item.positives) == (15, 5, 7)
    none = by_name(benchmark({"s": np.full(20, np.nan)}, labels, [""] * 20, FEW))["s", ALL]
    assert (none.rows, none.missing) == (0, 20)
    assert none.auroc is not None
    assert np.isnan(none.auroc.value)
    assert none.chance is None


def test_what_cannot_be_measured_is_refused_in_one_sentence() -> None:
    with pytest.raises(ParameterError, match="one label"):
        benchmark({"s": np.arange(4.0)}, np.ones(4, dtype=bool), [""] * 4)
    with pytest.raises(ParameterError, match="one value"):
        benchmark({"s": np.arange(4.0)}, np.ones(4), [""] * 4)
    with pytest.raises(ParameterError, match="no labelled rows"):
        benchmark({}, np.ones(0, dtype=bool), [])
    with pytest.raises(ParameterError, match="different numbers"):
        benchmark({"s": np.arange(3.0)}, np.array([True, False]), ["", ""])
    with pytest.raises(ParameterError, match="one name"):
        benchmark({"random": np.arange(2.0)}, np.array([True, False]), ["", ""])
    with pytest.raises(ParameterError, match="20 to 100,000"):
        BenchmarkParameters(replicates=3)


def test_a_stop_ends_it() -> None:
    class Stop(SilentMonitor):
        def advance(self, done: int) -> None:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        benchmark({"s": np.arange(4.0)}, np.array([True, False] * 2), [""] * 4, FEW, None, Stop())
