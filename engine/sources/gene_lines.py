"""Lines of GFF3 and GTF that make gene models, read as a stream: what they say of parts, parents, circles, organisms and genetic codes.

Coordinates are converted here: 1-based inclusive outside, 0-based half-open inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

from engine.core.locus import LONGEST_BP
from engine.core.transcripts import Recoded
from engine.core.typography import NUL_SIGN
from engine.sources.annotation import gtf_attributes
from engine.sources.door import DAMAGED, LeftOut

EXON, CODING, STOP, UTR, INTRON, WHOLE = range(6)
"""What a part is: exon, coding part, stop codon, untranslated region, intron, or a whole RNA without parts of its own."""

_KINDS = {
    "exon": EXON,
    "noncoding_exon": EXON,
    "pseudogenic_exon": EXON,
    "CDS": CODING,
    "stop_codon": STOP,
    "five_prime_UTR": UTR,
    "three_prime_UTR": UTR,
    "five_prime_utr": UTR,
    "three_prime_utr": UTR,
    "UTR": UTR,
    "5UTR": UTR,
    "3UTR": UTR,
    "intron": INTRON,
    "five_prime_UTR_intron": INTRON,
}
RECODED_KINDS = frozenset({"Selenocysteine", "selenocysteine", "stop_codon_redefined_as_selenocysteine"})
_RNA = re.compile(
    r"(?:t|r|m|nc|lnc_|sn|sno|sca|sc|tm|mi|si|pi|vault_|Y_|SRP_|RNase_P_|RNase_MRP_|telomerase_|antisense_|guide_|pseudogenic_[tr]?)RNA"
)
_RECODED = re.compile(r"pos:([^:]{1,200}),\s{0,9}aa:\s{0,9}([A-Za-z]{1,20})")
_PLACE = re.compile(r"\d{1,13}")
_AMINO_ACIDS = {"sec": "U", "pyl": "O", "term": "*", "ter": "*", "other": "X"}


class GeneLine(NamedTuple):
    """A line of nine columns; ``attributes`` is the ninth as it is written, ``phase`` -1 where there is none."""

    number: int
    contig: str
    kind: str
    start: int
    end: int
    strand: str
    phase: int
    attributes: str


def gene_lines(lines: Iterable[str], told: list[str], left_out: LeftOut) -> Iterator[GeneLine]:
    """Lines with features, up to ``##FASTA``. Comments go to ``told`` (the first 200), what cannot be used to ``left_out``."""
    for number, line in enumerate(lines, start=1):
        if line.startswith("#"):
            if line.startswith("##FASTA"):
                return
            if len(told) < 200:
                told.append(line[:500])
            continue
        if line.startswith(">"):
            return
        if NUL_SIGN in line:
            left_out.add(f"line {number:,} {DAMAGED}")
            continue
        fields = line.split("\t")
        if len(fields) < 9:
            if line.strip():
                left_out.add(f"line {number:,} has {len(fields)} columns instead of 9")
            continue
        first, last = fields[3].strip(), fields[4].strip()
        if not (first.isascii() and last.isascii() and first.isdigit() and last.isdigit()):
            left_out.add(f"line {number:,} has coordinates that are no whole numbers")
            continue
        start, end = int(first[:14]) - 1, int(last[:14])
        if not 0 <= start < end <= LONGEST_BP:
            if start != end:
                left_out.add(f"line {number:,} spans {start + 1}-{end}, which is no interval")
            continue
        phase = ord(fields[7][0]) - 48 if fields[7] in ("0", "1", "2") else -1
        contig = unquote(fields[0]) if "%" in fields[0] else fields[0]
        yield GeneLine(number, contig, fields[2], start, end, fields[6], phase, fields[8])


def part_kind(kind: str) -> int | None:
    """What part of a transcript a feature type is; None for none, `WHOLE` for RNAs."""
    found = _KINDS.get(kind)
    if found is not None:
        return found
    return WHOLE if kind.endswith("RNA") and kind != "mRNA" and _RNA.fullmatch(kind) else None


def attributes_of(text: str) -> dict[str, str]:
    """Column 9 of GFF3 or GTF, by how it is written: values of GFF3 with their escapes, so that lists can be split before they are undone."""
    equals, quote = text.find("="), text.find('"')
    if equals < 0 or 0 <= quote < equals:
        return gtf_attributes(text)
    return {key.strip(): value.strip() for key, sign, value in (item.partition("=") for item in text.split(";")) if sign}


def parents_of(attributes: dict[str, str]) -> list[str]:
    """Names of what a feature belongs to, escapes undone."""
    return [unquote(name) for name in attributes.get("Parent", "").split(",") if name]


def recoded_of(text: str) -> tuple[Recoded, ...]:
    """``transl_except`` of GFF3 or GenBank: ``(pos:1404..1406,aa:Sec)``, several of them joined by commas; a codon may be split by an intron."""
    from Bio.SeqUtils import IUPACData

    found = []
    for where, name in _RECODED.findall(unquote(text)[:100_000]):
        places = [int(number) for number in _PLACE.findall(where)]
        letter = _AMINO_ACIDS.get(name.casefold()) or IUPACData.protein_letters_3to1_extended.get(name.capitalize())
        if letter and places:
            found.append(Recoded(min(places) - 1, max(places), letter))
    return tuple(found)
