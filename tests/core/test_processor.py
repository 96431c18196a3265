"""The kind of processor is read from the system, the same in every process."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from engine.core import processor


def test_every_process_sees_the_same_kind() -> None:
    code = "from engine.core.processor import kind; print(kind('cpu'))"
    told = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() for _ in range(2)}
    assert told == {processor.kind("cpu")}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_named_without_its_number() -> None:
    assert processor.kind("cuda:3") == "cuda"


def test_the_make_and_the_memory_of_a_gpu_are_part_of_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = {"cuda:0": ("NVIDIA H100", 80), "cuda:1": ("NVIDIA H100", 80), "cuda:2": ("NVIDIA L4", 24)}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda name: SimpleNamespace(name=cards[name][0], total_memory=cards[name][1] * 2**30)
    )
    assert [processor.kind(name) for name in cards] == ["cuda NVIDIA H100, 80 GiB", "cuda NVIDIA H100, 80 GiB", "cuda NVIDIA L4, 24 GiB"]


def test_the_kernels_asked_for_follow_from_the_features(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    for features, low, tiles in (({"avx2"}, False, False), ({"avx512_bf16"}, True, False), ({"amx_bf16", "avx512_bf16"}, True, True)):
        monkeypatch.setattr(processor, "features", lambda found=frozenset(features): found)
        assert (processor.multiplies_bfloat16(), processor.has_matrix_tiles()) == (low, tiles)
