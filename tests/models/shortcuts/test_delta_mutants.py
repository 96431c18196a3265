"""SpeciesLM and Nucleotide Transformer score mutants by differences as they do by whole passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.analyses.dependency import DependencyParameters, dependency_map
from engine.core.errors import CapabilityMissing
from engine.core.protocols import PreciseMutantModel
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.registry import entry
from engine.models.shortcuts import delta_mutants
from tests.models.nucleotide_transformer.test_nucleotide_transformer import V1, write_native
from tests.models.specieslm.test_specieslm import SMALL, write_checkpoint

CASES = ["specieslm-fungi-k1", "specieslm-fungi-k6", "specieslm-metazoa-k6", "nt-v2", "nt-v1", "relu"]
FOLDERS = {
    "specieslm-fungi-k1": "dependency_k1",
    "specieslm-fungi-k6": "dependency_k6",
    "specieslm-metazoa-k6": "specieslm_metazoa_k6",
    "nt-v2": "nt_v2",
}
LETTERS = "ACGTTGCAAGGTCATCCAGATTACATGG"


@pytest.fixture(params=CASES)
def model(request: pytest.FixtureRequest, tiny: Path, tmp_path: Path) -> Any:
    options = LoadOptions(species="homo_sapiens" if "k6" in request.param or request.param == "relu" else "")
    if request.param in FOLDERS:
        return entry(request.param).load(tiny / FOLDERS[request.param] / "checkpoint", options)
    if request.param == "nt-v1":
        write_native(tmp_path, V1 | {"emb_layer_norm_before": True})
        return entry("nt-v1").load(tmp_path, options)
    write_checkpoint(tmp_path, 1, SMALL | {"hidden_act": "relu"})
    return entry("specieslm-fungi-k1").load(tmp_path, options)


def scored(model: Any, precision: str) -> torch.Tensor:
    positions = torch.tensor([0, 0, 0, 13, 13, 13, 27])
    alternates = torch.tensor([1, 2, 3, 1, 2, 3, 0])
    with torch.inference_mode():
        reference = model.prepare(NucleotideSequence(LETTERS))
        return model.mutant_logits(reference, positions, alternates, precision=precision)


def with_products_in(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype | None) -> None:
    monkeypatch.setattr(delta_mutants, "difference_dtype", lambda device: dtype)


def test_it_is_a_model_with_precisions(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(model, PreciseMutantModel)
    with_products_in(monkeypatch, None)
    assert (model.precisions, model.usual_precision) == (("exact", "delta"), "exact")  # named, it is not refused for being slow
    with_products_in(monkeypatch, torch.bfloat16)
    assert (model.precisions, model.usual_precision) == (("exact", "delta"), "delta")
    model.dtype = "float16"
    assert (model.precisions, model.usual_precision) == (("exact",), "exact")


def test_differences_in_float32_give_the_scores_of_whole_passes(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_products_in(monkeypatch, torch.float32)
    torch.testing.assert_close(scored(model, "delta"), scored(model, "exact"), atol=2e-5, rtol=0)


def test_low_precision_differences_lie_closer_than_a_low_precision_network(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_products_in(monkeypatch, torch.bfloat16)
    exact, delta = scored(model, "exact"), scored(model, "delta")
    model.net.to(torch.bfloat16)
    low = scored(model, "exact")
    model.net.to(torch.float32)
    assert 0 < (delta - exact).square().mean() < 0.25 * (low - exact).square().mean()


def test_precisions_that_are_not_offered_are_refused(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_products_in(monkeypatch, torch.bfloat16)
    with pytest.raises(CapabilityMissing, match="no precision 'sparse' here; it offers exact, delta"):
        scored(model, "sparse")


def test_a_description_that_departs_from_its_network_is_refused(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_products_in(monkeypatch, torch.bfloat16)
    model = entry("specieslm-fungi-k1").load(tiny / "dependency_k1" / "checkpoint", LoadOptions())
    monkeypatch.setitem(delta_mutants.ACTIVATIONS, "gelu", torch.relu)
    with pytest.raises(CapabilityMissing, match="departed from the network"):
        scored(model, "delta")


def test_a_map_by_differences_is_close_to_the_exact_one(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_products_in(monkeypatch, torch.bfloat16)
    model = entry("specieslm-fungi-k1").load(tiny / "dependency_k1" / "checkpoint", LoadOptions())
    sequence = NucleotideSequence(LETTERS)
    exact = dependency_map(model, sequence, DependencyParameters(precision="exact")).values
    delta = dependency_map(model, sequence, DependencyParameters(precision="delta")).values
    assert np.corrcoef(delta.ravel(), exact.ravel())[0, 1] > 0.999
