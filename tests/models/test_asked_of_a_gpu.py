"""What a GPU is asked: few launches, hardly a wait, float32 in float32, batches that fit. Counted on a pretended one."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from engine.analyses.dependency import DependencyParameters, dependency_map
from engine.analyses.pair import PairParameters, pair_table
from engine.analyses.substitutions import Scan, Substitutions
from engine.bench.measure import random_letters
from engine.core.errors import CapabilityMissing
from engine.core.sequence import NucleotideSequence
from engine.models.checkpoints.weights import placed
from engine.models.locuscope import network
from engine.models.networks.batching import passes_of
from engine.models.shortcuts import cone, delta
from tests.models.cases import LETTERS, TINY_BASE_MODELS, Case
from tests.pretend_gpu import Counted, counted, pretend_gpu

SHIPPED = Case("locuscope", species="bacteria", source="shipped")
GPN = Case("gpn", "gpn")
FUNGI = Case("specieslm-fungi-k1", "dependency_k1")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with pretend_gpu(monkeypatch):
        yield


@pytest.fixture
def tf32() -> Iterator[None]:
    """Both switches as torch and a careless program leave them; as they were afterwards."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def batch(model: Any, bases: int, precision: str = "exact") -> tuple[Counted, torch.Tensor]:
    """What one batch of mutants asks once everything their reference shares is there, and its scores on the CPU."""
    sequence = NucleotideSequence(random_letters(bases))
    scan = Scan.of(model, sequence, precision)  # type: ignore[arg-type]
    few = Substitutions.of(sequence.letters, (0, bases))
    positions, alternates = scan.tensor(few.positions), scan.tensor(few.alternates)
    scan.mutant_logits(positions[:3], alternates[:3], normalised=False)
    with counted() as found:
        logits = scan.mutant_logits(positions, alternates, normalised=False)
    return found, logits.cpu()


@pytest.mark.usefixtures("tf32")
def test_a_model_on_a_gpu_switches_tf32_off_and_one_on_a_cpu_leaves_the_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = torch.nn.Conv1d(2, 2, 3)
    placed(layer, "cpu", "float32")
    assert torch.backends.cudnn.allow_tf32
    assert torch.backends.cuda.matmul.allow_tf32
    with pretend_gpu(monkeypatch):
        placed(layer, "cuda:0", "float32")
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32


def test_the_cone_asks_a_gpu_for_few_products_and_waits_once_a_batch(
    gpu: None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = GPN.load(request, "float32", "cuda:0")
    found, scores = batch(model, 200)
    assert found.waits == 1
    monkeypatch.setattr(cone, "ROWS_PER_PRODUCT_ON_A_GPU", cone.ROWS_PER_PRODUCT)
    in_pieces, same = batch(model, 200)
    assert found.launches < 0.3 * in_pieces.launches
    torch.testing.assert_close(same, scores, atol=1e-5, rtol=1e-5)


def test_differences_are_one_product_a_layer_on_a_gpu(gpu: None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    model = FUNGI.load(request, "float32", "cuda:0")
    found, scores = batch(model, 40, "delta")
    monkeypatch.setattr(delta, "ROWS_AT_ONCE_ON_A_GPU", delta.ROWS_AT_ONCE)
    in_pieces, same = batch(model, 40, "delta")
    assert found.launches < in_pieces.launches
    torch.testing.assert_close(same, scores, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("case", [pytest.param(SHIPPED, marks=pytest.mark.long), FUNGI], ids=str)
def test_by_itself_a_gpu_takes_the_way_with_the_fewest_launches(case: Case, gpu: None, request: pytest.FixtureRequest) -> None:
    model = case.load(request, "float32", "cuda:0")
    asked = {precision: batch(model, 40, precision)[0] for precision in (*model.precisions, "auto")}
    assert asked["auto"] == asked["exact"]
    assert min(asked, key=lambda name: asked[name].launches) in ("exact", "auto")
    assert asked["exact"].waits == 0


def test_exact_on_a_gpu_is_whole_passes_whose_launches_do_not_grow_with_the_bases(gpu: None, request: pytest.FixtureRequest) -> None:
    model = SHIPPED.load(request, "float32", "cuda:0")
    assert model.exact_by_passes
    few, many = (batch(model, bases)[0].launches for bases in (10, 40))
    assert abs(few - many) < 5  # a word of codons more or less
    assert many < 800


def test_masked_bases_are_not_waited_for(gpu: None, request: pytest.FixtureRequest) -> None:
    model = SHIPPED.load(request, "float32", "cuda:0")
    reference = model.prepare(NucleotideSequence(random_letters(40)))
    places = torch.arange(5, device="cuda:0")
    model.masked_logits(reference, places)
    with counted() as found:
        model.masked_logits(reference, places)
    assert found.waits == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("length", [16, 21])
def test_heads_in_multiples_of_eight_read_the_same(length: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(length)
    query, key = (torch.randn(2, 6, length, 52, generator=generator).to(dtype) for _ in range(2))
    value, mask = (
        torch.randn(2, 6, length, 20, generator=generator).to(dtype),
        torch.randn(1, 6, length, length, generator=generator).to(dtype),
    )
    plain = torch.softmax(query.double() @ key.double().transpose(-1, -2) * 0.1 + mask.double(), dim=-1) @ value.double()
    aligned = network._aligned(query, key, value, mask, 0.1)
    assert aligned.shape == value.shape
    torch.testing.assert_close(aligned.double(), plain, atol=0.03, rtol=0.03)


def test_the_stem_of_a_gpu_asks_for_channels_in_multiples_of_eight(
    gpu: None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, ...]] = []
    plain = network.functional.scaled_dot_product_attention

    def told(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, **rest: Any) -> torch.Tensor:
        mask = rest.get("attn_mask")
        if mask is not None:
            asked.append((query.shape[-1], key.shape[-1], value.shape[-1], mask.stride(-2)))
        return plain(query, key, value, **rest)

    monkeypatch.setattr(network.functional, "scaled_dot_product_attention", told)
    model = SHIPPED.load(request, "float16", "cuda:0")
    batch(model, 20)
    assert set(asked) == {(56, 56, 24, 24)}


def test_a_wide_network_on_a_small_card_gets_smaller_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: a quarter of 8 GiB over 24 float32 numbers of each of 2,560 channels is 8,738 tokens."""
    assert passes_of(1000, "cuda:0", 768) == 65
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=8 * 2**30))
    assert [passes_of(1000, "cuda:0", width) for width in (0, 128, 768, 2560)] == [65, 65, 29, 8]
    assert passes_of(100_000, "cuda:0", 2560) == 1
    assert passes_of(1000, "cpu", 2560) == 2


def test_a_map_on_a_gpu_waits_for_its_mutants_once(gpu: None, request: pytest.FixtureRequest) -> None:
    """Whether they are numbers is asked at the end of the scan; the reference and the map itself are the other waits."""
    model = SHIPPED.load(request, "float16", "cuda:0")
    waits = []
    for bases in (20, 60):
        with counted() as found:
            values = dependency_map(model, NucleotideSequence(random_letters(bases)), DependencyParameters(precision="exact")).values
        assert np.isfinite(values).all()
        waits.append(found.waits)
    assert waits[0] == waits[1] < 8


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_a_mutant_that_leaves_the_range_of_float16_is_no_gap_in_a_map(
    device: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if device != "cpu":
        request.getfixturevalue("gpu")
    model = FUNGI.load(request, "float16", device)
    plain = model.base_logits

    def overflowing(reference: Any, ids: torch.Tensor, *, normalised: bool = False) -> torch.Tensor:
        scores = plain(reference, ids, normalised=normalised)
        return scores if len(ids) == 1 else scores.index_fill(0, torch.tensor([1]).to(ids.device), torch.nan)

    monkeypatch.setattr(model, "base_logits", overflowing)
    sequence = NucleotideSequence(random_letters(20))
    with pytest.raises(CapabilityMissing, match="gives no numbers for this sequence in float16; choose the dtype float32"):
        dependency_map(model, sequence)
    with pytest.raises(CapabilityMissing, match="gives no numbers"):
        pair_table(model, sequence, PairParameters(3, 9))


def test_gaps_that_a_model_leaves_by_itself_stay_gaps(request: pytest.FixtureRequest) -> None:
    model = Case("grover", "grover").load(request, "float32", "cpu")
    values = dependency_map(model, NucleotideSequence(LETTERS)).values
    assert np.isnan(values).any()
    assert np.isfinite(values).any()


MOST_WAITS = {"dependency_k6": 1, "specieslm_metazoa_k6": 1, "nt_v1": 1, "nt_v2": 1, "agro_nt": 1, "own-nt_v1": 1, "gpn": 1, "megadna": 1}
"""Answers of the device that a batch of mutants may wait for; nothing for those not named. Of k-mers: whether a probability is too small."""
GROUPS_OF_MUTANTS = ("grover", "marindna", "carbon", "own-marindna")
"""Their mutants are cut or grouped on the host."""


@pytest.mark.parametrize("case", [case for case in TINY_BASE_MODELS if str(case) not in GROUPS_OF_MUTANTS], ids=str)
def test_a_batch_of_mutants_hardly_waits(case: Case, gpu: None, request: pytest.FixtureRequest) -> None:
    assert batch(case.load(request, "float16", "cuda:0"), 36)[0].waits <= MOST_WAITS.get(str(case), 0)
