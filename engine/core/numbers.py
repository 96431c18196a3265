"""Numbers in cells of files that people bring."""

from __future__ import annotations


def cell_number(text: str) -> float | None:
    """The number that a cell holds, infinite and NaN included; None for what is none: Python alone reads ``1_2`` as 12 and other scripts' digits."""
    plain = text.strip()
    try:
        return float(plain) if plain.isascii() and "_" not in plain else None
    except ValueError:
        return None
