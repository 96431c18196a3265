"""The pretended GPU refuses what a real one refuses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tests.pretend_gpu import MixedDevices, counted, pretend_gpu


@pytest.fixture(autouse=True)
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with pretend_gpu(monkeypatch):
        yield


def test_numbers_are_those_of_the_cpu() -> None:
    there = torch.arange(6, device="cuda:0").float().view(2, 3)
    assert there.device == torch.device("cuda:0")
    assert (there @ torch.ones(3, 1).to("cuda:0")).cpu().tolist() == [[3.0], [12.0]]
    there[torch.tensor([1], device="cuda:0")] = torch.zeros(1, 3, device="cuda:0")
    assert there.cpu().sum() == 3
    assert torch.nn.Linear(3, 2).to("cuda:0")(there).device == there.device


def test_tensors_of_two_devices_do_not_mix() -> None:
    there, here = torch.ones(3, device="cuda:0"), torch.ones(3)
    for work in (lambda: there + here, lambda: torch.cat((here, there)), lambda: torch.nn.functional.linear(there[None], here[None])):
        with pytest.raises(MixedDevices):
            work()
    with pytest.raises(MixedDevices):
        here[there.long()]
    assert (there * torch.tensor(2.0)).sum().item() == 6.0  # a single number may be anywhere
    assert there[torch.tensor([0, 1])].device == there.device  # and so may indices


def test_numpy_takes_only_what_was_brought_to_the_cpu() -> None:
    there = torch.ones(3, device="cuda:0")
    with pytest.raises(RuntimeError):
        there.numpy()
    assert there.cpu().numpy().sum() == 3


def test_launches_and_waits_are_counted() -> None:
    there = torch.arange(6, device="cuda:0").float()
    with counted() as found:
        sums = (there.view(2, 3).transpose(0, 1) + 1).sum(0)  # two operations, two views
    assert (found.launches, found.waits) == (2, 0)
    for work in (sums.cpu, lambda: float(sums[0]), lambda: sums[sums > 0], sums.nonzero, lambda: bool(sums.any())):
        with counted() as found:
            work()
        assert found.waits == 1, work
    places = torch.tensor([1, 2])
    with counted() as found:
        known = places.to("cuda:0", non_blocking=True)
        there[known] = 0.0
    assert found.waits == 0
    with counted() as found:
        places.to("cuda:0")
    assert found.waits == 1


def test_the_kernels_of_a_build_for_cuda_are_not_asked() -> None:
    assert not torch.backends.cudnn.enabled
