"""Names of changes in HGVS nomenclature: ``c.`` and ``n.`` on a transcript, ``p.`` in its protein, without the reference's own name.

As the recommendations have it (hgvs-nomenclature.org): in repeats the most 3' place, duplications before insertions, protein changes in
parentheses because they are predicted. Positions count the bases of the exons.
"""

from __future__ import annotations

from engine.analyses.consequence_protein import ProteinChange
from engine.analyses.consequence_reading import Reading
from engine.analyses.genetic_code import three_letters
from engine.core.alleles import Change, Letters
from engine.core.sequence import reversed_complement
from engine.core.transcripts import Part, Transcript

LONGEST_NAMED = 50
"""Longer runs of new amino acids are not spelt out; the name is then ``p.?``."""


class Numbering:
    """HGVS positions of the bases of a transcript: ``c.`` where it is translated, else ``n.``."""

    def __init__(self, transcript: Transcript) -> None:
        self.kind = "c" if transcript.coding else "n"
        self._exons = transcript.exons
        self._offsets = [0]
        for exon in transcript.exons:
            self._offsets.append(self._offsets[-1] + exon.end - exon.start)
        self._first = self._last = 0
        if transcript.coding:
            first, last = transcript.coding[0], transcript.coding[-1]
            self._first = self._index(first.contig, first.start if first.forward else first.end - 1) or 0
            self._last = self._index(last.contig, last.end - 1 if last.forward else last.start) or 0

    def _index(self, contig: str, base: int) -> int | None:
        """Index along the exons of a base of the genome; None outside them."""
        for exon, offset in zip(self._exons, self._offsets, strict=False):
            if exon.start <= base < exon.end and exon.contig == contig:
                return offset + (base - exon.start if exon.forward else exon.end - 1 - base)
        return None

    def position(self, contig: str, base: int) -> str:
        """Position of a 0-based base of the genome; empty when it lies outside the transcript."""
        index = self._index(contig, base)
        if index is not None:
            return self._numbered(index)
        for number, (left, right) in enumerate(zip(self._exons, self._exons[1:], strict=False)):
            low, high = (left.end, right.start) if left.forward else (right.end, left.start)
            if low <= base < high and left.contig == contig and left[2:] == right[2:]:
                behind, ahead = (base - low + 1, high - base) if left.forward else (high - base, base - low + 1)
                last = self._offsets[number + 1] - 1
                return f"{self._numbered(last)}+{behind}" if behind <= ahead else f"{self._numbered(last + 1)}-{ahead}"
        return ""

    def _numbered(self, index: int) -> str:
        if self.kind == "n":
            return str(index + 1)
        if index < self._first:
            return str(index - self._first)
        return f"*{index - self._last}" if index > self._last else str(index - self._first + 1)

    def part_at(self, contig: str, base: int) -> Part | None:
        """The exon with this base, or the next one on its contig; None on other contigs."""
        here = [exon for exon in self._exons if exon.contig == contig]
        return min(here, key=lambda exon: max(exon.start - base, base - exon.end + 1, 0), default=None)


def transcript_name(numbering: Numbering, contig: str, leftmost: Change, rightmost: Change, letters: Letters) -> str:
    """``c.`` or ``n.`` name of a change by its two outermost places (`engine.core.alleles.placements`); empty outside the transcript."""
    part = numbering.part_at(contig, leftmost.start)
    if part is None:
        return ""
    change = rightmost if part.forward else leftmost
    if not change.reference:
        return _inserted(numbering, contig, change, letters, forward=part.forward)
    ends = (change.start, change.end - 1) if part.forward else (change.end - 1, change.start)
    first, last = (numbering.position(contig, base) for base in ends)
    if not first or not last:
        return ""
    old, new = change.reference, change.alternate
    if not part.forward:
        old, new = reversed_complement(old), reversed_complement(new)
    place = f"{numbering.kind}.{first}" if len(old) == 1 else f"{numbering.kind}.{first}_{last}"
    if not new:
        return f"{place}del"
    if len(old) == len(new) == 1:
        return f"{place}{old}>{new}"
    return f"{place}inv" if len(old) > 1 and new == reversed_complement(old) else f"{place}delins{new}"


def _inserted(numbering: Numbering, contig: str, change: Change, letters: Letters, *, forward: bool) -> str:
    place, size, kind = change.start, len(change.alternate), numbering.kind
    copied = (place - size, place) if forward else (place, place + size)
    if copied[0] >= 0 and letters(*copied) == change.alternate:
        ends = (place - size, place - 1) if forward else (place + size - 1, place)
        first, last = (numbering.position(contig, base) for base in ends)
        if first and last:
            return f"{kind}.{first}dup" if size == 1 else f"{kind}.{first}_{last}dup"
    ends = (place - 1, place) if forward else (place, place - 1)
    first, last = (numbering.position(contig, base) for base in ends)
    new = change.alternate if forward else reversed_complement(change.alternate)
    return f"{kind}.{first}_{last}ins{new}" if first and last else ""


def protein_name(reading: Reading, change: ProteinChange) -> str:
    """``p.`` name of a protein change."""
    if change.start_lost:
        return "p.(Met1?)"
    named = _shifted(reading, change) if change.shifted else _replaced(reading, change)
    return f"p.({named})" if named else "p.?"


def _residue(reading: Reading, number: int) -> str:
    return f"{three_letters(reading.amino_acid(number))}{number + 1}"


def _range(reading: Reading, first: int, end: int) -> str:
    only = _residue(reading, first)
    return only if end - first == 1 else f"{only}_{_residue(reading, end - 1)}"


def _extended(reading: Reading, number: int, new: str) -> str:
    """The stop codon becomes the first letter of ``new``, whose last is the next stop where one is known."""
    if not new:
        return ""
    length = str(len(new) - 1) if new.endswith("*") else "?"
    return f"{_residue(reading, number)}{three_letters(new[0])}extTer{length}"


def _shifted(reading: Reading, change: ProteinChange) -> str:
    for index, new in enumerate(change.after):
        number = change.first + index
        if number >= reading.codons:
            break
        old = reading.amino_acid(number)
        if new == old == "*":
            return f"{_residue(reading, number)}="
        if new == old:
            continue
        if old == "*" and number == reading.codons - 1:
            return _extended(reading, number, change.after[index:])
        if new == "*":
            return f"{_residue(reading, number)}Ter"
        length = str(len(change.after) - index) if change.after.endswith("*") else "?"
        return f"{_residue(reading, number)}{three_letters(new)}fsTer{length}"
    return ""


def _replaced(reading: Reading, change: ProteinChange) -> str:
    old, new, first = change.before, change.after, change.first
    if old == new:
        return f"{_range(reading, first, first + len(old))}=" if old else ""
    begin, shorter = 0, min(len(old), len(new))
    while begin < shorter and old[begin] == new[begin]:
        begin += 1
    close = 0
    while close < shorter - begin and old[-1 - close] == new[-1 - close] and not change.stop_lost:
        close += 1
    old, new, first = old[begin : len(old) - close], new[begin : len(new) - close], first + begin
    if old == "*" and change.stop_lost:
        return _extended(reading, first, new)
    if new.startswith("*"):
        return f"{_residue(reading, first)}Ter"
    if not old:
        return _added(reading, first, new)
    if not new:
        return "" if change.stop_lost else _removed(reading, first, len(old))  # no residue and no stop is known where the stop was
    if len(old) == len(new) == 1:
        return f"{_residue(reading, first)}{three_letters(new)}"
    if len(new) > LONGEST_NAMED or ("*" in old and not new.endswith("*")):
        return ""
    return f"{_range(reading, first, first + len(old))}delins{three_letters(new)}"


def _removed(reading: Reading, first: int, size: int) -> str:
    while first + size < reading.codons - reading.stops and reading.amino_acid(first) == reading.amino_acid(first + size):
        first += 1
    return f"{_range(reading, first, first + size)}del"


def _added(reading: Reading, first: int, new: str) -> str:
    if "*" not in new:
        while first < reading.codons - reading.stops and reading.amino_acid(first) == new[0]:
            first, new = first + 1, new[1:] + new[0]
        if first >= len(new) and reading.amino_acids(first - len(new), first) == new:
            return f"{_range(reading, first - len(new), first)}dup"
    if not 0 < first < reading.codons or len(new) > LONGEST_NAMED:
        return ""
    return f"{_residue(reading, first - 1)}_{_residue(reading, first)}ins{three_letters(new)}"
