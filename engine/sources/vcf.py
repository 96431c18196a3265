"""VCF in: every alternate allele of every record; text, gzipped or bgzipped, or BCF. A record that cannot be used is kept with the reason.

The text is read here and not by htslib, which ends the whole process on some broken headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.core.errors import FileFormatError
from engine.core.locus import LONGEST_BP
from engine.core.quoting import file_name, quoted
from engine.core.typography import NUL_SIGN
from engine.core.variants import Variant
from engine.sources.bcf import is_bcf, vcf_of_bcf
from engine.sources.door import DAMAGED, OWN_FILES, Bounds, TextLines
from engine.sources.kinds import VCF

WANTED = "a VCF"
_FEWEST_COLUMNS = 5
_HEADER = "#CHROM"
_ROUNDED = re.compile(r"\d{1,20}(?:\.\d{1,20})?[eE][+-]?\d{1,4}|\d{1,20}\.\d{1,20}", re.ASCII)
_LETTERS = re.compile(r"[ACGTN]+", re.IGNORECASE)


def open_vcf(source: Path | bytes, name: str, bounds: Bounds = OWN_FILES) -> TextLines:
    """Lines of a VCF, to be read once and closed. Raises `FileFormatError` when it cannot be read, is packed otherwise, or is no text."""
    if is_bcf(source):
        source = vcf_of_bcf(source, name)
    lines = TextLines(name, source, bounds, WANTED)
    if lines.kind is not None and lines.kind is not VCF:
        lines.close()
        raise FileFormatError(f"The file {file_name(name)} is {lines.kind.words}, not a VCF; give a VCF with its header.")
    return lines


def read_vcf(source: Path | bytes, name: str = "", bounds: Bounds = OWN_FILES, notes: list[str] | None = None) -> tuple[Variant, ...]:
    """`parse_vcf` of a file, or of the bytes of one; what a reader of the result has to know of its encoding is added to ``notes``."""
    label = name or (source.name if isinstance(source, Path) else "upload")
    with open_vcf(source, label, bounds) as lines:
        told = list[str]()
        found = tuple(variants_of(label, lines, bounds, told))
    if notes is not None:
        notes += (*lines.notes, *told)
    return found


def parse_vcf(name: str, lines: Iterable[str], bounds: Bounds = OWN_FILES) -> tuple[Variant, ...]:
    """All alternate alleles in the order of the file; records without an alternate allele give none.

    ``record`` counts the records from 0, those without an alternate allele included. A record that cannot be used becomes one variant whose
    ``problem`` says why.

    Raises
    ------
    FileFormatError
        Not a VCF, positions that a spreadsheet has rounded, not one record that can be used, no variant at all, or too many.
    """
    return tuple(variants_of(name, lines, bounds))


def variants_of(name: str, lines: Iterable[str], bounds: Bounds = OWN_FILES, notes: list[str] | None = None) -> Iterator[Variant]:
    """`parse_vcf`, one after the other; what is wrong with the whole file is said at its end. ``notes``: hears of records that give none."""
    count, first_problem, usable, empty = 0, "", False, 0
    for record, (number, line) in enumerate(_records(file_name(name), lines)):
        alleles = _alleles(file_name(name), number, line, record, bounds)
        usable = usable or any(not variant.problem for variant in alleles)
        first_problem = first_problem or next((variant.problem for variant in alleles if variant.problem), "")
        count += len(alleles)
        empty += not alleles
        if count > bounds.alleles:
            raise FileFormatError(
                f"The file {file_name(name)} has more than {bounds.alleles:,} variants; split it, or give it to the command triage."
            )
        yield from alleles
    if first_problem and not usable:
        raise FileFormatError(f"The file {file_name(name)} has no record that can be used. {first_problem}")
    if not count:
        raise FileFormatError(
            f"The file {file_name(name)} holds no variants; give a VCF with at least one record that has an alternate allele."
        )
    if empty and notes is not None:
        records = "record has" if empty == 1 else "records have"
        notes.append(f"{empty:,} {records} no alternate allele (ALT is . or empty) and no row; a VCF that is written keeps them.")


def _records(label: str, lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Lines with records, each with its number; headers between them, as joined files have, are passed over."""
    header = False
    for number, line in enumerate(lines, start=1):
        if line.startswith("#"):
            if line.startswith(_HEADER):
                if line.count("\t") < _FEWEST_COLUMNS - 1:
                    raise FileFormatError(
                        f"Line {number:,} of {label}, the header line #CHROM, is not split by tabs; give a VCF as written."
                    )
                header = True
            continue
        if not line.strip():
            continue
        if not header:
            raise FileFormatError(
                f"The file {label} is not a VCF: line {number:,} comes before the header line #CHROM; give a VCF with its header."
            )
        yield number, line


def _alleles(label: str, number: int, line: str, record: int, bounds: Bounds) -> list[Variant]:
    columns = line.split("\t")
    where = f"Line {number:,} of {label}"
    if len(columns) < _FEWEST_COLUMNS:
        few = f"has {len(columns)} columns; a VCF record has at least 8, separated by tabs"
        problem = f"{where} {DAMAGED if NUL_SIGN in line else few}."
        return [Variant(columns[0][:80] or ".", 0, ".", ".", record=record, problem=problem)]
    contig, position, identifier, reference, alternates = columns[:5]
    if _ROUNDED.fullmatch(position):
        raise FileFormatError(
            f"{where} has the position {quoted(position, 30)}: a spreadsheet has rounded the positions; take the VCF as it was."
        )
    problem = f"{where} {DAMAGED}." if NUL_SIGN in line else _problem_of_place(where, contig, position, reference)
    count = alternates.count(",") + 1
    if count > bounds.alleles_of_record:
        problem = f"{where} has {count:,} alternate alleles; up to {bounds.alleles_of_record:,} are read."
        alternates = alternates[:40] + "..."
        return [Variant(contig, _number(position), reference.upper()[:80], alternates, identifier or ".", record, problem=problem)]
    known = _frequencies(columns[7], count) if len(columns) > 7 else {}
    return [
        Variant(
            contig or ".", _number(position), reference.upper(), alternate, identifier or ".", record, allele, problem, known.get(allele)
        )
        for allele, alternate in _numbered(alternates)
    ]


def _frequencies(info: str, alleles: int) -> dict[int, float]:
    """Frequency of each alternate allele that the INFO column states: AF; CAF, whose first value is the reference's; or AC by AN."""
    fields = dict(item.partition("=")[::2] for item in info.split(";") if item.startswith(("AF=", "CAF=", "AC=", "AN=")))
    if "AF" in fields:
        texts = fields["AF"].split(",")
    elif "CAF" in fields:
        texts = fields["CAF"].strip("[]").split(",")[1:]
    else:
        total = _fraction(fields.get("AN", ""), most=1e12)
        counts = [_fraction(text, most=1e12) for text in fields.get("AC", "").split(",")]
        known = {place: count / total for place, count in enumerate(counts) if count is not None and total}
        return {place: value for place, value in known.items() if value <= 1} if len(counts) == alleles else {}
    if len(texts) != alleles:
        return {}
    return {place: value for place, text in enumerate(texts) if (value := _fraction(text)) is not None}


def _fraction(text: str, most: float = 1.0) -> float | None:
    """A number from 0 to ``most``; None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= most else None


def _numbered(alternates: str) -> list[tuple[int, str]]:
    texts = alternates.split(",")
    return [(allele, text.upper() if _LETTERS.fullmatch(text) else text) for allele, text in enumerate(texts) if text not in (".", "")]


def _problem_of_place(where: str, contig: str, position: str, reference: str) -> str:
    """Why a record cannot be placed; empty when it can be."""
    if not contig:
        return f"{where} has no contig in its first column."
    if not (position.isascii() and position.isdigit()):
        return f"{where} has the position {quoted(position, 30)}; a whole number of at least 1 is needed."
    if _number(position) < 1:
        return f"{where} has the position {quoted(position, 30)}; positions start at 1, 0 is the end of a chromosome in front of its first base."
    if not _LETTERS.fullmatch(reference):
        return f"{where} has the reference allele {quoted(reference, 30)}; a model reads A, C, G, T and N."
    return ""


def _number(position: str) -> int:
    """The position; one that no chromosome has is cut to just beyond the longest."""
    if not (position.isascii() and position.isdigit()):
        return 0
    return min(int(position[:20]), LONGEST_BP + 1)
