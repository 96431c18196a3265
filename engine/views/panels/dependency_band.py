"""The dependency band: pairs up to some bases apart along a sequence of any length, hanging from the sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.views.cells import Cells, drawn, picture
from engine.views.evidence import FigureStyle, LocusEvidence, PanelState
from engine.views.measures import coded, colour_limit, ramp
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import anchor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.band import DependencyBand

HEIGHT = 150
FIRST = 0.75
"""Middle of the first half-step of the first base on the x axis."""
PICTURE_BP = 512
"""Bases of one picture of a live figure: so many columns that a browser takes it, each several pixels."""


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Each pair once, by its stronger direction: its middle on the x axis, the distance of its bases down the y axis."""
    found: DependencyBand = evidence.results["band"]
    values = _displayed(found, style)
    limit = colour_limit(values, style)
    length, band = len(found.values), found.band
    if style.live:
        images = _pictures(values, limit, style)
        traces: list[dict[str, Any]] = [anchor()]
    else:
        hover = f"%{{y}} bases apart around %{{x}}: %{{z:.2f}} {found.unit}<extra></extra>"
        cells = Cells(_hanging(values), FIRST, 0.5, 1, 1)
        traces, images = drawn(cells, limit, style, both_signs=False, bar=found.unit, hover=hover)
    state = None if found.complete else PanelState("partial", f"partial, {found.done:,} of {length:,} rows")
    return Drawn(
        tuple(traces),
        {"range": [band + 0.5, 0.5], "nticks": 4, "tickformat": ",d", "showgrid": False, "title": {"text": "bases apart"}},
        tuple(images),
        title=f"{PANEL.title} ±{band:,} bases",
        unit=found.unit,
        model=found.provenance.answered_by,
        readout=_partners(found),
        state=state,
        shapes=(_ground(length, band, style),),
        facts={"limit": limit},
    )


def _displayed(found: DependencyBand, style: FigureStyle) -> NDArray[np.float32]:
    """Cells as shown, float32 (L, band): near ones and those under the threshold 0."""
    values = found.stronger
    if style.threshold > 0:
        values = np.where(values < style.threshold, np.float32(0), values)
    if style.hide_near > 1:
        values = values.copy()
        near = values[:, : style.hide_near - 1]
        near[~np.isnan(near)] = 0
    return values


def _hanging(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Over (bases apart, middle in half bases), float32 (band, 2 L): each pair fills the two half-steps around its middle."""
    length, band = values.shape
    grid = np.full((band, 2 * length + band), np.nan, np.float32)
    for row in range(band):
        grid[row, row + 1 : row + 1 + 2 * length : 2] = values[:, row]
        grid[row, row + 2 : row + 2 + 2 * length : 2] = values[:, row]
    return grid[:, : 2 * length]


def _pictures(values: NDArray[np.float32], limit: float, style: FigureStyle) -> list[dict[str, Any]]:
    """Pictures side by side, each of `PICTURE_BP` bases."""
    grid, colours = _hanging(values), ramp(style, both_signs=False)
    found = []
    for start in range(0, grid.shape[1], 2 * PICTURE_BP):
        part = grid[:, start : start + 2 * PICTURE_BP]
        cells = Cells(part, FIRST + start / 2, 0.5, 1, 1)
        found.append(picture(cells, coded(part, limit, style, both_signs=False), colours))
    return found


def _partners(found: DependencyBand) -> tuple[Readout, ...]:
    """Of each base the one in the band that it goes with most, and how strongly."""
    length, band = found.stronger.shape
    both = np.full((length, 2 * band), np.nan, np.float32)
    both[:, :band] = found.stronger
    for distance in range(1, min(band, length - 1) + 1):
        both[distance:, band + distance - 1] = found.stronger[: length - distance, distance - 1]
    known = np.where(np.isfinite(both), both, -1)
    best, value = known.argmax(axis=1), known.max(axis=1)
    other = np.arange(length) + np.where(best < band, best + 1, -(best - band + 1))
    there = value > 0
    return (
        Readout("strongest", np.where(there, value, np.nan), 2, found.unit),
        Readout("with", np.where(there, other + 1, np.nan), 0, "", position=True),
    )


def _ground(length: int, band: int, style: FigureStyle) -> dict[str, Any]:
    """The ground of the band: what is not there is not the colour of zero."""
    corners = {"x0": 0.5, "x1": length + 0.5, "y0": 0.5, "y1": band + 0.5, "xref": "x"}
    return {"type": "rect", **corners, "fillcolor": theme(dark=style.dark)["missing"], "line": {"width": 0}, "layer": "below"}


PANEL = Panel(
    id="band",
    title="Dependency band",
    unit="bits",
    help=(
        "The dependency map along a long sequence: each pair of bases once, over its middle and as far down as its bases are apart; colour: the "
        "largest change of the log2 odds of any of the four bases, in the stronger direction; put together from tiles, so that pairs further "
        "apart are not asked."
    ),
    reading="A column of strong cells over one place is a stem; a triangle that hangs from the sequence is a motif whose bases depend on each other.",
    order=52,
    height=HEIGHT,
    draw=draw,
    analyses=("band",),
)
