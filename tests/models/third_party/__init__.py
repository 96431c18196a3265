"""A package that brings a model, laid out as pip installs it; `installed` makes it one of this Python's packages for a while."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.models import registry

HERE = Path(__file__).parent


@contextmanager
def installed(*folders: Path) -> Iterator[None]:
    """Packages in ``folders`` (the example when none is named) are installed inside."""
    added = [str(folder) for folder in folders or (HERE,)]
    sys.path[:0] = added
    registry.packages.cache_clear()
    try:
        yield
    finally:
        for folder in added:
            sys.path.remove(folder)
        registry.packages.cache_clear()
