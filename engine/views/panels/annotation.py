"""Annotated sites and regions other than genes: binding sites, promoter boxes, stems, variants."""

from __future__ import annotations

from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.lanes import LANE, arrow, labels, lanes
from engine.views.palettes import element_colour
from engine.views.panel import Choice, Drawn, Panel
from engine.views.panels import genes
from engine.views.paths import filled, together

OPACITY = 0.42


def belongs(evidence: LocusEvidence) -> bool:
    """Where anything but genes is annotated."""
    return any(feature.kind not in genes.KINDS for feature in evidence.features)


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """One trace a kind, in its colour, each of which can be switched off."""
    own = list(dict.fromkeys(feature for feature in evidence.features if feature.kind not in genes.KINDS))
    at = lanes(own)
    count = max(at.values()) + 1
    width = style.base_width(len(evidence.sequence))
    traces, choices = [], []
    for number, kind in enumerate(sorted({feature.kind for feature in own})):
        colour, name = element_colour(number, dark=style.dark), kind.replace("_", " ")
        paths = [arrow(feature, -at[feature], 0.78, width) for feature in own if feature.kind == kind]
        traces.append(filled(together(paths), colour, opacity=OPACITY, name=name))
        choices.append(Choice(name, number, colour))
    axis = {"visible": False, "range": [-count + 0.45, 0.55]}
    return Drawn(tuple(traces), axis, height=LANE * count, labels=labels(own, at, evidence), choices=tuple(choices))


PANEL = Panel(
    id="annotation",
    title="Annotation",
    unit="",
    help="Annotated sites and regions of this sequence, one colour a kind, pointed to the 3′ end where the strand is known.",
    reading="Overlapping ones lie below each other.",
    order=12,
    height=LANE,
    draw=draw,
    when=belongs,
)
