"""A second, slow route to a protein: the genome is changed, the coding parts are moved along, spliced, and translated whole by Biopython."""

from __future__ import annotations

import re

from Bio.Seq import Seq
from Bio.SeqUtils import IUPACData

from engine.analyses.genetic_code import GeneticCode
from engine.core.alleles import Change
from tests.analyses.csq_judge import Coding
from tests.analyses.gene_models import mirrored

_LETTERS = {"Ter": "*", "Sec": "U", "Pyl": "O", "Xaa": "X", **{three: one for one, three in IUPACData.protein_letters_1to3.items()}}
_RESIDUE = r"([A-Z][a-z]{2})(\d+)"
TAIL_BP = 3000


def one_letter(text: str) -> str:
    return "".join(_LETTERS[text[place : place + 3]] for place in range(0, len(text), 3))


def translated(letters: str, code: GeneticCode, kept: frozenset[str]) -> str:
    """Protein to its first stop, or with ``?`` at the end of the letters; a known start is Met."""
    protein = str(Seq(letters[: len(letters) // 3 * 3]).translate(table=code.table))
    protein = ("M" if letters[:3] in kept else protein[:1]) + protein[1:]
    return protein[: protein.index("*") + 1] if "*" in protein else protein + "?"


def changed_protein(gene: Coding, contig: str, change: Change, code: GeneticCode, *, from_second: bool = False) -> str:
    """The protein of a gene after a change of its contig; letters that come in right between an exon and an intron are read.

    ``from_second``: the start codon is taken to be the three letters in front of the second codon, wherever they come from.
    """
    growth = len(change.alternate) - len(change.reference)

    def moved(place: int, *, opening: bool) -> int:
        if place <= change.start or not growth:
            return place
        return place + growth if place >= change.end else change.start + (len(change.alternate) if opening else 0)

    new = contig[: change.start] + change.alternate + contig[change.end :]
    parts = []
    for number, (start, end, _) in enumerate(gene.parts):
        opens, closes = (
            number > 0 and change.end == change.start == start,
            number < len(gene.parts) - 1 and change.end == change.start == end,
        )
        inside = (start < change.start and change.end < end) or opens or closes
        start = start if opens else moved(start, opening=True)
        parts.append((start, end + growth if inside else moved(end, opening=False)))
    if from_second and gene.strand == "+":
        parts[0] = (moved(gene.parts[0][0] + 3, opening=True) - 3, parts[0][1])
    elif from_second:
        parts[-1] = (parts[-1][0], moved(gene.parts[-1][1] - 3, opening=False) + 3)
    coding = "".join(new[start:end] for start, end in parts)
    begins, ends = (parts[0][0] - TAIL_BP, parts[-1][1] + TAIL_BP)
    if gene.exons:
        begins, ends = moved(gene.exons[0][0], opening=True), moved(gene.exons[-1][1], opening=False)
    tail = new[parts[-1][1] : ends] if gene.strand == "+" else new[max(0, begins) : parts[0][0]]
    line = coding + tail if gene.strand == "+" else mirrored(coding) + mirrored(tail)
    own = gene.letters(contig)[:3]
    return translated(line, code, code.kept_starts | ({own} & code.starts))


def fits(name: str, before: str, after: str) -> bool:
    """Whether an HGVS name of a protein change leads from one protein to the other."""
    body = name[3:-1]
    if re.fullmatch(f"{_RESIDUE}(?:_{_RESIDUE})?=", body):
        return after == before
    if match := re.fullmatch(f"{_RESIDUE}([A-Z][a-z]{{2}})(?:fs|ext)Ter(\\d+|\\?)", body):
        place, extends = int(match[2]) - 1, "ext" in body
        stop = None if match[4] == "?" else place + int(match[4]) + extends
        opening = before[:place] + one_letter(match[3])
        return (
            before[place] == one_letter(match[1])
            and after.startswith(opening)
            and (after[-1] == "?" if stop is None else len(after) == stop)
        )
    if match := re.fullmatch(f"{_RESIDUE}_{_RESIDUE}ins((?:[A-Z][a-z]{{2}})+)", body):
        place, new = int(match[2]), one_letter(match[5])
        there = before[place - 1] == one_letter(match[1]) and before[place] == one_letter(match[3]) and int(match[4]) == place + 1
        return there and after == before[:place] + new + ("" if "*" in new else before[place:])
    if match := re.fullmatch(f"{_RESIDUE}(?:_{_RESIDUE})?(del|dup|delins)?((?:[A-Z][a-z]{{2}})*)", body):
        first, last = int(match[2]) - 1, int(match[4] or match[2])
        new = {"del": "", "dup": before[first:last] * 2}.get(match[5], one_letter(match[6]))
        there = before[first] == one_letter(match[1]) and (not match[3] or before[last - 1] == one_letter(match[3]))
        return there and after == before[:first] + new + ("" if "*" in new else before[last:])
    return False
