"""Downloads of the results on screen."""

from __future__ import annotations

from pages._ui.runs import Runs
from pages._ui.state import Shared


def section(shared: Shared, runs: Runs) -> None:
    """Nothing yet."""
