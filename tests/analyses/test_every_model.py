"""Every analysis on every base-level adapter, against the slow route: each mutant as a string of its own, tokenised anew, one at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from engine.analyses.contacts import contacts
from engine.analyses.dependency import DependencyParameters, dependency_map
from engine.analyses.effects import variant_effects
from engine.analyses.pair import PairParameters, pair_table
from engine.analyses.probabilities import base_probabilities
from engine.core.card import Capability
from engine.core.sequence import NucleotideSequence
from tests.analyses.toys import Watcher, mutants_of
from tests.models.cases import BASE_MODELS

LETTERS = "ACGTTGCAAGGTCAT"


@pytest.fixture(scope="module", params=BASE_MODELS, ids=str)
def model(request: pytest.FixtureRequest) -> Any:
    return request.param.load(request)


def log2_odds(model: Any, letters: str) -> np.ndarray:
    """float64 (L, 4) by the formula on probabilities."""
    reference = model.prepare(NucleotideSequence(letters))
    with torch.inference_mode():
        logits = model.base_logits(reference, reference.ids[None])[0].double().numpy()
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = odds / odds.sum(axis=1, keepdims=True)
    return np.log2(p / (p.sum(axis=1, keepdims=True) - p))


def test_the_map_is_that_of_strings_tokenised_anew(model: Any) -> None:
    values = dependency_map(model, NucleotideSequence(LETTERS)).values
    reference = log2_odds(model, LETTERS)
    changes: dict[int, list[np.ndarray]] = {i: [] for i in range(len(LETTERS))}
    for i, _, mutant in mutants_of(LETTERS):
        changes[i].append(np.abs(log2_odds(model, mutant) - reference).max(axis=1))
    expected = np.array([np.max(changes[i], axis=0) for i in range(len(LETTERS))])
    np.fill_diagonal(expected, 0)
    if model.card.id == "grover":  # where a substitution moves token boundaries its part of the maximum is left out
        comparable = np.isfinite(values)
        assert (values[comparable] <= expected[comparable] + 1e-4).all()
        assert comparable.mean() > 0.2
    else:
        np.testing.assert_allclose(values, expected, atol=2e-4)
    if model.card.causal:
        assert (np.tril(values) == 0).all()


def test_effects_are_those_its_card_promises(model: Any) -> None:
    watcher = Watcher()
    if Capability.EFFECTS not in model.card.capabilities and Capability.DELTA_LIKELIHOOD not in model.card.capabilities:
        pytest.skip(f"{model.card.id} does not offer effects")
    effects = variant_effects(model, NucleotideSequence(LETTERS), monitor=watcher)
    assert watcher.done == watcher.total
    assert (effects.delta_log_likelihood is not None) == model.card.causal
    assert (effects.llr is not None) == (model.card.masked and not model.card.causal)
    own = np.arange(len(LETTERS)), ["ACGT".index(letter) for letter in LETTERS]
    for values in (effects.llr, effects.influence, effects.delta_log_likelihood):
        if values is not None:
            assert np.isnan(values[own]).all()
            if model.card.id != "grover":
                assert np.isfinite(values).sum() == 3 * len(LETTERS)
    if effects.influence is not None:
        assert np.nanmin(effects.influence) >= 0


def test_the_map_and_its_influence_come_from_the_same_passes(model: Any) -> None:
    result = dependency_map(model, NucleotideSequence(LETTERS))
    assert result.complete
    if not model.card.causal and Capability.EFFECTS in model.card.capabilities:
        alone = variant_effects(model, NucleotideSequence(LETTERS)).influence
        assert result.influence is not None
        np.testing.assert_allclose(result.influence, alone, atol=1e-6)


def test_a_window_a_pair_and_probabilities_agree_with_the_whole(model: Any) -> None:
    sequence = NucleotideSequence(LETTERS)
    whole = dependency_map(model, sequence).values
    part = dependency_map(model, sequence, DependencyParameters(window=(4, 11))).values
    np.testing.assert_allclose(part, whole[4:11, 4:11], atol=2e-5)
    pair = pair_table(model, sequence, PairParameters(changed=4, read=12)).values
    if np.isfinite(whole[4, 12]):
        assert np.nanmax(np.abs(pair)) == pytest.approx(whole[4, 12], abs=2e-5)
    values = base_probabilities(model, sequence).values
    np.testing.assert_allclose(values.sum(axis=1), 1, atol=1e-5)
    assert len(contacts(dependency_map(model, sequence)).dot_bracket) == len(LETTERS)
