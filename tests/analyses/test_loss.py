"""Losses against the slow route: one base, one sequence, one pass at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from engine.analyses.loss import LossParameters, block_means, loss_track, moving_means, passes, pieces
from engine.analyses.probabilities import ProbabilityParameters, base_probabilities
from engine.core.errors import Cancelled, CapabilityMissing
from engine.core.sequence import NucleotideSequence
from tests.analyses.toys import ToyModel, Watcher
from tests.models.cases import BASE_MODELS

LETTERS = "ACGTTGCAAGGTCATTNGCAACG"


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("length", "longest"), [(5, 8), (8, 8), (9, 8), (100, 8), (101, 33), (7, 2), (6, 1)])
def test_windows_answer_for_every_base_once_and_leave_context(length: int, longest: int, *, causal: bool) -> None:
    found = pieces(length, longest, causal=causal)
    assert [base for piece in found for base in range(piece.first, piece.last)] == list(range(length))
    for piece in found:
        assert 0 <= piece.start <= piece.first < piece.last <= piece.end <= length
        assert piece.end - piece.start == min(length, longest)
        if piece.start > 0:
            assert piece.first - piece.start >= (longest // 2 if causal else longest // 4)
        if piece.end < length and not causal:
            assert piece.end - piece.last >= longest // 4 or longest < 4


def test_a_causal_loss_is_minus_the_log_probability_over_the_whole_vocabulary() -> None:
    model = ToyModel(causal=True, masked=False)
    watcher = Watcher()
    found = loss_track(model, NucleotideSequence(LETTERS), monitor=watcher)
    for index, letter in enumerate(LETTERS):
        if letter == "N":
            assert np.isnan(found.values[index])
            continue
        logits = model.vocabulary_logits(LETTERS)[index]
        logits = logits[:4] if logits.shape[0] == 4 else logits
        expected = np.log(np.exp(logits).sum()) - logits["ACGT".index(letter)]
        assert found.values[index] == pytest.approx(expected, abs=1e-5)
    assert watcher.done == watcher.total == 1
    assert not found.pseudo
    assert "pseudo" not in found.words()


def test_a_masked_loss_with_bases_alone_is_the_masked_probability_and_is_called_a_pseudo_loss() -> None:
    model = ToyModel()
    sequence = NucleotideSequence(LETTERS)
    watcher = Watcher()
    found = loss_track(model, sequence, LossParameters(apart=100), watcher)
    chances = base_probabilities(model, sequence, ProbabilityParameters(masked=True)).values
    known = np.array([letter in "ACGT" for letter in LETTERS])
    own = chances[np.arange(len(LETTERS))[known], ["ACGT".index(letter) for letter in LETTERS if letter != "N"]]
    np.testing.assert_allclose(found.values[known], -np.log(own), atol=1e-5)
    assert watcher.done == watcher.total == len(LETTERS)
    assert found.pseudo
    assert "pseudo-loss" in found.words()
    assert found.tracks()[0].name == "pseudo_loss"


def test_bases_that_are_masked_together_are_far_apart_and_nothing_else_is_masked() -> None:
    model = ToyModel()
    found = loss_track(model, NucleotideSequence(LETTERS[:15]), LossParameters(apart=4)).values
    for rest in range(4):
        places = list(range(rest, 15, 4))
        text = "".join("?" if index in places else letter for index, letter in enumerate(LETTERS[:15]))
        logits = model.vocabulary_logits(text)[:, :4]
        for index in places:
            expected = np.log(np.exp(logits[index]).sum()) - logits[index, "ACGT".index(LETTERS[index])]
            assert found[index] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("causal", [True, False])
def test_what_is_longer_than_the_model_is_read_in_windows(*, causal: bool) -> None:
    letters = (LETTERS * 4)[:70].replace("N", "A")
    model = ToyModel(causal=causal, masked=not causal, max_length=16)
    watcher = Watcher()
    found = loss_track(model, NucleotideSequence(letters), LossParameters(apart=20), watcher).values
    assert watcher.done == watcher.total == passes(70, 20, model.card)
    short = ToyModel(causal=causal, masked=not causal)
    for piece in pieces(70, 16, causal=causal):
        alone = loss_track(short, NucleotideSequence(letters[piece.start : piece.end]), LossParameters(apart=20)).values
        np.testing.assert_allclose(found[piece.first : piece.last], alone[piece.first - piece.start : piece.last - piece.start], atol=1e-5)


@pytest.mark.parametrize("case", BASE_MODELS, ids=str)
def test_every_model_gives_a_loss_of_the_kind_its_card_says_or_refuses_in_a_sentence(case: Any, request: pytest.FixtureRequest) -> None:
    model = case.load(request)
    sequence = NucleotideSequence("ACGTTGCAAGGTCAT")
    if not (model.card.causal or model.card.masked):
        with pytest.raises(CapabilityMissing, match="no loss"):
            loss_track(model, sequence)
        return
    found = loss_track(model, sequence, LossParameters(apart=2))
    assert np.isfinite(found.values).all()
    assert (found.values >= 0).all()
    assert found.pseudo == (not model.card.causal)
    if not model.card.causal:
        chances = base_probabilities(model, sequence, ProbabilityParameters(masked=True)).values
        own = chances[np.arange(15), ["ACGT".index(letter) for letter in sequence.letters]]
        np.testing.assert_allclose(loss_track(model, sequence, LossParameters(apart=50)).values, -np.log(own), atol=1e-4)


def test_means_are_those_by_hand_and_leave_unknown_bases_out() -> None:
    values = np.array([1, 2, np.nan, 4, 5], np.float32)
    np.testing.assert_allclose(block_means(values, 2), [1.5, 1.5, 4, 4, 5])
    np.testing.assert_allclose(moving_means(values, 3), [1.5, 1.5, 3, 4.5, 4.5])
    np.testing.assert_allclose(moving_means(values, 2), [1, 1.5, 2, 4, 4.5])
    assert np.isnan(block_means(np.array([np.nan], np.float32), 50)).all()


def test_it_stops_when_asked() -> None:
    with pytest.raises(Cancelled):
        loss_track(ToyModel(max_length=16), NucleotideSequence("ACGT" * 20), monitor=Watcher(stop_after=3))


def test_a_model_that_is_neither_causal_nor_masked_is_refused() -> None:
    with pytest.raises(CapabilityMissing, match="no mask token"):
        loss_track(ToyModel(masked=False), NucleotideSequence("ACGT"))


def test_losses_of_megadna_and_its_end_are_the_authors_loss(golden: Any) -> None:
    import json

    from engine.models.entry import LoadOptions
    from engine.models.megadna import adapter

    folder = golden / "megadna"
    model = adapter.load(folder / "checkpoint", LoadOptions())
    expected = np.load(folder / "expected.npz")
    for index, text in enumerate(json.loads((folder / "inputs.json").read_text())["sequences"][:6]):
        found = loss_track(model, NucleotideSequence(text)).values.astype(float)
        last = torch.log_softmax(torch.tensor(expected[f"{index}_logits"][-2]).double(), dim=-1)[5]
        assert (found.sum() - float(last)) / (len(text) + 1) == pytest.approx(float(expected[f"{index}_loss"]), abs=1e-4)
