"""Codons of annotated coding parts with their amino acids, in the frame that the annotation states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.analyses.genetic_code import GeneticCode, genetic_code
from engine.core.features import Feature
from engine.core.organelles import PLASTID, USUAL_TABLE, is_mitochondrion, is_plastid
from engine.core.sequence import reversed_complement
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.lanes import LANE, lanes
from engine.views.palettes import theme
from engine.views.panel import Drawn, Label, Panel
from engine.views.panels.genes import CODING
from engine.views.paths import FAR, anchor, boxes, filled, together
from engine.views.pictures import Picture

LONGEST = 6000
"""Bases up to which codons are drawn one by one."""
LETTER, FROM_PIXELS = 1.5, 4.5
"""Width of an amino acid's letter, in bases; pixels of a base from which on it is drawn."""
INSIDE = 0.11
"""Between a lane's edge and the box of a codon; its letter stands as far inside the box."""
STANDARD = 1
_DIGITS = 3
"""Of the number of a table."""


def belongs(evidence: LocusEvidence) -> bool:
    """Where a coding part with a stated frame lies on few enough bases."""
    return len(evidence.sequence) <= LONGEST and bool(_parts(evidence))


def _parts(evidence: LocusEvidence) -> list[Feature]:
    """Coding parts whose frame and genetic code are known."""
    found = dict.fromkeys(item for item in evidence.features if item.kind in CODING and item.strand in ("+", "-"))
    place = evidence.sequence.locus.contig if evidence.sequence.locus is not None else ""
    return [item for item in found if item.attributes.get("phase") in ("0", "1", "2") and code_of(item, place) is not None]


def code_of(item: Feature, place: str = "") -> GeneticCode | None:
    """The genetic code that a coding part is read by: the stated one, else its organism's usual one, that of plastids on one, and the standard one;
    None for a mitochondrion of which nothing is known and for a table that there is not. ``place``: the contig that is shown."""
    stated = item.attributes.get("transl_table", "") or item.attributes.get(USUAL_TABLE, "")
    if stated:
        return genetic_code(int(stated)) if len(stated) <= _DIGITS and stated.isascii() and stated.isdigit() else None
    contigs = (item.contig, place)
    if any(is_mitochondrion(contig) for contig in contigs):
        return None
    return genetic_code(PLASTID if any(is_plastid(contig) for contig in contigs) else STANDARD)


def codons(item: Feature, letters: str, place: str = "") -> list[tuple[int, str]]:
    """The whole codons of a coding part: where each begins in ``letters`` (its lowest index), and its amino acid in one letter, X for one with
    ambiguous bases. Codons that an intron or the end of the letters cuts are left out. ``place``: as for `code_of`."""
    code = code_of(item, place)
    if code is None:
        return []
    phase = int(item.attributes["phase"])
    if item.strand == "+":
        starts = range(item.start + phase, item.end - 2, 3)
        read = [letters[at : at + 3] for at in starts]
    else:
        starts = range(item.end - phase - 3, item.start - 1, -3)
        read = [reversed_complement(letters[at : at + 3]) for at in starts]
    return [(at, code.amino_acids.get(codon, "X")) for at, codon in zip(starts, read, strict=True)]


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Every other codon in two strengths, stops in the colour that points out: three traces, in a live figure pictures as the letters of the
    sequence are."""
    parts = _parts(evidence)
    at = lanes(parts)
    count = max(at.values()) + 1
    drawn: dict[str, list[Label]] = {"even": [], "odd": [], "stop": []}
    letters = evidence.sequence.as_dna()
    place = evidence.sequence.locus.contig if evidence.sequence.locus is not None else ""
    for item in parts:
        for number, (start, amino_acid) in enumerate(codons(item, letters, place)):
            kind = "stop" if amino_acid == "*" else ("even", "odd")[number % 2]
            drawn[kind].append(Label(amino_acid, start + 0.5, start + 3.5, -at[item]))
    colours = theme(dark=style.dark)
    strengths = {"even": (colours["gene"], 1.0), "odd": (colours["gene"], 0.55), "stop": (colours["accent"], 0.8)}
    near = (-count + 0.45, 0.55)
    shown = Drawn(
        (),
        {"visible": False, "range": list(near)},
        height=LANE * count,
        labels=tuple(sorted((label for own in drawn.values() for label in own), key=lambda label: (-label.y, label.start))),
    )
    if style.live:
        images = _pictures(drawn, strengths, colours["ink"], len(letters), count)
        far = (FAR + near[0], FAR + near[1])
        return replace(shown, traces=(anchor(),), images=images, near=near, far=far, facts={"pictured": True, "letter_pixels": FROM_PIXELS})
    traces = [
        filled(
            together([boxes(label.start, label.end, label.y - 0.5 + INSIDE, label.y + 0.5 - INSIDE) for label in own]),
            strengths[kind][0],
            opacity=strengths[kind][1],
            name=kind,
        )
        for kind, own in drawn.items()
        if own
    ]
    return replace(shown, traces=tuple(traces))


def _pictures(
    drawn: Mapping[str, list[Label]], strengths: Mapping[str, tuple[str, float]], ink: str, length: int, count: int
) -> tuple[dict[str, Any], ...]:
    """Codons with their letters, and `FAR` below them codons alone, for bases too narrow for letters."""
    near, far = Picture(length, count), Picture(length, count)
    for kind, own in drawn.items():
        colour, opacity = strengths[kind]
        for picture in (near, far):
            picture.add(f"{colour}{round(255 * opacity):02x}", "", *_places(own, count, INSIDE), 1 - 2 * INSIDE, width=3.0)
    every = [label for own in drawn.values() for label in own]
    for letter in sorted({label.text for label in every}):  # over all boxes
        near.add(ink, letter, *_places([label for label in every if label.text == letter], count, 2 * INSIDE), 1 - 4 * INSIDE, width=LETTER)
    bottom = 0.5 - count
    return near.image(bottom), far.image(FAR + bottom)


def _places(own: list[Label], count: int, inside: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Middle bases of codons (0-based), and how high over the lowest of ``count`` lanes something in them begins."""
    return np.array([round(label.start + 0.5) for label in own], np.int64), np.array([count - 1 + label.y + inside for label in own], float)


PANEL = Panel(
    id="codons",
    title="Amino acids",
    unit="",
    help="Codons of the annotated coding parts in their stated frame, with the amino acid of each in one letter; * is a stop.",
    reading="Zoom in until the letters fit; codons that an intron cuts are left out.",
    order=11,
    height=LANE,
    draw=draw,
    when=belongs,
)
