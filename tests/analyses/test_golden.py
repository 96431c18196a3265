"""The analyses over the adapters against outputs of the authors' own code on tiny checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.analyses.dependency import DependencyParameters, dependency_map
from engine.analyses.effects import EffectParameters, variant_effects
from engine.analyses.probabilities import ProbabilityParameters, base_probabilities
from engine.core.card import EffectRecipe
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.registry import entry

CASES = [("dependency_k1", "specieslm-fungi-k1", index) for index in range(3)] + [
    ("dependency_k6", "specieslm-fungi-k6", index) for index in range(2)
]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[2]}")
def case(request: pytest.FixtureRequest, golden: Path) -> tuple[Any, NucleotideSequence, dict[str, Any]]:
    folder, model_id, index = request.param
    item = json.loads((golden / folder / "inputs.json").read_text())[index]
    with np.load(golden / folder / "expected.npz") as arrays:
        expected = {name.split("_", 1)[1]: arrays[name] for name in arrays if name.startswith(f"{index}_")}
    model = entry(model_id).load(golden / folder / "checkpoint", LoadOptions(species=item["species"]))
    return model, NucleotideSequence(item["sequence"].upper()), expected


def test_the_map_with_the_papers_epsilon_is_the_authors(case: Any) -> None:
    model, sequence, expected = case
    values = dependency_map(model, sequence, DependencyParameters(epsilon=1e-10)).values
    np.testing.assert_allclose(values, expected["dep_map"], atol=1e-4)


def test_the_exact_map_is_the_authors_where_nothing_saturates(case: Any) -> None:
    model, sequence, expected = case
    np.testing.assert_allclose(dependency_map(model, sequence).values, expected["dep_map"], atol=1e-4)


@pytest.mark.parametrize(
    ("influence", "name"), [("authors_quick_start", "influence_quickstart"), ("authors_manuscript", "influence_manuscript")]
)
def test_influence_is_the_authors_in_both_variants(case: Any, influence: Any, name: str) -> None:
    model, sequence, expected = case
    values = variant_effects(model, sequence, EffectParameters(influence=influence)).influence
    target = expected[name] if name == "influence_quickstart" else expected[name].T
    assert values is not None
    changed = np.isfinite(values)
    np.testing.assert_allclose(values[changed], target[changed], atol=1e-4)
    assert changed.sum() == 3 * len(sequence)


def test_masked_probabilities_are_the_authors(case: Any) -> None:
    model, sequence, expected = case
    if "masked_probs" not in expected:
        pytest.skip("too short for the authors' six-token span")
    target = expected["masked_probs"] / expected["masked_probs"].sum(axis=1, keepdims=True)
    values = base_probabilities(model, sequence, ProbabilityParameters(masked=True)).values
    np.testing.assert_allclose(values, target, atol=1e-5)


@pytest.mark.parametrize("contig", ["chr1", "chr2"])
def test_gpn_ratios_and_influence_in_windows_of_both_strands_are_the_authors(
    golden: Path, contig: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = json.loads((golden / "gpn" / "inputs.json").read_text())
    with np.load(golden / "gpn" / "expected.npz") as arrays:
        expected = dict(arrays)
    model = entry("gpn").load(golden / "gpn" / "checkpoint", LoadOptions())
    assert model.effect_recipe == EffectRecipe(512, both_strands=True)
    recipe = EffectRecipe(inputs["vep_window"], both_strands=True)
    monkeypatch.setattr(type(model), "effect_recipe", property(lambda _: recipe))
    effects = variant_effects(model, NucleotideSequence(inputs["genome"][contig].upper()), EffectParameters(influence="gpn"))
    assert effects.llr is not None
    assert effects.influence is not None
    compared = 0
    for variant, llr, influence in zip(inputs["variants"], expected["vep_llr"], expected["vep_influence"], strict=True):
        if variant["chrom"] == contig:
            cell = variant["pos"] - 1, "ACGT".index(variant["alt"].upper())
            assert effects.llr[cell] == pytest.approx(llr, abs=1e-4)
            assert effects.influence[cell] == pytest.approx(influence, abs=1e-4)
            compared += 1
    assert compared
