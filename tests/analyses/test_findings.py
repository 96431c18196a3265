"""What stands out in a map and how sure a model is, against counts made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.analyses.dependency import DependencyMap
from engine.analyses.findings import changes, finding, lost_and_gained, pairs_of, runs_among, trust
from engine.core.sequence import Alphabet, NucleotideSequence
from tests.views import samples


def probabilities(likeliest: list[float]) -> np.ndarray:
    """The first base has this probability, the others share the rest."""
    first = np.array(likeliest)[:, None]
    return np.hstack([first, np.repeat((1 - first) / 3, 3, axis=1)]).astype(np.float32)


def test_how_sure_a_model_is_counts_bases_under_one_and_a_half_bits() -> None:
    # 0.97: 0.24 bits; 0.4: 1.92 bits; 0.6: 1.60 bits; 0.7: 1.36 bits
    assert trust(probabilities([0.97] * 3 + [0.4] * 2)) == "the model is sure of 3 of 5 bases (uncertainty: median 0.24 of 2 bits)"
    assert trust(probabilities([0.7] + [0.6] * 9)) == "the model is unsure at 9 of 10 bases (median 1.60 of 2 bits)"
    assert trust(probabilities([0.6])) == "the model is unsure at all 1 bases (median 1.60 of 2 bits)"


def test_a_sure_model_has_its_stems_named_by_the_positions_of_the_ruler() -> None:
    said = finding(samples.dependency())
    # (((((((..((((........)))).(((((.......))))).....(((((.......))))))))))))....: stems of 7, 4, 5 and 5, the first five at 27
    assert (
        said
        == "its strongest pairs at least 4 bases apart join 1–7 with 66–72 and 27–31 with 39–43 (and 2 more), as the two sides of a stem would"
    )
    placed = samples.dependency(samples.sequence(locus=True))  # chrT:1001-1076 reverse: base 1 is 1,076
    assert "1,076–1,070 with 1,011–1,005" in finding(placed)


def test_repeats_are_named_where_equal_bases_run_side_by_side_and_else_the_strongest_pair() -> None:
    given = NucleotideSequence("ACGTTTTTTTACGTTTT" + "A" * 13, Alphabet.DNA)
    values = np.zeros((30, 30), np.float32)
    for step in range(4):
        values[step, 10 + step] = 2.0
    found = DependencyMap(given, values, samples.provenance("dependency", given))
    assert finding(found) == "its strongest pairs at least 4 bases apart join 1–4 with 11–14, as repeats would"
    values = np.zeros((30, 30), np.float32)
    values[2, 20] = 1.25
    assert finding(replace(found, values=values)) == "its strongest pair at least 4 bases apart is G at 3 with A at 21: 1.25 bits"
    assert finding(replace(found, values=np.zeros((30, 30), np.float32))) == "no pair at least 4 bases apart has a value"


def test_runs_of_pairs_are_found_in_both_directions() -> None:
    places = np.array([[0, 9], [1, 8], [2, 7], [4, 6]])  # G-C three times, then A-T with a gap between
    (run, lone) = runs_among(places, "GGGAAATCCC", "stem")
    assert (run.i, run.j, run.size, run.step) == (0, 9, 3, -1)
    assert (lone.i, lone.j, lone.size) == (4, 6, 1)
    (run,) = runs_among(np.array([[0, 4], [1, 5], [2, 6]]), "ACGTACT", "repeat")
    assert (run.i, run.j, run.size, run.step) == (0, 4, 2, 1)  # G at 3 is no T at 7


def test_a_partial_map_says_nothing_of_its_pairs() -> None:
    found = samples.dependency(rows_done=19)
    assert finding(found) == "19 of 76 rows of the map are computed, so nothing is said of its pairs yet"


def test_losses_are_called_losses_and_gains_gains() -> None:
    found = samples.dependency()
    values = np.zeros_like(found.values)
    assert changes(replace(found, values=values)) == "The two maps are the same."
    values[0, 1] = 9.0
    assert changes(replace(found, values=values)) == "No pair at least 4 bases apart changes."
    values[0, 71], values[71, 0] = -5.0, -2.0
    assert changes(replace(found, values=values)) == "Of pairs at least 4 bases apart, the largest loss is G at 1 with C at 72 (5.00 bits)."


def test_the_strongest_pairs_of_a_partial_map_join_computed_rows_only() -> None:
    whole = pairs_of(samples.dependency(), 3, 4)
    assert whole.places.tolist() == [[0, 71], [1, 70], [2, 69]]
    np.testing.assert_allclose(whole.values, [6, 3.98, 3.96], rtol=1e-6)
    half = samples.dependency(rows_done=38)
    found = pairs_of(half, 40, 4)
    assert len(found.places) == 10
    assert (found.places % 2 == 0).all()
    assert pairs_of(samples.dependency(rows_done=4), 40, 4).places.shape == (0, 2)
    assert pairs_of(replace(half, offset=0), 40, 4, threshold=100).places.shape == (0, 2)


def test_the_words_of_a_map_and_of_probabilities_say_the_same() -> None:
    found = samples.dependency()
    said = found.words()
    assert said.endswith(
        "Its strongest pairs at least 4 bases apart join 1–7 with 66–72 and 27–31 with 39–43 (and 2 more), as the two sides of a stem would."
    )
    assert trust(samples.probabilities().values) in samples.probabilities().words()
    assert "strongest" not in samples.dependency(rows_done=19).words()
    lost = np.zeros_like(found.values)
    lost[0, 71] = -5
    assert (
        replace(found, values=lost)
        .words()
        .endswith("Of pairs at least 4 bases apart, the largest loss is G at 1 with C at 72 (5.00 bits).")
    )


def test_relations_lost_and_gained_are_counted_and_the_strongest_is_named() -> None:
    given = NucleotideSequence("ACGTACGTACGTACGTACGT", Alphabet.DNA)
    first, second = np.zeros((20, 20), np.float32), np.zeros((20, 20), np.float32)
    first[0, 10], second[0, 10] = 2.0, 0.9  # A at 1 with G at 11: less than half
    first[1, 12], second[1, 12] = 1.0, 0.5  # exactly half stays
    first[2, 15] = 0.4
    second[5, 18] = 0.7  # C at 6 with G at 19: new
    reference = DependencyMap(given, first, samples.provenance("dependency", given))
    lost, gained = lost_and_gained(reference, replace(reference, values=second))
    assert (
        lost
        == "Of the 3 strongest relations of the reference at least 4 bases apart, 2 are lost, the strongest A at 1 with G at 11 (2.00 → 0.90 bits)."
    )
    assert (
        gained
        == "Of the 3 strongest relations of the alternate at least 4 bases apart, 1 is gained, the strongest C at 6 with G at 19 (0.00 → 0.70 bits)."
    )
    assert lost_and_gained(reference, reference)[0] == "None of the 3 strongest relations of the reference at least 4 bases apart is lost."


def test_a_stem_that_is_lost_is_named() -> None:
    reference = samples.dependency()
    lost, gained = lost_and_gained(reference, replace(reference, values=np.zeros_like(reference.values)))
    assert "among them the stem 1–7 with 66–72." in lost
    assert gained.startswith("None of the 0 strongest relations")
