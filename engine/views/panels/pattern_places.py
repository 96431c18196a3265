"""Places of patterns: one row a kind, both sides of a stem or repeat as boxes joined by a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.pattern_scores import KINDS, WIDTHS
from engine.views.evidence import FigureStyle, LocusEvidence, PanelState
from engine.views.palettes import element_colour
from engine.views.panel import Choice, Drawn, Panel, Readout
from engine.views.paths import Path, boxes, filled, together

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.patterns import Patterns

ROW = 15
MOST_LANES = 6
BOX, LINE = 0.34, 0.035
"""Half the height of a side, and of the line between two sides, in rows."""


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """One trace a kind that has a place up to the chosen q-value."""
    found: Patterns = evidence.results["patterns"]
    kept = found.kept
    seen = [kind for kind in range(len(KINDS)) if (found.kinds[kept] == kind).any()]
    readout = (Readout("q", _smallest_q(found), 3),) if found.shuffles else ()
    title = found.provenance.card.title
    if not seen:
        return Drawn(
            axis={"visible": False, "range": [0, 1]},
            model=title,
            readout=readout,
            state=PanelState("result", f"no place has a q-value up to {found.rate:g}"),
        )
    traces: list[dict[str, Any]] = []
    choices: list[Choice] = []
    ticks: list[float] = []
    at = 0
    for kind in seen:
        rows = kept[found.kinds[kept] == kind]
        lanes = _lanes(found.places[rows], WIDTHS[KINDS[kind]])
        colour = element_colour(kind, dark=style.dark)
        choices.append(Choice(KINDS[kind], len(traces), colour))
        traces.append(
            filled(_boxes(found.places[rows] + 0.5, (-0.5 - at) - lanes.astype(np.float64), WIDTHS[KINDS[kind]]), colour, name=KINDS[kind])
        )
        ticks.append(-0.5 - at)
        at += int(lanes.max()) + 1
    names = [f"{KINDS[kind]}s" for kind in seen]
    axis = {"range": [-at, 0], "tickvals": ticks, "ticktext": names, "showgrid": False}
    how = f"Patterns with q up to {found.rate:g}" if found.shuffles else "Patterns, without controls"
    return Drawn(tuple(traces), axis, height=ROW * at, title=how, model=title, readout=readout, choices=tuple(choices))


def _lanes(places: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """Lane of each place, the first free one from the left; further ones share the last."""
    ends: list[int] = []
    found = np.zeros(len(places), np.int64)
    for row in np.lexsort((-places[:, 1], places[:, 0])):
        first, second = (int(at) for at in places[row])
        lane = next((number for number, end in enumerate(ends) if end <= first), len(ends))
        ends[lane : lane + 1] = [second + width]
        found[row] = min(lane, MOST_LANES - 1)
    return found


def _boxes(places: NDArray[np.float64], y: NDArray[np.float64], width: int) -> Path:
    """Both sides of each place, and a line from one to the other where they are apart."""
    first, second = places.T
    two = second > first
    sides, heights = np.concatenate([first, second[two]]), np.concatenate([y, y[two]])
    apart = second > first + width
    line = y[apart]
    return together(
        [boxes(sides, sides + width, heights - BOX, heights + BOX), boxes(first[apart] + width, second[apart], line - LINE, line + LINE)]
    )


def _smallest_q(found: Patterns) -> NDArray[np.float32]:
    """float32 (L,): smallest q of the places a base is in, NaN outside them."""
    best = np.full(len(found.sequence), np.nan, np.float32)
    for kind, places, q in zip(found.kinds, found.places, found.q, strict=True):
        for at in places:
            side = slice(at, at + WIDTHS[KINDS[kind]])
            best[side] = np.fmin(best[side], q)
    return best


PANEL = Panel(
    id="pattern-places",
    title="Patterns",
    unit="",
    help=(
        "The strongest blocks, stems (joined sides read against each other), repeats (in the same order), hotspots (bases that change all "
        "others) and targets (bases that all others change), up to the chosen q-value."
    ),
    reading=(
        "q is the share of false places expected among those at least as strong, by dinucleotide-shuffled sequences; with few shuffles it is "
        "coarse, and it says nothing of function."
    ),
    order=87,
    height=ROW,
    draw=draw,
    analyses=("patterns",),
)
