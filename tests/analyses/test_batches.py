"""Batches in order, side by side, and smaller when memory runs out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from engine.analyses import batches as batching
from engine.analyses.batches import batches, each, in_turn, one_answer, unusual_batches
from engine.analyses.dependency import DependencyParameters, dependency_map
from engine.analyses.effects import EffectParameters, variant_effects
from engine.analyses.probabilities import ProbabilityParameters, base_probabilities
from engine.core.errors import Cancelled, ResourceExhausted
from engine.core.parameters import Precision
from engine.core.progress import interruptible, interruption_point
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.locuscope import fast
from engine.models.registry import entry
from engine.service.shelf import ASSETS
from tests.analyses.toys import ToyModel, Watcher
from tests.models.cases import BASE_MODELS, LETTERS, Case

OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
    ),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=["gpu", "cublas", "cudnn", "cpu"])
def test_running_out_of_memory_halves_the_batch_and_loses_nothing(error: RuntimeError) -> None:
    done: list[int] = []

    def compute(start: int, end: int) -> range:
        if end - start > 2:
            raise error
        return range(start, end)

    with one_answer():
        batches(11, 8, compute, lambda start, end, found: done.extend(found))
        assert unusual_batches() == "smaller"
    assert done == list(range(11))
    assert not unusual_batches()


def test_another_error_of_the_model_goes_through() -> None:
    def compute(start: int, end: int) -> None:
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        batches(4, 4, compute, nothing)


def test_a_single_sequence_that_does_not_fit_is_a_clear_error() -> None:
    def compute(start: int, end: int) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(ResourceExhausted, match="does not fit"):
        batches(4, 2, compute, nothing)


def nothing(start: int, end: int, found: object) -> None:
    """What is computed is not wanted."""


def side_by_side(device: str) -> bool:
    return batching._workers(device) is not None


@pytest.fixture
def cores() -> Iterator[int]:
    """Torch on three cores, whatever the tests run on."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield 3
    torch.set_num_threads(before)


def test_a_single_core_and_other_devices_compute_one_after_the_other(cores: int) -> None:
    assert side_by_side("cpu")
    assert not side_by_side("cuda:0")
    assert not side_by_side("")
    torch.set_num_threads(1)
    assert not side_by_side("cpu")


def test_side_by_side_every_worker_has_a_batch_and_all_are_taken_in_order(cores: int) -> None:
    """The first batch is alone and small; then three at a time, of a quarter of the work each at most, rounded up to whole triples."""
    taken: list[tuple[int, int]] = []
    running, most, threads = 0, 0, set()
    lock = threading.Lock()

    def compute(start: int, end: int) -> tuple[int, int]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            threads.add(threading.current_thread().name)
        assert torch.is_inference_mode_enabled()
        time.sleep(0.05)
        with lock:
            running -= 1
        return start, end

    def take(start: int, end: int, found: tuple[int, int]) -> None:
        assert running == 0
        assert found == (start, end)
        assert threading.current_thread() is threading.main_thread()
        taken.append(found)

    with torch.inference_mode():
        batches(57, 12, compute, take, device="cpu")
    assert taken == [(0, 3), (3, 15), (15, 27), (27, 39), (39, 51), (51, 57)]
    assert most == 3
    assert len(threads) == 3
    assert threading.main_thread().name not in threads  # whose products would use all cores and wait for each other


@pytest.mark.parametrize(("seconds", "most"), [(0.0, 3), (60.0, 6)])
def test_quick_batches_go_in_longer_rounds_of_the_same_batches(
    cores: int, monkeypatch: pytest.MonkeyPatch, seconds: float, most: int
) -> None:
    """At most `MOST_WORKERS` batches, as many for each of the three workers."""
    monkeypatch.setattr(batching, "ROUND_SECONDS", seconds)
    ahead, taken = [0], []

    def compute(start: int, end: int) -> None:
        ahead[-1] += 1

    def take(start: int, end: int, found: None) -> None:
        if ahead[-1]:
            ahead.append(0)
        taken.append((start, end))

    batches(87, 3, compute, take, device="cpu")
    assert taken == [(start, start + 3) for start in range(0, 87, 3)]
    assert max(ahead) == most


def test_workers_have_a_core_each_and_leave_the_number_of_threads_as_it_was(cores: int) -> None:
    batching._made.cache_clear()
    seen: set[int] = set()
    batches(30, 3, lambda start, end: seen.add(torch.get_num_threads()), nothing, device="cpu")
    assert seen == {1}
    assert torch.get_num_threads() == cores
    alone: list[int] = []
    thread = threading.Thread(target=lambda: alone.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert alone == [cores]


def test_computations_that_have_nothing_to_do_with_each_other_run_side_by_side(cores: int) -> None:
    together = threading.Barrier(2)

    def wait_for_the_other(answer: int) -> int:
        together.wait(10)
        assert torch.get_num_threads() == 1
        return answer

    assert each("cpu", lambda: wait_for_the_other(1), lambda: wait_for_the_other(2)) == [1, 2]
    assert each("cuda:0", torch.get_num_threads) == [cores]


def test_a_stop_ends_the_passes_of_all_workers_between_layers(cores: int) -> None:
    stop, layers = threading.Event(), [0]

    def check() -> None:
        if stop.is_set():
            raise Cancelled("stop")

    def one_pass(start: int, end: int) -> None:
        for _ in range(1000):
            interruption_point()
            layers[0] += 1
            if layers[0] > 10:
                stop.set()
            time.sleep(0.01)

    began = time.monotonic()
    with interruptible(check), pytest.raises(Cancelled):
        batches(30, 9, one_pass, nothing, device="cpu")
    assert time.monotonic() - began < 5


def test_side_by_side_memory_that_runs_out_loses_nothing(cores: int) -> None:
    done: list[int] = []

    def compute(start: int, end: int) -> range:
        if end - start > 4:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
        return range(start, end)

    batches(100, 20, compute, lambda start, end, found: done.extend(found), device="cpu")
    assert done == list(range(100))


def test_an_error_waits_until_nobody_computes(cores: int) -> None:
    ended: list[int] = []

    def compute(start: int, end: int) -> None:
        if start == 3:
            raise ValueError("the first of three")
        time.sleep(0.1)
        ended.append(start)

    with pytest.raises(ValueError, match="the first of three"):
        batches(30, 9, compute, nothing, device="cpu")
    assert sorted(ended) == [0, 12, 21]


def test_analyses_give_the_same_numbers_side_by_side(cores: int) -> None:
    sequence, model = NucleotideSequence("GATTACAGGCTCCATG"), ToyModel(batch=6)

    def answers() -> list[np.ndarray]:
        effects = variant_effects(model, sequence, EffectParameters(influence="gpn"))
        assert effects.llr is not None
        assert effects.influence is not None
        masked = base_probabilities(model, sequence, ProbabilityParameters(masked=True)).values
        return [dependency_map(model, sequence).values, effects.llr, effects.influence, masked]

    together = answers()
    torch.set_num_threads(1)
    for one, other in zip(together, answers(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_side_by_side_a_cancel_stops_and_partial_maps_are_published(cores: int) -> None:
    watcher = Watcher(stop_after=20)
    with pytest.raises(Cancelled):
        dependency_map(ToyModel(batch=6), NucleotideSequence("GATTACAGGCTCCATG" * 2), monitor=watcher)
    assert watcher.partials
    assert not watcher.partials[-1].complete


@pytest.mark.parametrize("case", BASE_MODELS, ids=str)
def test_every_model_may_be_asked_by_several_workers_at_once(case: Case, request: pytest.FixtureRequest, cores: int) -> None:
    sequence, model = NucleotideSequence(LETTERS), case.load(request, "float32")
    together = dependency_map(model, sequence, DependencyParameters(precision="exact")).values
    torch.set_num_threads(1)
    np.testing.assert_array_equal(together, dependency_map(model, sequence, DependencyParameters(precision="exact")).values)


@pytest.mark.parametrize("precision", ["exact", "delta", "sparse"])
def test_the_shipped_model_too_in_every_precision(precision: Precision, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "difference_dtype", lambda *_: torch.bfloat16)
    sequence, parameters = NucleotideSequence(LETTERS * 3), DependencyParameters(precision=precision)
    model: Any = entry("locuscope").load(ASSETS / "locuscope-lm", LoadOptions())
    together = dependency_map(model, sequence, parameters).values
    torch.set_num_threads(1)
    alone = dependency_map(model, sequence, parameters).values
    np.testing.assert_array_equal(together, alone)


def test_batches_can_be_asked_to_wait_for_each_other(cores: int) -> None:
    with in_turn():
        assert not side_by_side("cpu")
    assert side_by_side("cpu")


def test_a_pass_that_fits_only_alone_is_computed_alone(cores: int) -> None:
    running = threading.Semaphore(1)

    def compute(start: int, end: int) -> range:
        if not running.acquire(blocking=False):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
        time.sleep(0.05)
        running.release()
        return range(start, end)

    done: list[int] = []
    batches(6, 1, compute, lambda start, end, found: done.extend(found), device="cpu")
    assert done == list(range(6))
