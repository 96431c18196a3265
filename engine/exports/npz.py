"""NumPy archive: every array of the result, the letters and the provenance as JSON text; nothing is pickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.core.results import Result


def write(result: Result, path: Path) -> None:
    """Write the archive; `numpy.load` with ``allow_pickle=False`` reads it."""
    arrays: dict[str, Any] = result.arrays() | {
        "sequence": np.array(result.sequence.letters),
        "provenance": np.array(result.provenance.to_json()),
    }
    with path.open("wb") as handle:
        np.savez_compressed(handle, **arrays)
