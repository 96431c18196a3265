"""The dependency map: every base changed against every base read; square, wide, or as a triangle that hangs from the sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.views.evidence import FigureStyle, LocusEvidence, PanelState
from engine.views.measures import UNITS, colour_limit, displayed, rows_done, scale, signed
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel
from engine.views.paths import anchor
from engine.views.payload import FULL_WIDTH, pooled
from engine.views.ruler import ticks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.results import DependencyMap

WIDE_HEIGHT, TRIANGLE_HEIGHT = 420, 520
TICK_PIXELS = 46


def partial_state(found: DependencyMap) -> PanelState | None:
    """How much of a map is there, when it is not all."""
    if found.complete:
        return None
    return PanelState("partial", f"partial, {int(rows_done(found).sum()):,} of {len(found.values):,} rows")


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """The map's axis, and its cells unless the figure is live."""
    found: DependencyMap = evidence.results["dependency"]
    both_signs, unit = signed(found), UNITS.get(found.metric, "")
    values = displayed(found, style)
    limit = colour_limit(values, style)
    height = style.heights.get("map", _height(style))
    facts = {
        "map": {
            "shape": style.shape, "metric": found.metric, "unit": unit, "offset": found.offset, "width": len(found.values), "bin": 1,
            "limit": limit, "signed": both_signs, "colours": style.colours, "log": style.log,
        }
    }  # fmt: skip
    traces: tuple[dict[str, Any], ...] = (anchor(),)
    if not style.live:
        traces = (_cells(found, values, style, unit) | scale(limit, style, both_signs=both_signs) | _colour_bar(unit),)
    return Drawn(
        traces,
        _axis(evidence, style, height),
        height=height,
        title="Difference of dependency maps" if both_signs else PANEL.title,
        unit=unit,
        model=found.provenance.card.title,
        state=partial_state(found),
        shapes=() if found.complete or style.live else (_missing(found, style),),
        facts=facts,
    )


def _height(style: FigureStyle) -> int:
    if style.shape == "square":
        return style.plot_width
    return min(style.plot_width, WIDE_HEIGHT) if style.shape == "wide" else min(style.plot_width // 2, TRIANGLE_HEIGHT)


def _axis(evidence: LocusEvidence, style: FigureStyle, height: int) -> dict[str, Any]:
    first, last = style.region(len(evidence.sequence))
    title = {"text": "bases apart" if style.shape == "triangle" else "changed base", "font": {"size": 11}, "standoff": 4}
    if style.shape == "triangle":
        return {"range": [last - first + 1, 0], "title": title, "showgrid": False, "nticks": 6}
    places, labels = ticks(first, last, evidence.sequence.locus, height / TICK_PIXELS)
    return {"range": [last + 0.5, first - 0.5], "tickvals": places, "ticktext": labels, "title": title, "showgrid": False}


def _cells(found: DependencyMap, values: NDArray[np.float32], style: FigureStyle, unit: str) -> dict[str, Any]:
    """The heatmap: the whole map, or of one wider than `FULL_WIDTH` the region shown, pooled until it fits (the largest value survives)."""
    first, last = style.region(len(found.sequence))
    low, high = (0, len(values)) if len(values) <= FULL_WIDTH else (max(0, first - 1 - found.offset), min(len(values), last - found.offset))
    part = values[low:high, low:high]
    size = -(-len(part) // FULL_WIDTH) if len(part) else 1
    cells = part if size <= 1 else pooled(np.ascontiguousarray(part), size)
    start = found.offset + low + 1
    if style.shape == "triangle":
        return _triangle(cells, start, size, unit)
    middle = start + (size - 1) / 2
    about = "" if size == 1 else f" (the largest of {size} × {size} cells)"
    hover = f"base %{{y}} changed, base %{{x}} read: %{{z:.2f}} {unit}{about}<extra></extra>"
    grid = {"x0": middle, "dx": size, "y0": middle, "dy": size}
    return {"type": "heatmap", "z": cells, **grid, "hovertemplate": hover, "hoverongaps": False, "showlegend": False}


def _triangle(cells: NDArray[np.float32], start: int, size: int, unit: str) -> dict[str, Any]:
    """Over (bases apart, midpoint): each pair fills the two half-steps around its midpoint."""
    width = len(cells)
    grid = np.full((width, 2 * width), np.nan, np.float32)
    for distance in range(1, width):
        pairs = np.arange(width - distance)
        values = cells[pairs, pairs + distance]
        grid[distance, 2 * pairs + distance] = values
        grid[distance, 2 * pairs + distance + 1] = values
    hover = f"%{{y}} bases apart around base %{{x:.1f}}: %{{z:.2f}} {unit}<extra></extra>"
    steps = {"x0": start + (size - 1) / 2 - 0.25 * size, "dx": 0.5 * size, "y0": 0, "dy": size}
    return {"type": "heatmap", "z": grid, **steps, "hovertemplate": hover, "hoverongaps": False, "showlegend": False}


def _colour_bar(unit: str) -> dict[str, Any]:
    bar = {"title": {"text": unit, "side": "top", "font": {"size": 11}}, "thickness": 10, "outlinewidth": 0, "nticks": 5}
    return {"colorbar": {**bar, "tickfont": {"size": 10}}}


def _missing(found: DependencyMap, style: FigureStyle) -> dict[str, Any]:
    """The ground of a partial map: rows that are not there are not the colour of zero."""
    low, high = found.offset + 0.5, found.offset + len(found.values) + 0.5
    corners = {"x0": low, "x1": high, "y0": low, "y1": high, "xref": "x"}
    return {"type": "rect", **corners, "fillcolor": theme(dark=style.dark)["missing"], "line": {"width": 0}, "layer": "below"}


PANEL = Panel(
    id="map",
    title="Dependency map",
    unit="bits",
    help=(
        "Row: the base that is changed to each of the other three; column: the base that is read; colour: the largest change of the log2 odds "
        "of any of the four bases there (nucleotide dependency map)."
    ),
    reading=(
        "Blocks on the diagonal are motifs whose bases depend on each other; lines at right angles to the diagonal are bases that pair, as in "
        "the stems of an RNA; lines along the diagonal are repeats."
    ),
    order=50,
    height=WIDE_HEIGHT,
    draw=draw,
    analyses=("dependency",),
)
