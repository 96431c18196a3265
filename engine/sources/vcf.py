"""VCF in: every alternate allele of every record; text, gzipped or bgzipped.

The text is read here and not by htslib, which ends the whole process on some broken headers.
"""

from __future__ import annotations

from pathlib import Path

from engine.core.errors import FileFormatError
from engine.core.variants import Variant
from engine.sources.compressed import text_of

MAXIMUM_VARIANTS = 1_000_000
MAXIMUM_BYTES = 2_000_000_000
_COLUMNS = 8


def vcf_text(path: Path, bound: int = MAXIMUM_BYTES) -> str:
    """Text of a VCF file, unpacked. Raises `FileFormatError` when it cannot be read or is no text."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"The file {path.name!r} cannot be read: {error.strerror}; give the path of a VCF.") from error
    return text_of(path.name, data, bound)


def parse_vcf(name: str, text: str, maximum: int = MAXIMUM_VARIANTS) -> tuple[Variant, ...]:
    """All alternate alleles in the order of the file; records without an alternate allele give none.

    ``record`` counts the records from 0, those without an alternate allele included.

    Raises
    ------
    FileFormatError
        Not a VCF, a record that does not parse (with its line), no variant at all, or more than ``maximum``.
    """
    label = repr(name[-60:])
    found: list[Variant] = []
    header = False
    record = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#"):
            header = header or line.startswith("#CHROM")
            continue
        if not line.strip():
            continue
        if not header:
            raise FileFormatError(
                f"The file {label} is not a VCF: line {number:,} comes before the header line #CHROM; give a VCF with its header."
            )
        found += _alleles(label, number, line, record)
        record += 1
        if len(found) > maximum:
            raise FileFormatError(f"The file {label} has more than {maximum:,} variants; split it.")
    if not found:
        raise FileFormatError(f"The file {label} holds no variants; give a VCF with at least one record that has an alternate allele.")
    return tuple(found)


def read_vcf(path: Path, maximum: int = MAXIMUM_VARIANTS) -> tuple[Variant, ...]:
    """`parse_vcf` of a file."""
    return parse_vcf(path.name, vcf_text(path), maximum)


def _alleles(label: str, number: int, line: str, record: int) -> list[Variant]:
    columns = line.split("\t")
    if len(columns) < _COLUMNS:
        raise FileFormatError(f"Line {number:,} of {label} has {len(columns)} columns; a VCF record has at least 8, separated by tabs.")
    contig, position, identifier, reference, alternates = columns[:5]
    if not position.isdecimal() or not contig:
        raise FileFormatError(f"Line {number:,} of {label} has the position {position[:20]!r}; a whole number of at least 1 is needed.")
    try:
        return [
            Variant(contig, int(position), reference.upper(), alternate.upper(), identifier or ".", record, allele)
            for allele, alternate in enumerate(alternates.split(","))
            if alternate not in (".", "")
        ]
    except FileFormatError as error:
        raise FileFormatError(f"Line {number:,} of {label} cannot be used: {error}") from error
