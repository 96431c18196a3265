"""Many shapes as one path.

Every gap in a scatter trace becomes an element of its own in plotly.js, styled anew at each step, so shapes are joined below the axis, where the
panel's frame cuts them off: down from one, across, up to the next. Filled shapes are entered and left at the same point, so that the ways
between them enclose nothing. No path has a NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.views.glyphs import BLOCK, outline

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Path = tuple["NDArray[np.float32]", "NDArray[np.float32]"]
BELOW = -99.0
"""Where the ways between shapes run; axes begin above it."""
NEAR, FAR = 7.2, -12.0
"""Pixels of a base from which on letters are drawn; how far below them plain blocks stand."""


def joined(x: ArrayLike, y: ArrayLike, below: float = BELOW) -> Path:
    """Curves (n, points), one a row, as one line."""
    xs, ys = np.atleast_2d(np.asarray(x, np.float32)), np.atleast_2d(np.asarray(y, np.float32))
    if not xs.size:
        return np.empty(0, np.float32), np.empty(0, np.float32)
    down = np.full((len(ys), 1), below, np.float32)
    return np.hstack([xs[:, :1], xs, xs[:, -1:]]).ravel(), np.hstack([down, ys, down]).ravel()


def placed(symbol: str, left: ArrayLike, bottom: ArrayLike, width: float, height: ArrayLike) -> Path:
    """The outline of ``symbol`` at each place, stretched to ``width`` and ``height``."""
    shape = np.array([*BLOCK, BLOCK[0]], float) if not symbol else outline(symbol)
    lefts = np.atleast_1d(np.asarray(left, float))
    bottoms, heights = (np.broadcast_to(np.asarray(value, float), lefts.shape) for value in (bottom, height))
    return joined(lefts[:, None] + width * shape[:, 0], bottoms[:, None] + heights[:, None] * shape[:, 1])


def boxes(left: ArrayLike, right: ArrayLike, bottom: ArrayLike, top: ArrayLike) -> Path:
    """Rectangles."""
    lefts, rights, bottoms, tops = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value, float)) for value in (left, right, bottom, top)))
    return joined(np.stack([lefts, lefts, rights, rights, lefts], axis=1), np.stack([bottoms, tops, tops, bottoms, bottoms], axis=1))


def together(paths: list[Path]) -> Path:
    """Several paths as one."""
    if not paths:
        return np.empty(0, np.float32), np.empty(0, np.float32)
    return np.concatenate([path[0] for path in paths]), np.concatenate([path[1] for path in paths])


def steps(values: ArrayLike, base: float = 0.0, levels: float | None = None) -> Path:
    """Values (L,), one a base, as the outline of bars over ``base``; bases without a value have no bar.

    With ``levels``, heights are rounded to 1 / ``levels``, which is less than a pixel where it is used: even runs need two points only.
    """
    heights = np.nan_to_num(np.asarray(values, np.float64), nan=0.0)
    if levels is not None:
        heights = np.round(heights * levels) / levels
    changes = np.concatenate([[0], np.flatnonzero(np.diff(heights)) + 1, [len(heights)]])
    tops = heights[changes[:-1]] + base
    x = np.repeat(changes + 0.5, 2)
    y = np.concatenate([[base], np.repeat(tops, 2), [base]])
    return x.astype(np.float32), y.astype(np.float32)


def filled(path: Path, colour: str, **other: Any) -> dict[str, Any]:
    """A trace of filled shapes without hover."""
    trace = {"type": "scatter", "x": path[0], "y": path[1], "mode": "none", "fill": "toself", "fillcolor": colour}
    return {**trace, "hoverinfo": "skip", "showlegend": False, **other}


def lines(path: Path, colour: str, width: float = 1.0, **other: Any) -> dict[str, Any]:
    """A trace of lines without hover."""
    line = {"color": colour, "width": width}
    trace = {"type": "scatter", "x": path[0], "y": path[1], "mode": "lines", "line": line, "hoverinfo": "skip", "showlegend": False}
    return {**trace, **other}


def anchor() -> dict[str, Any]:
    """A point that is not seen: an axis without a trace has no panel in plotly.js."""
    marker = {"opacity": 0, "size": 1}
    return {"type": "scatter", "x": [1], "y": [0], "mode": "markers", "marker": marker, "hoverinfo": "skip", "showlegend": False}
