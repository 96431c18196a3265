"""Places of patterns: one row a kind, both sides of a stem or repeat as boxes joined by a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.analyses.pattern_scores import KINDS, WIDTHS
from engine.views.evidence import FigureStyle, LocusEvidence, PanelState
from engine.views.palettes import element_colour
from engine.views.panel import Choice, Drawn, Panel, Readout
from engine.views.paths import Path, boxes, filled, together

if TYPE_CHECKING:
    from engine.analyses.patterns import Patterns

ROW = 15
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
    traces, choices = [], []
    for row, kind in enumerate(seen):
        y = len(seen) - 0.5 - row
        colour = element_colour(kind, dark=style.dark)
        traces.append(filled(_boxes(found, kept[found.kinds[kept] == kind], KINDS[kind], y), colour, name=KINDS[kind]))
        choices.append(Choice(KINDS[kind], row, colour))
    names = [f"{KINDS[kind]}s" for kind in seen]
    axis = {"range": [0, len(seen)], "tickvals": [len(seen) - 0.5 - row for row in range(len(seen))], "ticktext": names, "showgrid": False}
    how = f"Patterns with q up to {found.rate:g}" if found.shuffles else "Patterns, without controls"
    return Drawn(tuple(traces), axis, height=ROW * len(seen), title=how, model=title, readout=readout, choices=tuple(choices))


def _boxes(found: Patterns, rows: np.ndarray, kind: str, y: float) -> Path:
    width = WIDTHS[kind]
    first, second = found.places[rows].T + 0.5
    sides = np.concatenate([first, second[second > first]])
    parts = [boxes(sides, sides + width, y - BOX, y + BOX)]
    if kind in ("stem", "repeat"):
        parts.append(boxes(first + width, np.maximum(second, first + width), y - LINE, y + LINE))
    return together(parts)


def _smallest_q(found: Patterns) -> np.ndarray:
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
