from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.analyses.contacts import (
    ContactParameters,
    average_product_corrected,
    best_pairs,
    contact_scores,
    contacts,
    suggested_threshold,
)
from engine.analyses.dependency import DependencyMap
from engine.core.errors import ParameterError
from engine.core.provenance import Provenance
from engine.core.sequence import NucleotideSequence
from tests.analyses.toys import toy_card


def map_of(values: Any, letters: str, **rest: Any) -> DependencyMap:
    provenance = Provenance("dependency", "1", toy_card(), {"metric": "log2_odds"}, "", len(letters), "", "float32", "cpu", 2.0)
    return DependencyMap(NucleotideSequence(letters), np.asarray(values, dtype=np.float32), provenance, **rest)


def hairpin() -> np.ndarray:
    """GGGAAAACCC with its three pairs, a stronger cell inside the loop, and one that competes for a base."""
    values = np.zeros((10, 10), dtype=np.float32)
    values[0, 9], values[1, 8], values[7, 2] = 5, 4, 3
    values[4, 6] = 9  # two apart: no pair
    values[0, 5] = 2  # 0 already pairs with 9
    return values


def test_a_hairpin_by_hand() -> None:
    result = contacts(map_of(hairpin(), "GGGAAAACCC"), ContactParameters(threshold=0))
    assert result.pairs.tolist() == [[0, 9], [1, 8], [2, 7]]
    assert result.scores.tolist() == [5, 4, 3]
    assert result.dot_bracket == "(((....)))"
    assert result.values[2, 7] == result.values[7, 2] == 3
    assert result.values[4, 6] == 0
    assert result.provenance.analysis == "contacts"
    assert result.provenance.parameters["dependency"] == {"metric": "log2_odds"}
    assert result.provenance.seconds >= 2.0


def test_the_minimum_loop_is_the_number_of_bases_between_partners() -> None:
    values = np.zeros((6, 6))
    values[0, 4] = values[1, 4] = 1
    assert contacts(map_of(values, "GGGAAC"), ContactParameters(minimum_loop=3, threshold=0, any_letters=True)).pairs.tolist() == [[0, 4]]
    assert contacts(map_of(values, "GGGAAC"), ContactParameters(minimum_loop=4, threshold=0, any_letters=True)).pairs.tolist() == []


def test_a_threshold_must_be_exceeded() -> None:
    parameters = ContactParameters(threshold=4.0)
    assert contacts(map_of(hairpin(), "GGGAAAACCC"), parameters).pairs.tolist() == [[0, 9]]


def test_canonical_pairs_only() -> None:
    result = contacts(map_of(hairpin(), "GAGAAAACCC"), ContactParameters(threshold=0))
    assert result.pairs.tolist() == [[0, 9], [2, 7]]  # A8·C is left out
    published = contacts(map_of(hairpin(), "GAGAAAACCC"), ContactParameters(threshold=0, any_letters=True))
    assert published.pairs.tolist() == [[0, 9], [1, 8], [2, 7]]


def test_without_a_threshold_the_background_gives_it() -> None:
    values = np.random.default_rng(1).random((40, 40)).astype(np.float32)
    values[3, 30] = 50
    result = contacts(map_of(values, "G" * 20 + "C" * 20))
    assert result.pairs.tolist() == [[3, 30]]


def test_mean_and_no_symmetry() -> None:
    mean = contact_scores(hairpin(), ContactParameters(symmetry="mean"))
    assert mean[0, 9] == mean[9, 0] == 2.5
    none = contact_scores(hairpin(), ContactParameters(symmetry="none"))
    assert none[0, 9] == 5
    assert none[9, 0] == 0


def test_cells_that_could_not_be_compared_are_no_contacts() -> None:
    values = hairpin()
    values[3] = np.nan
    np.testing.assert_array_equal(contacts(map_of(values, "GGGAAAACCC")).pairs, contacts(map_of(hairpin(), "GGGAAAACCC")).pairs)


def test_the_average_product_correction_by_hand() -> None:
    """Off-diagonal means: rows 2, 3, 4 over 2 cells → 1.5, 2, 2.5; overall 2."""
    scores = np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0]], dtype=np.float32)
    corrected = average_product_corrected(scores)
    assert corrected[0, 1] == pytest.approx(1 - 1.5 * 2 / 2)
    assert corrected[1, 2] == pytest.approx(3 - 2 * 2.5 / 2)
    assert corrected.diagonal().tolist() == [0, 0, 0]


def test_a_product_of_two_backgrounds_is_corrected_to_nothing_much() -> None:
    strength = np.linspace(1, 2, 30)
    scores = np.outer(strength, strength).astype(np.float32)
    np.fill_diagonal(scores, 0)
    assert np.abs(average_product_corrected(scores)).max() < 0.2


def test_the_suggested_threshold_stands_above_the_background_and_below_the_stem() -> None:
    background = np.abs(np.random.default_rng(1).normal(0.3, 0.1, size=(60, 60))).astype(np.float32)
    scores = np.maximum(background, background.T)
    scores[10, 40] = scores[40, 10] = 3.0
    threshold = suggested_threshold(scores)
    assert best_pairs(scores, threshold)[0].tolist() == [[10, 40]]
    assert suggested_threshold(np.zeros((4, 4), dtype=np.float32)) == 0.0


def test_no_pairs_is_all_dots() -> None:
    assert contacts(map_of([[0]], "A")).dot_bracket == "."


def test_a_window_or_an_unfinished_map_has_no_contacts() -> None:
    with pytest.raises(ParameterError, match="whole sequence"):
        contacts(map_of(np.zeros((3, 3)), "ACGTA", offset=1))
    with pytest.raises(ParameterError, match="finished"):
        contacts(map_of(np.zeros((3, 3)), "ACG", rows_done=[True, False, True]))


@pytest.mark.parametrize("rna", [0, 1])
@pytest.mark.parametrize("band", [1, 9])
def test_the_published_contacts_recipe(golden: Path, rna: int, band: int) -> None:
    expected = np.load(golden / "recipes" / "expected.npz")
    parameters = ContactParameters(minimum_loop=band // 2)
    scores = contact_scores(expected[f"rna{rna}_map"], parameters)
    np.testing.assert_allclose(scores, expected[f"rna{rna}_sym_band{band}"], atol=1e-5)
    pairs, values = best_pairs(scores)
    matrix = np.zeros_like(scores)
    matrix[pairs[:, 0], pairs[:, 1]] = matrix[pairs[:, 1], pairs[:, 0]] = values
    np.testing.assert_allclose(matrix, expected[f"rna{rna}_greedy_band{band}"], atol=1e-5)


def test_ties_go_to_the_smaller_positions_as_published(golden: Path) -> None:
    expected = np.load(golden / "recipes" / "expected.npz")
    pairs, values = best_pairs(contact_scores(expected["tie_map"], ContactParameters(minimum_loop=0)))
    matrix = np.zeros_like(expected["tie_greedy"])
    matrix[pairs[:, 0], pairs[:, 1]] = matrix[pairs[:, 1], pairs[:, 0]] = values
    np.testing.assert_array_equal(matrix, expected["tie_greedy"])
