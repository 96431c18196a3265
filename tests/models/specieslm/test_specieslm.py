"""SpeciesLM with one base and six bases a token agrees with its authors' code, and with the native class in other configurations."""

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

from engine.core.errors import ParameterError, SequenceError, WeightsInvalid, WeightsMissing
from engine.core.protocols import NucleotideModel
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.registry import entry
from engine.models.specieslm import adapter
from tests.models.parity import compare

FOLDERS = {
    "specieslm-fungi-k1": "dependency_k1",
    "specieslm-fungi-k6": "dependency_k6",
    "specieslm-metazoa-k6": "specieslm_metazoa_k6",
}


class Item:
    """One golden item: the loaded model, its sequence and the expected arrays."""

    def __init__(self, golden: Path, model_id: str, index: int) -> None:
        folder = golden / FOLDERS[model_id]
        given = inputs(golden, model_id)[index]
        with np.load(folder / "expected.npz") as arrays:
            self.expected = {name.removeprefix(f"{index}_"): arrays[name] for name in arrays if name.startswith(f"{index}_")}
        self.name, self.index = model_id, index
        self.model = entry(model_id).load(folder / "checkpoint", LoadOptions(species=given["species"]))
        self.sequence = NucleotideSequence(given["sequence"].upper())
        self.reference = self.model.prepare(self.sequence)

    def logits(self, ids: torch.Tensor, *, normalised: bool = True) -> torch.Tensor:
        with torch.inference_mode():
            return self.model.base_logits(self.reference, ids, normalised=normalised)

    def compare(self, array: str, got: Any, tolerance: float = 1e-4) -> None:
        compare(self.name, f"{self.index}_{array}", got, self.expected[array], tolerance)

    def mutants(self) -> tuple[list[tuple[int, int]], torch.Tensor]:
        pairs = [(i, a) for i in range(len(self.sequence)) for a in range(4) if "ACGT"[a] != self.sequence.letters[i]]
        places, alternates = torch.tensor(pairs).T
        return pairs, self.logits(self.model.mutants(self.reference, places, alternates))


def inputs(golden: Path, model_id: str) -> list[dict[str, str]]:
    return json.loads((golden / FOLDERS[model_id] / "inputs.json").read_text())


@pytest.fixture(scope="module", params=FOLDERS)
def items(request: pytest.FixtureRequest, golden: Path) -> list[Item]:
    return [Item(golden, request.param, index) for index in range(len(inputs(golden, request.param)))]


def odds(logits: torch.Tensor, epsilon: float, log: Any) -> np.ndarray:
    p = logits.double().exp().numpy() + epsilon
    p = p / p.sum(-1, keepdims=True)
    return log(p) - log(1 - p)


def test_tokens_and_probabilities_are_the_authors(items: list[Item]) -> None:
    for item in items:
        assert item.reference.ids.tolist() == item.expected["ids"].tolist()
        probabilities = item.logits(item.reference.ids[None])[0].exp()
        item.compare("ref_probs" if "ref_probs" in item.expected else "probs", probabilities, 1e-5)
        net, ids = item.model.net, item.reference.ids[None]
        with torch.inference_mode():
            for name, got in (
                ("logits", net(ids)[0]),
                ("logits_first3", net(ids)[0, :3]),
                ("logits_every41", net(ids)[0, :, ::41]),
                ("logits_first2", net(ids)[0, :2]),
                ("hidden", net.hidden(ids)[0]),
            ):
                if name in item.expected:
                    item.compare(name, got)


def test_masked_probabilities_are_the_authors(items: list[Item]) -> None:
    compared = 0
    for item in items:
        if "masked_probs" in item.expected:  # the authors' spans need 11 bases
            places = torch.arange(len(item.sequence))
            logits = item.logits(item.model.masked(item.reference, places), normalised=False)[places, places]
            item.compare("masked_probs", logits.softmax(-1) if item.model._k == 1 else logits.exp(), 1e-5)
            compared += 1
    assert compared


def test_dependency_map_and_both_published_influence_scores_are_the_authors(items: list[Item]) -> None:
    for item in items:
        pairs, logits = item.mutants()
        length = len(item.sequence)
        reference = item.logits(item.reference.ids[None])
        bits = odds(logits, 1e-10, np.log2) - odds(reference, 1e-10, np.log2)
        nats = np.abs(odds(logits, 1e-4, np.log) - odds(reference, 1e-4, np.log)).max(-1)
        dependency, manuscript = np.zeros((length, length)), np.zeros((length, length))
        quick, slow = np.zeros((length, 4)), np.zeros((4, length))
        for row, (i, a) in enumerate(pairs):
            dependency[i] = np.maximum(dependency[i], np.abs(bits[row]).max(-1))
            manuscript[i] = np.maximum(manuscript[i], nats[row])
            quick[i, a] = bits[row].max(-1).sum() / (length - 1)
            slow[a, i] = np.delete(nats[row], i).sum() / length
        np.fill_diagonal(dependency, 0)
        item.compare("dep_map", dependency)
        item.compare("influence_quickstart", quick)
        item.compare("influence_manuscript", slow)
        if "map_manuscript" in item.expected:
            item.compare("map_manuscript", manuscript)
        if "probs_alt1" in item.expected:
            item.compare("probs_alt1", logits[0].exp(), 1e-5)


def test_columns_of_unnormalised_scores_differ_from_log_probabilities_by_one_number_a_base(items: list[Item]) -> None:
    for item in items:
        ids = item.reference.ids[None]
        gap = item.logits(ids, normalised=False) - item.logits(ids)
        assert (gap.amax(-1) - gap.amin(-1)).max() < 1e-5


def checkpoint(tiny: Path, model_id: str) -> Path:
    return tiny / FOLDERS[model_id] / "checkpoint"


def test_the_models_are_nucleotide_models(tiny: Path) -> None:
    for model_id in FOLDERS:
        model = entry(model_id).load(checkpoint(tiny, model_id), LoadOptions(species="homo_sapiens" if "k6" in model_id else ""))
        assert isinstance(model, NucleotideModel)


def test_an_embedding_is_the_mean_over_the_tokens_that_contain_the_base(golden: Path) -> None:
    item = Item(golden, "specieslm-metazoa-k6", 0)
    hidden, rows = item.expected["hidden"][2:-1], item.model.embeddings(item.sequence)
    for base in (0, 3, len(rows) // 2, len(rows) - 1):
        covering = hidden[max(0, base - 5) : base + 1]
        np.testing.assert_allclose(rows[base], covering.mean(0), atol=1e-5)


# other configurations of the layout, against the native class


def write_checkpoint(directory: Path, k: int, config: dict[str, Any], seed: int = 0) -> Any:
    """A checkpoint of the native class with shuffled k-mers; returns the native model."""
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(seed)
    kmers = ["".join(letters) for letters in itertools.product("ATCG", repeat=k)]
    order = torch.randperm(len(kmers)).tolist()
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(kmers[i] for i in order)]
    (directory / "vocab.txt").write_text("\n".join(tokens))
    (directory / "added_tokens.json").write_text(json.dumps({"mus_musculus": len(tokens), "homo_sapiens": len(tokens) + 1}))
    native = BertForMaskedLM(BertConfig(vocab_size=len(tokens) + 5, **config)).eval()
    for parameter in native.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    native.tie_weights()
    native.save_pretrained(directory)
    return native


SMALL = {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 40, "max_position_embeddings": 50}


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        SMALL | {"tie_word_embeddings": False},
        SMALL | {"hidden_act": "relu", "layer_norm_eps": 1e-5, "type_vocab_size": 1},
        SMALL | {"num_attention_heads": 1, "num_hidden_layers": 1, "hidden_act": "gelu_new"},
    ],
    ids=["tied", "untied", "relu", "one head"],
)
@pytest.mark.parametrize("k", [1, 6])
def test_other_sizes_agree_with_the_native_class(tmp_path: Path, config: dict[str, Any], k: int) -> None:
    native = write_checkpoint(tmp_path, k, config)
    model = entry(f"specieslm-fungi-k{k}").load(tmp_path, LoadOptions(species="homo_sapiens"))
    assert model.card.max_length == 50 - 3 + k - 1
    reference = model.prepare(NucleotideSequence("ACGTTGCANACGGTCA" * 2))
    with torch.inference_mode():
        ours, theirs = model.net(reference.ids[None]), native(reference.ids[None]).logits
    assert torch.allclose(ours, theirs, atol=2e-5)


def test_rotary_channels_and_their_base_come_from_the_configuration(tiny: Path, tmp_path: Path) -> None:
    folder = checkpoint(tiny, "specieslm-metazoa-k6")
    shutil.copytree(folder, tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    ids = torch.arange(12)[None] + 5
    known = adapter.ENTRIES["specieslm-metazoa-k6"].load(folder, LoadOptions()).net(ids)
    for change in ({"rotary_emb_dim": 4}, {"rotary_emb_base": 500.0}, {"rotary_emb_interleaved": True}):
        (tmp_path / "copy" / "config.json").write_text(json.dumps(config | change))
        other = adapter.ENTRIES["specieslm-metazoa-k6"].load(tmp_path / "copy", LoadOptions()).net(ids)
        assert (other - known).abs().max() > 1e-4
    same = {name: value for name, value in config.items() if name != "rotary_emb_dim"} | {"rotary_emb_fraction": 1.0}
    (tmp_path / "copy" / "config.json").write_text(json.dumps(same))
    assert torch.equal(adapter.ENTRIES["specieslm-metazoa-k6"].load(tmp_path / "copy", LoadOptions()).net(ids), known)


def test_safetensors_and_bin_give_the_same_model(tiny: Path, tmp_path: Path) -> None:
    folder = checkpoint(tiny, "specieslm-fungi-k6")
    shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns("*.safetensors"))
    both = [entry("specieslm-fungi-k6").load(place, LoadOptions()) for place in (folder, tmp_path / "copy")]
    ids = torch.arange(20)[None] + 5
    assert torch.equal(both[0].net(ids), both[1].net(ids))
    assert both[0].card.weights_sha256 != both[1].card.weights_sha256


def test_vocabulary_is_read_from_tokenizer_json_alone_as_well(tiny: Path, tmp_path: Path) -> None:
    folder = checkpoint(tiny, "specieslm-fungi-k1")
    shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns("vocab.txt", "added_tokens.json"))
    sequence = NucleotideSequence("ACGTTGCA")
    ids = [entry("specieslm-fungi-k1").load(place, LoadOptions()).prepare(sequence).ids.tolist() for place in (folder, tmp_path / "copy")]
    assert ids[0] == ids[1]


# tokens, species, limits


SIX_BASES = "GTCAAGTGTGGAGAGGGGGCCCGCCATG"


@pytest.fixture(scope="module")
def six(tiny: Path) -> Any:
    return entry("specieslm-fungi-k6").load(checkpoint(tiny, "specieslm-fungi-k6"), LoadOptions(species="homo_sapiens"))


def test_a_substitution_changes_only_the_six_tokens_over_the_base(six: Any) -> None:
    reference = six.prepare(NucleotideSequence(SIX_BASES))
    for place in (0, 3, 13, len(SIX_BASES) - 1):
        for alternate in range(4):
            written = NucleotideSequence(SIX_BASES[:place] + "ACGT"[alternate] + SIX_BASES[place + 1 :])
            ids = six.mutants(reference, torch.tensor([place]), torch.tensor([alternate]))[0]
            assert ids.tolist() == six.prepare(written).ids.tolist()


def test_masked_spans_are_six_tokens_shifted_inwards_at_the_ends(six: Any) -> None:
    reference, length = six.prepare(NucleotideSequence(SIX_BASES)), len(SIX_BASES)
    ids = six.masked(reference, torch.tensor([0, 2, 5, 12, length - 1]))
    mask = 4
    spans = [(row == mask).nonzero()[:, 0].tolist() for row in ids]
    first = 2  # [CLS] species
    assert spans[0] == spans[1] == spans[2] == list(range(first, first + 6))
    assert spans[3] == list(range(first + 7, first + 13))
    assert spans[4] == list(range(first + length - 5 - 6, first + length - 5))


def test_species_are_listed_and_near_names_suggested(tiny: Path, tmp_path: Path) -> None:
    folder = checkpoint(tiny, "specieslm-metazoa-k6")
    load = entry("specieslm-metazoa-k6").load
    assert load(folder, LoadOptions(species="Homo sapiens")).card.species == ("drosophila_melanogaster", "homo_sapiens", "mus_musculus")
    with pytest.raises(ParameterError, match="did you mean mus_musculus"):
        load(folder, LoadOptions(species="mus_musclus"))
    write_checkpoint(tmp_path, 1, SMALL)
    with pytest.raises(ParameterError, match="needs a species"):
        entry("specieslm-fungi-k1").load(tmp_path, LoadOptions())


def test_a_species_changes_the_answer(tiny: Path) -> None:
    folder = checkpoint(tiny, "specieslm-fungi-k1")
    load = entry("specieslm-fungi-k1").load
    sequence = NucleotideSequence("ACGTTGCAACGT")
    scores = []
    for species in ("", "candida_glabrata"):
        model = load(folder, LoadOptions(species=species))
        reference = model.prepare(sequence)
        scores.append(model.base_logits(reference, reference.ids[None]))
        assert model.species == (species or "kazachstania_africana_cbs_2517_gca_000304475")
    assert not torch.allclose(scores[0], scores[1])


def test_a_sequence_over_the_position_table_is_refused_with_the_limit(tiny: Path, six: Any) -> None:
    model = entry("specieslm-fungi-k1").load(checkpoint(tiny, "specieslm-fungi-k1"), LoadOptions())
    assert len(model.prepare(NucleotideSequence("A" * 61)).ids) == 64
    with pytest.raises(SequenceError, match=r"62 bases; .* takes 1 to 61"):
        model.prepare(NucleotideSequence("A" * 62))
    with pytest.raises(SequenceError, match=r"5 bases; .* takes 6 to"):
        six.prepare(NucleotideSequence("ACGTA"))


def test_layout_note_names_what_is_missing() -> None:
    promoter = NucleotideSequence("A" * 1000 + "ATG")
    assert adapter.layout_note("specieslm-fungi-k1", promoter) == ""
    assert "does not end with ATG" in adapter.layout_note("specieslm-fungi-k1", NucleotideSequence("A" * 1003))
    assert "it has 10 bases" in adapter.layout_note("specieslm-metazoa-k6", NucleotideSequence("ACGTACGATG"))


def test_checkpoints_that_do_not_fit_are_refused(tiny: Path, tmp_path: Path) -> None:
    folder = checkpoint(tiny, "specieslm-fungi-k1")
    load = entry("specieslm-fungi-k1").load
    with pytest.raises(WeightsMissing, match="no checkpoint directory"):
        load(tmp_path / "nowhere", LoadOptions())
    with pytest.raises(WeightsInvalid, match="6-mer tokens"):
        load(checkpoint(tiny, "specieslm-fungi-k6"), LoadOptions())
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*.bin"))
    tensors = load_file(folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    for change, sentence in (
        ({"num_attention_heads": 5}, "heads must divide"),
        ({"hidden_size": 16}, "asks for"),
        ({"num_hidden_layers": 3}, "lacks bert.encoder.layer.2"),
        ({"position_embedding_type": "relative_key"}, "absolute and rotary"),
        ({"rotary_emb_scale_base": 512}, "decay with distance"),
        ({"tie_word_embeddings": False}, "not tied"),
        ({"hidden_act": "mish"}, "activation"),
        ({"vocab_size": 11}, "asks for"),
    ):
        (copy / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(WeightsInvalid, match=sentence):
            load(copy, LoadOptions())
    (copy / "config.json").write_text(json.dumps(config))
    save_file({name: tensor for name, tensor in tensors.items() if "layer.1.output.dense" not in name}, copy / "model.safetensors")
    with pytest.raises(WeightsInvalid, match=r"lacks bert\.encoder\.layer\.1\.output\.dense"):
        load(copy, LoadOptions())


def test_the_engine_passes_the_layout_note_on(tmp_path: Path) -> None:
    from engine.core.settings import Settings
    from engine.service.engine import Engine, Request

    engine = Engine(Settings(home=tmp_path))
    notes = engine.notes(Request("probabilities", NucleotideSequence("ACGTACGATG"), "specieslm-fungi-k1"))
    assert [note for note in notes if "it has 10 bases" in note]
