"""Codons of annotated coding parts with their amino acids, in the frame that the annotation states."""

from __future__ import annotations

from engine.analyses.genetic_code import GeneticCode, genetic_code
from engine.core.features import Feature
from engine.core.organelles import PLASTID, USUAL_TABLE, is_mitochondrion, is_plastid
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.lanes import LANE, lanes
from engine.views.palettes import theme
from engine.views.panel import Drawn, Label, Panel
from engine.views.panels.genes import CODING
from engine.views.paths import Path, boxes, filled, together

LONGEST = 600
"""Bases up to which codons are drawn one by one."""
STANDARD = 1
_DIGITS = 3
"""Of the number of a table."""
_PAIR = str.maketrans("ACGTN", "TGCAN")


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
        read = [letters[at : at + 3].translate(_PAIR)[::-1] for at in starts]
    return [(at, code.amino_acids.get(codon, "X")) for at, codon in zip(starts, read, strict=True)]


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Three traces: every other codon in two strengths, stops in the colour that points out."""
    parts = _parts(evidence)
    at = lanes(parts)
    count = max(at.values()) + 1
    colours = theme(dark=style.dark)
    paths: dict[str, list[Path]] = {"even": [], "odd": [], "stop": []}
    labels: list[Label] = []
    letters = evidence.sequence.as_dna()
    place = evidence.sequence.locus.contig if evidence.sequence.locus is not None else ""
    for item in parts:
        y = -at[item]
        for number, (start, amino_acid) in enumerate(codons(item, letters, place)):
            kind = "stop" if amino_acid == "*" else ("even", "odd")[number % 2]
            paths[kind].append(boxes(start + 0.5, start + 3.5, y - 0.39, y + 0.39))
            labels.append(Label(amino_acid, start + 0.5, start + 3.5, y))
    strengths = {"even": (colours["gene"], 1.0), "odd": (colours["gene"], 0.55), "stop": (colours["accent"], 0.8)}
    traces = tuple(filled(together(own), strengths[kind][0], opacity=strengths[kind][1], name=kind) for kind, own in paths.items() if own)
    return Drawn(traces, {"visible": False, "range": [-count + 0.45, 0.55]}, height=LANE * count, labels=tuple(labels))


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
