"""Regions that are marked: a block each with its name, at the pointer with its note; their columns run through all panels (`engine.views.notes`)."""

from __future__ import annotations

from dataclasses import replace

from engine.core.features import Feature
from engine.views.evidence import FigureStyle, LocusEvidence
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
    called = {Feature("region", item.name, row.start, row.end): at[row] for row, item in own.items()}
    notes = {(item.name, item.start + 0.5): item.note for item in own.values()}
    names = tuple(replace(label, note=notes.get((label.text, label.start), "")) for label in labels(called, called, evidence))
    axis = {"visible": False, "range": [-count + 0.45, 0.55]}
    return Drawn(tuple(traces), axis, height=LANE * count, labels=names)


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
