"""Cells of a map as a trace with a pointer, or, for files without one, as a picture that no viewer can blur.

Viewers smooth a picture of 133 × 133 pixels when they draw it over 800; each cell is therefore many pixels of an indexed PNG, which stays small.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.views.measures import coded, ramp, scale
from engine.views.paths import anchor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.views.evidence import FigureStyle

FINE = 1664
"""Pixels that the longer side of a picture has at least: two for each of a figure of usual width."""
LEAST_HEIGHT = 128
MISSING = 255


@dataclass(frozen=True)
class Cells:
    """Values (rows, columns) on a grid: the middle of the first cell and the distance of the next, of columns (x) and rows (y)."""

    values: NDArray[np.float32]
    x0: float
    dx: float
    y0: float
    dy: float


def drawn(cells: Cells, limit: float, style: FigureStyle, *, both_signs: bool, bar: str, hover: str = "") -> tuple[list[Any], list[Any]]:
    """Traces and images of the cells, coloured up to ``limit``, with a colour bar titled ``bar``."""
    colours = scale(limit, style, both_signs=both_signs)
    colour_bar = {"title": {"text": bar, "side": "top", "font": {"size": 11}}, "thickness": 10, "outlinewidth": 0, "nticks": 5}
    colour_bar["tickfont"] = {"size": 10}
    if not style.still:
        grid = {"x0": cells.x0, "dx": cells.dx, "y0": cells.y0, "dy": cells.dy, "showlegend": False, "hoverongaps": False}
        pointer = {"hovertemplate": hover} if hover else {"hoverinfo": "skip"}
        shown = {"showscale": False} if style.live else {"colorbar": colour_bar}
        return [{"type": "heatmap", "z": cells.values, **grid, **pointer, **colours, **shown}], []
    marker = {"cmin": colours["zmin"], "cmax": colours["zmax"], "colorscale": colours["colorscale"], "colorbar": colour_bar}
    trace = anchor()
    trace["marker"] |= {**marker, "color": [0], "showscale": True}
    return [trace], [picture(cells, coded(cells.values, limit, style, both_signs=both_signs), ramp(style, both_signs=both_signs))]


def picture(cells: Cells, codes: NDArray[np.uint8], colours: list[str]) -> dict[str, Any]:
    """An entry of ``layout.images`` without its axes; codes 0 to 254 into ``colours``, 255 is clear."""
    from PIL import Image

    rows, columns = codes.shape
    fine = max(1, -(-FINE // max(rows, columns)))
    tall = max(fine, -(-LEAST_HEIGHT // rows))
    image = Image.fromarray(np.ascontiguousarray(codes), "P")
    image.putpalette([int(colour[at : at + 2], 16) for colour in [*colours, colours[0]] for at in (1, 3, 5)])
    image = image.resize((columns * fine, rows * tall), Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, "PNG", transparency=MISSING, compress_level=3)
    place = {"x": cells.x0 - cells.dx / 2, "sizex": columns * cells.dx, "xanchor": "left"}
    place |= {"y": cells.y0 - cells.dy / 2, "sizey": rows * cells.dy, "yanchor": "top"}
    source = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    return {"source": source, **place, "sizing": "stretch", "layer": "below"}
