"""The ruler: coordinates of the bases shown. Its ticks are the x axis, which hangs on this panel."""

from __future__ import annotations

import numpy as np

from engine.core.locus import Strand
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel
from engine.views.paths import lines


def title(evidence: LocusEvidence) -> str:
    """What the numbers of the ruler count, and which way they run."""
    locus = evidence.sequence.locus
    if locus is None:
        return "Position in the sequence"
    place = f"{locus.assembly} {locus.contig}".strip()
    return f"{place}, reverse strand: coordinates run down" if locus.strand is Strand.REVERSE else f"{place}, forward strand"


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """A line as long as the sequence."""
    ends = np.array([[0.5, len(evidence.sequence) + 0.5], [0.5, 0.5]], np.float32)
    axis = {"visible": False, "range": [0, 1]}
    return Drawn((lines((ends[0], ends[1]), theme(dark=style.dark)["faint"]),), axis, title=title(evidence))


PANEL = Panel(
    id="ruler",
    title="Position",
    unit="",
    help="Coordinates of the bases, 1-based: of the contig where the sequence has a locus, else of the sequence itself.",
    reading="On the reverse strand the sequence is read 5′→3′ as everywhere, so coordinates fall from left to right.",
    order=0,
    height=8,
    draw=draw,
    when=lambda evidence: True,
    live=False,
)
