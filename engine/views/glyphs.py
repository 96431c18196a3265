"""Letters and brackets as outlines in a box of 1 × 1, from its lower left corner.

A text trace costs plotly.js an element a letter; an outline is part of one path. Outlines are closed by who draws them, and their inner edges
are cut open, so that a path that goes there and back encloses only ink.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Outline = tuple[tuple[float, float], ...]

BLOCK: Outline = ((0, 0), (0, 1), (1, 1), (1, 0))
"""A full box, for bases too narrow for letters."""

_A: Outline = (
    (0, 0), (0.39, 1), (0.61, 1), (1, 0), (0.79, 0), (0.71, 0.22), (0.645, 0.38), (0.5, 0.8), (0.355, 0.38), (0.645, 0.38), (0.71, 0.22),
    (0.29, 0.22), (0.21, 0),
)  # fmt: skip
_C: Outline = (
    (1, 0.33), (0.94, 0.14), (0.78, 0.02), (0.5, 0), (0.2, 0.08), (0.04, 0.3), (0, 0.5), (0.04, 0.7), (0.2, 0.92), (0.5, 1), (0.78, 0.98),
    (0.94, 0.86), (1, 0.67), (0.79, 0.67), (0.7, 0.8), (0.5, 0.84), (0.3, 0.76), (0.22, 0.5), (0.3, 0.24), (0.5, 0.16), (0.7, 0.2),
    (0.79, 0.33),
)  # fmt: skip
_G: Outline = (
    (0.5, 0), (0.2, 0.08), (0.04, 0.3), (0, 0.5), (0.04, 0.7), (0.2, 0.92), (0.5, 1), (0.78, 0.98), (0.94, 0.86), (1, 0.67), (0.79, 0.67),
    (0.7, 0.8), (0.5, 0.84), (0.3, 0.76), (0.22, 0.5), (0.3, 0.24), (0.5, 0.16), (0.79, 0.22), (0.79, 0.36), (0.52, 0.36), (0.52, 0.52),
    (1, 0.52), (1, 0.1), (0.78, 0.02),
)  # fmt: skip
_T: Outline = ((0.4, 0), (0.4, 0.84), (0.02, 0.84), (0.02, 1), (0.98, 1), (0.98, 0.84), (0.6, 0.84), (0.6, 0))
_U: Outline = (
    (0, 1), (0.22, 1), (0.22, 0.36), (0.32, 0.2), (0.5, 0.15), (0.68, 0.2), (0.78, 0.36), (0.78, 1), (1, 1), (1, 0.34), (0.86, 0.08), (0.5, 0),
    (0.14, 0.08), (0, 0.34),
)  # fmt: skip

_BOWL = ((0.1, 1), (0.7, 0.97), (0.88, 0.85), (0.88, 0.65), (0.7, 0.52), (0.1, 0.5))
_STROKES: dict[str, tuple[Outline, ...]] = {
    "R": (((0.1, 0), (0.1, 1)), _BOWL, ((0.5, 0.5), (0.9, 0))),
    "Y": (((0.05, 1), (0.5, 0.5), (0.95, 1)), ((0.5, 0.5), (0.5, 0))),
    "S": (((0.9, 0.85), (0.5, 0.95), (0.12, 0.8), (0.2, 0.58), (0.8, 0.42), (0.88, 0.2), (0.5, 0.05), (0.1, 0.15)),),
    "W": (((0.04, 1), (0.27, 0.02)), ((0.27, 0.02), (0.5, 0.8)), ((0.5, 0.8), (0.73, 0.02)), ((0.73, 0.02), (0.96, 1))),
    "K": (((0.1, 0), (0.1, 1)), ((0.9, 1), (0.15, 0.45)), ((0.35, 0.6), (0.92, 0))),
    "M": (((0.08, 0), (0.08, 1)), ((0.1, 0.97), (0.5, 0.3)), ((0.5, 0.3), (0.9, 0.97)), ((0.92, 1), (0.92, 0))),
    "B": (((0.1, 0), (0.1, 1)), _BOWL, ((0.1, 0.5), (0.78, 0.48), (0.92, 0.36), (0.92, 0.16), (0.75, 0.03), (0.1, 0))),
    "D": (((0.1, 0), (0.1, 1)), ((0.1, 1), (0.6, 0.96), (0.9, 0.7), (0.9, 0.3), (0.6, 0.04), (0.1, 0))),
    "H": (((0.1, 0), (0.1, 1)), ((0.9, 0), (0.9, 1)), ((0.1, 0.5), (0.9, 0.5))),
    "V": (((0.08, 1), (0.5, 0.03)), ((0.5, 0.03), (0.92, 1))),
    "N": (((0.1, 0), (0.1, 1)), ((0.12, 0.97), (0.88, 0.03)), ((0.9, 0), (0.9, 1))),
    "E": (((0.1, 0), (0.1, 1)), ((0.1, 0.92), (0.9, 0.92)), ((0.1, 0.5), (0.8, 0.5)), ((0.1, 0.08), (0.9, 0.08))),
    "F": (((0.1, 0), (0.1, 1)), ((0.1, 0.92), (0.9, 0.92)), ((0.1, 0.5), (0.8, 0.5))),
    "I": (((0.5, 0), (0.5, 1)),),
    "L": (((0.1, 1), (0.1, 0.08), (0.9, 0.08)),),
    "P": (((0.1, 0), (0.1, 1)), _BOWL),
    "Q": (
        ((0.5, 0.95), (0.18, 0.8), (0.1, 0.5), (0.18, 0.2), (0.5, 0.05), (0.82, 0.2), (0.9, 0.5), (0.82, 0.8), (0.5, 0.95)),
        ((0.6, 0.3), (0.98, 0)),
    ),
    "X": (((0.05, 0), (0.95, 1)), ((0.05, 1), (0.95, 0))),
    "*": (((0.5, 0.15), (0.5, 0.85)), ((0.15, 0.3), (0.85, 0.7)), ((0.15, 0.7), (0.85, 0.3))),
    "(": (((0.75, 1), (0.42, 0.75), (0.35, 0.5), (0.42, 0.25), (0.75, 0)),),
    "[": (((0.75, 0.97), (0.4, 0.97), (0.4, 0.03), (0.75, 0.03)),),
    "{": (((0.75, 0.97), (0.5, 0.9), (0.5, 0.6), (0.3, 0.5), (0.5, 0.4), (0.5, 0.1), (0.75, 0.03)),),
    "<": (((0.85, 0.9), (0.15, 0.5), (0.85, 0.1)),),
}
_MIRRORED = {")": "(", "]": "[", "}": "{", ">": "<"}
PEN = 0.16
"""Width of a stroke."""


def _thick(line: Outline) -> list[tuple[float, float]]:
    """The outline of a stroke: along its left side and back along its right one, with mitred corners."""
    points = np.array(line, float)
    along = np.diff(points, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    normals = np.stack([-along[:, 1], along[:, 0]], axis=1)
    corners = np.vstack([normals[:1], (normals[:-1] + normals[1:]) / 2, normals[-1:]])
    corners /= np.maximum((corners**2).sum(axis=1, keepdims=True), 0.25)
    side = corners * PEN / 2
    outline = np.vstack([points + side, (points - side)[::-1], (points + side)[:1]])
    return [(float(x), float(y)) for x, y in outline.clip(0, 1)]


def _stroked(letter: str) -> Outline:
    """The strokes of a letter one after the other, each left again where it was entered."""
    start = _thick(_STROKES[letter][0])
    for stroke in _STROKES[letter][1:]:
        start += [*_thick(stroke), start[0]]
    return tuple(start)


OUTLINES: dict[str, Outline] = {"A": _A, "C": _C, "G": _G, "T": _T, "U": _U, **{letter: _stroked(letter) for letter in _STROKES}}
OUTLINES["."] = ((0.36, 0.4), (0.36, 0.6), (0.64, 0.6), (0.64, 0.4))
OUTLINES |= dict.fromkeys("JOZ", ((0.5, 0), (0.5, 1), (1, 1), (1, 0)))
OUTLINES |= dict.fromkeys("abcdefghijklmnopqrstuvwxyz", ((0, 0), (0, 1), (0.5, 1), (0.5, 0)))
OUTLINES |= {closing: tuple((1 - x, y) for x, y in OUTLINES[opening]) for closing, opening in _MIRRORED.items()}


def outline(symbol: str) -> NDArray[np.float64]:
    """Corners of a symbol, float64 (n, 2), the first again at the end; a box for a symbol without an outline."""
    corners = OUTLINES.get(symbol, BLOCK)
    return np.array([*corners, corners[0]], float)
