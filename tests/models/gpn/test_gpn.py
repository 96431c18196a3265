"""GPN agrees with its authors' code on their layout, and works in every other configuration of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from engine.analyses.effects import EffectParameters, variant_effects
from engine.core.card import EffectRecipe
from engine.core.errors import SequenceError, WeightsInvalid, WeightsMissing
from engine.core.protocols import EmbeddingModel, NucleotideModel
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.gpn import adapter
from engine.models.gpn.network import GpnConfig, GpnNet, published_name
from engine.models.registry import entry
from tests.models.parity import compare

COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


@pytest.fixture(scope="module")
def folder(golden: Path) -> Path:
    return golden / "gpn"


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
    return adapter.load(tiny / "gpn" / "checkpoint", LoadOptions())


def encode(model: Any, text: str) -> torch.Tensor:
    """Ids of a golden sequence; [MASK] in it is the mask token."""
    parts = text.split("[MASK]")
    ids = [token for part in parts for token in [*model.tokens.encode(part.upper()), model.tokens.mask_id]]
    return torch.tensor(ids[:-1])


def test_tokens_logits_and_embeddings_are_the_authors(golden_model: Any, inputs: dict[str, Any], expected: dict[str, np.ndarray]) -> None:
    for index, text in enumerate(inputs["sequences"]):
        ids = encode(golden_model, text)
        assert ids.tolist() == expected[f"ids_{index}"].tolist()
        with torch.inference_mode():
            compare("gpn", f"logits_{index}", golden_model.vocabulary_logits(ids[None])[0], expected[f"logits_{index}"])
            compare("gpn", f"embedding_{index}", golden_model.net.hidden(ids[None])[0], expected[f"embedding_{index}"])


def windows(inputs: dict[str, Any], variant: dict[str, Any], width: int) -> list[tuple[str, int, str, str]]:
    """(window, index of the variant, reference, alternate) on both strands; N beyond the chromosome."""
    chromosome = inputs["genome"][variant["chrom"]].upper()
    start = variant["pos"] - 1 - width // 2
    end = start + width
    letters = "".join(chromosome[i] if 0 <= i < len(chromosome) else "N" for i in range(start, end))
    centre = width // 2
    reverse = letters.translate(COMPLEMENT)[::-1]
    ref, alt = variant["ref"], variant["alt"]
    return [
        (letters, centre, ref, alt),
        (reverse, width - 1 - centre, ref.translate(COMPLEMENT), alt.translate(COMPLEMENT)),
    ]


def test_the_masked_log_likelihood_ratio_of_both_strands_is_the_authors(
    golden_model: Any, inputs: dict[str, Any], expected: dict[str, np.ndarray]
) -> None:
    scores = np.zeros((len(inputs["variants"]), 2))
    for row, variant in enumerate(inputs["variants"]):
        for strand, (letters, centre, ref, alt) in enumerate(windows(inputs, variant, inputs["vep_window"])):
            reference = golden_model.prepare(NucleotideSequence(letters))
            with torch.inference_mode():
                logits = golden_model.base_logits(reference, golden_model.masked(reference, torch.tensor([centre])))[0, centre]
            scores[row, strand] = logits["ACGT".index(alt)] - logits["ACGT".index(ref)]
    compare("gpn", "vep_llr_fwd", scores[:, 0], expected["vep_llr_fwd"])
    compare("gpn", "vep_llr_rev", scores[:, 1], expected["vep_llr_rev"])
    compare("gpn", "vep_llr", scores.mean(axis=1), expected["vep_llr"])


def test_the_influence_score_of_both_strands_is_the_authors(
    golden_model: Any, inputs: dict[str, Any], expected: dict[str, np.ndarray]
) -> None:
    def log_odds(logits: torch.Tensor) -> torch.Tensor:
        p = torch.softmax(logits.double(), dim=-1)
        return torch.log(p) - torch.log1p(-p)

    scores = np.zeros((len(inputs["variants"]), 2))
    for row, variant in enumerate(inputs["variants"]):
        for strand, (letters, centre, _ref, alt) in enumerate(windows(inputs, variant, inputs["influence_window"])):
            reference = golden_model.prepare(NucleotideSequence(letters))
            ids = golden_model.mutants(reference, torch.tensor([centre]), torch.tensor(["ACGT".index(alt)]))
            with torch.inference_mode():
                both = log_odds(golden_model.base_logits(reference, torch.cat((reference.ids[None], ids))))
            change = (both[1] - both[0]).abs().amax(dim=-1)
            scores[row, strand] = np.delete(change.numpy(), centre).mean()
    compare("gpn", "vep_influence_fwd", scores[:, 0], expected["vep_influence_fwd"])
    compare("gpn", "vep_influence_rev", scores[:, 1], expected["vep_influence_rev"])
    compare("gpn", "vep_influence", scores.mean(axis=1), expected["vep_influence"])


def analysed(folder: Path, letters: str, width: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Effects by the analysis, with ``width`` in place of the published window of 512."""
    monkeypatch.setattr("engine.models.gpn.model.RECIPE", EffectRecipe(window_bp=width, both_strands=True))
    model = adapter.load(folder / "checkpoint", LoadOptions())
    return variant_effects(model, NucleotideSequence(letters.upper()), EffectParameters("gpn"))


def test_the_analysis_of_effects_gives_the_authors_scores(
    folder: Path, inputs: dict[str, Any], expected: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    for contig, letters in inputs["genome"].items():
        chosen = [i for i, v in enumerate(inputs["variants"]) if v["chrom"] == contig]
        places = [(inputs["variants"][i]["pos"] - 1, "ACGT".index(inputs["variants"][i]["alt"].upper())) for i in chosen]
        for name, array in (("vep", "llr"), ("influence", "influence")):
            effects = getattr(analysed(folder, letters, inputs[f"{name}_window"], monkeypatch), array)
            compare("gpn", f"effects_{array}_{contig}", [effects[place] for place in places], expected[f"vep_{array}"][chosen])


def test_safetensors_and_bin_give_the_same_model(tiny: Path, tmp_path: Path, model: Any) -> None:
    for name in ("config.json", "tokenizer.json", "pytorch_model.bin"):
        (tmp_path / name).write_bytes((tiny / "gpn" / "checkpoint" / name).read_bytes())
    other = adapter.load(tmp_path, LoadOptions())
    ids = torch.randint(0, 7, (2, 40), generator=torch.Generator().manual_seed(0))
    assert torch.equal(other.vocabulary_logits(ids), model.vocabulary_logits(ids))
    assert other.card.weights_sha256 != model.card.weights_sha256


def write(config: dict[str, Any], directory: Path) -> GpnNet:
    torch.manual_seed(11)
    net = GpnNet(GpnConfig.read(config))
    for value in net.parameters():
        torch.nn.init.normal_(value, std=0.3)
    names = {published_name(net.config, name): value.detach().contiguous() for name, value in net.state_dict().items()}
    save_file(names, directory / "model.safetensors")
    (directory / "config.json").write_text(json.dumps(config))
    return net.eval()


LEGACY = {"model_type": "ConvNet", "vocab_size": 7, "hidden_size": 12, "n_layers": 3, "kernel_size": 5}
NEWER = {"model_type": "GPN", "vocab_size": 7, "hidden_size": 16, "num_hidden_layers": 3, "intermediate_size": 20}


@pytest.mark.parametrize(
    "config",
    [
        LEGACY,
        {**LEGACY, "n_layers": 1, "hidden_size": 7, "kernel_size": 3},
        {**LEGACY, "n_layers": 9, "dilation_cycle": 3, "dilation_max": 3, "dilation_double_every": 2},
        NEWER,
        {**NEWER, "bias": True, "depthwise": True, "embedding": "embedding"},
        {**NEWER, "mlm_head_transform": False},
        {**NEWER, "encoder": "bytenet", "slim": True, "embedding": "embedding"},
        {**NEWER, "encoder": "bytenet", "bias": True, "depthwise": True},
    ],
)
def test_other_configurations_of_the_published_layouts_load(config: dict[str, Any], tmp_path: Path) -> None:
    net = write(config, tmp_path)
    model = adapter.load(tmp_path, LoadOptions())
    reference = model.prepare(NucleotideSequence("ACGTNACGTTGCA"))
    with torch.inference_mode():
        expected = net(reference.ids[None])[..., 3:]
        torch.testing.assert_close(model.base_logits(reference, reference.ids[None]), expected, rtol=0, atol=2e-5)


def linear(t: dict[str, torch.Tensor], name: str, x: torch.Tensor) -> torch.Tensor:
    return x @ t[f"{name}.weight"].T + t.get(f"{name}.bias", torch.zeros(1, dtype=x.dtype))


def norm(t: dict[str, torch.Tensor], name: str, x: torch.Tensor) -> torch.Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    return scaled * t[f"{name}.weight"] + t.get(f"{name}.bias", torch.zeros(1, dtype=x.dtype))


def convolved(t: dict[str, torch.Tensor], name: str, x: torch.Tensor, dilation: int) -> torch.Tensor:
    """Convolution of (L, channels) by a loop over offsets."""
    weight = t[f"{name}.weight"]
    half = weight.shape[2] // 2
    out = torch.zeros(x.shape[0], weight.shape[0], dtype=x.dtype)
    for offset in range(weight.shape[2]):
        shift = (offset - half) * dilation
        for base in range(x.shape[0]):
            if 0 <= base + shift < x.shape[0]:
                out[base] += weight[:, :, offset] @ x[base + shift]
    return out + t.get(f"{name}.bias", torch.zeros(1, dtype=x.dtype))


def gelu(x: torch.Tensor) -> torch.Tensor:
    return x * 0.5 * (1 + torch.erf(x / 2**0.5))


def second_route(t: dict[str, torch.Tensor], ids: torch.Tensor, width: int, *, bytenet: bool) -> torch.Tensor:
    """The newer class by its published tensor names, float64, loops instead of layers (gpn/model.py, gpn/modules.py)."""
    x = functional.one_hot(ids, width).double()
    for index in range(3):
        b = f"model.encoder.layer.{index}"
        if bytenet:
            h = norm(t, f"{b}.layer.3", linear(t, f"{b}.layer.2", gelu(norm(t, f"{b}.layer.0", x))))
            h = gelu(norm(t, f"{b}.layer.8", convolved(t, f"{b}.layer.6", gelu(h), 2**index)))
            x = x + linear(t, f"{b}.layer.10", h)
        else:
            x = x + linear(t, f"{b}.conv.5", gelu(convolved(t, f"{b}.conv.2", norm(t, f"{b}.conv.0", x), 2**index)))
            x = x + linear(t, f"{b}.ffn.3", gelu(linear(t, f"{b}.ffn.1", norm(t, f"{b}.ffn.0", x))))
    x = norm(t, "model.ln_f", x)
    return linear(t, "cls.decoder", norm(t, "cls.transform.2", gelu(linear(t, "cls.transform.0", x))))


@pytest.mark.parametrize("encoder", ["convnet", "bytenet"])
def test_the_newer_class_agrees_with_a_second_route_by_published_names(encoder: str, tmp_path: Path) -> None:
    write({**NEWER, "encoder": encoder}, tmp_path)
    model = adapter.load(tmp_path, LoadOptions())
    tensors = {name: value.double() for name, value in load_file(tmp_path / "model.safetensors").items()}
    ids = torch.randint(0, 7, (30,), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        got = model.vocabulary_logits(ids[None])[0]
    assert torch.allclose(got.double(), second_route(tensors, ids, 16, bytenet=encoder == "bytenet"), atol=1e-4)


def test_the_published_sizes_have_the_published_number_of_parameters_and_reach() -> None:
    config = GpnConfig.read({"model_type": "ConvNet"})
    with torch.device("meta"):
        parameters = sum(value.numel() for value in GpnNet(config).parameters())
    assert round(parameters / 1e6, 2) == 65.88
    assert config.receptive_field == 2025


def test_a_change_reaches_exactly_half_the_receptive_field(tmp_path: Path) -> None:
    net = write(LEGACY, tmp_path)
    reach = (net.config.receptive_field - 1) // 2
    assert reach == 2 * (1 + 2 + 4)
    ids = torch.full((1, 61), 3)
    changed = ids.clone()
    changed[0, 30] = 5
    moved = (net(ids) != net(changed)).any(dim=-1)[0].nonzero().flatten()
    assert (moved.min(), moved.max()) == (30 - reach, 30 + reach)


def test_the_model_keeps_its_contract(model: Any) -> None:
    assert isinstance(model, NucleotideModel)
    assert isinstance(model, EmbeddingModel)
    assert (model.effect_recipe.window_bp, model.effect_recipe.both_strands) == (512, True)
    assert entry("gpn").card.licence == "MIT"
    with pytest.raises(SequenceError, match="100,001"):
        model.prepare(NucleotideSequence("A" * 100_001))


@pytest.mark.parametrize("config", [{"model_type": "bert"}, {"model_type": "GPN", "encoder": "roformer"}, {**LEGACY, "n_layers": 0}])
def test_a_foreign_configuration_is_refused(config: dict[str, Any], tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "gpn" / "checkpoint", tmp_path, dirs_exist_ok=True)
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsInvalid):
        adapter.load(tmp_path, LoadOptions())


def test_an_empty_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        adapter.load(tmp_path, LoadOptions())
