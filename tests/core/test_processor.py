"""The kind of processor is read from the system, the same in every process."""

from __future__ import annotations

import subprocess
import sys

from engine.core import processor


def test_every_process_sees_the_same_kind() -> None:
    code = "from engine.core.processor import kind; print(kind('cpu'))"
    told = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() for _ in range(2)}
    assert told == {processor.kind("cpu")}


def test_a_gpu_is_named_without_its_number() -> None:
    assert processor.kind("cuda:3") == "cuda"


def test_the_kernels_asked_for_follow_from_the_features(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    for features, low, tiles in (({"avx2"}, False, False), ({"avx512_bf16"}, True, False), ({"amx_bf16", "avx512_bf16"}, True, True)):
        monkeypatch.setattr(processor, "features", lambda found=frozenset(features): found)
        assert (processor.multiplies_bfloat16(), processor.has_matrix_tiles()) == (low, tiles)
