"""Regions that are marked: a block each with its name, and what was noted of it; their columns run through all panels (`engine.views.notes.highlights`)."""

from __future__ import annotations

from engine.core.features import Feature
from engine.views.evidence import FigureStyle, Highlight, LocusEvidence
from engine.views.lanes import LANE, labels, lanes
from engine.views.panel import Drawn, Panel
from engine.views.paths import boxes, filled, together


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """One trace a colour."""
    own = {Feature("region", f"{number}", item.start, item.end): item for number, item in enumerate(evidence.highlights)}
    at = lanes(list(own))
    count = max(at.values()) + 1
    traces = []
    for colour in dict.fromkeys(item.colour for item in own.values()):
        paths = [
            boxes(row.start + 0.5, row.end + 0.5, -at[row] - 0.4, -at[row] + 0.4) for row, item in own.items() if item.colour == colour
        ]
        traces.append(filled(together(paths), colour, opacity=0.55, name="regions"))
    called = {Feature("region", _words(item, evidence), row.start, row.end): at[row] for row, item in own.items()}
    axis = {"visible": False, "range": [-count + 0.45, 0.55]}
    return Drawn(tuple(traces), axis, height=LANE * count, labels=labels(called, called, evidence))


def _words(item: Highlight, evidence: LocusEvidence) -> str:
    """Its name and note; along a genome that is only browsed, where what does not fit is left out whole, the name."""
    return f"{item.name}: {item.note}" if item.note and evidence.has_letters else item.name


PANEL = Panel(
    id="regions",
    title="Regions",
    unit="",
    help="Regions that were marked or asked for, each in its colour; the column below each runs through all panels.",
    reading="Mark one with Region in the bar and the menu that opens; the box Regions names, colours, lists and saves them, with a note on each.",
    order=8,
    height=LANE,
    draw=draw,
    when=lambda evidence: bool(evidence.highlights),
)
