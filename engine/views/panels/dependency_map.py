"""The dependency map: every base changed against every base read; square, wide, or as a triangle that hangs from the sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.findings import rows_done, signed
from engine.analyses.pattern_scores import CELL_LIMITS
from engine.views.cells import Cells, drawn
from engine.views.codes import FULL_WIDTH, pooled
from engine.views.evidence import FigureStyle, LocusEvidence, PanelState
from engine.views.measures import colour_limit, displayed
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel
from engine.views.paths import anchor
from engine.views.ruler import axis_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.dependency import DependencyMap
    from engine.analyses.patterns import Patterns

WIDE_HEIGHT, TRIANGLE_HEIGHT = 420, 520
TICK_PIXELS = 46
RATES = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
"""Shares of false cells at which the threshold has a stop."""


def partial_state(found: DependencyMap, *, live: bool = False) -> PanelState | None:
    """How much of a map is there, when it is not all; the script of a live figure knows the numbers better."""
    if found.complete:
        return None
    if live:
        return PanelState("partial", "partial")
    return PanelState("partial", f"partial, {int(rows_done(found).sum()):,} of {len(found.values):,} rows")


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """The map's axis, and its cells unless the figure is live."""
    found: DependencyMap = evidence.results["dependency"]
    both_signs, unit = signed(found), found.unit
    values = displayed(found, style)
    limit = colour_limit(values, style)
    height = style.heights.get("map", usual_height(style))
    facts = {
        "map": {
            "shape": style.shape, "metric": found.metric, "unit": unit, "offset": found.offset, "width": len(found.values), "bin": 1,
            "limit": limit, "signed": both_signs, "colours": style.colours, "log": style.log, "rated": rated(evidence),
        }
    }  # fmt: skip
    traces, images = [anchor()], list[Any]()
    if not style.live:
        cells, hover = _cells(found, values, style, unit)
        traces, images = drawn(cells, limit, style, both_signs=both_signs, bar=unit, hover=hover)
    return Drawn(
        tuple(traces),
        _axis(evidence, style, height),
        tuple(images),
        height=height,
        title="Difference of dependency maps" if both_signs else PANEL.title,
        unit=unit,
        model=found.provenance.card.title,
        state=partial_state(found, live=style.live),
        shapes=() if found.complete or style.live else (_missing(found, style),),
        facts=facts,
    )


def rated(evidence: LocusEvidence) -> dict[str, Any] | None:
    """What share of the cells above a threshold is false, by shuffled controls: the lowest threshold of each of `RATES`, and the share at
    every threshold; None where no controls were computed."""
    found: Patterns | None = evidence.results.get("patterns")
    if found is None or not found.shuffles:
        return None
    q = found.cell_q
    stops = [{"q": rate, "limit": float(f"{CELL_LIMITS[reached[0]]:.4g}")} for rate in RATES if len(reached := np.flatnonzero(q <= rate))]
    known = np.isfinite(q)
    limits, shares = ([float(f"{value:.4g}") for value in values[known]] for values in (CELL_LIMITS, q))
    return {"words": f"by {found.shuffles} shuffled sequences", "stops": stops, "limits": limits, "shares": shares}


def usual_height(style: FigureStyle) -> int:
    """Pixels of a map of this shape."""
    if style.shape == "square":
        return style.plot_width
    return min(style.plot_width, WIDE_HEIGHT) if style.shape == "wide" else min(style.plot_width // 2, TRIANGLE_HEIGHT)


def _axis(evidence: LocusEvidence, style: FigureStyle, height: int) -> dict[str, Any]:
    first, last = style.region(len(evidence.sequence)) if style.shape == "triangle" else style.row_region(len(evidence.sequence))
    title = {"text": "bases apart" if style.shape == "triangle" else "changed base", "font": {"size": 11}, "standoff": 4}
    if style.shape == "triangle":
        return {"range": [last - first + 1, 0], "title": title, "showgrid": False, "nticks": 6, "tickformat": ",d"}
    sequence = evidence.sequence
    labels = axis_labels(first, last, len(sequence), sequence.locus, height / TICK_PIXELS, zooms_alone=style.zooms_alone)
    return {"range": [last + 0.5, first - 0.5], **labels, "title": title, "showgrid": False}


def _cells(found: DependencyMap, values: NDArray[np.float32], style: FigureStyle, unit: str) -> tuple[Cells, str]:
    """The cells and their hover: the whole map, or of one wider than `FULL_WIDTH` the region shown, pooled until it fits."""
    columns, rows = style.region(len(found.sequence)), style.row_region(len(found.sequence))
    first, last = min(columns[0], rows[0]), max(columns[1], rows[1])
    low, high = (0, len(values)) if len(values) <= FULL_WIDTH else (max(0, first - 1 - found.offset), min(len(values), last - found.offset))
    part = values[low:high, low:high]
    size = max(1, -(-len(part) // FULL_WIDTH))
    grid = part if size == 1 else pooled(np.ascontiguousarray(part), size)
    middle = found.offset + low + 1 + (size - 1) / 2
    about = "" if size == 1 else f" (the largest of {size} × {size} cells)"
    if style.shape == "triangle":
        hover = f"%{{y}} bases apart around %{{x}}: %{{z:.2f}} {unit}{about}<extra></extra>"
        return Cells(rotated(grid), middle - 0.25 * size, 0.5 * size, 0, size), hover
    hover = f"%{{y}} changed, %{{x}} read: %{{z:.2f}} {unit}{about}<extra></extra>"
    return Cells(grid, middle, size, middle, size), hover


def rotated(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Over (bases apart, midpoint), float32 (W, 2 W): each pair fills the two half-steps around its midpoint."""
    width = len(cells)
    grid = np.full((width, 2 * width), np.nan, np.float32)
    for distance in range(1, width):
        pairs = np.arange(width - distance)
        values = cells[pairs, pairs + distance]
        grid[distance, 2 * pairs + distance] = values
        grid[distance, 2 * pairs + distance + 1] = values
    return grid


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
