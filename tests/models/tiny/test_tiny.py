"""The tiny checkpoints: equal byte by byte each time, small, and made in seconds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.models.tiny import FAMILIES, build


def test_two_builds_are_equal_byte_by_byte(tmp_path: Path) -> None:
    folders = [build(tmp_path / name) for name in ("one", "two")]
    files = [{path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()} for folder in folders]
    assert files[0].keys() == files[1].keys()
    assert [str(name) for name in files[0] if files[0][name] != files[1][name]] == []


@pytest.mark.parametrize("name", FAMILIES)
def test_each_is_small_and_made_quickly(name: str, tmp_path: Path) -> None:
    began = time.thread_time()
    folder = build(tmp_path, name) / name / "checkpoint"
    assert time.thread_time() - began < 5
    assert 0 < sum(path.stat().st_size for path in folder.iterdir()) < 2_000_000
