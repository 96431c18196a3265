"""Scans of one model that share forward passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from engine.analyses import substitutions
from engine.analyses.dependency import DependencyParameters, dependency_map
from engine.analyses.shared_passes import Offer, SharedPasses, shared_passes
from engine.core.errors import Cancelled
from engine.core.sequence import NucleotideSequence
from tests.analyses.toys import PreciseToyModel, ToyModel, Watcher

ONE, OTHER, SHORTER = (NucleotideSequence(letters) for letters in ("GATTACAGGC", "CCATGTTGAC", "GATTACA"))


class Interrupted(Watcher):
    """A monitor that lets somebody else compute after the first pass, as a visitor who hands the device on."""

    def __init__(self, other: Callable[[], Any]) -> None:
        super().__init__(look=False)
        self.other, self.result = other, None

    def advance(self, done: int) -> None:
        super().advance(done)
        if self.result is None:
            self.result = self.other()


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Toys compute on a CPU, where nothing is shared otherwise."""
    monkeypatch.setattr(substitutions, "worth_sharing", lambda device: True)


def waiting(model: ToyModel) -> list[Offer]:
    passes = shared_passes(model, "exact")
    assert passes is not None
    return passes._waiting


def alone(sequence: NucleotideSequence, **parameters: Any) -> np.ndarray:
    return dependency_map(ToyModel(batch=100), sequence, DependencyParameters(**parameters)).values


def test_a_scan_that_computes_takes_along_what_another_one_waits_for() -> None:
    model = ToyModel(batch=100)
    watcher = Interrupted(lambda: dependency_map(model, OTHER).values)
    mine = dependency_map(model, ONE, monitor=watcher).values
    assert model.calls == [1, 1, 60]  # two references, then the thirty mutants of both
    np.testing.assert_allclose(mine, alone(ONE), atol=1e-6)
    np.testing.assert_allclose(watcher.result, alone(OTHER), atol=1e-6)
    assert not waiting(model)


@pytest.mark.parametrize(
    ("sequence", "parameters", "batch"),
    [(SHORTER, {}, 100), (OTHER, {"epsilon": 1e-10}, 100), (OTHER, {}, 59)],
    ids=["another length", "another scale", "no room"],
)
def test_what_does_not_go_together_is_computed_apart(sequence: NucleotideSequence, parameters: dict[str, Any], batch: int) -> None:
    model = ToyModel(batch=batch)
    watcher = Interrupted(lambda: dependency_map(model, sequence, DependencyParameters(**parameters)).values)
    mine = dependency_map(model, ONE, monitor=watcher).values
    assert max(model.calls) == 30
    np.testing.assert_allclose(mine, alone(ONE), atol=1e-6)
    np.testing.assert_allclose(watcher.result, alone(sequence, **parameters), atol=1e-6)


def test_batches_of_several_steps_are_offered_one_by_one() -> None:
    model = ToyModel(batch=12)
    mine = dependency_map(model, ONE, monitor=Interrupted(lambda: dependency_map(model, SHORTER).values)).values
    np.testing.assert_allclose(mine, alone(ONE), atol=1e-6)
    assert not waiting(model)


def test_a_scan_that_stops_takes_its_offer_back() -> None:
    model = ToyModel(batch=12)
    with pytest.raises(Cancelled):
        dependency_map(model, ONE, monitor=Watcher(stop_after=5))
    assert not waiting(model)


def test_a_batch_that_did_not_fit_is_offered_again_in_smaller_ones() -> None:
    model = ToyModel(batch=30)
    plain, most = model.base_logits, 11

    def short_of_memory(reference: Any, ids: torch.Tensor, **options: Any) -> torch.Tensor:
        if len(ids) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return plain(reference, ids, **options)

    model.base_logits = short_of_memory  # type: ignore[method-assign]
    np.testing.assert_allclose(dependency_map(model, ONE).values, alone(ONE), atol=1e-6)
    assert not waiting(model)


def test_models_with_faster_ways_than_whole_passes_share_none() -> None:
    assert shared_passes(PreciseToyModel(0.0), "exact") is None
    assert shared_passes(ToyModel(), "exact") is not None


def test_an_offer_is_computed_once() -> None:
    model, passes = ToyModel(batch=100), SharedPasses()
    offers = []
    for sequence in (ONE, OTHER):
        reference = model.prepare(sequence)
        offers.append(passes.offer(Offer(reference, reference.ids[None], normalised=False, span=(0, 1))))
    first, second = (passes.take(model, offer) for offer in offers)
    assert model.calls == [2]
    for scores, sequence in ((first, ONE), (second, OTHER)):
        reference = model.prepare(sequence)
        torch.testing.assert_close(scores, ToyModel().base_logits(reference, reference.ids[None]))


def test_on_a_cpu_an_answer_is_the_same_to_the_last_bit_whoever_else_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    model = ToyModel(batch=100)
    watcher = Interrupted(lambda: dependency_map(model, OTHER).values)
    np.testing.assert_array_equal(dependency_map(model, ONE, monitor=watcher).values, alone(ONE))
    np.testing.assert_array_equal(watcher.result, alone(OTHER))
    assert max(model.calls) <= 30
