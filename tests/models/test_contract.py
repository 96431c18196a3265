"""What every base-level and element adapter promises, asked of each that has a small checkpoint."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import numpy as np
import pytest
import torch

from engine.core.card import Capability
from engine.core.errors import CapabilityMissing, SequenceError
from engine.core.protocols import ElementModel, EmbeddingModel, NucleotideModel
from engine.core.sequence import Alphabet, NucleotideSequence
from tests.models.cases import BASE_MODELS, ELEMENT_MODELS, LETTERS, TINY_BASE_MODELS, TINY_ELEMENT_MODELS, Case, window_of
from tests.models.cases import golden as golden_cases

EVERY_BASE_MODEL = [*BASE_MODELS, *golden_cases(TINY_BASE_MODELS)]
EVERY_ELEMENT_MODEL = [*ELEMENT_MODELS, *golden_cases(TINY_ELEMENT_MODELS)]
WHOSE_LAYOUT_FOLLOWS_THE_LETTERS = ("grover",)
WHOSE_LAYOUT_FOLLOWS_N = ("grover", "nt-v1", "nt-v2", "agro-nt")


@pytest.fixture(scope="module", params=EVERY_BASE_MODEL, ids=str)
def model(request: pytest.FixtureRequest) -> Any:
    return request.param.load(request)


@pytest.fixture(scope="module", params=EVERY_ELEMENT_MODEL, ids=str)
def element_model(request: pytest.FixtureRequest) -> Any:
    return request.param.load(request)


def scores(model: Any, reference: Any, ids: torch.Tensor, *, normalised: bool = True) -> np.ndarray:
    with torch.inference_mode():
        return model.base_logits(reference, ids, normalised=normalised).numpy()


def of_letters(model: Any, letters: str, alphabet: Alphabet = Alphabet.DNA) -> np.ndarray:
    reference = model.prepare(NucleotideSequence(letters, alphabet))
    return scores(model, reference, reference.ids[None])[0]


def some_mutants(model: Any) -> tuple[Any, torch.Tensor]:
    """Ids of four substitutions that leave the token count as it is."""
    reference = model.prepare(NucleotideSequence(LETTERS))
    places, alternates = torch.tensor([0, 7, 8, 29]), torch.tensor([1, 2, 3, 2])
    try:
        return reference, model.mutants(reference, places, alternates)
    except CapabilityMissing:
        return reference, reference.ids.repeat(4, 1)


def test_a_base_model_says_who_it_is(model: Any) -> None:
    assert isinstance(model, NucleotideModel)
    card = model.card
    assert card.weights_sha256
    assert len(card.weights_sha256) == 64
    assert 1 <= card.min_length <= card.max_length
    assert {Capability.PROBABILITIES, Capability.DEPENDENCY} <= card.capabilities
    assert card.licence
    assert card.limitations
    assert (model.device, model.dtype) == ("cpu", "float32")


def test_probabilities_of_the_four_bases_are_float32_and_at_most_one(model: Any) -> None:
    values = of_letters(model, LETTERS)
    assert values.shape == (len(LETTERS), 4)
    assert values.dtype == np.float32
    assert np.isfinite(values).all()
    total = np.exp(values.astype(np.float64)).sum(-1)
    assert (total > 0).all()
    assert (total <= 1 + 1e-5).all()


def test_renormalised_rows_sum_to_one_and_both_scales_agree(model: Any) -> None:
    reference = model.prepare(NucleotideSequence(LETTERS))
    rows = []
    for normalised in (True, False):
        raw = scores(model, reference, reference.ids[None], normalised=normalised)[0].astype(np.float64)
        chance = np.exp(raw - raw.max(-1, keepdims=True))
        rows.append(chance / chance.sum(-1, keepdims=True))
    np.testing.assert_allclose(rows[0].sum(-1), 1, atol=1e-12)
    np.testing.assert_allclose(rows[0], rows[1], atol=2e-6)


def test_a_batch_of_n_is_n_batches_of_one_in_the_same_order(model: Any) -> None:
    reference, ids = some_mutants(model)
    together = scores(model, reference, ids)
    apart = np.concatenate([scores(model, reference, ids[row : row + 1]) for row in range(len(ids))])
    np.testing.assert_allclose(together, apart, atol=2e-5)
    np.testing.assert_allclose(scores(model, reference, ids.flip(0)), together[::-1], atol=2e-5)


def test_references_of_one_layout_share_a_pass_and_others_say_that_they_do_not(model: Any) -> None:
    one, other = (model.prepare(NucleotideSequence(letters)) for letters in (LETTERS, LETTERS[::-1]))
    if one.layout == other.layout:
        rows = torch.stack((one.ids, other.ids))
        for reference in (one, other):
            together = scores(model, reference, rows)
            for row, alone in zip(together, (one, other), strict=True):
                np.testing.assert_allclose(row, scores(model, alone, alone.ids[None])[0], atol=2e-5)
    assert (one.layout == other.layout) == (model.card.id not in WHOSE_LAYOUT_FOLLOWS_THE_LETTERS)
    with contextlib.suppress(SequenceError):  # a model that reads no N says so
        split = model.prepare(NucleotideSequence(LETTERS[:9] + "N" + LETTERS[10:]))
        assert (one.layout == split.layout) == (model.card.id not in WHOSE_LAYOUT_FOLLOWS_N)


def test_the_same_call_gives_the_same_numbers(model: Any) -> None:
    assert np.array_equal(of_letters(model, LETTERS), of_letters(model, LETTERS))


def test_embeddings_are_float32_rows_of_the_bases_where_they_are_offered(model: Any) -> None:
    assert isinstance(model, EmbeddingModel) == model.card.can(Capability.EMBEDDINGS)
    if not model.card.can(Capability.EMBEDDINGS):
        pytest.skip("no embeddings")
    rows = model.embeddings(NucleotideSequence(LETTERS))
    assert rows.dtype == np.float32
    assert len(rows) == len(LETTERS)
    assert np.isfinite(rows).all()


def test_masking_is_offered_exactly_by_models_with_a_mask(model: Any) -> None:
    reference = model.prepare(NucleotideSequence(LETTERS))
    if not model.card.masked:
        with pytest.raises(CapabilityMissing):
            model.masked(reference, torch.tensor([3]))
        return
    ids = model.masked(reference, torch.tensor([3, 3, 20]))
    values = scores(model, reference, ids)
    np.testing.assert_allclose(values[0], values[1], atol=2e-5)
    assert not np.allclose(values[0, 3], of_letters(model, LETTERS)[3], atol=1e-6)


def test_a_masked_base_does_not_leak(model: Any) -> None:
    """Masked scores at a base are the same whichever base stands there."""
    if not model.card.masked or model.card.id == "grover":
        pytest.skip("no mask, or tokens whose boundaries depend on the base")
    rows = []
    for base in "ACGT":
        reference = model.prepare(NucleotideSequence(LETTERS[:15] + base + LETTERS[16:]))
        rows.append(scores(model, reference, model.masked(reference, torch.tensor([15])))[0, 15])
    for row in rows[1:]:
        np.testing.assert_allclose(row, rows[0], atol=1e-5)


def test_a_causal_model_sees_only_what_is_upstream(model: Any) -> None:
    if not model.card.causal:
        pytest.skip("reads both sides")
    changed = LETTERS[:14] + "CCCC" + LETTERS[18:]
    np.testing.assert_allclose(of_letters(model, LETTERS)[:15], of_letters(model, changed)[:15], atol=1e-5)


def test_shortest_and_longest_sequences_work_and_one_base_more_is_refused(model: Any) -> None:
    card = model.card
    assert of_letters(model, LETTERS[: card.min_length]).shape == (card.min_length, 4)
    longest = NucleotideSequence((LETTERS * (card.max_length // len(LETTERS) + 1))[: card.max_length])
    if card.id != "grover":  # its limit in bases is only reached by the longest tokens
        reference = model.prepare(longest)
        assert reference.length == card.max_length
        if card.max_length <= 600:
            assert scores(model, reference, reference.ids[None]).shape == (1, card.max_length, 4)
    with pytest.raises(SequenceError, match=f"{card.max_length + 1:,}"):
        model.prepare(NucleotideSequence(longest.letters + "A"))
    if card.min_length > 1:
        with pytest.raises(SequenceError, match=str(card.min_length)):
            model.prepare(NucleotideSequence(LETTERS[: card.min_length - 1]))


def test_n_is_read_as_unknown_or_refused_in_one_sentence(model: Any) -> None:
    letters = LETTERS[:12] + "N" + LETTERS[13:]
    try:
        values = of_letters(model, letters)
    except SequenceError as error:
        assert "N" in str(error)  # noqa: PT017 - either answer keeps the promise
        return
    assert values.shape == (len(letters), 4)
    assert np.isfinite(np.delete(values, range(6, 19), axis=0)).all()


def test_rna_letters_are_read_as_the_same_dna_and_lower_case_never_arrives(model: Any) -> None:
    rna = of_letters(model, LETTERS.replace("T", "U"), Alphabet.RNA)
    np.testing.assert_array_equal(rna, of_letters(model, LETTERS))
    with pytest.raises(SequenceError, match="upper-case"):
        NucleotideSequence(LETTERS.lower())


def test_threads_get_the_numbers_of_a_single_thread(model: Any) -> None:
    texts = [LETTERS[shift:] + LETTERS[:shift] for shift in range(4)]
    alone = [of_letters(model, text) for text in texts]
    together: dict[int, np.ndarray] = {}

    def work(index: int) -> None:
        together[index] = of_letters(model, texts[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index in range(4):
        np.testing.assert_allclose(together[index], alone[index], atol=2e-5)


def torch_state() -> dict[str, Any]:
    return {
        "dtype": torch.get_default_dtype(),
        "grad": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "precision": torch.get_float32_matmul_precision(),
        "random": torch.get_rng_state().tolist(),
        "flush": torch.set_flush_denormal(False),
        "attention": (torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.math_sdp_enabled()),
    }


@pytest.mark.parametrize("case", [*EVERY_BASE_MODEL, *EVERY_ELEMENT_MODEL], ids=str)
def test_loading_and_running_leaves_the_state_of_torch_alone(case: Case, request: pytest.FixtureRequest) -> None:
    case.place(request)
    before = torch_state()
    model = case.load(request)
    if case in EVERY_ELEMENT_MODEL:
        model.element_probabilities(window_of(model))
    else:
        of_letters(model, LETTERS)
    after = torch_state()
    changed = [name for name in before if before[name] != after[name]]
    assert not changed


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("case", [*EVERY_BASE_MODEL, *EVERY_ELEMENT_MODEL], ids=str)
def test_low_precision_gives_nearly_the_same_numbers(case: Case, request: pytest.FixtureRequest, dtype: str) -> None:
    exact, low = case.load(request), case.load(request, dtype)
    assert low.dtype == dtype
    if case in EVERY_ELEMENT_MODEL:
        pair = [model.element_probabilities(window_of(model)) for model in (exact, low)]
    else:
        pair = [np.exp(of_letters(model, LETTERS)) for model in (exact, low)]
    assert pair[1].dtype == np.float32
    difference = np.abs(pair[0] - pair[1])
    assert 0 < difference.max() < (0.02 if dtype == "float16" else 0.15)


# element models


def test_an_element_model_says_who_it_is(element_model: Any) -> None:
    assert isinstance(element_model, ElementModel)
    assert element_model.card.can(Capability.SEGMENTATION)
    assert len(element_model.card.weights_sha256) == 64
    assert len(set(element_model.elements)) == len(element_model.elements)


def test_element_probabilities_are_float32_between_zero_and_one_and_repeat(element_model: Any) -> None:
    letters, rule = window_of(element_model), element_model.window_rule
    values = element_model.element_probabilities(letters)
    answered = (len(letters) if rule.output_end is None else rule.output_end) - (rule.output_start or 0)
    assert values.shape == (answered, len(element_model.elements))
    assert values.dtype == np.float32
    assert ((values >= 0) & (values <= 1)).all()
    assert np.array_equal(values, element_model.element_probabilities(letters))
    assert not np.array_equal(values, element_model.element_probabilities(window_of(element_model, 1)))


def test_n_in_an_element_window_follows_the_rule(element_model: Any) -> None:
    letters = "N" + window_of(element_model)[1:]
    if element_model.window_rule.allows_ambiguous:
        assert np.isfinite(element_model.element_probabilities(letters)).all()
    else:
        with pytest.raises(SequenceError, match="'N' at position 1"):
            element_model.element_probabilities(letters)


def test_element_windows_of_a_wrong_length_are_refused(element_model: Any) -> None:
    rule = element_model.window_rule
    wrong = window_of(element_model) + "A" if rule.fixed_bp or rule.multiple_bp > 1 else "A" * (element_model.card.max_length + 1)
    with pytest.raises(SequenceError, match="takes"):
        element_model.element_probabilities(wrong)
