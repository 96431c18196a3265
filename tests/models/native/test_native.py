"""Models of transformers' own classes give what those classes give, read by a slow second route: one text, one pass, softmax by hand."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from engine.analyses.dependency import dependency_map
from engine.analyses.effects import variant_effects
from engine.core.errors import CapabilityMissing, SequenceError, WeightsInvalid
from engine.core.protocols import EmbeddingModel, MutantModel, NucleotideModel
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.registry import entry
from tests.models.native.own import OWN

SEQUENCE = "ACGTTGCAAGGTCATCCAGATTACATGGCATC"
KMERS = ["".join(word) for word in itertools.product("ACGT", repeat=6)]


def load(model_id: str, folder: Path) -> Any:
    return entry(model_id).load(folder, LoadOptions())


def logits_of(folder: Path, ids: list[int], *, causal: bool) -> torch.Tensor:
    """Logits (T, V) of transformers' class, loaded by transformers."""
    kind = AutoModelForCausalLM if causal else AutoModelForMaskedLM
    with torch.inference_mode():
        return kind.from_pretrained(folder).eval()(input_ids=torch.tensor([ids])).logits[0].float()


def base_probabilities(model: Any, letters: str, alphabet: Alphabet = Alphabet.DNA) -> np.ndarray:
    reference = model.prepare(NucleotideSequence(letters, alphabet=alphabet))
    with torch.inference_mode():
        return model.base_logits(reference, reference.ids[None])[0].softmax(-1).numpy()


@pytest.mark.parametrize(("model_id", "family", "letters"), [("splicebert", "splicebert", "ACGT"), ("rnaernie2", "rnaernie2", "ACGU"), ("checkpoint", "splicebert", "ACGT"), ("checkpoint", "rnaernie2", "ACGU")])  # fmt: skip
def test_a_bert_of_letters_gives_what_the_class_gives(model_id: str, family: str, letters: str, tiny: Path) -> None:
    folder = tiny / family / "checkpoint"
    text = SEQUENCE.replace("T", letters[3])
    vocabulary = {token: index for index, token in enumerate((folder / "vocab.txt").read_text().splitlines())}
    ids = [vocabulary["[CLS]"], *(vocabulary[letter] for letter in text), vocabulary["[SEP]"]]
    assert AutoTokenizer.from_pretrained(folder)(" ".join(text))["input_ids"] == ids
    expected = logits_of(folder, ids, causal=False)[1:-1][:, [vocabulary[letter] for letter in letters]].softmax(-1).numpy()
    model = load(model_id, folder)
    found = base_probabilities(model, text, Alphabet.RNA if "U" in letters else Alphabet.DNA)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert model.card.alphabet == (Alphabet.RNA if "U" in letters else Alphabet.DNA)


@pytest.mark.parametrize("model_id", ["agro-nt", "checkpoint"])
def test_six_mers_cut_from_the_left_give_what_the_class_gives(model_id: str, tiny: Path) -> None:
    folder = tiny / "agro_nt" / "checkpoint"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(SEQUENCE)["input_ids"]
    assert len(ids) == 1 + 5 + 2  # <cls>, five 6-mers, two letters
    logits = logits_of(folder, ids, causal=False)[1:]
    expected = []
    for token in range(5):
        chance = logits[token, tokenizer.convert_tokens_to_ids(KMERS)].softmax(-1).numpy()
        expected += [
            [sum(p for p, word in zip(chance, KMERS, strict=True) if word[offset] == base) for base in "ACGT"] for offset in range(6)
        ]
    expected += logits[5:, tokenizer.convert_tokens_to_ids(list("ACGT"))].softmax(-1).tolist()
    np.testing.assert_allclose(base_probabilities(load(model_id, folder), SEQUENCE), expected, atol=1e-4)


@pytest.mark.parametrize("model_id", ["marindna", "checkpoint"])
def test_a_decoder_of_letters_scores_each_base_from_those_before_it(model_id: str, tiny: Path) -> None:
    folder = tiny / "marindna" / "checkpoint"
    ids = AutoTokenizer.from_pretrained(folder)(SEQUENCE)["input_ids"]
    assert ids[:5] == [1, 3, 4, 5, 6]
    expected = [logits_of(folder, ids[: place + 1], causal=True)[-1, 3:7].softmax(-1).tolist() for place in range(len(SEQUENCE))]
    np.testing.assert_allclose(base_probabilities(load(model_id, folder), SEQUENCE), expected, atol=1e-4)


@pytest.mark.parametrize("length", [24, 27, 32])
def test_carbon_reads_six_mers_in_its_own_order_behind_its_start(length: int, tiny: Path) -> None:
    """Ids by hand from dna_config.json: <dna>, </dna>, <oov>, then 6-mers counted in the order A, T, C, G; the last one is filled up with A."""
    folder, text = tiny / "carbon" / "checkpoint", SEQUENCE[:length]
    start = json.loads((folder / "dna_config.json").read_text())["dna_start_id"]
    order = {"".join(word): start + 3 + index for index, word in enumerate(itertools.product("ATCG", repeat=6))}
    words = [text[place : place + 6].ljust(6, "A") for place in range(0, length, 6)]
    ids = [start, *(order[word] for word in words)]
    expected = []
    for token in range(len(words)):
        chance = logits_of(folder, ids[: token + 1], causal=True)[-1, [order[word] for word in KMERS]].softmax(-1).numpy()
        expected += [
            [sum(p for p, word in zip(chance, KMERS, strict=True) if word[offset] == base) for base in "ACGT"] for offset in range(6)
        ]
    model = load("carbon", folder)
    assert model.prepare(NucleotideSequence(text)).ids.tolist() == ids
    np.testing.assert_allclose(base_probabilities(model, text), expected[:length], atol=1e-4)


def test_a_six_mer_with_another_letter_is_carbons_unknown_token(tiny: Path) -> None:
    model = load("carbon", tiny / "carbon" / "checkpoint")
    ids = model.prepare(NucleotideSequence("ACGTACACNTACACGTAC")).ids.tolist()
    assert ids[2] == ids[0] + 2
    assert ids[1] == ids[3]


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        (
            "bert",
            {"hidden_act": "mish2"},
            "config.json has hidden_act = 'mish2', which transformers' BERT class does not know; it knows gelu, ",
        ),
        ("modernbert", {"hidden_activation": "odd"}, "has hidden_activation = 'odd', which transformers' ModernBERT class does not know"),
        ("llama", {"hidden_act": 7}, "transformers' Llama class does not take the config.json of"),
        ("llama", {"hidden_size": "x"}, "transformers' Llama class does not take the config.json of"),
        ("llama", {"rope_parameters": {"rope_type": "odd"}}, "(KeyError: it does not know 'odd'); take it from the publication"),
    ],
)
def test_a_value_of_the_configuration_that_the_class_does_not_take_is_named(
    name: str, change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    OWN[name].write(tmp_path)
    told = tmp_path / "config.json"
    told.write_text(json.dumps(json.loads(told.read_text()) | change))
    with pytest.raises(WeightsInvalid) as caught:
        load("checkpoint", tmp_path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", OWN)
def test_any_class_gives_what_it_gives_by_its_own_library(name: str, tmp_path: Path) -> None:
    """Every model type that may be brought, with single bases or k-mers; the reference is made of the class, the tokenizer and sums by hand."""
    own = OWN[name]
    own.write(tmp_path)
    model = load("checkpoint", tmp_path)
    found = base_probabilities(model, own.text)
    logits = logits_of(tmp_path, own.ids(tmp_path), causal=own.causal)
    np.testing.assert_allclose(found, own.expected(logits), atol=1e-4)
    assert model.card.causal == own.causal
    assert model.card.description.startswith(own.told)
    assert model.card.licence == "unknown"
    assert model.card.revision.startswith("transformers ")


@pytest.mark.parametrize("name", OWN)
def test_every_class_keeps_the_promises_of_a_model(name: str, tmp_path: Path) -> None:
    own = OWN[name]
    own.write(tmp_path)
    model = load("checkpoint", tmp_path)
    assert isinstance(model, NucleotideModel)
    assert isinstance(model, EmbeddingModel)
    assert isinstance(model, MutantModel) == own.causal
    reference = model.prepare(NucleotideSequence(own.text))
    positions, alternates = torch.tensor([0, 5, len(own.text) - 1]), torch.tensor([1, 2, 0])
    with torch.inference_mode():
        mutants = model.mutants(reference, positions, alternates)
        for row, (position, alternate) in enumerate(zip(positions.tolist(), alternates.tolist(), strict=True)):
            changed = own.text[:position] + "ACGT"[alternate] + own.text[position + 1 :]
            assert mutants[row].tolist() == model.prepare(NucleotideSequence(changed)).ids.tolist()
    assert model.embeddings(NucleotideSequence(own.text)).shape == (len(own.text), 16)


@pytest.mark.parametrize("name", [name for name, own in OWN.items() if own.causal])
def test_what_stands_before_a_change_is_reused_exactly(name: str, tmp_path: Path) -> None:
    own = OWN[name]
    own.write(tmp_path)
    model = load("checkpoint", tmp_path)
    reference = model.prepare(NucleotideSequence(own.text))
    positions = torch.arange(len(own.text)).repeat_interleave(3)
    alternates = torch.tensor([base for letter in own.text for base in range(4) if "ACGT"[base] != letter])
    with torch.inference_mode():
        whole = model.base_logits(reference, model.mutants(reference, positions, alternates))
        quick = model.mutant_logits(reference, positions, alternates)
    np.testing.assert_allclose(quick.numpy(), whole.numpy(), atol=1e-4)


def test_a_decoder_has_no_mask_and_effects_downstream_alone(tiny: Path) -> None:
    model = load("marindna", tiny / "marindna" / "checkpoint")
    with pytest.raises(CapabilityMissing, match="left to right"):
        model.masked(model.prepare(NucleotideSequence("ACGT")), torch.tensor([0]))
    values = dependency_map(model, NucleotideSequence(SEQUENCE)).values
    assert not np.tril(values).any()
    assert np.triu(values, 1).any()
    assert variant_effects(model, NucleotideSequence(SEQUENCE)).delta_log_likelihood is not None


def test_letters_that_a_cut_cannot_read_are_refused(tiny: Path) -> None:
    model = load("checkpoint", tiny / "agro_nt" / "checkpoint")
    with pytest.raises(SequenceError, match="A, C, G and T only"):
        model.prepare(NucleotideSequence("ACGTNACGTACG"))


def test_n_is_a_token_where_the_tokenizer_has_one(tiny: Path) -> None:
    folder = tiny / "splicebert" / "checkpoint"
    for model_id in ("splicebert", "checkpoint"):
        assert load(model_id, folder).prepare(NucleotideSequence("ACNGT")).ids.tolist() == [2, 6, 7, 5, 8, 9, 3]


def _set(folder: Path, **values: Any) -> None:
    settings = json.loads((folder / "config.json").read_text()) | values
    (folder / "config.json").write_text(json.dumps(settings))


def _lower(folder: Path) -> None:
    settings = json.loads((folder / "tokenizer_config.json").read_text()) | {"do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "code": (lambda folder: _set(folder, auto_map={"AutoModelForMaskedLM": "mine.Mine"}), "needs code of its publisher"),
    "kind": (lambda folder: _set(folder, model_type="gpt2"), "model_type 'gpt2' in config.json, which is not one of bert"),
    "vocabulary": (
        lambda folder: (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nN\nA\nC\nG"),
        "no token for each base",
    ),
    "layers": (lambda folder: _set(folder, num_hidden_layers=3), r"lacks bert\.encoder\.layer\.2\."),
    "shapes": (lambda folder: _set(folder, intermediate_size=25), r"Tensor bert\.encoder\.layer\.0\.intermediate"),
    "lower case": (_lower, "do_lower_case false"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_folder_that_cannot_be_brought_says_why(name: str, tiny: Path, tmp_path: Path) -> None:
    change, told = BROKEN[name]
    shutil.copytree(tiny / "splicebert" / "checkpoint", tmp_path / "x")
    change(tmp_path / "x")
    with pytest.raises(WeightsInvalid, match=told):
        load("checkpoint", tmp_path / "x")


def test_a_tokenizer_of_code_is_not_run(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "marindna" / "checkpoint", tmp_path / "x")
    settings = {"tokenizer_class": "Mine", "auto_map": {"AutoTokenizer": ["mine.Mine", None]}, "bos_token": "<bos>"}
    (tmp_path / "x" / "tokenizer_config.json").write_text(json.dumps(settings))
    (tmp_path / "x" / "mine.py").write_text(f"open({str(tmp_path / 'victim')!r}, 'w')\nclass Mine: ...\n")
    try:
        load("checkpoint", tmp_path / "x")
    except WeightsInvalid as error:
        assert "transformers' own classes" in str(error)  # noqa: PT017 - either way nothing of the folder runs
    assert not (tmp_path / "victim").exists()


def test_a_decoder_whose_tokenizer_leaves_the_start_out_gets_it_and_says_so(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "marindna" / "checkpoint", tmp_path / "x")
    settings = json.loads((tmp_path / "x" / "tokenizer.json").read_text()) | {"post_processor": None}
    (tmp_path / "x" / "tokenizer.json").write_text(json.dumps(settings))
    model = load("checkpoint", tmp_path / "x")
    assert model.prepare(NucleotideSequence("ACGT")).ids.tolist() == [1, 3, 4, 5, 6]
    assert any("start token <bos> stands in front" in clause for clause in model.card.assumed)


def test_nobody_is_asked_over_the_network(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    load("checkpoint", tiny / "splicebert" / "checkpoint")
    load("checkpoint", tiny / "marindna" / "checkpoint")
    load("carbon", tiny / "carbon" / "checkpoint")


def test_loading_leaves_the_random_numbers_and_the_library_alone(tiny: Path) -> None:
    from transformers.utils import logging

    before, state = logging.get_verbosity(), torch.random.get_rng_state()
    load("checkpoint", tiny / "splicebert" / "checkpoint")
    assert logging.get_verbosity() == before
    assert torch.equal(torch.random.get_rng_state(), state)
