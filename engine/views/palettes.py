"""Colours of the figures, safe for readers with colour vision deficiency, in a light and a dark theme."""

from __future__ import annotations

from collections.abc import Sequence

PALETTES: dict[str, tuple[str, ...]] = {
    "cividis": (
        "#00224e", "#0f2e66", "#2a3f6d", "#404c6b", "#535a6c", "#666870", "#797877", "#8c8777", "#a09774", "#b5a76e", "#cbb965", "#e3cb55",
        "#fee838",
    ),
    "viridis": (
        "#440154", "#482374", "#404688", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725",
    ),
    "magma": (
        "#000004", "#140e36", "#3b0f70", "#641a80", "#8c2981", "#b73779", "#de4968", "#f7705c", "#fe9f6d", "#fecf92", "#fcfdbf",
    ),
    "paper": ("#ffffff", "#e8eef4", "#c7d6e5", "#9bb9d3", "#6a98bf", "#3f76a8", "#23568a", "#123a67", "#071f3f"),
}  # fmt: skip
"""Anchors of perceptually even ramps, low to high: three that start dark and one that starts at the colour of paper."""

DIVERGING = (
    "#08306b", "#2166ac", "#4393c3", "#92c5de", "#d9e6ee", "#f4f4f2", "#f8ddd0", "#f4a582", "#d6604d", "#b2182b", "#67001f",
)  # fmt: skip
"""Anchors for signed values: blue below zero, red above, the middle one is zero."""

BASE_COLOURS: dict[str, dict[str, dict[str, str]]] = {
    "safe": {
        "light": {"A": "#00835f", "C": "#0068a8", "G": "#b07a00", "T": "#c8431b"},
        "dark": {"A": "#2fc79a", "C": "#62b4ee", "G": "#f2c230", "T": "#ff8457"},
    },
    "igv": {
        "light": {"A": "#00a000", "C": "#0000c8", "G": "#b86b04", "T": "#e00000"},
        "dark": {"A": "#31d831", "C": "#7c8cff", "G": "#e89a3c", "T": "#ff5c5c"},
    },
}
"""Letters by scheme, theme and base; U has the colour of T. ``safe`` are Okabe-Ito hues, darkened or lightened until a letter is read."""

ELEMENT_COLOURS = {
    "light": ("#0072b2", "#c65d00", "#008763", "#b65591", "#2f8fc0", "#9a7400", "#6f56a0", "#5f6b76"),
    "dark": ("#5cb2ec", "#ff9f5a", "#2fc79a", "#e39cc6", "#8fd0f5", "#f2c230", "#b7a0e6", "#aab4c0"),
}
"""Hues that stay apart for readers with colour vision deficiency; each row of elements is named beside it, too."""

GENE_COLOURS = {
    "light": {
        "protein": "#cfe0ef", "tRNA": "#f7d9b0", "rRNA": "#c9e8d8", "other RNA": "#edd2e4", "pseudogene": "#dadde1", "gene": "#cfe0ef",
    },
    "dark": {
        "protein": "#35506b", "tRNA": "#6d4e22", "rRNA": "#2a5a45", "other RNA": "#603f58", "pseudogene": "#474d55", "gene": "#35506b",
    },
}  # fmt: skip
"""Genes by what they make, behind the names that are written over them; of the last kind nothing is known."""

THEME = {
    "light": {
        "background": "#ffffff",
        "ink": "#1a1d21",
        "faint": "#66707d",
        "line": "#d5dae0",
        "accent": "#b5460f",
        "missing": "#e4e7eb",
        "bar": "#2f6ea5",
        "gene": "#cfe0ef",
    },
    "dark": {
        "background": "#0f1318",
        "ink": "#e6e9ed",
        "faint": "#8d97a5",
        "line": "#343c47",
        "accent": "#ff9f5a",
        "missing": "#2a3038",
        "bar": "#7fb2e5",
        "gene": "#35506b",
    },
}
"""Colours by their use: text, faint text, thin lines, what is pointed out, what is missing, bars, boxes of genes."""


def theme(*, dark: bool) -> dict[str, str]:
    """Colours by their use."""
    return THEME["dark" if dark else "light"]


def base_colours(scheme: str, *, dark: bool) -> dict[str, str]:
    """Colour of each letter; U as T."""
    found = BASE_COLOURS[scheme]["dark" if dark else "light"]
    return {**found, "U": found["T"]}


def element_colour(number: int, *, dark: bool) -> str:
    """Colour of the element at ``number``; they come round again after eight."""
    found = ELEMENT_COLOURS["dark" if dark else "light"]
    return found[number % len(found)]


def interpolated(anchors: Sequence[str], part: float) -> str:
    """The colour at ``part`` (0 to 1) of a ramp, as ``#rrggbb``."""
    place = min(max(part, 0.0), 1.0) * (len(anchors) - 1)
    low = min(int(place), len(anchors) - 2)
    channels = [[int(anchors[low + k][at : at + 2], 16) for at in (1, 3, 5)] for k in (0, 1)]
    mixed = [round(a + (b - a) * (place - low)) for a, b in zip(*channels, strict=True)]
    return "#" + "".join(f"{value:02x}" for value in mixed)
