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
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.registry import entry

CASES = {"dependency_k1": "specieslm-fungi-k1", "dependency_k6": "specieslm-fungi-k6"}
Given = tuple[Any, NucleotideSequence, dict[str, Any]]


@pytest.fixture(scope="module", params=CASES)
def cases(request: pytest.FixtureRequest, golden: Path) -> list[Given]:
    folder = golden / request.param
    found = []
    for index, item in enumerate(json.loads((folder / "inputs.json").read_text())):
        with np.load(folder / "expected.npz") as arrays:
            expected = {name.split("_", 1)[1]: arrays[name] for name in arrays if name.startswith(f"{index}_")}
        model = entry(CASES[request.param]).load(folder / "checkpoint", LoadOptions(species=item["species"]))
        found.append((model, NucleotideSequence(item["sequence"].upper()), expected))
    return found


def test_the_map_with_the_papers_epsilon_is_the_authors(cases: list[Given]) -> None:
    for model, sequence, expected in cases:
        values = dependency_map(model, sequence, DependencyParameters(epsilon=1e-10)).values
        np.testing.assert_allclose(values, expected["dep_map"], atol=1e-4)


def test_the_exact_map_is_the_authors_where_nothing_saturates(cases: list[Given]) -> None:
    for model, sequence, expected in cases:
        np.testing.assert_allclose(dependency_map(model, sequence).values, expected["dep_map"], atol=1e-4)


@pytest.mark.parametrize(
    ("influence", "name"), [("authors_quick_start", "influence_quickstart"), ("authors_manuscript", "influence_manuscript")]
)
def test_influence_is_the_authors_in_both_variants(cases: list[Given], influence: Any, name: str) -> None:
    for model, sequence, expected in cases:
        values = variant_effects(model, sequence, EffectParameters(influence=influence)).influence
        target = expected[name] if name == "influence_quickstart" else expected[name].T
        assert values is not None
        changed = np.isfinite(values)
        np.testing.assert_allclose(values[changed], target[changed], atol=1e-4)
        assert changed.sum() == 3 * len(sequence)


def test_masked_probabilities_are_the_authors(cases: list[Given]) -> None:
    compared = 0
    for model, sequence, expected in cases:
        if "masked_probs" in expected:  # the authors' span of six tokens needs eleven bases
            target = expected["masked_probs"] / expected["masked_probs"].sum(axis=1, keepdims=True)
            values = base_probabilities(model, sequence, ProbabilityParameters(masked=True)).values
            np.testing.assert_allclose(values, target, atol=1e-5)
            compared += 1
    assert compared
