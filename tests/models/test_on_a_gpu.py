"""Every adapter and analysis on a GPU, a pretended one where there is none: everything lies where it belongs and says what the CPU says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.analyses.dependency import DependencyParameters, dependency_map
from engine.analyses.effects import EffectParameters, variant_effects
from engine.analyses.pair import PairParameters, pair_table
from engine.analyses.probabilities import ProbabilityParameters, base_probabilities
from engine.analyses.triage import Site, triage
from engine.core.card import Capability
from engine.core.protocols import EmbeddingModel, GenerativeModel, PreciseMutantModel, TokenModel
from engine.core.sequence import NucleotideSequence
from engine.core.variants import Variant
from engine.models.entry import LoadOptions
from engine.models.registry import entry
from tests.models.test_contract import BASE_MODELS, ELEMENT_MODELS, HERE, LETTERS, Case, window_of
from tests.pretend_gpu import pretend_gpu

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "models"
SEQUENCE = NucleotideSequence(LETTERS)
LANGUAGE_MODELS = [*BASE_MODELS, Case("locuscope", "shipped")]
ALL_ELEMENT_MODELS = [*ELEMENT_MODELS, Case("locuscope-segmenter", "shipped")]


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if torch.cuda.is_available():
        yield
        return
    with pretend_gpu(monkeypatch):
        yield


def folder(case: Case, request: pytest.FixtureRequest) -> Path:
    if case.folder == "shipped":
        return SHIPPED / str(entry(case.model_id).shipped)
    return (
        HERE / "segmenters" / case.folder
        if case.folder.startswith("data")
        else request.getfixturevalue("golden") / case.folder / "checkpoint"
    )


def load(case: Case, request: pytest.FixtureRequest, device: str, dtype: str) -> Any:
    return entry(case.model_id).load(folder(case, request), LoadOptions(species=case.species, device=device, dtype=dtype))


def scores(model: Any) -> dict[str, np.ndarray]:
    """What the base-level analyses answer, by their names."""
    found = {"map": dependency_map(model, SEQUENCE, DependencyParameters(precision="exact")).values}
    for metric, epsilon in (("log2_odds", 1e-10), ("log_ratio", None)):
        found[f"{metric} {epsilon}"] = dependency_map(model, SEQUENCE, DependencyParameters(metric=metric, epsilon=epsilon)).values  # type: ignore[arg-type]
    effects = variant_effects(model, SEQUENCE)
    found |= {name: values for name in ("llr", "influence", "delta_log_likelihood") if (values := getattr(effects, name)) is not None}
    found["pair"] = pair_table(model, SEQUENCE, PairParameters(3, 9)).values
    found["probabilities"] = base_probabilities(model, SEQUENCE).values
    if not model.card.causal:
        found["gpn"] = np.asarray(variant_effects(model, SEQUENCE, EffectParameters(influence="gpn")).influence)
        found["masked"] = base_probabilities(model, SEQUENCE, ProbabilityParameters(masked=True)).values
    sites = [Site(Variant("c", 1, LETTERS[at], base), SEQUENCE, at) for at, base in ((4, "A"), (9, "C"), (20, "G"))]
    rows = triage(model, sites, len(sites)).rows
    found["triage"] = np.array([[row.llr, row.influence, row.delta_log_likelihood] for row in rows], dtype=float)
    return found


@pytest.mark.parametrize("case", LANGUAGE_MODELS, ids=lambda case: case.folder)
def test_in_float32_a_gpu_answers_as_the_cpu(case: Case, request: pytest.FixtureRequest) -> None:
    wanted = scores(load(case, request, "cpu", "float32"))
    request.getfixturevalue("gpu")
    model = load(case, request, "cuda:0", "float32")
    assert model.device == "cuda:0"
    found = scores(model)
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, atol=2e-4, rtol=2e-4, err_msg=name)


@pytest.mark.parametrize("case", LANGUAGE_MODELS, ids=lambda case: case.folder)
def test_by_itself_a_gpu_computes_in_half_precision_and_stays_close(case: Case, request: pytest.FixtureRequest) -> None:
    wanted = scores(load(case, request, "cpu", "float32"))["map"]
    request.getfixturevalue("gpu")
    model = load(case, request, "cuda:0", "auto")
    assert model.dtype == "float16"
    found = scores(model)["map"]
    assert 0 < np.nanmax(np.abs(found - wanted)) < 0.03 * np.nanmax(wanted)
    if model.card.can(Capability.EMBEDDINGS):
        assert isinstance(model, EmbeddingModel)
        assert np.isfinite(model.embeddings(SEQUENCE)).all()
    if isinstance(model, TokenModel):
        assert np.isfinite(model.token_spans(SEQUENCE)[2]).all()
    if isinstance(model, GenerativeModel):
        assert len(model.continue_sequence(SEQUENCE, 5, seed=1)) == 5


@pytest.mark.parametrize("precision", ["delta", "sparse"])
@pytest.mark.parametrize(
    "case", [LANGUAGE_MODELS[0], LANGUAGE_MODELS[1], LANGUAGE_MODELS[3], LANGUAGE_MODELS[-1]], ids=lambda case: case.folder
)
def test_the_other_precisions_lie_on_the_gpu_too(
    case: Case, precision: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.models.locuscope import fast
    from engine.models.shortcuts import delta_mutants

    request.getfixturevalue("gpu")
    for module in (delta_mutants, fast):
        monkeypatch.setattr(module, "difference_dtype", lambda *_: torch.float16)
    model = load(case, request, "cuda:0", "float32")
    assert isinstance(model, PreciseMutantModel)
    if precision not in model.precisions:
        pytest.skip("this model does not offer it")
    exact, other = (dependency_map(model, SEQUENCE, DependencyParameters(precision=name, tau=1e-6)).values for name in ("exact", precision))  # type: ignore[arg-type]
    np.testing.assert_allclose(other, exact, atol=0.01 * exact.max())


@pytest.mark.parametrize("dtype", ["float32", "auto"])
@pytest.mark.parametrize("case", ALL_ELEMENT_MODELS, ids=lambda case: case.model_id)
def test_elements_on_a_gpu_are_those_of_the_cpu(case: Case, dtype: str, request: pytest.FixtureRequest) -> None:
    cpu = load(case, request, "cpu", "float32")
    letters = window_of(cpu)
    wanted = cpu.element_probabilities(letters)
    request.getfixturevalue("gpu")
    found = load(case, request, "cuda:0", dtype).element_probabilities(letters)
    np.testing.assert_allclose(found, wanted, atol=2e-4 if dtype == "float32" else 0.03)
