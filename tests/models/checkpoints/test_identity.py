"""A checkpoint proves what it is: the right id takes it, every other one refuses it in a sentence, and no card speaks of other weights."""

from __future__ import annotations

import contextlib
import json
import shutil
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from engine.core.errors import WeightsInvalid, WeightsMissing
from engine.models.checkpoints.evidence import Evidence
from engine.models.checkpoints.identity import identify, identity_of
from engine.models.entry import LoadOptions
from engine.models.registry import entry, model_ids
from engine.service.shelf import ASSETS
from tests.models.cases import BASE_MODELS, ELEMENT_MODELS, Case
from tests.models.tiny import FAMILIES

TAKERS = {
    "dependency_k1": {"specieslm-fungi-k1"},
    "dependency_k6": {"specieslm-fungi-k6"},
    "specieslm_metazoa_k6": {"specieslm-metazoa-k6"},
    "grover": {"grover"},
    "nt_v1": {"nt-v1", "agro-nt", "checkpoint"},
    "nt_v2": {"nt-v2"},
    "segment_nt": {"segmentnt", "segmentnt-multi-species"},
    "gpn": {"gpn"},
    "segment_enformer": {"segment-enformer"},
    "segment_borzoi": {"segment-borzoi"},
    "megadna": {"megadna"},
    "rinalmo": {"rinalmo"},
    "rinalmo_multimolecule": {"rinalmo"},
    "cispliceai": {"cispliceai"},
    "splicebert": {"splicebert", "checkpoint"},
    "rnaernie2": {"rnaernie2", "checkpoint"},
    "agro_nt": {"agro-nt", "nt-v1", "checkpoint"},
    "marindna": {"marindna", "checkpoint"},
    "carbon": {"carbon"},
}
"""Family of a tiny checkpoint → the ids that take it."""

MARKED = [model_id for model_id in model_ids() if entry(model_id).marks is not None]


def changed(source: Path, target: Path, **config: Any) -> Path:
    """A copy of a checkpoint with other settings; None takes a setting out."""
    shutil.copytree(source, target)
    values = json.loads((target / "config.json").read_text()) | config
    (target / "config.json").write_text(json.dumps({name: value for name, value in values.items() if value is not None}))
    return target


def test_every_family_has_its_takers_here() -> None:
    assert set(TAKERS) == set(FAMILIES)


@pytest.mark.parametrize("model_id", MARKED)
@pytest.mark.parametrize("family", FAMILIES)
def test_only_the_model_of_a_checkpoint_takes_it(family: str, model_id: str, tiny: Path) -> None:
    folder = tiny / family / "checkpoint"
    if model_id in TAKERS[family]:
        found = identify(entry(model_id), folder)
        assert not found.published
        return
    with pytest.raises(WeightsInvalid) as refused:
        identify(entry(model_id), folder)
    told = str(refused.value)
    why = "does not run under a name of its own" if model_id == "checkpoint" else f"does not hold {entry(model_id).card.title}"
    assert why in told
    assert any(f"--model {taker}" in told for taker in TAKERS[family])
    assert told.count(". ") == 0


@pytest.mark.parametrize(
    ("family", "model_id"), [("grover", "specieslm-fungi-k1"), ("nt_v2", "nt-v1"), ("dependency_k6", "specieslm-metazoa-k6")]
)
def test_a_model_of_another_family_never_loads(family: str, model_id: str, tiny: Path) -> None:
    with pytest.raises(WeightsInvalid, match="it looks like"):
        entry(model_id).load(tiny / family / "checkpoint", LoadOptions())


@pytest.mark.parametrize(("family", "model_id"), [(family, taker) for family, takers in TAKERS.items() for taker in sorted(takers)])
def test_nothing_of_the_card_is_stamped_on_weights_of_other_sizes(family: str, model_id: str, tiny: Path) -> None:
    found = identify(entry(model_id), tiny / family / "checkpoint")
    card = entry(model_id).load(tiny / family / "checkpoint", LoadOptions(species="homo_sapiens" if family == "dependency_k6" else "")).card
    assert card.title == "checkpoint"
    for told in (card, found.card):
        assert told.licence == told.source == told.organisms == "unknown"
        assert told.revision == "unknown" or told.revision.startswith("transformers ")
        assert told.citation == ""
    assert len(card.weights_sha256) == 64
    assert ("runs as an unnamed checkpoint" in found.note) == (model_id != "checkpoint")


@pytest.mark.parametrize("model_id", ["locuscope", "locuscope-local", "locuscope-segmenter"])
def test_the_shipped_weights_are_proven_by_their_hash(model_id: str) -> None:
    card = entry(model_id).load(ASSETS / str(entry(model_id).shipped), LoadOptions()).card
    assert card.title == entry(model_id).card.title
    assert card.proof == "the weights have the published sha256"


def test_other_numbers_of_the_same_sizes_lose_the_name(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(ASSETS / str(entry("locuscope").shipped), folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["head.bias"][0] += 1
    save_file(tensors, folder / "model.safetensors")
    assert identify(entry("locuscope"), folder).published  # by all that the header shows
    card = entry("locuscope").load(folder, LoadOptions()).card
    assert card.title == "checkpoint mine"
    assert "another sha256 than those of Locuscope" in card.limitations


def sparse(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    """A safetensors file of float32 zeros, all of which are a hole on the disk."""
    header: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        size = 4
        for length in shape:
            size *= length
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        stream.truncate(8 + len(text) + end)


def published_nt_v2(tiny: Path, folder: Path) -> Path:
    """The 29 layers of 1,024 channels of the published model, its configuration and a complete set of 6-mers."""
    changed(
        tiny / "nt_v2" / "checkpoint",
        folder,
        hidden_size=1024,
        num_hidden_layers=29,
        num_attention_heads=16,
        intermediate_size=4096,
        vocab_size=4107,
    )
    (folder / "model.safetensors").unlink()
    width, wide = 1024, 4096
    shapes: dict[str, tuple[int, ...]] = {"esm.embeddings.word_embeddings.weight": (4107, width)}
    for layer in range(29):
        place = f"esm.encoder.layer.{layer}."
        for part in ("query", "key", "value"):
            shapes[f"{place}attention.self.{part}.weight"] = (width, width)
        shapes[f"{place}attention.output.dense.weight"] = (width, width)
        shapes[f"{place}intermediate.dense.weight"] = (2 * wide, width)
        shapes[f"{place}output.dense.weight"] = (width, wide)
    shapes["lm_head.dense.weight"] = (width, width)
    sparse(folder / "model.safetensors", shapes)
    return folder


def test_two_gigabytes_are_known_in_less_than_a_second_and_keep_their_name(tiny: Path, tmp_path: Path) -> None:
    folder = published_nt_v2(tiny, tmp_path / "nt")
    assert (folder / "model.safetensors").stat().st_size > 1_900_000_000
    began = time.thread_time()
    found = identify(entry("nt-v2"), folder)
    assert time.thread_time() - began < 1
    assert found.published
    assert found.card.title == entry("nt-v2").card.title
    assert found.card.proof.endswith("the sha256 is unproven")
    assert found.note == ""


def test_the_sizes_of_another_published_model_are_refused_with_its_name(tiny: Path, tmp_path: Path) -> None:
    folder = changed(tiny / "grover" / "checkpoint", tmp_path / "bert")
    assert identify(entry("grover"), folder).published is False
    with pytest.raises(WeightsInvalid, match=r"reads 39 byte-pair tokens.*--model grover"):
        identify(entry("specieslm-fungi-k6"), folder)


@pytest.mark.parametrize("setting", ["layer_norm_eps", "token_dropout"])
@pytest.mark.parametrize("model_id", ["nt-v2", "segmentnt"])
def test_version_2_without_a_setting_that_only_its_publisher_knows_is_refused(
    model_id: str, setting: str, tiny: Path, tmp_path: Path
) -> None:
    family = "nt_v2" if model_id == "nt-v2" else "segment_nt"
    folder = changed(tiny / family / "checkpoint", tmp_path / "x", **{setting: None})
    with pytest.raises(WeightsInvalid, match=f"does not say {setting} in config.json"):
        entry(model_id).load(folder, LoadOptions())


def test_version_2_without_evidence_of_rotary_positions_is_refused(tiny: Path, tmp_path: Path) -> None:
    folder = changed(tiny / "nt_v2" / "checkpoint", tmp_path / "x", position_embedding_type=None)
    tensors = {name: tensor for name, tensor in load_file(folder / "model.safetensors").items() if "rotary" not in name}
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(WeightsInvalid, match="shows no rotary positions"):
        entry("nt-v2").load(folder, LoadOptions())


def test_version_1_with_rotary_positions_is_refused(tiny: Path, tmp_path: Path) -> None:
    folder = changed(tiny / "nt_v1" / "checkpoint", tmp_path / "x", position_embedding_type="rotary")
    with pytest.raises(WeightsInvalid, match="has rotary positions"):
        entry("nt-v1").load(folder, LoadOptions())


@pytest.mark.parametrize(
    ("family", "model_id"),
    [("nt_v1", "nt-v1"), ("grover", "grover"), ("dependency_k1", "specieslm-fungi-k1"), ("splicebert", "splicebert")],
)
def test_a_decoder_is_no_model_that_reads_both_sides(family: str, model_id: str, tiny: Path, tmp_path: Path) -> None:
    """The class that config.json asks for reads from left to right; --model checkpoint runs it so."""
    folder = changed(tiny / family / "checkpoint", tmp_path / "x", is_decoder=True)
    with pytest.raises(WeightsInvalid, match=r"reads from left to right only \(is_decoder in config.json\)"):
        entry(model_id).load(folder, LoadOptions())


ROTARY = dict.fromkeys(("rotary_emb_dim", "rotary_emb_fraction", "position_embedding_type", "rotary_emb_base", "rotary_emb_interleaved"))


def test_metazoa_without_evidence_of_rotary_positions_is_refused(tiny: Path, tmp_path: Path) -> None:
    folder = changed(tiny / "specieslm_metazoa_k6" / "checkpoint", tmp_path / "x", **ROTARY)
    with pytest.raises(WeightsInvalid, match=r"shows no rotary positions.*--model specieslm-fungi-k6"):
        entry("specieslm-metazoa-k6").load(folder, LoadOptions())


def test_a_class_that_is_named_rotary_is_evidence_and_what_it_leaves_open_is_told(tiny: Path, tmp_path: Path) -> None:
    named = {"auto_map": {"AutoModelForMaskedLM": "modeling_rotarybert.RotaryBertForMaskedLM"}}
    folder = changed(tiny / "specieslm_metazoa_k6" / "checkpoint", tmp_path / "x", **(ROTARY | named))
    model: Any = entry("specieslm-metazoa-k6").load(folder, LoadOptions())
    assert model.net.config.rotary == model.net.config.width // model.net.config.heads
    assert model.card.assumed == (
        "the rotary base is 10,000 (no rotary_emb_base in config.json)",
        "all channels of a head are turned (no rotary_emb_dim in config.json)",
        "channels are turned in halves (no rotary_emb_interleaved in config.json)",
    )


def test_what_is_assumed_stands_in_the_provenance(tiny: Path) -> None:
    from engine.analyses.probabilities import ProbabilityParameters, base_probabilities
    from engine.core.sequence import NucleotideSequence

    model: Any = entry("gpn").load(tiny / "gpn" / "checkpoint", LoadOptions())
    told = base_probabilities(model, NucleotideSequence("ACGT" * 5), ProbabilityParameters()).provenance.as_dict()
    assert told["card"]["proof"] == "the layout only"
    nt: Any = entry("nt-v2").load(tiny / "nt_v2" / "checkpoint", LoadOptions())
    assert any("rotary positions have base 10,000" in clause for clause in nt.card.assumed)


def test_a_segmenter_with_other_elements_runs_without_its_name(tiny: Path) -> None:
    found = identify(entry("segment-enformer"), tiny / "segment_enformer" / "checkpoint")
    assert "3 elements" in found.card.description


def test_a_head_that_does_not_fit_its_elements_is_refused(tiny: Path, tmp_path: Path) -> None:
    folder = changed(tiny / "segment_nt" / "checkpoint", tmp_path / "x", features=["exon", "intron"])
    with pytest.raises(WeightsInvalid, match=r"rows in fc\.weight where its 2 elements need 24"):
        entry("segmentnt").load(folder, LoadOptions())


def test_files_of_nothing_known_are_told_by_what_they_hold() -> None:
    with pytest.raises(WeightsInvalid, match="a checkpoint of an unknown kind, which no model here takes; take the files of https"):
        identity_of(entry("nt-v1"), Evidence("mine"))


@pytest.mark.parametrize(
    "config", [{"auto_map": 5, "architectures": 3}, {"features": {"a": 1}}, {"hidden_size": "x", "model_type": ["esm"]}]
)
def test_strange_settings_raise_nothing_foreign(config: dict[str, Any], tiny: Path, tmp_path: Path) -> None:
    folder = changed(tiny / "nt_v2" / "checkpoint", tmp_path / "x", **config)
    for model_id in MARKED:
        with contextlib.suppress(WeightsInvalid, WeightsMissing):
            entry(model_id).load(folder, LoadOptions())


def test_a_folder_without_its_configuration_is_told(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "dependency_k1" / "checkpoint", tmp_path / "x")
    (tmp_path / "x" / "config.json").unlink()
    with pytest.raises(WeightsMissing, match=r"has no config\.json"):
        entry("specieslm-fungi-k1").load(tmp_path / "x", LoadOptions())


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_pointer_to_large_files_is_told_as_such(name: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "ConvNet"}')
    (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 264000000\n")
    with pytest.raises(WeightsInvalid, match="Git LFS pointer"):
        entry("gpn").load(tmp_path, LoadOptions())


@pytest.mark.parametrize("case", [case for case in (*BASE_MODELS, *ELEMENT_MODELS) if case.source != "package"], ids=str)
def test_what_a_folder_reads_is_known_before_it_is_loaded(case: Case, request: pytest.FixtureRequest) -> None:
    card, loaded = identify(entry(case.model_id), case.place(request)).card, case.load(request).card
    assert (card.min_length, card.max_length) == (loaded.min_length, loaded.max_length)


def test_the_longest_input_follows_the_configuration(tiny: Path, tmp_path: Path) -> None:
    mine = changed(tiny / "dependency_k1" / "checkpoint", tmp_path / "mine", max_position_embeddings=45)
    assert identify(entry("specieslm-fungi-k1"), mine).card.max_length == 42


@pytest.mark.parametrize(
    ("family", "model_id"),
    [(family, taker) for family, takers in TAKERS.items() for taker in sorted(takers) if family not in ("gpn", "rinalmo", "carbon")],
)
def test_missing_tokenizer_files_are_named(family: str, model_id: str, tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(tiny / family / "checkpoint", folder)
    if not {path.name for path in folder.iterdir()} & {"vocab.txt", "tokenizer.json"}:
        pytest.skip("the layout has none")
    for name in ("vocab.txt", "tokenizer.json"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(WeightsMissing, match=r"The folder mine has neither vocab\.txt nor tokenizer\.json"):
        identify(entry(model_id), folder)


def test_a_cut_file_is_called_so_and_no_class_is_named(tiny: Path, tmp_path: Path) -> None:
    for family, model_id in (("megadna", "megadna"), ("rinalmo", "rinalmo")):
        folder = tmp_path / family
        shutil.copytree(tiny / family / "checkpoint", folder)
        for path in [*folder.glob("*.pt"), *folder.glob("*.bin")]:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(WeightsInvalid, match="is cut short or damaged; download it again") as refused:
            identify(entry(model_id), folder)
        assert "(" not in str(refused.value)
