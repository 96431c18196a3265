"""megaDNA agrees with its authors' code, read from the pickled module as published without running any of it."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.analyses.effects import variant_effects
from engine.core.errors import CapabilityMissing, ParameterError, SequenceError, WeightsInvalid
from engine.core.protocols import EmbeddingModel, GenerativeModel, LikelihoodModel, NucleotideModel
from engine.core.sequence import NucleotideSequence
from engine.models.checkpoints.identity import identify
from engine.models.checkpoints.weights import read_pickled_module
from engine.models.entry import LoadOptions
from engine.models.megadna import adapter
from engine.models.megadna.continuation import Continuation
from engine.models.megadna.network import MegaDnaConfig, MegaDnaNet, published_name
from tests.models.parity import compare
from tests.models.tiny.megadna import pickled_module


@pytest.fixture(scope="module")
def folder(golden: Path) -> Path:
    return golden / "megadna"


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "expected.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def inputs(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "inputs.json").read_text())


@pytest.fixture(scope="module")
def golden_model(folder: Path) -> Any:
    return adapter.load(folder / "checkpoint", LoadOptions())


@pytest.fixture(scope="module")
def model(tiny: Path) -> Any:
    return adapter.load(tiny / "megadna" / "checkpoint", LoadOptions())


HUNDRED = "".join(random.Random(7).choices("ACGT", k=101))


def check_everything(model: Any, expected: dict[str, np.ndarray], name: str) -> None:
    """Logits, loss and the three stages of one golden input."""
    ids = torch.tensor(expected[f"{name}_ids"])
    ids = ids if ids.ndim == 2 else ids[None]
    with torch.inference_mode():
        logits = model.net(ids)
        scored = (ids != 0).sum()
        loss = -model.net.token_log_probabilities(ids).sum() / scored
        states = model.net.states(ids)
    compare("megadna", f"{name}_logits", logits if expected[f"{name}_logits"].ndim == 3 else logits[0], expected[f"{name}_logits"])
    compare("megadna", f"{name}_loss", loss, expected[f"{name}_loss"])
    for stage, values in enumerate(states):
        if f"{name}_emb{stage}" in expected:
            compare("megadna", f"{name}_emb{stage}", values, expected[f"{name}_emb{stage}"])


def test_tokens_logits_losses_and_stages_are_the_authors(
    golden_model: Any, inputs: dict[str, Any], expected: dict[str, np.ndarray]
) -> None:
    for index, text in enumerate(inputs["sequences"]):
        assert golden_model.tokens.encode(text.upper()) == expected[f"{index}_ids"].tolist()
        check_everything(golden_model, expected, str(index))


@pytest.mark.parametrize("name", ["raw", "exact", "batch"])
def test_inputs_without_start_and_end_whole_patches_and_batches_are_the_authors(
    golden_model: Any, expected: dict[str, np.ndarray], name: str
) -> None:
    check_everything(golden_model, expected, name)


def test_greedy_generation_is_the_authors(golden_model: Any, expected: dict[str, np.ndarray]) -> None:
    given, found = expected["raw_ids"], expected["greedy_tokens"]
    start = next(place for place in range(len(found)) if place == len(given) or given[place] != found[place])
    assert 0 < start < len(found)
    ids = torch.tensor(found[:start])[None]
    with torch.inference_mode():
        while ids.shape[1] < len(found):
            ids = torch.cat((ids, golden_model.net(ids)[:, -1:].argmax(dim=-1)), dim=1)
    compare("megadna", "greedy_tokens", ids[0], expected["greedy_tokens"], 0)


def test_the_losses_of_the_mutagenesis_notebook_are_the_authors(
    golden_model: Any, inputs: dict[str, Any], expected: dict[str, np.ndarray]
) -> None:
    wild = NucleotideSequence(inputs["mutagenesis"]["genome"])
    reference = golden_model.prepare(wild)
    assert reference.ids.tolist() == expected["ism_ids"][0].tolist()
    with torch.inference_mode():
        losses = -golden_model.log_likelihoods(reference, torch.tensor(expected["ism_ids"])) / (len(wild) + 1)
    compare("megadna", "ism_wt_loss", losses[0], expected["ism_wt_loss"])
    compare("megadna", "ism_mutant_loss", losses[1:], expected["ism_mutant_loss"])


def test_base_scores_are_the_bases_given_all_bases_before(model: Any) -> None:
    letters = "ACGTTGCAACGTAGCTAGGAT"
    reference = model.prepare(NucleotideSequence(letters))
    with torch.inference_mode():
        scores = model.base_logits(reference, reference.ids[None], normalised=True)[0]
        for position in (0, 1, 4, 20):
            prefix = torch.tensor([model.tokens.encode(letters[:position])[:-1]])
            last = torch.log_softmax(model.net(prefix)[0, -1], dim=-1)[[1, 3, 4, 2]]
            assert torch.allclose(scores[position], last, atol=1e-5)


def test_a_change_has_effects_only_downstream(model: Any) -> None:
    reference = model.prepare(NucleotideSequence("ACGTTGCAACGTAGCTAGGATACGTTGCATTT"))
    with torch.inference_mode():
        wild = model.base_logits(reference, reference.ids[None])[0]
        changed = model.base_logits(reference, model.mutants(reference, torch.tensor([9]), torch.tensor([3])))[0]
    moved = (wild - changed).abs().amax(dim=-1) > 1e-6
    assert not moved[:10].any()
    assert moved[10]


def test_the_whole_likelihood_is_the_bases_and_the_end(model: Any) -> None:
    sequence = NucleotideSequence("ACGTTGCAACG")
    reference = model.prepare(sequence)
    with torch.inference_mode():
        bases = model.base_logits(reference, reference.ids[None], normalised=True)[0].double()
        own = bases[torch.arange(11), torch.tensor(["ACGT".index(letter) for letter in sequence.letters])].sum()
        end = torch.log_softmax(model.net(reference.ids[None])[0, -2].double(), dim=-1)[5]
        assert torch.allclose(model.log_likelihoods(reference, reference.ids[None])[0], own + end, atol=1e-5)


def write(config: MegaDnaConfig, directory: Path) -> MegaDnaNet:
    torch.manual_seed(5)
    net = MegaDnaNet(config).eval()
    for value in net.parameters():
        torch.nn.init.normal_(value, std=0.2)
    names = {published_name(config, name): value.detach().contiguous() for name, value in net.state_dict().items()}
    save_file(names, directory / "model.safetensors")
    (directory / "config.json").write_text(json.dumps({"max_seq_len": list(config.lengths)}))
    return net


@pytest.mark.parametrize(
    "config",
    [
        MegaDnaConfig(6, (12, 8), (1, 2), (5, 3), (2, 2), 4, (16, 10)),
        MegaDnaConfig(6, (8, 6, 5), (1, 1, 3), (4, 2, 3), (1, 2, 3), 6, (9, 9, 9)),
        MegaDnaConfig(7, (10, 8, 6, 4), (1, 1, 1, 1), (3, 2, 2, 2), (2, 2, 2, 2), 4, (8, 8, 8, 8)),
    ],
)
def test_other_sizes_and_numbers_of_stages_load_from_a_state_dict(config: MegaDnaConfig, tmp_path: Path) -> None:
    net = write(config, tmp_path)
    model = adapter.load(tmp_path, LoadOptions())
    assert model.net.config == config
    assert model.card.max_length == config.longest - 2
    reference = model.prepare(NucleotideSequence("ACGTACGT"))
    with torch.inference_mode():
        assert torch.allclose(model.net(reference.ids[None]), net(reference.ids[None]), atol=1e-6)


def test_the_published_sizes_have_the_published_number_of_parameters() -> None:
    config = MegaDnaConfig(6, (512, 256, 196), (8, 8, 8), (128, 64, 16), (8, 8, 8), 64, (2048, 1024, 784))
    with torch.device("meta"):
        parameters = sum(value.numel() for value in MegaDnaNet(config).parameters())
    assert round(parameters / 1e6, 1) == 145.6
    assert config.longest == 131_072


def test_continuation_is_repeatable_greedy_at_zero_and_bounded(model: Any) -> None:
    sequence = NucleotideSequence("ACGTACGTTT")
    first, again = (model.continue_sequence(sequence, 12, seed=3) for _ in range(2))
    assert first == again
    assert set(first) <= set("ACGT")
    assert len(first) == 12
    other = model.continue_sequence(sequence, 12, seed=4)
    assert other != first
    greedy = model.continue_sequence(sequence, 1, seed=0, temperature=0.0)
    reference = model.prepare(sequence)
    with torch.inference_mode():
        assert greedy == "ATCG"[int(model.net(reference.ids[None, :-1])[0, -1, 1:5].argmax())]
    with pytest.raises(SequenceError, match="190"):
        model.continue_sequence(sequence, 181, seed=0)
    with pytest.raises(ParameterError):
        model.continue_sequence(sequence, 0, seed=0)


def test_a_continuation_scores_each_token_as_the_whole_network_does(model: Any) -> None:
    ids = torch.tensor(model.tokens.encode(HUNDRED))
    with torch.inference_mode():
        whole = model.net(ids[None])[0]
        for begin in (1, 2, 23, 24, 25, 60):
            going = Continuation(model.net, ids[:begin])
            for length in range(begin, len(ids)):
                assert torch.allclose(going.logits(), whole[length - 1], atol=1e-5), (begin, length)
                going.append(ids[length])
            assert torch.equal(going.ids, ids)


def test_a_continuation_computes_coarser_stages_only_when_a_part_is_complete(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    for index, stage in enumerate(model.net.stages):
        forward = stage.forward
        monkeypatch.setattr(stage, "forward", lambda *given, index=index, forward=forward: calls.append(index) or forward(*given))
    model.continue_sequence(NucleotideSequence(HUNDRED[:40]), 96, seed=1)
    assert [calls.count(index) for index in range(3)] == [5, 24, 96]  # parts of 24 and of 4 tokens


def test_at_temperature_zero_the_likeliest_base_of_the_authors_logits_is_taken(
    golden_model: Any, inputs: dict[str, Any], expected: dict[str, np.ndarray]
) -> None:
    for index in (0, 2, 3, 5):
        letters, logits = inputs["sequences"][index], expected[f"{index}_logits"]
        for length in range(1, len(letters), 7):
            found = golden_model.continue_sequence(NucleotideSequence(letters[:length]), 1, seed=0, temperature=0.0)
            assert found == "ATCG"[int(logits[length, 1:5].argmax())]


def test_likelihoods_of_mutants_are_those_of_their_tokens(model: Any) -> None:
    sequence = NucleotideSequence(HUNDRED)
    reference = model.prepare(sequence)
    positions, alternates = torch.tensor([0, 0, 23, 24, 99, 100]), torch.tensor([0, 1, 2, 3, 0, 2])
    with torch.inference_mode():
        together = model.mutant_log_likelihoods(reference, positions, alternates)
        apart = model.log_likelihoods(reference, model.mutants(reference, positions, alternates))
    assert torch.allclose(together, apart, atol=1e-4)
    assert together.dtype == torch.float64


def test_there_is_no_mask(model: Any) -> None:
    reference = model.prepare(NucleotideSequence("ACGT"))
    with pytest.raises(CapabilityMissing, match="left to right"):
        model.masked(reference, torch.tensor([0]))


def test_the_model_keeps_its_contract(model: Any) -> None:
    for protocol in (NucleotideModel, LikelihoodModel, EmbeddingModel, GenerativeModel):
        assert isinstance(model, protocol)
    assert model.card.causal
    assert not model.card.masked
    assert model.embeddings(NucleotideSequence("ACGTA")).shape == (5, 16)
    model.prepare(NucleotideSequence("A" * 190))
    with pytest.raises(SequenceError, match="190"):
        model.prepare(NucleotideSequence("A" * 191))


class Danger:
    def __init__(self, victim: Path) -> None:
        self.victim = str(victim)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.victim,)


def test_a_hostile_pickle_in_place_of_the_checkpoint_runs_nothing(tmp_path: Path) -> None:
    pickled_module(tmp_path, hook=Danger(tmp_path / "victim"))
    with pytest.raises(WeightsInvalid, match=r"mkdir.*refused"):
        adapter.load(tmp_path, LoadOptions())
    assert not (tmp_path / "victim").exists()


def test_another_pickled_module_is_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 2)), tmp_path / "model.pt")
    assert read_pickled_module(tmp_path / "model.pt").tensors().keys() == {"0.weight", "0.bias"}
    with pytest.raises(WeightsInvalid, match=r"Sequential.*no model here takes"):
        adapter.load(tmp_path, LoadOptions())


def test_likelihood_differences_are_the_authors_loss_differences(model: Any) -> None:
    sequence = NucleotideSequence(HUNDRED[:30])
    effects = variant_effects(model, sequence).delta_log_likelihood
    assert effects is not None
    alternate = "T" if sequence.letters[4] != "T" else "C"
    reference = model.prepare(sequence)
    changed = model.prepare(NucleotideSequence(sequence.letters[:4] + alternate + sequence.letters[5:]))
    assert changed.ids.tolist() != reference.ids.tolist()
    with torch.inference_mode():
        losses = [-model.log_likelihoods(r, r.ids[None])[0] / 31 for r in (reference, changed)]
    assert effects[4, "ACGT".index(alternate)] == pytest.approx(float(losses[0] - losses[1]) * 31, abs=1e-4)


@pytest.mark.parametrize("lengths", [[], [8, 6, 0], [8, 6, 4.0], [8] * 9, [8, 6, 10**30], "864", None])
def test_lengths_that_cannot_be_are_refused(lengths: Any, tmp_path: Path) -> None:
    write(MegaDnaConfig(6, (12, 8), (1, 2), (5, 3), (2, 2), 4, (16, 10)), tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"max_seq_len": lengths}))
    with pytest.raises(WeightsInvalid, match="max_seq_len"):
        adapter.load(tmp_path, LoadOptions())


def test_the_limit_of_a_checkpoint_is_known_before_it_is_loaded(tiny: Path) -> None:
    assert identify(adapter.ENTRIES["megadna"], tiny / "megadna" / "checkpoint").card.max_length == 190


def test_lengths_of_another_model_are_refused(tmp_path: Path) -> None:
    write(MegaDnaConfig(6, (12, 8), (1, 2), (5, 3), (2, 2), 4, (16, 10)), tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"max_seq_len": [5, 4]}))
    with pytest.raises(WeightsInvalid, match="configuration asks for"):
        adapter.load(tmp_path, LoadOptions())
