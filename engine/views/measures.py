"""What is read off a map before it is drawn: its cells as displayed, and their colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.findings import stronger
from engine.views.palettes import DIVERGING, PALETTES, interpolated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.dependency import DependencyMap
    from engine.views.evidence import FigureStyle

STEPS = 255
"""Colours of a ramp."""
DECADES = 2
"""A logarithmic colour scale spans this many decades below the limit."""
_SAMPLE = 400_000


def displayed(found: DependencyMap, style: FigureStyle) -> NDArray[np.float32]:
    """Cells as shown, float32 (W, W): directions put together, near ones and those under the threshold 0, NaN where not computed."""
    values = found.values
    if style.symmetry == "max" or (style.shape == "triangle" and style.symmetry == "none"):
        values = stronger(values)
    elif style.symmetry == "mean":
        values = ((values + values.T) / 2).astype(np.float32)
    if style.threshold > 0:
        values = np.where(np.abs(values) < style.threshold, np.float32(0), values)
    if style.hide_near > 1:
        index = np.arange(len(values))
        near = np.abs(index[:, None] - index[None, :]) < style.hide_near
        values = np.where(near & ~np.isnan(values), np.float32(0), values)
    return values


def colour_limit(values: NDArray[np.float32], style: FigureStyle) -> float:
    """Value of the last colour: the style's own, or its percentile of the magnitudes above 0, rounded to two digits; 1 for an empty map."""
    if style.colour_limit is not None:
        return style.colour_limit
    sample = np.abs(values.ravel()[:: max(1, values.size // _SAMPLE)])
    sample = sample[sample > 0]
    if not sample.size:
        return 1.0
    return float(f"{np.percentile(sample, style.percentile):.2g}") or 1.0


def ramp(style: FigureStyle, *, both_signs: bool) -> list[str]:
    """The 255 colours from the least value (0, or −limit) to the limit."""
    anchors = DIVERGING if both_signs else PALETTES[style.colours]
    return [interpolated(anchors, step / (STEPS - 1)) for step in range(STEPS)]


def coded(values: NDArray[np.float32], limit: float, style: FigureStyle, *, both_signs: bool) -> NDArray[np.uint8]:
    """Which colour of `ramp` each value has, uint8 of any shape; 255 for NaN."""
    codes = np.rint(part_of_ramp(values.astype(np.float64) / limit, style, both_signs=both_signs) * (STEPS - 1))
    return np.asarray(np.where(np.isnan(codes), STEPS, codes), np.uint8)


def part_of_ramp(relative: NDArray[np.float64], style: FigureStyle, *, both_signs: bool) -> NDArray[np.float64]:
    """Part (0 to 1) of the colours at values relative to the limit; NaN stays."""
    sizes = np.minimum(np.abs(relative), 1.0)
    if style.log:
        sizes = np.maximum(0.0, 1 + np.log10(np.maximum(sizes, 10.0**-DECADES)) / DECADES)
    if both_signs:
        return np.asarray((1 + np.sign(relative) * sizes) / 2, np.float64)
    return np.asarray(np.where(relative < 0, 0.0, sizes), np.float64)


def scale(limit: float, style: FigureStyle, *, both_signs: bool) -> dict[str, Any]:
    """``zmin``, ``zmax`` and ``colorscale`` of a trace. A logarithmic scale bends the colours, not the values, so that hover stays true."""
    anchors = DIVERGING if both_signs else PALETTES[style.colours]
    low = -limit if both_signs else 0.0
    up = np.concatenate([[0.0], np.logspace(-DECADES, 0, 40)]) if style.log else np.linspace(0, 1, len(anchors))
    relative = np.concatenate([-up[:0:-1], up]) if both_signs and style.log else low / limit + up * (1 - low / limit)
    parts = part_of_ramp(relative, style, both_signs=both_signs)
    places = (relative - low / limit) / (1 - low / limit)
    stops = [[float(place), interpolated(anchors, float(part))] for place, part in zip(places, parts, strict=True)]
    return {"zmin": low, "zmax": limit, "colorscale": stops}
