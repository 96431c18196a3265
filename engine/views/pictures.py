"""Letters and blocks of a whole sequence as one SVG picture, for the live figure.

A step of zoom or pan makes plotly.js walk along every point of every trace: half a microsecond each, 50 ms for the letters of 1,024 bases.
An entry of ``layout.images`` is only moved, and an SVG stays sharp however far it is stretched. Figures that leave the page have traces
instead, which every drawing program reads.
"""

from __future__ import annotations

import base64
import itertools
from collections import defaultdict
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from engine.views.glyphs import BLOCK, OUTLINES

UNIT = 100
"""Steps of a base's width and of one unit of the y axis."""
CHUNK = 64
"""Bases in one path, so that the browser skips those out of view."""


@lru_cache(maxsize=4096)
def path_data(symbol: str, width: int, height: int) -> str:
    """An outline as relative SVG path data, from its lower left corner; y runs down."""
    corners = OUTLINES.get(symbol, BLOCK)
    points = [(round(x * width), -round(y * height)) for x, y in corners]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(points)]
    return f"m{points[0][0]} {points[0][1]}l" + " ".join(f"{x} {y}" for x, y in steps) + "z"


class Picture:
    """A picture of ``length`` bases by ``top`` units of the y axis, from 0 upwards."""

    def __init__(self, length: int, top: float) -> None:
        self._length, self._top = length, top
        self._paths: defaultdict[tuple[int, str], list[str]] = defaultdict(list)

    def add(self, colour: str, symbol: str, at: ArrayLike, bottom: ArrayLike = 0.0, height: ArrayLike = 1.0, width: float = 0.88) -> None:
        """``symbol`` in the middle of the bases ``at`` (0-based); an empty one is a block."""
        places = np.atleast_1d(np.asarray(at, np.int64))
        bottoms, heights = (
            np.broadcast_to(np.rint(np.asarray(value, float) * UNIT).astype(np.int64), places.shape) for value in (bottom, height)
        )
        wide, margin, ground = round(width * UNIT), round((1 - width) / 2 * UNIT), round(self._top * UNIT)
        for place, low, tall in zip(places.tolist(), bottoms.tolist(), heights.tolist(), strict=True):
            self._paths[place // CHUNK, colour].append(f"M{place * UNIT + margin} {ground - low}{path_data(symbol, wide, tall)}")

    def image(self, y: float = 0.0) -> dict[str, Any]:
        """The entry of ``layout.images`` without its axes, standing on ``y`` of its axis."""
        size = f"{self._length * UNIT} {round(self._top * UNIT)}"
        paths = "".join(f'<path fill="{colour}" d="{"".join(data)}"/>' for (_, colour), data in self._paths.items())
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" preserveAspectRatio="none">'
        source = "data:image/svg+xml;base64," + base64.b64encode(f"{head}{paths}</svg>".encode()).decode()
        place = {"x": 0.5, "sizex": self._length, "xanchor": "left", "y": y + self._top, "sizey": self._top, "yanchor": "top"}
        return {"source": source, **place, "sizing": "stretch", "layer": "below"}
