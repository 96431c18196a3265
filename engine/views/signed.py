"""Signed tracks: what an alternate allele adds in red over zero, what it takes in blue under it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.views.palettes import DIVERGING, interpolated
from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import filled, steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.views.comparison import TrackDifferences
    from engine.views.evidence import FigureStyle, LocusEvidence

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


def difference_panel(track: str, *, name: str, unit: str, least: float, **words: Any) -> Panel:
    """The panel of one track of the differences that an allele makes: red bars over zero, blue ones under it.

    ``track``: field of `engine.views.comparison.TrackDifferences`; ``name``, ``unit``, ``least`` as `signed` takes them; ``words``: of the panel.
    """

    def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
        found: TrackDifferences = evidence.results["differences"]
        values = getattr(found, track)
        return Drawn() if values is None else signed(values, name, unit, least, found.provenance.card.title)

    def is_there(evidence: LocusEvidence) -> bool:
        found = evidence.results.get("differences")
        return found is not None and getattr(found, track) is not None

    return Panel(unit=unit, height=44, draw=draw, analyses=("differences",), when=is_there, **words)
