from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.analyses.dependency import dependency_map
from engine.analyses.effects import EffectParameters, passes, variant_effects
from engine.analyses.probabilities import ProbabilityParameters, base_probabilities
from engine.core.card import EffectRecipe, Offer
from engine.core.errors import Cancelled
from engine.core.provenance import all_batches
from engine.core.sequence import NucleotideSequence
from tests.analyses.toys import ToyModel, Watcher, mutants_of, odds_of, probabilities, renormalised

LETTERS = "GATTACAGGCTC"
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def reverse_complement(letters: str) -> str:
    return letters.translate(COMPLEMENT)[::-1]


def masked_log(model: ToyModel, letters: str, position: int) -> np.ndarray:
    return np.log(probabilities(model, letters[:position] + "?" + letters[position + 1 :])[position])


def test_llr_is_the_masked_log_ratio() -> None:
    model = ToyModel()
    llr = variant_effects(model, NucleotideSequence(LETTERS)).llr
    assert llr is not None
    for i, n, _ in mutants_of(LETTERS):
        scores = masked_log(model, LETTERS, i)
        assert llr[i, n] == pytest.approx(scores[n] - scores["ACGT".index(LETTERS[i])], abs=1e-5)
    assert [np.flatnonzero(np.isnan(row)).tolist() for row in llr] == [["ACGT".index(letter)] for letter in LETTERS]


def test_llr_in_windows_of_both_strands_is_the_published_recipe() -> None:
    """Window of 6: on the forward strand three letters before the base, on the reverse complement two; N outside."""
    model = ToyModel(recipe=EffectRecipe(window_bp=6, both_strands=True))
    llr = variant_effects(model, NucleotideSequence(LETTERS)).llr
    assert llr is not None
    padded = "N" * 6 + LETTERS + "N" * 6
    for i, n, _ in mutants_of(LETTERS):
        window = padded[i + 6 - 3 : i + 6 + 3]
        forward = masked_log(model, window, 3)
        reverse = masked_log(model, reverse_complement(window), 2)
        own = "ACGT".index(LETTERS[i])
        expected = ((forward[n] - forward[own]) + (reverse[3 - n] - reverse[3 - own])) / 2
        assert llr[i, n] == pytest.approx(expected, abs=1e-5)


def test_an_odd_window_has_the_base_in_the_middle_on_both_strands() -> None:
    model = ToyModel(recipe=EffectRecipe(window_bp=5, both_strands=True))
    llr = variant_effects(model, NucleotideSequence(LETTERS)).llr
    assert llr is not None
    window = LETTERS[2:7]
    forward, reverse = masked_log(model, window, 2), masked_log(model, reverse_complement(window), 2)
    own = "ACGT".index(LETTERS[4])
    n = (own + 1) % 4
    assert llr[4, n] == pytest.approx(((forward[n] - forward[own]) + (reverse[3 - n] - reverse[3 - own])) / 2, abs=1e-5)


def test_both_strands_of_the_whole_sequence() -> None:
    model = ToyModel(recipe=EffectRecipe(both_strands=True))
    llr = variant_effects(model, NucleotideSequence(LETTERS)).llr
    assert llr is not None
    for i, n, _ in mutants_of(LETTERS):
        own = "ACGT".index(LETTERS[i])
        forward = masked_log(model, LETTERS, i)
        reverse = masked_log(model, reverse_complement(LETTERS), len(LETTERS) - 1 - i)
        assert llr[i, n] == pytest.approx(((forward[n] - forward[own]) + (reverse[3 - n] - reverse[3 - own])) / 2, abs=1e-5)


def slow_influence(model: ToyModel, letters: str, variant: str) -> np.ndarray:
    length = len(letters)
    result = np.full((length, 4), np.nan)

    def score(text: str) -> np.ndarray:
        if variant == "mean_abs_log2_odds":
            return np.log2(odds_of(probabilities(model, text)))
        if variant == "gpn":
            return np.log(odds_of(probabilities(model, text)))
        epsilon, log = (1e-10, np.log2) if variant == "authors_quick_start" else (1e-4, np.log)
        return log(odds_of(renormalised(probabilities(model, text, whole_vocabulary=True), epsilon)))

    reference = score(letters)
    for i, n, mutant in mutants_of(letters):
        change = score(mutant) - reference
        if variant == "authors_quick_start":
            result[i, n] = change.max(axis=1).sum() / (length - 1)
            continue
        magnitude = np.abs(change).max(axis=1)
        magnitude[i] = 0
        result[i, n] = magnitude.sum() / (length if variant == "authors_manuscript" else length - 1)
    return result


@pytest.mark.parametrize("variant", ["mean_abs_log2_odds", "authors_quick_start", "authors_manuscript"])
def test_influence_is_each_published_variant(variant: str) -> None:
    model = ToyModel()
    parameters = EffectParameters(influence=variant)  # type: ignore[arg-type]
    influence = variant_effects(model, NucleotideSequence(LETTERS), parameters).influence
    np.testing.assert_allclose(influence, slow_influence(model, LETTERS, variant), atol=2e-5)


def test_gpn_influence_is_the_mean_of_both_strands() -> None:
    model = ToyModel()
    influence = variant_effects(model, NucleotideSequence(LETTERS), EffectParameters(influence="gpn")).influence
    reverse = slow_influence(model, reverse_complement(LETTERS), "gpn")[::-1, ::-1]
    np.testing.assert_allclose(influence, (slow_influence(model, LETTERS, "gpn") + reverse) / 2, atol=2e-5)


def test_gpn_influence_in_windows_puts_each_base_in_the_middle_of_its_own() -> None:
    model = ToyModel(recipe=EffectRecipe(window_bp=6, both_strands=True))
    watcher = Watcher()
    influence = variant_effects(model, NucleotideSequence(LETTERS), EffectParameters(influence="gpn"), watcher).influence
    assert influence is not None
    assert watcher.total == watcher.done == 2 * 12 + 8 * 12
    padded = "N" * 6 + LETTERS + "N" * 6
    for i, n, _ in mutants_of(LETTERS):
        window = padded[i + 3 : i + 9]
        forward = slow_influence(model, window, "gpn")[3, n]
        reverse = slow_influence(model, reverse_complement(window), "gpn")[2, 3 - n]
        assert influence[i, n] == pytest.approx((forward + reverse) / 2, abs=2e-5)


def test_ambiguous_letters_have_no_effects_and_are_still_context() -> None:
    model = ToyModel()
    effects = variant_effects(model, NucleotideSequence("GATNACA"))
    assert effects.llr is not None
    assert effects.influence is not None
    assert np.isnan(effects.llr[3]).all()
    assert np.isnan(effects.influence[3]).all()
    expected = slow_influence(model, "GATNACA", "mean_abs_log2_odds")
    np.testing.assert_allclose(effects.influence, expected, atol=2e-5)


def test_a_causal_model_gives_the_likelihood_difference_of_the_window() -> None:
    model = ToyModel(causal=True, masked=False)
    watcher = Watcher()
    effects = variant_effects(model, NucleotideSequence(LETTERS), monitor=watcher)
    assert effects.llr is None
    assert effects.influence is None
    assert effects.delta_log_likelihood is not None
    assert watcher.total == watcher.done == 1 + 3 * 12

    def log_likelihood(letters: str) -> float:
        p = probabilities(model, letters, whole_vocabulary=True)
        return float(sum(np.log(p[j, "ACGT".index(letter)]) for j, letter in enumerate(letters)))

    for i, n, mutant in mutants_of(LETTERS):
        assert effects.delta_log_likelihood[i, n] == pytest.approx(log_likelihood(mutant) - log_likelihood(LETTERS), abs=2e-5)


def test_a_model_without_a_mask_has_influence_alone() -> None:
    effects = variant_effects(ToyModel(masked=False), NucleotideSequence(LETTERS))
    assert effects.llr is None
    assert effects.influence is not None


class Moved(ToyModel):
    """Predictions at the last base cannot be compared once the first base became A."""

    leaves_gaps = True

    def mutant_logits(self, reference, positions, alternates, *, normalised=False):
        logits = self.base_logits(reference, self.mutants(reference, positions, alternates), normalised=normalised)
        for row, (position, alternate) in enumerate(zip(positions.tolist(), alternates.tolist(), strict=True)):
            if position == 0 and alternate == 0:
                logits[row, -1] = float("nan")
        return logits


def test_bases_that_cannot_be_compared_leave_the_mean() -> None:
    influence = variant_effects(Moved(), NucleotideSequence(LETTERS)).influence
    assert influence is not None
    plain = ToyModel()
    change = np.abs(np.log2(odds_of(probabilities(plain, "A" + LETTERS[1:]))) - np.log2(odds_of(probabilities(plain, LETTERS)))).max(axis=1)
    assert influence[0, 0] == pytest.approx(change[1:-1].mean(), abs=2e-5)


@pytest.mark.parametrize("influence", ["mean_abs_log2_odds", "gpn"])
@pytest.mark.parametrize("recipe", [EffectRecipe(), EffectRecipe(None, both_strands=True), EffectRecipe(4, both_strands=True)])
def test_the_announced_passes_are_those_that_are_made(influence: str, recipe: EffectRecipe) -> None:
    model = ToyModel(recipe=recipe)
    watcher = Watcher()
    parameters = EffectParameters(influence=influence)  # type: ignore[arg-type]
    sequence = NucleotideSequence("GATNACA")
    variant_effects(model, sequence, parameters, watcher)
    assert watcher.total == watcher.done == sum(model.calls) == passes(sequence, parameters, model.card, Offer(recipe))


def test_effects_stop_when_asked() -> None:
    with pytest.raises(Cancelled):
        variant_effects(ToyModel(), NucleotideSequence(LETTERS), monitor=Watcher(stop_after=20))


def test_probabilities_are_the_softmax_over_the_four_bases() -> None:
    model = ToyModel()
    result = base_probabilities(model, NucleotideSequence(LETTERS))
    np.testing.assert_allclose(result.values, probabilities(model, LETTERS), atol=1e-6)
    assert model.calls == [1]


def test_masked_probabilities_mask_each_base_in_turn() -> None:
    model = ToyModel(batch=5)
    watcher = Watcher()
    result = base_probabilities(model, NucleotideSequence(LETTERS), ProbabilityParameters(masked=True), watcher)
    assert model.calls == [3, 3, 3, 3]
    assert watcher.total == watcher.done == 12
    expected = np.exp([masked_log(model, LETTERS, i) for i in range(12)])
    np.testing.assert_allclose(result.values, expected, atol=1e-6)
    np.testing.assert_allclose(result.values.sum(axis=1), 1.0, atol=1e-6)


def test_what_is_taken_from_a_map_brings_what_is_known_of_its_batches() -> None:
    model, sequence = ToyModel(), NucleotideSequence(LETTERS)
    known = dependency_map(model, sequence)
    assert known.influence is not None
    known = replace(known, provenance=replace(known.provenance, batches="shared"))
    assert variant_effects(model, sequence, known=known).provenance.batches == "shared"
    assert variant_effects(model, sequence).provenance.batches == ""
    assert all_batches("smaller", "", "shared, smaller") == "shared, smaller"


def test_provenance_names_model_parameters_and_sequence() -> None:
    sequence = NucleotideSequence(LETTERS)
    provenance = variant_effects(ToyModel(), sequence, EffectParameters(influence="gpn")).provenance
    assert provenance.analysis == "effects"
    assert provenance.parameters == {"influence": "gpn", "precision": "exact", "tau": 0.05}
    assert provenance.sequence_sha256 == sequence.sha256
    assert provenance.sequence_length == 12
    assert (provenance.device, provenance.dtype) == ("cpu", "float32")
    assert provenance.seconds > 0
    assert provenance.software["torch"] == torch.__version__.split("+")[0] or provenance.software["torch"] == torch.__version__
    assert LETTERS not in provenance.to_json()
