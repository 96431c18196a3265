"""Every adapter and analysis on a GPU, a pretended one where there is none: everything lies where it belongs and says what the CPU says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from tests.models.cases import BASE_MODELS, ELEMENT_MODELS, LETTERS, Case, window_of
from tests.pretend_gpu import pretend_gpu

SEQUENCE = NucleotideSequence(LETTERS)
QUICK = ("gpn", "grover", "locuscope", "nt-v2", "specieslm-fungi-k6")
WITH_OTHER_PRECISIONS = ("specieslm-fungi-k1", "specieslm-fungi-k6", "nt-v2", "locuscope")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if torch.cuda.is_available():
        yield
        return
    with pretend_gpu(monkeypatch):
        yield


def rehearsed(cases: Sequence[Case], quick: Sequence[str] = QUICK) -> list[Any]:
    """All of them where there is a GPU; a pretended one takes its time, so that most of them are of ``make check`` there."""
    real = torch.cuda.is_available()
    return [pytest.param(case, id=str(case), marks=() if real or case.model_id in quick else pytest.mark.long) for case in cases]


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


@pytest.mark.parametrize("case", rehearsed(BASE_MODELS))
def test_in_float32_a_gpu_answers_as_the_cpu(case: Case, request: pytest.FixtureRequest) -> None:
    wanted = scores(case.load(request, "float32", "cpu"))
    request.getfixturevalue("gpu")
    model = case.load(request, "float32", "cuda:0")
    assert model.device == "cuda:0"
    found = scores(model)
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, atol=2e-4, rtol=2e-4, err_msg=name)


@pytest.mark.parametrize("case", rehearsed(BASE_MODELS, ("gpn",)))
def test_by_itself_a_gpu_computes_in_half_precision_and_stays_close(case: Case, request: pytest.FixtureRequest) -> None:
    wanted = scores(case.load(request, "float32", "cpu"))["map"]
    request.getfixturevalue("gpu")
    model = case.load(request, "auto", "cuda:0")
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
@pytest.mark.parametrize("case", [case for case in BASE_MODELS if case.model_id in WITH_OTHER_PRECISIONS], ids=str)
def test_the_other_precisions_lie_on_the_gpu_too(
    case: Case, precision: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.models.locuscope import fast
    from engine.models.shortcuts import delta_mutants

    request.getfixturevalue("gpu")
    for module in (delta_mutants, fast):
        monkeypatch.setattr(module, "difference_dtype", lambda *_: torch.float16)
    model = case.load(request, "float32", "cuda:0")
    assert isinstance(model, PreciseMutantModel)
    if precision not in model.precisions:
        pytest.skip("this model does not offer it")
    exact, other = (dependency_map(model, SEQUENCE, DependencyParameters(precision=name, tau=1e-6)).values for name in ("exact", precision))  # type: ignore[arg-type]
    np.testing.assert_allclose(other, exact, atol=0.01 * exact.max())


@pytest.mark.parametrize("dtype", ["float32", "auto"])
@pytest.mark.parametrize("case", ELEMENT_MODELS, ids=str)
def test_elements_on_a_gpu_are_those_of_the_cpu(case: Case, dtype: str, request: pytest.FixtureRequest) -> None:
    cpu = case.load(request, "float32", "cpu")
    letters = window_of(cpu)
    wanted = cpu.element_probabilities(letters)
    request.getfixturevalue("gpu")
    found = case.load(request, dtype, "cuda:0").element_probabilities(letters)
    np.testing.assert_allclose(found, wanted, atol=2e-4 if dtype == "float32" else 0.03)
