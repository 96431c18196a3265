"""Gene models out of an annotation: exons and coding parts grouped by transcript."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from engine.core.errors import FileFormatError
from engine.core.features import Feature
from engine.core.transcripts import Interval, Transcript
from engine.sources.annotation import parse_annotation, style_of
from engine.sources.door import OWN_FILES, TextLines

_EXONS = frozenset({"exon", "noncoding_exon"})
_SYMBOLS = ("gene", "gene_name", "Name", "gene_id", "locus_tag", "ID")


@dataclass
class _Parts:
    contig: str
    strand: str
    exons: list[Interval] = field(default_factory=list)
    coding: list[Interval] = field(default_factory=list)
    table: int = 1
    gene: str = ""


def read_transcripts(path: Path) -> tuple[Transcript, ...]:
    """Every transcript of a GFF3 or GTF file, gzipped or not.

    Raises
    ------
    FileFormatError
        The file cannot be read, does not parse, or holds no gene model.
    """
    with TextLines(path.name, path, OWN_FILES, "a GFF3 or GTF file") as lines:
        found = transcripts_of(parse_annotation(lines, style_of(path.name, lines.head)))
    if not found:
        raise FileFormatError(f"{path.name} holds no exons or coding parts; give a GFF3 or GTF file with gene models.")
    return found


def transcripts_of(features: Iterable[Feature]) -> tuple[Transcript, ...]:
    """Transcripts in the order of their first part.

    Parts are grouped by ``Parent`` (GFF3) or ``transcript_id`` (GTF); a coding part directly under a gene makes a transcript of it.
    """
    groups: dict[str, _Parts] = {}
    parents: dict[str, str] = {}
    symbols: dict[str, str] = {}
    for feature in features:
        attributes = feature.attributes
        if feature.kind == "CDS" or feature.kind in _EXONS:
            _add(groups, feature)
        elif attributes.get("ID"):
            parents[attributes["ID"]] = attributes.get("Parent", "").split(",")[0]
            symbols[attributes["ID"]] = next(attributes[key] for key in _SYMBOLS if attributes.get(key))
    return tuple(_made(name, parts, parents, symbols) for name, parts in groups.items())


def _add(groups: dict[str, _Parts], feature: Feature) -> None:
    attributes = feature.attributes
    names = (attributes.get("Parent") or attributes.get("transcript_id") or attributes.get("ID", "")).split(",")
    for name in filter(None, names if feature.strand in ("+", "-") else ()):
        parts = groups.setdefault(name, _Parts(feature.contig, feature.strand))
        (parts.coding if feature.kind == "CDS" else parts.exons).append((feature.start, feature.end))
        if attributes.get("transl_table", "").isdigit():
            parts.table = int(attributes["transl_table"])
        parts.gene = parts.gene or attributes.get("gene") or attributes.get("gene_name") or attributes.get("gene_id", "")


def _made(name: str, parts: _Parts, parents: dict[str, str], symbols: dict[str, str]) -> Transcript:
    top = name
    seen: set[str] = set()
    while parents.get(top) and top not in seen:
        seen.add(top)
        top = parents[top]
    gene = parts.gene or symbols.get(top, name)
    return Transcript(name, gene, parts.contig, parts.strand, _merged(parts.exons + parts.coding), _merged(parts.coding), parts.table)


def _merged(intervals: list[Interval]) -> tuple[Interval, ...]:
    """Sorted, overlapping and adjacent ones joined."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)
