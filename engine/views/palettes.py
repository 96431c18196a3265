"""Colours of the figures, safe for readers with colour vision deficiency."""

from __future__ import annotations

BASE_COLOURS = {"A": "#009E73", "C": "#0072B2", "G": "#C98A00", "T": "#D55E00"}
"""Okabe-Ito hues, the yellow of G darkened so that a letter is readable on white."""

ELEMENT_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6BB1", "#7A7A7A")


def ink(*, dark: bool) -> str:
    """Colour of text and thin lines on the theme's background."""
    return "#E6E6E6" if dark else "#222222"
