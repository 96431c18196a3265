"""Fixtures of the whole suite."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: tiny tensors only wait for each other on several threads

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def main_module_comes_back() -> Iterator[None]:
    """The test frame puts its script in the place of ``__main__``, where processes that other tests spawn would look for it."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with real data and golden outputs beside the project; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("LOCUSCOPE_SHARED", ROOT.parent / "shared"))
    if not (folder / "golden").is_dir():
        pytest.skip(f"needs the data folder beside the project ({folder.name}/golden, {folder.name}/data)")
    return folder


@pytest.fixture(scope="session")
def golden(shared: Path) -> Path:
    """Outputs of the authors' own code on tiny checkpoints."""
    return shared / "golden"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny random checkpoints of every family, laid out as the golden ones are."""
    from tests.models.tiny import build

    return build(tmp_path_factory.mktemp("tiny"))
