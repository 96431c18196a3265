from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.analyses.pattern_scores import (
    CELL_LIMITS,
    PatternScores,
    block_score_per_base,
    block_scores,
    cells_above,
    complementary_fraction,
    equal_fraction,
    hotspot_means,
    pattern_filter,
    pattern_scores,
    strongest,
)
from engine.core.errors import ParameterError


@pytest.fixture(scope="module")
def recipes(golden: Path) -> dict[str, Any]:
    with np.load(golden / "recipes" / "expected.npz") as arrays:
        return dict(arrays)


def test_a_block_by_hand() -> None:
    """Six bases of which 8 of the 30 off-diagonal cells are 1 and the rest 3: the quantile at index 7.25 lies at 1 + 0.25 · 2."""
    values = np.full((6, 6), 3.0, dtype=np.float32)
    np.fill_diagonal(values, 0)
    values[0, 1:] = 1
    values[1, 2:5] = 1
    assert block_scores(values).tolist() == [pytest.approx(1.5)]


def test_block_scores_are_the_authors(recipes: dict[str, Any]) -> None:
    np.testing.assert_allclose(block_scores(recipes["block_map"]), recipes["block_score"], atol=1e-5)
    per_base = block_score_per_base(recipes["block_map"])
    np.testing.assert_allclose(per_base[2:-3], recipes["block_per_base_2_to_minus3"], atol=1e-5)
    assert np.isnan(per_base[:2]).all()
    assert np.isnan(per_base[-3:]).all()


def test_filters_are_the_authors(recipes: dict[str, Any]) -> None:
    np.testing.assert_allclose(pattern_filter("stem"), recipes["filter_anti"], atol=1e-6)
    np.testing.assert_allclose(pattern_filter("repeat"), recipes["filter_diag"], atol=1e-6)


@pytest.mark.parametrize(("direction", "name"), [("stem", "anti_diag"), ("repeat", "diag")])
def test_pattern_scores_and_their_maxima_are_the_authors(recipes: dict[str, Any], direction: Any, name: str) -> None:
    for index, values in enumerate(recipes["pattern_maps"]):
        scores = pattern_scores(values, direction)
        np.testing.assert_allclose(scores, recipes[f"conv_{name}"][index], atol=1e-4)
        hit = strongest(scores)
        assert list(hit) == recipes[f"argmax_{name}"][index].tolist()
        assert scores[hit] == pytest.approx(recipes[f"max_{name}"][index], abs=1e-4)


def test_hotspots_are_the_authors(recipes: dict[str, Any]) -> None:
    for index, values in enumerate(recipes["pattern_maps"]):
        rows, columns = hotspot_means(values)
        assert [int(rows.argmax()), 0] == recipes["argmax_hotspot_row"][index].tolist()
        assert [0, int(columns.argmax())] == recipes["argmax_hotspot_col"][index].tolist()
        assert rows.max() == pytest.approx(recipes["max_hotspot_row"][index], abs=1e-5)
        assert columns.max() == pytest.approx(recipes["max_hotspot_col"][index], abs=1e-5)


def test_word_statistics_are_the_authors(recipes: dict[str, Any], golden: Path) -> None:
    pairs = json.loads((golden / "recipes" / "inputs.json").read_text())["word_pairs"]
    wobble = [complementary_fraction(one, other) for one, other in pairs]
    strict = [complementary_fraction(one, other, wobble=False) for one, other in pairs]
    np.testing.assert_allclose(wobble, recipes["frac_rev_comp"], atol=1e-6)
    np.testing.assert_allclose(strict, recipes["frac_rev_comp_nowobble"], atol=1e-6)
    np.testing.assert_allclose([equal_fraction(one, other) for one, other in pairs], recipes["frac_equal"], atol=1e-6)
    assert [fraction == 1 for fraction in wobble] == [bool(flag) for flag in recipes["is_rev_comp"]]


def test_a_perfect_stem_scores_eight_per_unit() -> None:
    values = np.zeros((20, 20), dtype=np.float32)
    for step in range(5):
        values[2 + step, 16 - step] = 1
    scores = pattern_scores(values, "stem")
    assert strongest(scores) == (2, 12)
    assert scores[2, 12] == pytest.approx(5 * 1.6)


def test_hits_are_the_strongest_places_that_do_not_overlap() -> None:
    """A stem of ten pairs, changed on its right side only, a weaker repeat of five, and a block of six."""
    values = np.zeros((60, 60), dtype=np.float32)
    for step in range(10):
        values[40 - step, 10 + step] = 2
    for step in range(5):
        values[1 + step, 50 + step] = 1
    values[20:26, 20:26] = 3
    np.fill_diagonal(values, 0)
    scores = PatternScores.of(values)
    hits = {kind: [hit for hit in scores.hits() if hit.kind == kind] for kind in ("block", "stem", "repeat", "hotspot")}
    assert (hits["block"][0].first, hits["block"][0].second, hits["block"][0].score) == (20, 20, 3)
    assert [(hit.first, hit.second) for hit in hits["stem"][:2]] == [(10, 36), (15, 31)]
    assert [hit.score for hit in hits["stem"][:2]] == pytest.approx([16, 16], abs=1e-5)
    assert (hits["repeat"][0].first, hits["repeat"][0].second) == (1, 50)
    assert hits["repeat"][0].score == pytest.approx(8)
    assert hits["hotspot"][0].score == pytest.approx(15 / 60)
    per_base = scores.per_base()
    assert per_base["stem"][10] == pytest.approx(16, abs=1e-5)
    assert per_base["stem"][40] == pytest.approx(16, abs=1e-5)
    assert per_base["block"][22] == 3
    assert all(len(track) == 60 for track in per_base.values())


def test_a_causal_map_has_its_patterns_in_one_half() -> None:
    values = np.triu(np.full((20, 20), 1, np.float32), 1)
    assert PatternScores.of(values).block.max() == 0
    assert PatternScores.of(values, causal=True).block.min() == 1


def test_words_and_maps_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ParameterError, match="3 and 2"):
        equal_fraction("ACG", "AC")
    with pytest.raises(ParameterError, match="at least 6"):
        block_scores(np.zeros((5, 5), dtype=np.float32))
    with pytest.raises(ParameterError, match="stem, repeat"):
        pattern_filter("spiral")  # type: ignore[arg-type]


def test_cells_at_or_above_a_threshold_are_counted_beyond_the_band() -> None:
    values = np.zeros((7, 7), np.float32)
    values[0, 5], values[6, 0], values[0, 4], values[1, 6] = 2.0, -3.0, 9.0, np.nan
    counts = cells_above(values)
    assert counts[CELL_LIMITS <= 2].min() == 2
    assert set(counts[(CELL_LIMITS > 2) & (CELL_LIMITS <= 3)]) == {1}
    assert counts[CELL_LIMITS > 3].max() == 0
