"""Nucleotide letters as numbers: A, C, G, T are 0 to 3 (U reads as T), anything else is 4."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]

UNKNOWN = 4
_TABLE = np.full(256, UNKNOWN, dtype=np.uint8)
for _index, _letters in enumerate(("Aa", "Cc", "Gg", "TtUu")):
    for _letter in _letters:
        _TABLE[ord(_letter)] = _index
_LETTERS = np.frombuffer(b"ACGTN", dtype=np.uint8)


def encode(sequence: str | bytes) -> Codes:
    """Letters to codes 0 to 4, uint8 of the sequence's length."""
    raw = sequence.encode("ascii", "replace") if isinstance(sequence, str) else sequence
    return _TABLE[np.frombuffer(raw, dtype=np.uint8)]


def decode(codes: Codes) -> str:
    """Codes 0 to 4 back to the letters A, C, G, T, N."""
    return bytes(_LETTERS[codes]).decode("ascii")


def reverse_complement(codes: Codes) -> Codes:
    """The other strand, 5' to 3'; unknown stays unknown."""
    flipped = codes[::-1]
    return np.where(flipped < UNKNOWN, 3 - flipped, flipped).astype(np.uint8)


def pack(codes: Codes) -> Codes:
    """Four letters a byte (codes 0 to 3 only), the last byte filled with zeros."""
    padded = np.zeros(-(-codes.size // 4) * 4, dtype=np.uint8)
    padded[: codes.size] = codes
    quads = padded.reshape(-1, 4)
    return (quads[:, 0] | quads[:, 1] << 2 | quads[:, 2] << 4 | quads[:, 3] << 6).astype(np.uint8)


def unpack(packed: Codes, length: int) -> Codes:
    """Inverse of `pack` for the first `length` letters."""
    out = np.empty((packed.size, 4), dtype=np.uint8)
    for place in range(4):
        out[:, place] = (packed >> (2 * place)) & 3
    return out.reshape(-1)[:length]
