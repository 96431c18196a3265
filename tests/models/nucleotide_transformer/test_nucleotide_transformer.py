"""Nucleotide Transformer agrees with its authors' code (v2), with the native class (v1), and with counting on paper."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.core.errors import ParameterError, SequenceError, WeightsInvalid
from engine.core.protocols import NucleotideModel, TokenModel
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.registry import entry
from tests.models.parity import compare


@pytest.fixture(scope="module")
def folder(golden: Path) -> Path:
    return golden / "nt_v2"


@pytest.fixture(scope="module")
def golden_model(folder: Path) -> Any:
    return entry("nt-v2").load(folder / "checkpoint", LoadOptions())


@pytest.fixture(scope="module")
def checkpoint(tiny: Path) -> Path:
    return tiny / "nt_v2" / "checkpoint"


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> Any:
    return entry("nt-v2").load(checkpoint, LoadOptions())


WITH_N = "ACGTTGCAAGGTCATCCANATTACATGGCATTCGGACATCA"


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "expected.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def sequences(folder: Path) -> list[str]:
    return json.loads((folder / "inputs.json").read_text())["sequences"]


def check(model: Any, key: str, ids: torch.Tensor, expected: dict[str, np.ndarray]) -> None:
    with torch.inference_mode():
        hidden = model.net.hidden(ids[None])[0]
        logits = model.net(ids[None])[0]
    compare("nt-v2", f"{key}embedding", hidden, expected[f"{key}embedding"])
    compare("nt-v2", f"{key}logits_every37", logits[:, ::37], expected[f"{key}logits_every37"])
    for name, got in (
        ("logits_tail11", logits[:, -11:]),
        ("logsumexp", logits.logsumexp(-1)),
        ("argmax", logits.argmax(-1)),
        ("logits", logits),
    ):
        if f"{key}{name}" in expected:
            compare("nt-v2", f"{key}{name}", got, expected[f"{key}{name}"])


def test_tokens_embeddings_and_logits_are_the_authors(golden_model: Any, sequences: list[str], expected: dict[str, np.ndarray]) -> None:
    for index, letters in enumerate(sequences):
        reference = golden_model.prepare(NucleotideSequence(letters.upper()))
        assert reference.ids.tolist() == expected[f"{index}_ids"].tolist()
        check(golden_model, f"{index}_", reference.ids, expected)


def test_hidden_states_by_layer_are_the_authors(golden_model: Any, sequences: list[str], expected: dict[str, np.ndarray]) -> None:
    for index, letters in enumerate(sequences):
        layers = golden_model.layer_states(NucleotideSequence(letters))
        compare("nt_v2", f"{index}_layer_1", layers[1], expected[f"{index}_hidden_1"][1:])
        compare("nt_v2", f"{index}_last_layer", layers[-1], expected[f"{index}_embedding"][1:])


def test_the_likeliest_words_at_a_masked_word_and_behind_the_last(golden_model: Any, sequences: list[str]) -> None:
    sequence = NucleotideSequence(sequences[2])
    reference = golden_model.prepare(sequence)
    count, names = len(reference.ids) - 1, golden_model.vocabulary.names
    texts, chances = golden_model.token_candidates(sequence, [count, 1], 3)
    for row, ids, place in (
        (0, torch.cat((reference.ids, torch.tensor([golden_model.vocabulary.mask]))), count + 1),
        (1, reference.ids.clone().index_fill(0, torch.tensor([2]), golden_model.vocabulary.mask), 2),
    ):
        with torch.inference_mode():
            best = golden_model.net(ids[None])[0, place].softmax(-1).topk(3)
        assert texts[row] == tuple(names[index] for index in best.indices.tolist())
        np.testing.assert_allclose(chances[row], best.values.numpy(), rtol=1e-4)
    with pytest.raises(ParameterError, match="exist"):
        golden_model.token_candidates(sequence, [count + 1], 3)


def test_masked_tokens_give_the_authors_logits(golden_model: Any, expected: dict[str, np.ndarray]) -> None:
    check(golden_model, "masked_", torch.from_numpy(expected["masked_ids"]), expected)


def test_the_first_block_is_the_authors(golden_model: Any, expected: dict[str, np.ndarray]) -> None:
    net = golden_model.net.esm
    for name in [name for name in expected if name.endswith("_hidden_1")]:
        ids = torch.from_numpy(expected[name.replace("_hidden_1", "_ids")])[None]
        with torch.inference_mode():
            hidden = net.encoder.layer[0](net.embeddings(ids), net.rotary(ids.shape[1], ids.device, None))[0]
        compare("nt-v2", name, hidden, expected[name])


def test_a_base_is_the_sum_over_the_kmers_that_have_it_at_its_offset(model: Any) -> None:
    letters = WITH_N
    reference = model.prepare(NucleotideSequence(letters))
    with torch.inference_mode():
        logits = model.net(reference.ids[None])[0].double()
        ours = model.base_logits(reference, reference.ids[None])[0].exp()
    kmers = ["".join(word) for word in itertools.product("ACGT", repeat=6)]
    ids = dict(zip(kmers, model.vocabulary.kmers, strict=True))
    slow = np.zeros((len(letters), 4))
    for token, (start, width) in enumerate(model.vocabulary.cut(letters), start=1):
        if width == 6:
            chance = torch.softmax(logits[token, [ids[word] for word in kmers]], -1).numpy()
            for offset, base in itertools.product(range(6), range(4)):
                slow[start + offset, base] = sum(p for p, word in zip(chance, kmers, strict=True) if word[offset] == "ACGT"[base])
        else:
            slow[start] = torch.softmax(logits[token, [model.vocabulary.letters[base] for base in "ACGT"]], -1).numpy()
    np.testing.assert_allclose(ours.numpy(), slow, atol=1e-6)
    np.testing.assert_allclose(ours.sum(-1).numpy(), 1, atol=1e-5)


def test_tokens_are_cut_from_the_left_with_single_letters_at_the_end_and_around_n(model: Any) -> None:
    assert model.vocabulary.cut("ACGTACGTACGTAC") == [(0, 6), (6, 6), (12, 1), (13, 1)]
    assert model.vocabulary.cut("ACGNACGTACG") == [(0, 1), (1, 1), (2, 1), (3, 1), (4, 6), (10, 1)]
    reference = model.prepare(NucleotideSequence("ACGTACNR"))
    vocabulary = (model.vocabulary.letters["N"], model.vocabulary.unknown)
    assert reference.ids[-2:].tolist() == list(vocabulary)
    assert len(model.prepare(NucleotideSequence("A" * 251)).ids) == 47  # as in the authors' test file


def test_every_substitution_gives_the_ids_of_the_written_sequence(model: Any) -> None:
    letters = WITH_N
    reference = model.prepare(NucleotideSequence(letters))
    pairs = [(i, a) for i in range(len(letters)) for a in range(4) if letters[i] != "N"]
    places, alternates = torch.tensor(pairs).T
    ids = model.mutants(reference, places, alternates)
    for row, (place, alternate) in zip(ids, pairs, strict=True):
        written = letters[:place] + "ACGT"[alternate] + letters[place + 1 :]
        assert row.tolist() == model.prepare(NucleotideSequence(written)).ids.tolist()


def test_masking_hides_exactly_the_token_of_the_base(model: Any) -> None:
    reference = model.prepare(NucleotideSequence("ACGTACGTACGTA"))
    ids = model.masked(reference, torch.tensor([0, 5, 6, 12]))
    hidden = [(row == model.vocabulary.mask).nonzero()[:, 0].tolist() for row in ids]
    assert hidden == [[1], [1], [2], [3]]


def test_very_unlikely_bases_keep_their_digits() -> None:
    from engine.models.reading.kmers import log_marginals, offset_matrix

    torch.manual_seed(0)
    logits = torch.randn(3, 64) * 3
    logits[:, :16] -= 300.0  # k-mers that start with A
    ours = log_marginals(logits, offset_matrix(3))
    exact = torch.log_softmax(logits.double(), -1).view(3, 4, 4, 4)
    assert torch.allclose(ours[:, 0].double(), exact.flatten(2).logsumexp(-1), rtol=1e-5)
    assert torch.allclose(ours[:, 2].double(), exact.flatten(1, 2).logsumexp(1), rtol=1e-5, atol=1e-5)


def write_native(directory: Path, config: dict[str, Any], k: int = 6) -> Any:
    """A version 1 checkpoint of the native class: learned positions, 4105 tokens for k = 6."""
    from transformers import EsmConfig, EsmForMaskedLM

    kmers = ["".join(word) for word in itertools.product("ATCG", repeat=k)]
    tokens = ["<unk>", "<pad>", "<mask>", "<cls>", *kmers, "A", "T", "C", "G", "N"]
    (directory / "vocab.txt").write_text("\n".join(tokens))
    (directory / "tokenizer_config.json").write_text(json.dumps({"cls_token": "<cls>", "mask_token": "<mask>", "eos_token": None}))
    torch.manual_seed(3)
    native = EsmForMaskedLM(EsmConfig(vocab_size=len(tokens), mask_token_id=2, pad_token_id=1, **config)).eval()
    for parameter in native.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    native.tie_weights()
    native.save_pretrained(directory)
    return native


V1 = {
    "hidden_size": 20,
    "num_hidden_layers": 2,
    "num_attention_heads": 5,
    "intermediate_size": 30,
    "max_position_embeddings": 22,
    "position_embedding_type": "absolute",
    "token_dropout": True,
    "tie_word_embeddings": False,
}


@pytest.mark.parametrize(
    "config",
    [
        V1,
        V1 | {"emb_layer_norm_before": True, "layer_norm_eps": 1e-5, "token_dropout": False},
        V1 | {"tie_word_embeddings": True, "num_hidden_layers": 3},
    ],
    ids=["v1", "norm before", "tied"],
)
def test_version_1_agrees_with_the_native_class(tmp_path: Path, config: dict[str, Any]) -> None:
    native = write_native(tmp_path, config)
    model = entry("nt-v1").load(tmp_path, LoadOptions())
    reference = model.prepare(NucleotideSequence("ACGTTGCACGGTCATTAGGACCA"))
    ids = torch.cat((reference.ids[None], model.masked(reference, torch.tensor([3, 21]))))
    with torch.inference_mode():
        theirs = native(ids, attention_mask=torch.ones_like(ids)).logits
        assert torch.allclose(model.net(ids), theirs, atol=3e-5)


def test_version_1_is_limited_by_its_positions(tmp_path: Path) -> None:
    write_native(tmp_path, V1)
    model = entry("nt-v1").load(tmp_path, LoadOptions())
    assert model.card.max_length == (22 - 2 - 1) * 6
    model.prepare(NucleotideSequence("A" * 114))
    with pytest.raises(SequenceError, match=r"115 bases .* up to 114"):
        model.prepare(NucleotideSequence("A" * 115))
    with pytest.raises(SequenceError, match="fewer when N splits tokens"):
        model.prepare(NucleotideSequence("N" * 20))


def test_a_3mer_vocabulary_works_as_well(tmp_path: Path) -> None:
    native = write_native(tmp_path, V1 | {"max_position_embeddings": 40}, k=3)
    model = entry("nt-v1").load(tmp_path, LoadOptions())
    reference = model.prepare(NucleotideSequence("ACGTTGCACG"))
    assert len(reference.ids) == 1 + 3 + 1
    with torch.inference_mode():
        assert torch.allclose(model.net(reference.ids[None]), native(reference.ids[None]).logits, atol=3e-5)
        assert torch.allclose(model.base_logits(reference, reference.ids[None]).exp().sum(-1), torch.ones(1, 10), atol=1e-5)


def test_an_end_token_is_added_where_the_tokenizer_has_one(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, tmp_path / "copy")
    config = json.loads((checkpoint / "tokenizer_config.json").read_text())
    (tmp_path / "copy" / "tokenizer_config.json").write_text(json.dumps(config | {"eos_token": "<eos>"}))
    (tmp_path / "copy" / "special_tokens_map.json").unlink()
    other = entry("nt-v2").load(tmp_path / "copy", LoadOptions())
    reference = other.prepare(NucleotideSequence("ACGTACACGTAC"))
    assert reference.ids[-1] == 4
    assert other.base_logits(reference, reference.ids[None]).shape == (1, 12, 4)


def test_unused_tensors_may_be_absent_and_needed_ones_may_not(checkpoint: Path, tmp_path: Path, model: Any) -> None:
    shutil.copytree(checkpoint, tmp_path / "copy", ignore=shutil.ignore_patterns("*.bin", "*.safetensors"))
    tensors = load_file(checkpoint / "model.safetensors")
    lean = {n: t for n, t in tensors.items() if not ("contact_head" in n or "inv_freq" in n or "position_embeddings" in n)}
    assert len(lean) < len(tensors)
    save_file(lean, tmp_path / "copy" / "model.safetensors")
    other = entry("nt-v2").load(tmp_path / "copy", LoadOptions())
    ids = torch.arange(9)[None]
    assert torch.equal(other.net(ids), model.net(ids))
    save_file({n: t for n, t in lean.items() if n != "lm_head.decoder.weight"}, tmp_path / "copy" / "model.safetensors")
    with pytest.raises(WeightsInvalid, match="not tied"):
        entry("nt-v2").load(tmp_path / "copy", LoadOptions())


def test_the_token_track_masks_each_token_in_turn(model: Any) -> None:
    letters = WITH_N
    spans, tokens, chances = model.token_spans(NucleotideSequence(letters))
    assert "".join(tokens) == letters
    assert spans.tolist() == [[start, start + width] for start, width in model.vocabulary.cut(letters)]
    reference = model.prepare(NucleotideSequence(letters))
    for token in (0, 4, len(tokens) - 1):
        ids = reference.ids.clone()
        ids[token + 1] = model.vocabulary.mask
        with torch.inference_mode():
            slow = model.net(ids[None])[0, token + 1].softmax(-1)[reference.ids[token + 1]]
        assert chances[token] == pytest.approx(float(slow), rel=1e-4)


def test_an_embedding_is_that_of_the_token_that_holds_the_base(model: Any) -> None:
    rows = model.embeddings(NucleotideSequence(WITH_N))
    with torch.inference_mode():
        hidden = model.net.hidden(model.prepare(NucleotideSequence(WITH_N)).ids[None])[0].numpy()
    for token, (start, width) in enumerate(model.vocabulary.cut(WITH_N), start=1):
        for base in range(start, start + width):
            np.testing.assert_allclose(rows[base], hidden[token], atol=1e-4)


def test_it_is_a_nucleotide_model_with_a_token_track(model: Any) -> None:
    assert isinstance(model, NucleotideModel)
    assert isinstance(model, TokenModel)
