from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.analyses.contacts import (
    GRANTED,
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
from engine.core.stems import pair_weights, run_sums
from engine.exports.script import arguments_of
from tests.analyses.toys import toy_card


def stem_counter(letters: str) -> np.ndarray:
    weights = pair_weights(letters)
    return run_sums(weights, weights > 0)


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


def stem_map() -> tuple[np.ndarray, str]:
    """GGGCAAAAGCCC on a flat map of 1 with the stem of four at 3: the run of four is G-C, G-C, G-C, C-G."""
    letters = "GGGCAAAAGCCC"
    values = np.ones((12, 12), dtype=np.float32)
    for k in range(4):
        values[k, 11 - k] = values[11 - k, k] = 3.0
    np.fill_diagonal(values, 0)
    return values, letters


def test_along_stems_every_pair_of_a_run_has_its_sum() -> None:
    """Each cell is its corrected value and 0.3, times 3; the four pairs of the stem share the sum of all four."""
    values, letters = stem_map()
    corrected = average_product_corrected(values)
    expected = sum(3 * (float(corrected[k, 11 - k]) + GRANTED) for k in range(4))
    found = contacts(map_of(values, letters), ContactParameters(recipe="stems", threshold=6))
    assert [found.values[k, 11 - k] for k in range(4)] == pytest.approx([expected] * 4, rel=1e-5)
    assert found.dot_bracket == "((((....))))"
    assert found.scores == pytest.approx([expected] * 4, rel=1e-5)
    assert found.values[0, 4] == 0  # G and A pair in no stem
    assert found.provenance.parameters["recipe"] == "stems"


def test_the_threshold_that_was_used_is_told_to_the_last_digit_beside_the_given_one() -> None:
    values, letters = stem_map()
    top = float(contacts(map_of(values, letters), ContactParameters(recipe="stems", threshold=0)).values.max())
    below = float(np.nextafter(np.float32(top), np.float32(0)))
    for given, pairs in ((below, 4), (0.00003, 4), (top, 0)):
        found = contacts(map_of(values, letters), ContactParameters(recipe="stems", threshold=given))
        told = found.provenance.parameters
        assert (told["threshold"], told["threshold_given"], len(found.pairs)) == (given, given, pairs)
        flag = arguments_of(found.provenance)
        assert float(flag[flag.index("--threshold") + 1]) == given
    open_one = contacts(map_of(values, letters), ContactParameters(recipe="stems")).provenance.parameters
    assert open_one["threshold_given"] is None
    assert isinstance(open_one["threshold"], float)


def test_along_stems_a_constant_map_says_what_the_stem_counter_says() -> None:
    letters = "GGGCAUAAAGCCCAUUGACCGU"
    flat = np.ones((len(letters),) * 2, dtype=np.float32)
    np.fill_diagonal(flat, 0)
    found = contacts(map_of(flat, letters.replace("U", "T")), ContactParameters(recipe="stems", threshold=0))
    np.testing.assert_allclose(found.values, GRANTED * stem_counter(letters.replace("U", "T")), rtol=1e-5, atol=1e-5)


def test_a_recipe_is_the_models_own_unless_one_is_named_or_an_option_of_another_is_given() -> None:
    shipped = toy_card(contact_recipe="stems_rna", contact_growth=5.0)
    assert ContactParameters().settled(toy_card()).recipe == "cells"
    assert ContactParameters().settled(toy_card()).threshold is None
    decided = ContactParameters().settled(shipped)
    assert (decided.recipe, decided.threshold) == ("stems_rna", None)
    assert decided.threshold_for(shipped, np.zeros((109, 109), np.float32)) == pytest.approx(5.0, rel=0.01)  # 109 = 40 e
    assert decided.threshold_for(shipped, np.zeros((30, 30), np.float32)) == 1.0
    assert decided.settled(toy_card()) == decided  # once decided it stays
    assert ContactParameters(threshold=3.0).settled(shipped).threshold == 3.0
    assert ContactParameters(any_letters=True).settled(shipped).recipe == "cells"
    assert ContactParameters(partners=2).settled(shipped).recipe == "cells"
    published = ContactParameters(recipe="published").settled(shipped)
    assert (published.any_letters, published.threshold) == (True, 0.0)


def test_the_published_recipe_by_its_name_is_the_one_by_its_options() -> None:
    values = np.random.default_rng(2).random((30, 30)).astype(np.float32)
    given = map_of(values, "ACGT" * 7 + "AC")
    by_name = contacts(given, ContactParameters(recipe="published"))
    by_options = contacts(given, ContactParameters(recipe="cells", threshold=0, any_letters=True))
    np.testing.assert_array_equal(by_name.pairs, by_options.pairs)
    np.testing.assert_array_equal(by_name.values, by_options.values)


def test_options_that_a_recipe_does_not_have_are_refused_in_one_sentence() -> None:
    with pytest.raises(ParameterError, match="stems has no --any-letters; choose cells or published"):
        ContactParameters(recipe="stems", any_letters=True)
    with pytest.raises(ParameterError, match="allowed: auto, stems, stems_rna, cells, published"):
        ContactParameters(recipe="best")  # type: ignore[arg-type]


def test_several_partners_keep_tertiary_contacts_out_of_the_dot_bracket() -> None:
    values = hairpin()
    values[0, 5] = 4.5
    found = contacts(map_of(values, "GGGAACACCC"), ContactParameters(recipe="cells", threshold=0, partners=2, any_letters=True))
    assert [0, 5] in found.pairs.tolist()
    assert [0, 9] in found.pairs.tolist()
    assert found.dot_bracket == "(((....)))"


def test_letters_read_as_rna_are_said_of_the_sequence_that_was_asked_about() -> None:
    values, letters = stem_map()
    asked = NucleotideSequence(letters.replace("A", "T"), name="asked")
    read = map_of(values, letters)
    found = contacts(read, ContactParameters(recipe="stems_rna", threshold=6), asked)
    assert found.sequence is asked
