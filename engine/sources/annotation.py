"""Annotation lines of GFF3, GTF and BED, and an index over them by position and by name.

Coordinates are converted here: GFF3 and GTF are 1-based inclusive, BED 0-based half-open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import FileFormatError
from engine.core.features import Feature
from engine.sources.compressed import text_of

Style = Literal["gff3", "gtf", "bed"]
BOUND_BYTES = 400_000_000
"""Largest annotation file read into memory, unpacked; above it a tabix index is needed."""

LONGEST_BP = 10**12
"""No chromosome is longer; coordinates beyond it are not read."""

_WHOLE = frozenset({"chromosome", "supercontig", "scaffold", "contig", "databank_entry"})
_NAMES = ("gene", "gene_name", "Name", "locus_tag", "gene_id", "product", "ID")
_GTF_PAIR = re.compile(r'\s*([^\s"]+)\s+(?:"((?:[^"\\]|\\.)*)"|(\S+))\s*;?')
_GENES = frozenset(
    {"gene", "tRNA_gene", "tRNA", "rRNA", "ncRNA", "pseudogene", "ncRNA_gene", "snoRNA_gene", "rRNA_gene", "snRNA_gene", "CDS"}
)


def gff3_attributes(text: str) -> dict[str, str]:
    """Column 9 of GFF3: percent escapes undone, several values kept with commas."""
    pairs = (item.split("=", 1) for item in text.strip().split(";") if "=" in item)
    return {unquote(key.strip()): unquote(value.strip()) for key, value in pairs}


def gtf_attributes(text: str) -> dict[str, str]:
    """Column 9 of GTF: ``key "value";`` pairs."""
    return {match[1]: match[2] if match[2] is not None else match[3].rstrip(";") for match in _GTF_PAIR.finditer(text)}


def _gff_feature(line: str, style: Style, number: int) -> Feature | None:
    fields = line.split("\t")
    if len(fields) < 9:
        raise FileFormatError(
            f"Line {number:,} of the annotation has {len(fields)} columns; {style.upper()} has 9, separated by tabs; give {style.upper()} or BED."
        )
    attributes = gff3_attributes(fields[8]) if style == "gff3" else gtf_attributes(fields[8])
    if fields[2] in _WHOLE or attributes.get("gbkey") == "Src":
        return None
    try:
        start, end = int(fields[3]) - 1, int(fields[4])
    except ValueError as error:
        raise FileFormatError(
            f"Line {number:,} of the annotation has coordinates {fields[3]!r}, {fields[4]!r}; whole numbers are needed."
        ) from error
    if not 0 <= start < end <= LONGEST_BP:
        raise FileFormatError(f"Line {number:,} of the annotation spans {start + 1}-{end}; the start is at least 1 and not after the end.")
    name = next((attributes[key] for key in _NAMES if attributes.get(key)), "")
    strand = fields[6] if fields[6] in ("+", "-") else "."
    return Feature(fields[2], name[:80], start, end, strand, unquote(fields[0]), attributes)


def _bed_feature(line: str, number: int) -> Feature:
    fields = line.split("\t") if "\t" in line else line.split()
    try:
        start, end = int(fields[1]), int(fields[2])
    except (ValueError, IndexError) as error:
        raise FileFormatError(
            f"Line {number:,} of the BED text has no start and end; BED has contig, start, end in its first columns."
        ) from error
    if not 0 <= start < end <= LONGEST_BP:
        raise FileFormatError(
            f"Line {number:,} of the BED text spans {start}-{end}; BED is 0-based half-open, so the start is below the end."
        )
    strand = fields[5] if len(fields) > 5 and fields[5] in ("+", "-") else "."
    attributes = {"score": fields[4]} if len(fields) > 4 else {}
    return Feature("region", fields[3][:80] if len(fields) > 3 else "", start, end, strand, fields[0], attributes)


def parse_line(line: str, style: Style, number: int = 0) -> Feature | None:
    """The feature of one line; None for comments, track lines and whole chromosomes."""
    line = line.rstrip("\r\n")
    if not line.strip() or line.startswith(("#", "track", "browser")):
        return None
    return _bed_feature(line, number) if style == "bed" else _gff_feature(line, style, number)


def parse_annotation(lines: Iterable[str], style: Style) -> Iterator[Feature]:
    """Features in file order; what follows ``##FASTA`` in a GFF3 file is left alone.

    Raises
    ------
    FileFormatError
        A line with too few columns or coordinates that cannot be used.
    """
    for number, line in enumerate(lines, start=1):
        if line.startswith(("##FASTA", ">")):
            return
        feature = parse_line(line, style, number)
        if feature is not None:
            yield feature


def style_of(name: str, first_lines: str = "") -> Style:
    """Format by file name, then by the first lines. Raises `FileFormatError` when neither tells."""
    plain = name.casefold().removesuffix(".gz").removesuffix(".bgz")
    styles: tuple[tuple[tuple[str, ...], Style], ...] = (
        ((".gff3", ".gff"), "gff3"),
        ((".gtf",), "gtf"),
        ((".bed", ".narrowpeak", ".broadpeak"), "bed"),
    )
    for suffixes, style in styles:
        if plain.endswith(suffixes):
            return style
    if first_lines.startswith("##gff-version 3"):
        return "gff3"
    raise FileFormatError(
        f"The annotation {name[-60:]!r} is of no known kind; give GFF3 (.gff3, .gff), GTF (.gtf), BED (.bed) or GenBank (.gb, .gbk, .gbff)."
    )


class Annotation(Protocol):
    """Features of an assembly, by position and by name."""

    def contigs(self) -> tuple[str, ...]:
        """Contigs that have features."""

    def overlapping(self, contig: str, start: int, end: int) -> tuple[Feature, ...]:
        """Features that meet ``[start, end)`` of a contig (0-based half-open), by start."""

    def named(self, name: str) -> Feature | None:
        """The gene (or the first feature) of this name, locus tag or identifier."""


class FeatureIndex:
    """Features in memory: per contig sorted by start, with the widest so far, so that a query reads a narrow slice."""

    def __init__(self, features: Iterable[Feature]) -> None:
        by_contig: dict[str, list[Feature]] = {}
        for feature in features:
            by_contig.setdefault(feature.contig, []).append(feature)
        self._features: dict[str, list[Feature]] = {}
        self._starts: dict[str, NDArray[np.int64]] = {}
        self._reach: dict[str, NDArray[np.int64]] = {}
        self._names: dict[str, Feature] | None = None
        for contig, items in by_contig.items():
            items.sort(key=lambda item: (item.start, -item.end))
            self._features[contig] = items
            self._starts[contig] = np.array([item.start for item in items], dtype=np.int64)
            self._reach[contig] = np.maximum.accumulate(np.array([item.end for item in items], dtype=np.int64))

    def contigs(self) -> tuple[str, ...]:
        """Contigs that have features."""
        return tuple(self._features)

    def overlapping(self, contig: str, start: int, end: int) -> tuple[Feature, ...]:
        """Features that meet ``[start, end)``, by start."""
        if contig not in self._features:
            return ()
        first = int(np.searchsorted(self._reach[contig], start, side="right"))
        last = int(np.searchsorted(self._starts[contig], end, side="left"))
        return tuple(item for item in self._features[contig][first:last] if item.end > start)

    def named(self, name: str) -> Feature | None:
        """The gene (or the first feature) of this name, locus tag or identifier; case is ignored."""
        if self._names is None:
            self._names = self._name_table()
        return self._names.get(name.casefold())

    def _name_table(self) -> dict[str, Feature]:
        genes: dict[str, Feature] = {}
        others: dict[str, Feature] = {}
        for items in self._features.values():
            for item in items:
                table = genes if item.kind in _GENES and item.kind != "CDS" else others
                for key in (item.name, *(item.attributes.get(label, "") for label in ("gene", "Name", "locus_tag", "ID", "gene_id"))):
                    if key:
                        table.setdefault(key.casefold(), item)
        return others | genes


class TabixAnnotation:
    """A bgzipped GFF3, GTF or BED file with a tabix index; nothing is held in memory. Names cannot be looked up."""

    def __init__(self, path: Path, style: Style) -> None:
        self._path, self._style = path, style

    def contigs(self) -> tuple[str, ...]:
        """Contigs of the index."""
        import pysam

        with pysam.TabixFile(str(self._path)) as table:
            return tuple(table.contigs)

    def overlapping(self, contig: str, start: int, end: int) -> tuple[Feature, ...]:
        """Features that meet ``[start, end)``, by start."""
        import pysam

        with pysam.TabixFile(str(self._path)) as table:
            if contig not in table.contigs:
                return ()
            parsed = (parse_line(line, self._style) for line in table.fetch(contig, start, end))
            return tuple(item for item in parsed if item is not None)

    def named(self, name: str) -> Feature | None:
        """Names are not indexed by tabix."""
        return None


def split_fasta(text: str) -> tuple[str, str]:
    """A GFF3 text in two: annotation, and the FASTA behind ``##FASTA`` (empty when there is none)."""
    before, mark, after = text.partition("\n##FASTA")
    return before, after.partition("\n")[2] if mark else ""


def open_annotation(path: Path) -> Annotation:
    """Index an annotation file: by its tabix index where there is one, else in memory.

    Raises
    ------
    FileFormatError
        A format that is not known, a broken line, or too large without an index.
    """
    if any(path.with_name(path.name + suffix).is_file() for suffix in (".tbi", ".csi")):
        return TabixAnnotation(path, style_of(path.name))
    plain = path.name.casefold().removesuffix(".gz")
    try:
        text = text_of(path.name, path.read_bytes(), BOUND_BYTES)
    except FileFormatError as error:
        raise FileFormatError(
            f"{error} A large annotation is read through an index: sort it, pack it with bgzip and index it with tabix."
        ) from error
    if plain.endswith((".gb", ".gbk", ".gbff", ".genbank")) or text.startswith("LOCUS "):
        from engine.sources.genbank import parse_genbank

        return FeatureIndex(feature for features in parse_genbank(text)[1] for feature in features)
    return FeatureIndex(parse_annotation(text.splitlines(), style_of(path.name, text[:200])))
