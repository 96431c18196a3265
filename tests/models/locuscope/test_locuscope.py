from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.analyses.dependency import dependency_map
from engine.analyses.effects import variant_effects
from engine.analyses.segmentation import segmentation
from engine.core.errors import ParameterError, SequenceError, WeightsInvalid, WeightsMissing
from engine.core.protocols import ElementModel, EmbeddingModel, MaskingModel, NucleotideModel, OneBaseModel
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.locuscope.adapter import ENTRIES, Locuscope, LocuscopeSegmenter
from engine.models.locuscope.network import LocuscopeNet, NetConfig
from engine.models.locuscope.segmenter_network import LocuscopeSegmenter as SegmenterNet
from engine.models.locuscope.segmenter_network import SegmenterConfig
from engine.models.registry import entry

LETTERS = "GGGCGACCTTCGGGTCGCCC"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("locuscope-lm")
    config = NetConfig(width=24, layers=2, heads=2, hidden=40, kernel=3, stem_heads=2, stem_radius=2, max_length=64)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        net = LocuscopeNet(config)
    torch.nn.init.normal_(net.head.weight, generator=torch.Generator().manual_seed(6))
    config.write(folder / "config.json")
    save_file({name: value.contiguous() for name, value in net.state_dict().items()}, folder / "model.safetensors")
    return folder


def load(folder: Path, **options: str) -> Locuscope:
    model = entry("locuscope").load(folder, LoadOptions(**options))
    assert isinstance(model, Locuscope)
    return model


def test_it_offers_what_its_card_says(checkpoint: Path) -> None:
    model = load(checkpoint)
    assert isinstance(model, NucleotideModel)
    assert isinstance(model, EmbeddingModel)
    assert model.card.max_length == 64
    assert len(model.card.weights_sha256) == 64
    assert (model.device, model.dtype) == ("cpu", "float32")


def test_its_scores_are_the_networks_logits_of_the_four_bases(checkpoint: Path) -> None:
    model = load(checkpoint, species="phage")
    prepared = model.prepare(NucleotideSequence(LETTERS))
    ids = [9, *("??ACGT".index(letter) for letter in LETTERS)]
    assert prepared.ids.tolist() == ids
    with torch.inference_mode():
        expected = LocuscopeNet.from_pretrained(checkpoint)(torch.tensor([ids]))
        logits = model.base_logits(prepared, prepared.ids[None])
        scores = model.base_logits(prepared, prepared.ids[None], normalised=True)
    torch.testing.assert_close(logits, expected[:, 1:, 2:6], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(scores, expected.log_softmax(-1)[:, 1:, 2:6], atol=1e-5, rtol=1e-5)


def test_mutants_and_masks_are_the_strings_they_stand_for(checkpoint: Path) -> None:
    model = load(checkpoint)
    prepared = model.prepare(NucleotideSequence(LETTERS))
    positions, alternates = torch.tensor([0, 7, 19]), torch.tensor([0, 3, 2])
    mutants = model.mutants(prepared, positions, alternates)
    for row, position, alternate in zip(mutants, positions.tolist(), alternates.tolist(), strict=True):
        letters = LETTERS[:position] + "ACGT"[alternate] + LETTERS[position + 1 :]
        assert row.tolist() == model.prepare(NucleotideSequence(letters)).ids.tolist()
    masked = model.masked(prepared, positions)
    assert (masked == 1).sum(1).tolist() == [1, 1, 1]
    assert masked[1, 8].item() == 1


def test_the_domain_is_what_was_asked_for_or_follows_the_alphabet(checkpoint: Path) -> None:
    dna, rna = NucleotideSequence("ACGT"), NucleotideSequence("ACGU", Alphabet.RNA)
    automatic, yeast = load(checkpoint), load(checkpoint, species="Yeast")
    assert automatic.prepare(dna).ids.tolist() == [7, 2, 3, 4, 5]
    assert automatic.prepare(rna).ids.tolist() == [11, 2, 3, 4, 5]
    assert yeast.prepare(rna).ids.tolist() == yeast.prepare(dna).ids.tolist() == [10, 2, 3, 4, 5]
    with pytest.raises(ParameterError, match="did you mean bacteria"):
        load(checkpoint, species="bacterium")


def test_ambiguous_letters_are_unknown_bases(checkpoint: Path) -> None:
    assert load(checkpoint).prepare(NucleotideSequence("ANRT")).ids.tolist() == [7, 2, 6, 6, 5]


def test_too_long_is_told_with_the_limit(checkpoint: Path) -> None:
    model = load(checkpoint)
    assert len(model.prepare(NucleotideSequence("A" * 64)).ids) == 65
    with pytest.raises(SequenceError, match=r"65 bases.*up to 64"):
        model.prepare(NucleotideSequence("A" * 65))


def test_maps_and_effects_run_on_it(checkpoint: Path) -> None:
    model = load(checkpoint)
    values = dependency_map(model, NucleotideSequence(LETTERS)).values
    assert values.shape == (20, 20)
    assert np.isfinite(values).all()
    assert (values.diagonal() == 0).all()
    assert values.max() > 0
    effects = variant_effects(model, NucleotideSequence(LETTERS))
    assert effects.llr is not None
    assert np.isnan(effects.llr).sum() == 20


def test_masked_scores_without_redoing_the_stem_are_those_of_whole_passes(checkpoint: Path) -> None:
    model = load(checkpoint)
    assert isinstance(model, MaskingModel)
    prepared = model.prepare(NucleotideSequence(LETTERS))
    positions = torch.arange(20)
    with torch.inference_mode():
        expected = model.base_logits(prepared, model.masked(prepared, positions))
        torch.testing.assert_close(model.masked_logits(prepared, positions), expected, atol=2e-5, rtol=1e-4)


def test_one_base_is_scored_as_in_whole_passes_and_the_stem_bias_of_a_whole_input_is_that_of_its_parts(checkpoint: Path) -> None:
    model = load(checkpoint)
    assert isinstance(model, OneBaseModel)
    prepared = model.prepare(NucleotideSequence(LETTERS))
    places = torch.arange(20)
    ids = model.masked(prepared, places)
    with torch.inference_mode():
        expected = model.base_logits(prepared, ids)[places, places]
        torch.testing.assert_close(model.logits_at(prepared, ids, places), expected, atol=2e-5, rtol=1e-4)
        tokens = torch.arange(700)
        assert torch.equal(model.net.stem.whole_bias(700), model.net.stem.bias(tokens, tokens))


def test_bfloat16_is_close_and_leaves_global_state_alone(checkpoint: Path) -> None:
    before = torch.get_default_dtype(), torch.is_autocast_enabled("cpu")
    exact, fast = load(checkpoint), load(checkpoint, dtype="bfloat16")
    assert fast.dtype == "bfloat16"
    prepared = exact.prepare(NucleotideSequence(LETTERS))
    with torch.inference_mode():
        difference = exact.base_logits(prepared, prepared.ids[None]) - fast.base_logits(prepared, prepared.ids[None])
    assert 0 < difference.abs().max() < 0.2
    assert (torch.get_default_dtype(), torch.is_autocast_enabled("cpu")) == before


def test_half_precision_weights_on_disk_are_read_as_float32(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((checkpoint / "config.json").read_text())
    save_file({name: value.half() for name, value in load_file(checkpoint / "model.safetensors").items()}, tmp_path / "model.safetensors")
    model = load(tmp_path)
    assert {parameter.dtype for parameter in model.net.parameters()} == {torch.float32}


def test_missing_and_wrong_files_are_clear_errors(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        load(tmp_path)
    config = json.loads((checkpoint / "config.json").read_text())
    (tmp_path / "model.safetensors").write_bytes((checkpoint / "model.safetensors").read_bytes())
    for change in ({"width": 25}, {"width": "wide"}, {"layers": 3}, {"hidden": 41}):
        (tmp_path / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(WeightsInvalid):
            load(tmp_path)


def test_the_entries_are_those_of_the_registry() -> None:
    for model_id in ENTRIES:
        assert entry(model_id).card.id == model_id


@pytest.fixture(scope="module")
def segmenter_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("locuscope-segmenter")
    inner = NetConfig(width=24, layers=1, heads=2, hidden=40, kernel=3, stem_heads=2, stem_radius=2, max_length=96)
    config = SegmenterConfig(("coding sequence +", "coding sequence -", "intron"), inner=8, outer=12, language_model=inner)
    with torch.random.fork_rng():
        torch.manual_seed(8)
        net = SegmenterNet(config)
        torch.nn.init.normal_(net.head.out.weight)
    config.write(folder / "config.json")
    save_file({name: value.contiguous() for name, value in net.state_dict().items()}, folder / "model.safetensors")
    return folder


def test_the_segmenters_probabilities_are_its_networks(segmenter_checkpoint: Path) -> None:
    model = entry("locuscope-segmenter").load(segmenter_checkpoint, LoadOptions(species="yeast"))
    assert isinstance(model, ElementModel)
    assert isinstance(model, LocuscopeSegmenter)
    assert model.elements == ("coding sequence +", "coding sequence -", "intron")
    ids = torch.tensor([[10, *("??ACGTN".index(letter) for letter in LETTERS[:10] + "N")]])
    with torch.inference_mode():
        expected = SegmenterNet.from_pretrained(segmenter_checkpoint)(ids)[0].sigmoid()
    values = model.element_probabilities(LETTERS[:10] + "N")
    np.testing.assert_allclose(values, expected.numpy(), atol=1e-6)
    assert values.dtype == np.float32
    with pytest.raises(SequenceError, match="1 to 96"):
        model.element_probabilities("A" * 97)


def test_a_long_sequence_is_segmented_in_tiles(segmenter_checkpoint: Path) -> None:
    model = entry("locuscope-segmenter").load(segmenter_checkpoint, LoadOptions())
    letters = LETTERS * 12
    result = segmentation(model, NucleotideSequence(letters))  # type: ignore[arg-type]
    assert result.values.shape == (240, 3)
    np.testing.assert_array_equal(result.values[:80], model.element_probabilities(letters[:96])[:80])  # type: ignore[attr-defined]


SHIPPED = Path(__file__).resolve().parents[3] / "assets" / "models"


@pytest.mark.parametrize("model_id", ["locuscope", "locuscope-local", "locuscope-segmenter"])
def test_the_shipped_weights_load_and_answer(model_id: str) -> None:
    folder = SHIPPED / (entry(model_id).shipped or "")
    if not folder.is_dir():
        pytest.skip(f"{folder.name} is not shipped yet")
    model = entry(model_id).load(folder, LoadOptions())
    stated = json.loads((folder / "card.json").read_text())["sha256"]
    assert model.card.weights_sha256 == stated
    sequence = NucleotideSequence(LETTERS)
    values = segmentation(model, sequence).values if model_id.endswith("segmenter") else dependency_map(model, sequence).values  # type: ignore[arg-type]
    assert np.isfinite(values).all()
    assert values.max() > 0
