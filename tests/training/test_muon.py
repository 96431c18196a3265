"""Matrices that are orthogonalised together move as those of torch's own class."""

from __future__ import annotations

import math

import torch

from engine.training.muon import BatchedMuon, orthogonal
from tests.pretend_gpu import counted, pretend_learning_gpu


def matrices() -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(1)
    return [torch.nn.Parameter(torch.randn(*shape, generator=generator)) for shape in ((8, 8), (24, 8), (8, 24), (24, 8), (8, 8))]


def test_steps_are_those_of_torch() -> None:
    ours, theirs = matrices(), matrices()
    one = BatchedMuon(ours, lr=0.02, weight_decay=0.01)
    two = torch.optim.Muon(theirs, lr=0.02, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    for step in range(3):
        for pair in zip(ours, theirs, strict=True):
            generator = torch.Generator().manual_seed(step)
            for parameter in pair:
                parameter.grad = torch.randn(parameter.shape, generator=generator.manual_seed(step))
        one.step()
        two.step()
    for mine, yours, start in zip(ours, theirs, matrices(), strict=True):
        moved = (yours - start).abs().max()
        assert (mine - yours).abs().max() < 0.02 * moved  # the iteration is in bfloat16
        torch.testing.assert_close(one.state[mine]["momentum_buffer"], two.state[yours]["momentum_buffer"])


def test_singular_values_come_near_one() -> None:
    values = torch.linalg.svdvals(orthogonal(torch.randn(3, 20, 12, generator=torch.Generator().manual_seed(2))).float())
    assert 0.5 < values.min() <= values.max() < 1.5


def test_launches_grow_with_the_shapes_and_not_with_the_matrices(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    launches = []
    with pretend_learning_gpu(monkeypatch) as gpu, torch.no_grad():
        for count in (2, 12):
            parameters = [torch.nn.Parameter(torch.ones(4, 4).to(gpu)) for _ in range(count)]
            for parameter in parameters:
                parameter.grad = torch.ones(4, 4).to(gpu)
            optimizer = BatchedMuon(parameters, lr=0.1)
            optimizer.step()
            with counted() as found:
                optimizer.step()
            assert found.waits == 0
            launches.append(found.launches)
    assert launches[0] == launches[1]
    assert math.isfinite(float(parameters[0].detach().held.sum()))  # type: ignore[attr-defined]
