"""RiNALMo agrees with its authors' code in the official layout and with the port in the safetensors layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.analyses.dependency import DependencyParameters, dependency_map
from engine.analyses.probabilities import ProbabilityParameters, base_probabilities
from engine.core.errors import SequenceError, WeightsInvalid
from engine.core.protocols import EmbeddingModel, NucleotideModel
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.rinalmo import adapter
from tests.models.parity import compare

LAYOUTS = ("rinalmo", "rinalmo_multimolecule")


@pytest.fixture(scope="module", params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def expected(golden: Path, layout: str) -> dict[str, np.ndarray]:
    with np.load(golden / layout / "expected.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def golden_model(golden: Path, layout: str) -> Any:
    return adapter.load(golden / layout / "checkpoint", LoadOptions())


@pytest.fixture(scope="module")
def golden_official(golden: Path) -> Any:
    return adapter.load(golden / "rinalmo" / "checkpoint", LoadOptions())


@pytest.fixture(scope="module")
def model(tiny: Path, layout: str) -> Any:
    return adapter.load(tiny / layout / "checkpoint", LoadOptions())


@pytest.fixture(scope="module")
def official(tiny: Path) -> Any:
    return adapter.load(tiny / "rinalmo" / "checkpoint", LoadOptions())


@pytest.fixture(scope="module")
def official_expected(golden: Path) -> dict[str, np.ndarray]:
    with np.load(golden / "rinalmo" / "expected.npz") as arrays:
        return dict(arrays)


def inputs(golden: Path, layout: str = "rinalmo") -> dict[str, Any]:
    return json.loads((golden / layout / "inputs.json").read_text())


def test_tokens_logits_and_hidden_states_are_the_authors(
    golden: Path, layout: str, golden_model: Any, expected: dict[str, np.ndarray]
) -> None:
    hidden = "representation" if layout == "rinalmo" else "hidden"
    for index, text in enumerate(inputs(golden, layout)["sequences"]):
        ids = golden_model.tokens.encode(text.upper().replace("U", "T"))
        assert ids == expected[f"{index}_ids"].tolist()
        with torch.inference_mode():
            given = torch.tensor([ids])
            compare(layout, f"{index}_logits", golden_model.vocabulary_logits(given)[0], expected[f"{index}_logits"])
            compare(layout, f"{index}_{hidden}", golden_model.net.hidden(given)[0], expected[f"{index}_{hidden}"])


def test_masked_input_is_rescaled_as_the_authors_do(layout: str, golden_model: Any, expected: dict[str, np.ndarray]) -> None:
    with torch.inference_mode():
        got = golden_model.vocabulary_logits(torch.tensor(expected["masked_ids"])[None])[0]
    compare(layout, "masked_logits", got, expected["masked_logits"])


def test_padding_changes_nothing(golden_official: Any, official_expected: dict[str, np.ndarray]) -> None:
    ids = torch.tensor(official_expected["batch_ids"])
    real = (ids != golden_official.net.config.pad_id).numpy()
    with torch.inference_mode():
        got = golden_official.net(ids, padded=True).numpy()
    compare("rinalmo", "batch_logits", got[real], official_expected["batch_logits"][real])


Scored = tuple[int, str, np.ndarray, np.ndarray, np.ndarray]
"""Number and letters of a map, log-probabilities (L, 3, L, 4) of mutants, (L, 4) of the reference, alternates (L, 3), float64."""


@pytest.fixture(scope="module")
def scored(golden: Path, golden_official: Any) -> list[Scored]:
    found = []
    for number, letters in enumerate(inputs(golden)["map_sequences"]):
        reference = golden_official.prepare(NucleotideSequence(letters, Alphabet.RNA))
        length = len(letters)
        changes = [(i, a) for i in range(length) for a in range(4) if "ACGU"[a] != letters[i]]
        positions, alternates = (torch.tensor(column) for column in zip(*changes, strict=True))
        with torch.inference_mode():
            mutants = golden_official.base_logits(reference, golden_official.mutants(reference, positions, alternates), normalised=True)
            wild = golden_official.base_logits(reference, reference.ids[None], normalised=True)[0]
        shape = (length, 3, length, 4)
        mutant_scores = mutants.double().numpy().reshape(shape)
        found.append((number, letters, mutant_scores, wild.double().numpy(), alternates.numpy().reshape(length, 3)))
    return found


def log_odds(logp: np.ndarray, epsilon: float = 1e-10) -> np.ndarray:
    p = np.exp(logp) + epsilon
    p = p / p.sum(axis=-1, keepdims=True)
    return np.log2(p) - np.log2(1 - p)


def test_the_dependency_map_is_the_authors(scored: list[Scored], official_expected: dict[str, np.ndarray]) -> None:
    for number, _, mutants, wild, _ in scored:
        change = np.abs(log_odds(mutants) - log_odds(wild)).max(axis=(1, 3))
        compare("rinalmo", f"map{number}_ci_matrix", change, official_expected[f"map{number}_ci_matrix"])
        off = change * (1 - np.eye(len(change)))
        compare("rinalmo", f"map{number}_dep_map", off, official_expected[f"map{number}_dep_map"])


def test_the_analysis_of_dependencies_gives_the_authors_map(
    golden: Path, golden_official: Any, official_expected: dict[str, np.ndarray]
) -> None:
    for number, letters in enumerate(inputs(golden)["map_sequences"]):
        sequence = NucleotideSequence(letters, Alphabet.RNA)
        values = dependency_map(golden_official, sequence, DependencyParameters(epsilon=1e-10)).values
        compare("rinalmo", f"analysis_map{number}_dep_map", values, official_expected[f"map{number}_dep_map"])
        masked = base_probabilities(golden_official, sequence, ProbabilityParameters(masked=True)).values
        theirs = official_expected[f"map{number}_masked_probs"]
        compare("rinalmo", f"analysis_map{number}_masked_probs", masked, theirs / theirs.sum(axis=1, keepdims=True))


def test_masked_probabilities_are_the_authors(golden: Path, golden_official: Any, official_expected: dict[str, np.ndarray]) -> None:
    for number, letters in enumerate(inputs(golden)["map_sequences"]):
        reference = golden_official.prepare(NucleotideSequence(letters, Alphabet.RNA))
        every = torch.arange(len(letters))
        with torch.inference_mode():
            scores = golden_official.base_logits(reference, golden_official.masked(reference, every), normalised=True)
        got = scores[every, every].exp()
        compare("rinalmo", f"map{number}_masked_probs", got, official_expected[f"map{number}_masked_probs"])


def test_the_other_published_matrices_follow_from_the_same_scores(scored: list[Scored], official_expected: dict[str, np.ndarray]) -> None:
    for number, letters, mutants, wild, _ in scored:
        own = np.array(["ACGU".index(letter) for letter in letters])
        change = np.abs(log_odds(mutants) - log_odds(wild)).max(axis=1)
        on_reference = change[:, np.arange(len(own)), own].T  # the authors' indexing puts the base that is read first
        compare("rinalmo", f"map{number}_ci_matrix_ref_only", on_reference, official_expected[f"map{number}_ci_matrix_ref_only"])
        ratio = np.abs(np.log2(np.exp(mutants) + 1e-10) - np.log2(np.exp(wild) + 1e-10)).max(axis=(1, 3))
        compare("rinalmo", f"map{number}_ci_matrix_logratio", ratio, official_expected[f"map{number}_ci_matrix_logratio"])


def test_both_layouts_of_the_same_weights_give_the_same_scores(tiny: Path) -> None:
    sequence = NucleotideSequence("GGGAAACCCUUNR", Alphabet.RNA)
    scores = []
    for layout in LAYOUTS:
        model = adapter.load(tiny / layout / "checkpoint", LoadOptions())
        reference = model.prepare(sequence)
        with torch.inference_mode():
            scores.append(model.base_logits(reference, reference.ids[None]))
    assert torch.allclose(scores[0], scores[1], atol=1e-5)


def test_dna_and_rna_letters_give_the_same_tokens(model: Any) -> None:
    as_rna = model.prepare(NucleotideSequence("ACGUU", Alphabet.RNA))
    as_dna = model.prepare(NucleotideSequence("ACGTT"))
    assert as_rna.ids.tolist() == as_dna.ids.tolist()
    assert as_dna.letters == "ACGUU"


def multimolecule_copy(tiny: Path, target: Path, **changes: Any) -> dict[str, torch.Tensor]:
    source = tiny / "rinalmo_multimolecule" / "checkpoint"
    (target / "vocab.txt").write_bytes((source / "vocab.txt").read_bytes())
    config = json.loads((source / "config.json").read_text()) | changes
    (target / "config.json").write_text(json.dumps(config))
    return load_file(source / "model.safetensors")


def test_other_depth_heads_and_length_of_the_safetensors_layout_load(tiny: Path, tmp_path: Path) -> None:
    tensors = multimolecule_copy(tiny, tmp_path, num_hidden_layers=1, num_attention_heads=4, max_position_embeddings=66)
    save_file({name: value for name, value in tensors.items() if ".layer.1." not in name}, tmp_path / "model.safetensors")
    model = adapter.load(tmp_path, LoadOptions())
    assert (len(model.net.blocks), model.net.config.heads, model.card.max_length) == (1, 4, 64)
    assert model.embeddings(NucleotideSequence("ACGU", Alphabet.RNA)).shape == (4, 40)


def test_the_bin_file_with_its_unused_bias_loads(tiny: Path, tmp_path: Path, official: Any) -> None:
    multimolecule_copy(tiny, tmp_path)
    source = tiny / "rinalmo_multimolecule" / "checkpoint" / "pytorch_model.bin"
    (tmp_path / "pytorch_model.bin").write_bytes(source.read_bytes())
    model = adapter.load(tmp_path, LoadOptions())
    reference = model.prepare(NucleotideSequence("ACGUACGU", Alphabet.RNA))
    theirs = official.prepare(NucleotideSequence("ACGUACGU", Alphabet.RNA))
    with torch.inference_mode():
        assert torch.allclose(model.base_logits(reference, reference.ids[None]), official.base_logits(theirs, theirs.ids[None]), atol=1e-5)


def test_split_projections_of_the_official_layout_load(tiny: Path, tmp_path: Path, official: Any) -> None:
    state = torch.load(tiny / "rinalmo" / "checkpoint" / "rinalmo_shared_pretrained.pt", weights_only=True)
    split: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        if "Wqkv" in name:
            for part, rows in zip("qkv", value.chunk(3), strict=True):
                split[name.replace("Wqkv", f"to_{part}")] = rows.clone()
        else:
            split[name] = value
    torch.save(split, tmp_path / "other_name.pt")
    model = adapter.load(tmp_path, LoadOptions())
    ids = torch.tensor([[0, 5, 6, 7, 8, 2]])
    with torch.inference_mode():
        assert torch.equal(model.vocabulary_logits(ids), official.vocabulary_logits(ids))


def test_a_width_that_twenty_heads_do_not_divide_asks_for_the_head_count(tiny: Path, tmp_path: Path) -> None:
    state = torch.load(tiny / "rinalmo" / "checkpoint" / "rinalmo_shared_pretrained.pt", weights_only=True)
    state["embedding.weight"] = state["embedding.weight"][:, :30].clone()
    torch.save(state, tmp_path / "model.pt")
    with pytest.raises(WeightsInvalid, match="num_attention_heads"):
        adapter.load(tmp_path, LoadOptions())


def test_the_model_keeps_its_contract(model: Any) -> None:
    assert isinstance(model, NucleotideModel)
    assert isinstance(model, EmbeddingModel)
    model.prepare(NucleotideSequence("A" * 1022))
    with pytest.raises(SequenceError, match="1,022"):
        model.prepare(NucleotideSequence("A" * 1023))
