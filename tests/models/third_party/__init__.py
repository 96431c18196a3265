"""A package that brings a model, laid out as pip installs it; `installed` makes it, or another, one of this Python's packages for a while."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.analyses import declared
from engine.models import registry
from engine.views import panel

HERE = Path(__file__).parent


@contextmanager
def installed(*folders: Path) -> Iterator[None]:
    """Packages in ``folders`` (the example when none is named) are installed inside."""
    before = set(sys.modules)
    added = [str(folder) for folder in folders or (HERE,)]
    sys.path[:0] = added
    _read_anew()
    try:
        yield
    finally:
        for folder in added:
            sys.path.remove(folder)
        for name in set(sys.modules) - before:
            if any(str(getattr(sys.modules[name], "__file__", "")).startswith(folder) for folder in added):
                del sys.modules[name]
        _read_anew()


def package(folder: Path, name: str, points: str, **files: str) -> Path:
    """A package as pip lays it out: the text of its ``entry_points.txt``, and that of each of its modules by name."""
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(points)
    for module, text in files.items():
        (folder / f"{module}.py").write_text(text)
    return folder


def _read_anew() -> None:
    for found in (registry.packages, declared._found, panel._brought):
        found.cache_clear()
