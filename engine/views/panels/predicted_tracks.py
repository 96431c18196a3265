"""Tracks that a hosted model predicts: one row a track, those that get highest here, on one scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import element_colour
from engine.views.panel import Choice, Drawn, Panel, Readout
from engine.views.paths import filled, steps
from engine.views.thinning import pooled

if TYPE_CHECKING:
    from engine.analyses.predicted_tracks import PlaceTracks

MOST_ROWS = 6
ROW = 30
LEVELS = 60
LONGEST_TICK = 15
"""Letters that fit beside a row."""


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Rows from the highest track down; each is named in the read-out, and can be switched off."""
    found: PlaceTracks = evidence.results["predicted_tracks"]
    chosen = found.strongest(MOST_ROWS)
    top = float(np.nanmax(found.values[:, chosen], initial=0.0)) or 1.0
    traces, choices, readout = [], [], []
    for row, track in enumerate(chosen):
        name, colour = found.called(track), element_colour(row, dark=style.dark)
        heights, width = pooled((np.maximum(found.values[:, track], 0) * np.float32(0.9 / top)).astype(np.float32))
        x, y = steps(heights, base=-float(row + 1), levels=LEVELS)
        traces.append(filled(((x - 0.5) * np.float32(width) + np.float32(0.5), y), colour, name=name))
        choices.append(Choice(name, row, colour))
        readout.append(Readout(name, found.values[:, track], 3))
    ticks = [_tick(found.biosamples[track] or found.names[track], found.strands[track]) for track in chosen]
    axis = {"range": [-len(chosen) - 0.05, 0], "showgrid": False, "tickvals": [-row - 0.6 for row in range(len(chosen))], "ticktext": ticks}
    left_out = len(found.names) - len(chosen)
    height = f"{top:,.0f}" if top >= 100 else f"{top:.3g}"
    unit = f"all rows 0 to {height}" + (f"; {left_out:,} lower tracks in the table" if left_out else "")
    return Drawn(
        tuple(traces),
        axis,
        height=ROW * len(chosen),
        title=f"Predicted {found.output.replace('_', ' ')}",
        unit=unit,
        model=found.provenance.card.title,
        readout=tuple(readout) if evidence.has_letters else (),
        choices=tuple(choices),
    )


def _tick(name: str, strand: str) -> str:
    """What stands beside a row: as much of the name as fits, and the strand where the track has one."""
    ends = {"+": " +", "-": " −"}.get(strand, "")
    room = LONGEST_TICK - len(ends)
    return (name if len(name) <= room else f"{name[: room - 1]}…") + ends


PANEL = Panel(
    id="predicted_tracks",
    title="Predicted tracks",
    unit="",
    help=(
        "What a hosted model predicts that an experiment would measure here (RNA-seq, CAGE, ATAC, DNase, ChIP), tissue by tissue: the tracks that "
        "get highest, all on one scale."
    ),
    reading="Of several strands and tissues the highest are drawn; the table and the files have all.",
    order=16,
    height=ROW * 3,
    draw=draw,
    analyses=("predicted_tracks",),
)
