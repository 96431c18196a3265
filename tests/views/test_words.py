"""The sentence above the figure, against counts made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.analyses.dependency import DependencyMap
from engine.analyses.findings import changes, finding, runs_among, trust
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.views.evidence import LocusEvidence, Mark
from engine.views.words import heading, sentence
from tests.views import samples


def evidence(**results: Any) -> LocusEvidence:
    return LocusEvidence(samples.sequence(), results)


def probabilities(likeliest: list[float]) -> np.ndarray:
    """The first base has this probability, the others share the rest."""
    first = np.array(likeliest)[:, None]
    return np.hstack([first, np.repeat((1 - first) / 3, 3, axis=1)]).astype(np.float32)


def test_a_model_that_is_unsure_everywhere_makes_pairs_doubtful() -> None:
    flat = replace(samples.probabilities(), values=np.full((76, 4), 0.25, np.float32))
    expected = "The model is unsure at all 76 bases (median 2.00 of 2 bits); pairs below may be chance."
    assert sentence(evidence(dependency=samples.dependency(), probabilities=flat)) == expected
    assert sentence(evidence(probabilities=flat)) == "The model is unsure at all 76 bases (median 2.00 of 2 bits)."


def test_how_sure_a_model_is_counts_bases_under_one_and_a_half_bits() -> None:
    # 0.97: 0.24 bits; 0.4: 1.92 bits; 0.6: 1.60 bits; 0.7: 1.36 bits
    assert trust(probabilities([0.97] * 3 + [0.4] * 2)) == "the model is sure of 3 of 5 bases (uncertainty: median 0.24 of 2 bits)"
    assert trust(probabilities([0.7] + [0.6] * 9)) == "the model is unsure at 9 of 10 bases (median 1.60 of 2 bits)"
    assert trust(probabilities([0.6])) == "the model is unsure at all 1 bases (median 1.60 of 2 bits)"


def test_a_sure_model_has_its_stems_named_by_the_positions_of_the_ruler() -> None:
    said = finding(samples.dependency())
    # (((((((..((((........)))).(((((.......))))).....(((((.......))))))))))))....: stems of 7, 4, 5 and 5, the first five at 27
    assert said == "its strongest pairs join 1–7 with 66–72 and 27–31 with 39–43 (and 2 more), as the two sides of a stem would"
    placed = samples.dependency(samples.sequence(locus=True))  # chrT:1001-1076 reverse: base 1 is 1,076
    assert "1,076–1,070 with 1,011–1,005" in finding(placed)


def test_repeats_are_named_where_equal_bases_run_side_by_side_and_else_the_strongest_pair() -> None:
    given = NucleotideSequence("ACGTTTTTTTACGTTTT" + "A" * 13, Alphabet.DNA)
    values = np.zeros((30, 30), np.float32)
    for step in range(4):
        values[step, 10 + step] = 2.0
    found = DependencyMap(given, values, samples.provenance("dependency", given))
    assert finding(found) == "its strongest pairs join 1–4 with 11–14, as repeats would"
    values = np.zeros((30, 30), np.float32)
    values[2, 20] = 1.25
    assert finding(replace(found, values=values)) == "its strongest pair is G at 3 with A at 21: 1.25 bits"
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
    assert changes(replace(found, values=values)) == "The largest loss is G at 1 with C at 72 (5.00 bits)."
    difference = replace(found, values=values)
    marked = LocusEvidence(samples.sequence(), {"dependency": difference}, marks=(Mark(0, "G1A"),))
    assert sentence(marked) == "G1A: the largest loss is G at 1 with C at 72 (5.00 bits)."


def test_without_results_there_is_no_sentence() -> None:
    assert sentence(evidence(effects=samples.effects())) == ""


@pytest.mark.parametrize(("title", "start"), [("", "sample · Sample model"), ("tRNA", "tRNA · Sample model")])
def test_the_heading_names_what_is_shown_and_the_models_once(title: str, start: str) -> None:
    given = replace(evidence(effects=samples.effects(), probabilities=samples.probabilities()), title=title)
    assert heading(given) == start
