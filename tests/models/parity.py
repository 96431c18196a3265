"""Comparison with golden arrays that can also write the table of largest differences.

``LOCUSCOPE_PARITY=FILE pytest tests/models`` appends a line (model, array, largest absolute difference, tolerance) per compared array.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np


def compare(model: str, name: str, got: Any, expected: Any, tolerance: float = 1e-4) -> float:
    """Demand equal shape and |got − expected| ≤ tolerance everywhere; returns the largest difference."""
    ours, theirs = np.asarray(got, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    assert ours.shape == theirs.shape, f"{model} {name}: shape {ours.shape}, expected {theirs.shape}"
    largest = float(np.abs(ours - theirs).max()) if ours.size else 0.0
    assert largest <= tolerance, f"{model} {name}: largest difference {largest:.2e}, allowed {tolerance:.0e}"
    target = os.environ.get("LOCUSCOPE_PARITY")
    if target:
        with Path(target).open("a", encoding="utf-8") as table:
            table.write(f"{model}\t{name}\t{largest:.3e}\t{tolerance:.0e}\n")
    return largest
