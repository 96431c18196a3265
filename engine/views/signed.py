"""Signed tracks: what an alternate allele adds in red over zero, what it takes in blue under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.views.palettes import DIVERGING, interpolated
from engine.views.panel import Drawn, Readout
from engine.views.paths import filled, steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOSS, GAIN = interpolated(DIVERGING, 0.15), interpolated(DIVERGING, 0.85)


def signed(values: NDArray[np.float32], name: str, unit: str, least: float, model: str) -> Drawn:
    """Bars of ``values`` float32 (L,), NaN none, both ways from zero; the axis reaches ``least`` at least, so that nothing looks like much."""
    top = max(least, float(np.nanmax(np.abs(values), initial=0.0)))
    known = np.nan_to_num(values)
    traces = tuple(
        filled(steps(part, levels=120 / top), colour, name=f"{name}, {word}")
        for part, colour, word in ((np.minimum(known, 0), LOSS, "less"), (np.maximum(known, 0), GAIN, "more"))
    )
    axis = {"range": [-1.05 * top, 1.05 * top], "nticks": 3, "showgrid": False}
    return Drawn(traces, axis, model=model, readout=(Readout(name, values, 3, unit),))
