"""SegmentNT agrees with its authors' code, with and without rescaled positions, and refuses what it cannot read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.core.errors import SequenceError, WeightsInvalid
from engine.core.protocols import ElementModel
from engine.models.entry import LoadOptions
from engine.models.registry import entry
from tests.models.parity import compare


@pytest.fixture(scope="module")
def folder(golden: Path) -> Path:
    return golden / "segment_nt"


@pytest.fixture(scope="module")
def inputs(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "inputs.json").read_text())


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "expected.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module", params=["segmentnt", "segmentnt-multi-species"])
def golden_model(folder: Path, request: pytest.FixtureRequest) -> Any:
    return entry(request.param).load(folder / "checkpoint", LoadOptions())


@pytest.fixture(scope="module")
def checkpoint(tiny: Path) -> Path:
    return tiny / "segment_nt" / "checkpoint"


@pytest.fixture(scope="module", params=["segmentnt", "segmentnt-multi-species"])
def model(checkpoint: Path, request: pytest.FixtureRequest) -> Any:
    return entry(request.param).load(checkpoint, LoadOptions())


def test_tokens_embeddings_scores_and_probabilities_are_the_authors(
    golden_model: Any, inputs: dict[str, Any], expected: dict[str, np.ndarray]
) -> None:
    name = golden_model.card.id
    for index, letters in enumerate(inputs["sequences"]):
        ids = golden_model.token_ids(letters)
        assert ids[0].tolist() == expected[f"{index}_ids"].tolist()
        with torch.inference_mode():
            compare(name, f"{index}_embedding", golden_model._net.esm(ids)[0], expected[f"{index}_embedding"])
        compare(name, f"{index}_logits", golden_model.element_logits(letters), expected[f"{index}_logits"], 1e-3)
        compare(name, f"{index}_probs", golden_model.element_probabilities(letters), expected[f"{index}_probs"])


def test_rescaled_positions_are_the_authors(folder: Path, tmp_path: Path, inputs: dict[str, Any], expected: dict[str, np.ndarray]) -> None:
    shutil.copytree(folder / "checkpoint", tmp_path / "copy")
    config = json.loads((folder / "checkpoint" / "config.json").read_text())
    names = [name for name in expected if "_probs_rescale_" in name]
    assert names
    for name in names:
        index, _, told = name.partition("_probs_rescale_")
        factor = None if told == "none" else float(told)
        (tmp_path / "copy" / "config.json").write_text(json.dumps(config | {"rescaling_factor": factor}))
        model = entry("segmentnt").load(tmp_path / "copy", LoadOptions())
        compare("segmentnt", name, model.element_probabilities(inputs["sequences"][int(index)]), expected[name])


def test_positions_are_rescaled_by_tokens_over_2048_beyond_the_training_length(model: Any) -> None:
    assert model.rescaling_factor(5000) == 2.44140625
    assert model.rescaling_factor(6669) == 6669 / 2048  # the authors' example of 40,008 bases
    assert model.rescaling_factor(25) == 2.44140625


def test_the_rotary_base_grows_by_the_factor_to_d_over_d_minus_2(model: Any) -> None:
    cos, _ = model._net.esm.rotary(3, torch.device("cpu"), 4.0)
    base = 10000 * 4.0 ** (8 / 6)  # heads of 8 channels
    assert cos[2, 1].item() == pytest.approx(np.cos(2 * base ** (-2 / 8)), abs=1e-6)


def test_it_is_an_element_model_with_its_rule(model: Any) -> None:
    assert isinstance(model, ElementModel)
    rule = model.window_rule
    assert (rule.multiple_bp, rule.fixed_bp, rule.allows_ambiguous) == (24, None, False)
    assert len(model.elements) == 14
    assert model.elements[:2] == ("protein_coding_gene", "lncRNA")
    assert model.card.max_length % 24 == 0
    assert 49_000 < model.card.max_length <= 50_000


@pytest.mark.parametrize(
    ("letters", "sentence"),
    [
        ("ACGTACGT", "8 bases; .* multiples of 24"),
        ("", "0 bases"),
        ("ACGTAC" * 3 + "ACGNAC", "'N' at position 22"),
        ("A" * 50_016, r"50,016 bases; .* up to 49,992"),
    ],
)
def test_windows_it_cannot_read_are_refused(model: Any, letters: str, sentence: str) -> None:
    with pytest.raises(SequenceError, match=sentence):
        model.element_probabilities(letters)


def test_a_head_of_one_or_three_levels_and_other_elements_loads_too(checkpoint: Path, tmp_path: Path) -> None:
    from engine.models.nucleotide_transformer.network import NtConfig
    from engine.models.segmenters.segment_nt_network import SegmentNtNet

    config = json.loads((checkpoint / "config.json").read_text())
    for levels, elements in ((1, ("exon",)), (3, ("exon", "intron", "other"))):
        place = tmp_path / str(levels)
        shutil.copytree(checkpoint, place)
        stored = torch.load(checkpoint / "pytorch_model.bin", weights_only=True)
        sizes = NtConfig.read(config, stored)
        torch.manual_seed(levels)
        net = SegmentNtNet(sizes, elements, 6, levels)
        head = {name: value for name, value in net.state_dict().items() if name.startswith(("unet.", "fc."))}
        torch.save({n: t for n, t in stored.items() if n.startswith("esm.")} | head, place / "pytorch_model.bin")
        (place / "config.json").write_text(json.dumps(config | {"num_layers_head": levels, "features": list(elements)}))
        model = entry("segmentnt").load(place, LoadOptions())
        unit = 6 * 2**levels
        assert model.window_rule.multiple_bp == unit
        values = model.element_probabilities("ACGTTG" * 2**levels)
        assert values.shape == (unit, len(elements))
        assert values.dtype == np.float32


def test_a_head_that_contradicts_its_configuration_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, tmp_path / "copy")
    config = json.loads((checkpoint / "config.json").read_text())
    for change, sentence in (
        ({"num_layers_head": 3}, "num_layers_head 3"),
        ({"features": ["exon"]}, r"fc\.weight"),
        ({"features": "exon"}, "list of element names"),
    ):
        (tmp_path / "copy" / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(WeightsInvalid, match=sentence):
            entry("segmentnt").load(tmp_path / "copy", LoadOptions())
