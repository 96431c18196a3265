"""What is drawn where, in plain values: the figure's ``layout.meta``, read by the script of the view, and the hover of a figure without it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.results import place
from engine.views.notes import plain
from engine.views.palettes import BASE_COLOURS, DIVERGING, PALETTES
from engine.views.panels import ruler
from engine.views.paths import NEAR
from engine.views.words import sentence

if TYPE_CHECKING:
    from engine.views.bands import Band
    from engine.views.evidence import FigureStyle, LocusEvidence
    from engine.views.panel import Readout

MOST_VALUES = 4
"""Values in the hover of a panel."""


def described(evidence: LocusEvidence, style: FigureStyle, bands: list[Band]) -> dict[str, Any]:
    """The meta of a figure; arrays stay arrays, which plotly writes as base64."""
    sequence, locus = evidence.sequence, evidence.sequence.locus
    where = (
        {"assembly": locus.assembly, "contig": locus.contig, "start": locus.start, "end": locus.end, "strand": str(locus.strand)}
        if locus
        else None
    )
    return {
        "length": len(sequence),
        "letters": sequence.letters if evidence.has_letters else "",
        "alphabet": str(sequence.alphabet),
        "name": sequence.name,
        "locus": where,
        "ruler": ruler.title(evidence),
        "panels": _panels(bands),
        "map": _map(bands),
        "marks": [{"place": mark.place + 1, "label": mark.label} for mark in evidence.marks],
        "features": [
            {"kind": item.kind, "name": item.name, "start": item.start, "end": item.end, "strand": item.strand} for item in evidence.features
        ],
        "sentence": sentence(evidence),
        "colours": {
            "palettes": {name: list(anchors) for name, anchors in PALETTES.items()},
            "diverging": list(DIVERGING),
            "bases": BASE_COLOURS[style.bases]["dark" if style.dark else "light"],
        },
        "letter_pixels": NEAR,
    }  # fmt: skip


def _panels(bands: list[Band]) -> list[dict[str, Any]]:
    found, trace = [], 0
    for band in bands:
        drawn, panel, state = band.drawn, band.panel, band.drawn.state
        choices = [{"name": item.name, "trace": trace + item.trace, "colour": item.colour} for item in drawn.choices]
        found.append(
            {
                "id": panel.id,
                "title": panel.title if drawn.title is None else drawn.title,
                "unit": panel.unit if drawn.unit is None else drawn.unit,
                "help": panel.help,
                "reading": " ".join(part for part in (panel.reading, drawn.note) if part),
                "model": drawn.model,
                "analyses": list(panel.analyses),
                "axis": band.axis,
                "height": band.height,
                "state": state.kind if state is not None else "result",
                "words": state.words if state is not None else "",
                "readout": [_readout(item) for item in drawn.readout] or None,
                "choices": choices or None,
                "labels": [asdict(item) for item in drawn.labels] or None,
                "near": list(drawn.near) if drawn.near else None,
                "far": list(drawn.far) if drawn.far else None,
                **{name: value for name, value in drawn.facts.items() if name != "map"},
            }
        )
        trace += max(1, len(drawn.traces))
    return found


def _readout(item: Readout) -> dict[str, Any]:
    return {"label": item.label, "values": item.values, "digits": item.digits, "unit": item.unit, "position": item.position}


def _map(bands: list[Band]) -> dict[str, Any] | None:
    for band in bands:
        if "map" in band.drawn.facts:
            return {"axis": band.axis, "panel": band.panel.id, **band.drawn.facts["map"]}
    return None


def hover_trace(evidence: LocusEvidence, band: Band) -> dict[str, Any] | None:
    """For figures without the script: a line that is not seen and carries the values of each base in words, one small label a panel."""
    if not band.drawn.readout:
        return None
    low, high = sorted(float(value) for value in band.drawn.axis["range"])
    count = len(evidence.sequence)
    middle = np.full(count, (low + high) / 2, np.float32)
    texts = [plain(_words(evidence, band, index)) for index in range(count)]
    trace = {"type": "scatter", "x0": 1, "dx": 1, "y": middle, "mode": "lines", "line": {"width": 0, "color": "rgba(0,0,0,0)"}}
    return {**trace, "text": texts, "hovertemplate": "%{text}<extra></extra>", "showlegend": False}


def _words(evidence: LocusEvidence, band: Band, index: int) -> str:
    known = [item for item in band.drawn.readout if np.isfinite(item.values[index])]
    largest = sorted(known, key=lambda item: -abs(item.values[index]))[:MOST_VALUES]
    return ", ".join(_value(evidence, item, index) for item in known if item in largest) or "no value"


def _value(evidence: LocusEvidence, item: Readout, index: int) -> str:
    if item.position:
        return f"{item.label} {place(evidence.sequence, int(item.values[index]) - 1)}"
    unit = "" if item.unit == "P" else item.unit
    return f"{item.label} {item.values[index]:.{item.digits}f} {unit}".rstrip()
