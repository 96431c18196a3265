"""SegmentEnformer and SegmentBorzoi agree with the authors' code on small random weights, and keep to their windows."""

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

from engine.core.errors import SequenceError, WeightsInvalid
from engine.core.protocols import ElementModel
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.networks.relative_attention import borzoi_features, distances, enformer_features, one_hot, shifted
from engine.models.registry import entry
from engine.models.segmenters.heads import ELEMENTS, SegmentHead, UNet
from tests.models.parity import compare

DATA = Path(__file__).parent / "data"
FOLDERS = {"segment-enformer": DATA / "segment_enformer", "segment-borzoi": DATA / "segment_borzoi"}
PUBLISHED_GIGABYTES = {"segment-enformer": 1.52, "segment-borzoi": 1.29}
"""Sizes of ``model.safetensors`` as the hub's pages round them."""


@pytest.fixture(params=list(FOLDERS))
def model_id(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(model_id: str) -> Any:
    return entry(model_id).load(FOLDERS[model_id], LoadOptions())


@pytest.fixture
def expected(model_id: str) -> dict[str, np.ndarray]:
    with np.load(FOLDERS[model_id] / "expected.npz") as arrays:
        return dict(arrays)


def embedding(net: Any, x: torch.Tensor) -> torch.Tensor:
    if hasattr(net, "hidden"):
        return net.hidden(x)[0]
    return super(type(net), net).forward(x)[0].T


def test_embeddings_scores_and_probabilities_are_the_authors(model: Any, model_id: str, expected: dict[str, np.ndarray]) -> None:
    letters = str(expected["letters"])
    with torch.inference_mode():
        x = one_hot(letters, torch.device("cpu"))
        compare(model_id, "embedding", embedding(model._net, x), expected["embedding"])
        compare(model_id, "logits", model._net(x)[0], expected["logits"], 1e-5)
    logits = expected["logits"].astype(np.float64)
    chance = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    compare(model_id, "probabilities", model.element_probabilities(letters), chance[..., 1], 1e-6)


def test_the_window_rule_says_what_goes_in_and_what_is_answered(model: Any, model_id: str, expected: dict[str, np.ndarray]) -> None:
    assert isinstance(model, ElementModel)
    rule, letters = model.window_rule, str(expected["letters"])
    assert rule.fixed_bp == len(letters)
    assert rule.allows_ambiguous
    values = model.element_probabilities(letters)
    first, last = rule.output_start or 0, rule.fixed_bp if rule.output_end is None else rule.output_end
    assert values.shape == (last - first, 3)
    if model_id == "segment-borzoi":
        assert (first, last) == (128, 384)
    with pytest.raises(SequenceError, match=f"takes exactly {len(letters)}"):
        model.element_probabilities(letters + "A")


def test_longer_and_shorter_sequences_are_tiled_over_whole_windows(model: Any) -> None:
    from engine.analyses.segmentation import segmentation

    window = model.window_rule.fixed_bp
    generator = np.random.default_rng(1)
    for length in (window // 3, window, 2 * window + 37):
        letters = "".join(generator.choice(list("ACGT"), length))
        values = segmentation(model, NucleotideSequence(letters)).values
        assert values.shape == (length, 3)
        assert np.isfinite(values).all()
        assert (values > 0).all()
    alone = model.element_probabilities(letters[:window])
    first = model.window_rule.output_start or 0
    np.testing.assert_array_equal(values[first : first + 8], alone[:8])


def test_an_unknown_base_is_a_column_of_zeros() -> None:
    columns = one_hot("ACGTN", torch.device("cpu"))[0]
    assert columns.T.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_scores_by_distance_are_shifted_to_scores_by_position() -> None:
    scores = torch.arange(5.0) + 10 * torch.arange(3.0)[:, None]  # n = 3: columns are distances -2 .. 2
    assert shifted(scores).tolist() == [[2, 3, 4], [11, 12, 13], [20, 21, 22]]


def test_distance_features_count_and_mirror() -> None:
    for features, count in ((enformer_features, 12), (borzoi_features, 8)):
        values = features(5, count, torch.device("cpu"))
        assert values.shape == (9, count)
        half = count // 2
        assert torch.equal(values[:, :half], values.flip(0)[:, :half])
        assert torch.equal(values[:, half:], values[:, :half] * torch.sign(distances(5, torch.device("cpu")))[:, None])
    central = enformer_features(5, 12, torch.device("cpu"))[4:, 2:4]
    assert central.tolist() == [[1, 1], [0, 1], [0, 1], [0, 0], [0, 0]]  # widths 1 and 3
    with pytest.raises(WeightsInvalid, match="multiples of 6"):
        enformer_features(5, 10, torch.device("cpu"))


@pytest.mark.parametrize("nesting", ["unet_head._fc.0.", "model.head.unet.", "unet_head.unet1d.down_"])
def test_other_nestings_of_the_head_load_to_the_same_model(tmp_path: Path, model_id: str, nesting: str) -> None:
    shutil.copytree(FOLDERS[model_id], tmp_path / "copy")
    renamed, stored = {}, load_file(FOLDERS[model_id] / "model.safetensors")
    for name, tensor in stored.items():
        if nesting.endswith("down_"):
            new = name.replace("._downsample_blocks.", ".down_sample_block_").replace("._upsample_blocks.", ".up_sample_block_")
            new = new.replace(".final_block.conv_layers.", ".final_conv1d.conv").replace(".conv_layers.", ".conv")
        else:
            new = name.replace("unet_head.unet.", nesting)
            new = new.replace("conv_layers.", "_conv_layers.") if "unet" in name else new
        renamed[new.replace("unet_head.fc.", "unet_head._fc.2." if "_fc" in nesting else "model.head.fc.")] = tensor
    assert len(renamed) == len(stored)
    assert len(renamed.keys() - stored.keys()) >= 4  # it is another nesting
    save_file(renamed, tmp_path / "copy" / "model.safetensors")
    letters = "ACGT" * (json.loads((tmp_path / "copy" / "config.json").read_text())["sequence_length"] // 4)
    both = [entry(model_id).load(place, LoadOptions()).element_probabilities(letters) for place in (FOLDERS[model_id], tmp_path / "copy")]
    np.testing.assert_array_equal(*both)
    assert both[0].std() > 1e-6  # not the same everywhere, as the answer of unread weights may be


def test_a_prefix_on_every_name_and_stored_track_heads_are_no_trouble(tmp_path: Path, model_id: str) -> None:
    shutil.copytree(FOLDERS[model_id], tmp_path / "copy")
    stored = load_file(FOLDERS[model_id] / "model.safetensors")
    extra = {"human_head.weight": torch.zeros(2, 2), "_heads.human.0.bias": torch.zeros(3)}
    extra = {"human_head.weight": extra["human_head.weight"]} if model_id == "segment-borzoi" else {"_heads.human.0.bias": torch.zeros(3)}
    save_file({f"model.{name}": tensor for name, tensor in (stored | extra).items()}, tmp_path / "copy" / "model.safetensors")
    letters = "ACGT" * (json.loads((tmp_path / "copy" / "config.json").read_text())["sequence_length"] // 4)
    both = [entry(model_id).load(place, LoadOptions()).element_probabilities(letters) for place in (FOLDERS[model_id], tmp_path / "copy")]
    np.testing.assert_array_equal(*both)


def test_checkpoints_that_do_not_fit_are_refused(tmp_path: Path, model_id: str) -> None:
    shutil.copytree(FOLDERS[model_id], tmp_path / "copy")
    copy = tmp_path / "copy"
    config = json.loads((copy / "config.json").read_text())
    load = entry(model_id).load
    for change, sentence in (({"sequence_length": 100}, "sequence_length 100"), ({"features": ["a", "b"]}, "head|elements|bases")):
        (copy / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(WeightsInvalid, match=sentence):
            load(copy, LoadOptions())
    (copy / "config.json").write_text(json.dumps(config))
    stored = load_file(FOLDERS[model_id] / "model.safetensors")
    first = next(iter(sorted(name for name in stored if "stem.0" in name or "conv_dna" in name)))
    for gone in ("transformer.1.1.fn.4.bias", "unet_head.fc.weight", first.removesuffix("bias") + "weight"):
        save_file({name: tensor for name, tensor in stored.items() if name != gone}, copy / "model.safetensors")
        with pytest.raises(WeightsInvalid):
            load(copy, LoadOptions())


def published_net(model_id: str) -> torch.nn.Module:
    """The network at its published sizes, without storage."""
    from engine.models.networks.relative_attention import AttentionSizes
    from engine.models.segmenters.borzoi_network import SegmentBorzoiNet
    from engine.models.segmenters.enformer_network import SegmentEnformerNet

    if model_id == "segment-enformer":
        widths = (768, 768, 896, 1024, 1152, 1280, 1536)
        tower = tuple((a, b, 5) for a, b in itertools.pairwise(widths))
        return SegmentEnformerNet((768, 15), tower, AttentionSizes(1536, 8, 64, 192, 192), 11, SegmentHead(UNet(1536), 1536, ELEMENTS, 128))
    widths = (512, 608, 736, 896, 1056, 1280)
    shapes: dict[str, tuple[int, ...]] = {"conv_dna.conv_layer.weight": (512, 4, 15), "unet1.1.conv_layer.weight": (1536, 1280, 5)}
    shapes |= {f"res_tower.{2 * i}.conv_layer.weight": (b, a, 5) for i, (a, b) in enumerate(itertools.pairwise(widths))}
    for layer in range(8):
        prefix = f"transformer.{layer}.0.fn.1."
        shapes |= {f"{prefix}rel_content_bias": (1, 8, 1, 64), f"{prefix}to_v.weight": (1536, 1536), f"{prefix}to_rel_k.weight": (512, 32)}
    for name, inner in (("horizontal_conv0", 1280), ("horizontal_conv1", 1536), ("upsampling_unet0.0", 1536), ("upsampling_unet1.0", 1536)):
        shapes[f"{name}.conv_layer.weight"] = (1536, inner, 1)
    shapes |= {f"separable{i}.conv_layer.0.weight": (1536, 1, 3) for i in range(2)} | {
        "final_joined_convs.0.conv_layer.weight": (1920, 1536, 1)
    }
    return SegmentBorzoiNet(
        {name: torch.empty(shape) for name, shape in shapes.items()}, 6144, SegmentHead(UNet(1536, inner=1920), 1536, ELEMENTS, 32)
    )


def test_published_sizes_make_a_file_as_large_as_the_hub_says(model_id: str) -> None:
    """Its pages round to 10 MB, which tells the widths and the depth, not single names or biases."""
    with torch.device("meta"):
        state = published_net(model_id).state_dict()
    tensors = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    assert round(tensors / 1e9, 2) == PUBLISHED_GIGABYTES[model_id]
