"""Fixtures of the whole suite."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: tiny tensors only wait for each other on several threads

ROOT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that mostly wait for a browser or a server lie evenly among the others, so that processors idle at no time of a run."""
    files = dict[Path, list[pytest.Item]]()
    for item in items:
        files.setdefault(item.path, []).append(item)
    waits = {path: any(item.get_closest_marker(name) for name in ("browser", "slow") for item in own) for path, own in files.items()}
    waiting, busy = [[path for path in files if waits[path] is kind] for kind in (True, False)]
    places = [(number / len(own), path) for own in (waiting, busy) for number, path in enumerate(own)]
    items[:] = [item for _, path in sorted(places) for item in files[path]]


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
