"""The standard genetic code, by letters and by numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CODE = dict(
    zip(
        (a + b + c for a in "TCAG" for b in "TCAG" for c in "TCAG"),
        "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        strict=True,
    )
)
AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY*"
"""One letter each, and the stop."""
_NUMBERS = np.array([AMINO_ACIDS.index(CODE[a + b + c]) for a in "ACGT" for b in "ACGT" for c in "ACGT"], dtype=np.int64)


def amino_acids(codons: NDArray[np.integer]) -> NDArray[np.int64]:
    """Places in `AMINO_ACIDS` (n,) of what codons (n, 3) of letters 0 to 3 stand for."""
    numbers: NDArray[np.int64] = _NUMBERS[codons @ np.array([16, 4, 1])]
    return numbers
