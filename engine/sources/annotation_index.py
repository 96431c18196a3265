"""Annotation by position and by name: in memory, through a tabix index, or only what of an upload lies on a sequence."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import FileFormatError
from engine.core.features import Feature
from engine.core.locus import Locus
from engine.core.packages import needed
from engine.core.quoting import file_name
from engine.sources.annotation import BOUND_BYTES, FASTA_PART, KNOWN, Style, is_comment, parse_annotation, parse_line, style_of
from engine.sources.assemblies import find_contigs
from engine.sources.door import OWN_FILES, Bounds, LeftOut, TextLines
from engine.sources.kinds import EMBL, GENBANK

GENE_KINDS = frozenset(
    {"gene", "tRNA_gene", "tRNA", "rRNA", "ncRNA", "pseudogene", "ncRNA_gene", "snoRNA_gene", "rRNA_gene", "snRNA_gene", "CDS"}
)

_PARTS = ("CDS", "exon", "stop_codon")
_FARTHEST_BP = 3_000_000  # parts of one gene lie within


class Annotation(Protocol):
    """Features of an assembly, by position and by name."""

    note: str
    """One sentence about lines that were left out; empty when there were none."""

    def contigs(self) -> tuple[str, ...]:
        """Contigs that have features."""

    def overlapping(self, contig: str, start: int, end: int) -> tuple[Feature, ...]:
        """Features that meet ``[start, end)`` of a contig (0-based half-open), by start."""

    def named(self, name: str) -> Feature | None:
        """The gene (or the first feature) of this name, locus tag or identifier."""

    def holders(self, name: str) -> tuple[Feature, ...]:
        """Every gene (where there is none, the first feature) of this name; where one is written exactly so, those that are."""

    def coding(self, name: str) -> dict[str, tuple[Feature, ...]]:
        """By transcript, the exons and coding parts of a gene or transcript of this name."""

    def names_like(self, start: str, count: int) -> tuple[str, ...]:
        """Up to ``count`` names that begin so, in alphabetical order, case ignored."""


class FeatureIndex:
    """Features in memory: per contig sorted by start, with the widest so far, so that a query reads a narrow slice."""

    def __init__(self, features: Iterable[Feature], note: str = "") -> None:
        by_contig: dict[str, list[Feature]] = {}
        for feature in features:
            by_contig.setdefault(feature.contig, []).append(feature)
        self.note = note
        self._features: dict[str, list[Feature]] = {}
        self._starts: dict[str, NDArray[np.int64]] = {}
        self._reach: dict[str, NDArray[np.int64]] = {}
        self._names: dict[str, list[Feature]] | None = None
        self._sorted_names: list[str] = []
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
        """The first of `holders`, or None."""
        return next(iter(self.holders(name)), None)

    def holders(self, name: str) -> tuple[Feature, ...]:
        """Every gene (where there is none, the first feature) of this name, locus tag or identifier; case is ignored where none is written so."""
        same = self._by_name().get(name.casefold(), ())
        return tuple(item for item in same if name in _names_of(item)) or tuple(same)

    def coding(self, name: str) -> dict[str, tuple[Feature, ...]]:
        """By transcript, the exons and coding parts of a gene or transcript of this name (case and the version behind a dot are ignored)."""
        wanted = name.casefold()
        named = self.named(name)
        if named is None:
            named = self.named(name.partition(".")[0])
        if named is None:
            return {}
        near = self.overlapping(named.contig, named.start - _FARTHEST_BP, named.end + _FARTHEST_BP)
        above = {item.attributes["ID"]: item for item in near if item.attributes.get("ID") and item.kind not in _PARTS}
        found: dict[str, list[Feature]] = {}
        for item in near:
            if item.kind in _PARTS and {wanted, named.name.casefold()} & _owners(item, above):
                found.setdefault(_transcript_of(item), []).append(item)
        bare = wanted.partition(".")[0]
        exact = {key: parts for key, parts in found.items() if key.casefold() == wanted or key.casefold().partition(".")[0] == bare}
        return {key: tuple(parts) for key, parts in (exact or found).items() if any(part.kind == "CDS" for part in parts)}

    def names_like(self, start: str, count: int) -> tuple[str, ...]:
        """Up to ``count`` gene names that begin so, in alphabetical order, case ignored."""
        names = self._by_name()
        if not self._sorted_names:
            self._sorted_names = sorted(names)
        first = bisect.bisect_left(self._sorted_names, start.casefold())
        close = itertools.takewhile(lambda key: key.startswith(start.casefold()), self._sorted_names[first : first + 50 * count])
        genes = (item for key in close for item in names[key])
        return tuple(itertools.islice(dict.fromkeys(item.name for item in genes if item.kind in GENE_KINDS), count))

    def _by_name(self) -> dict[str, list[Feature]]:
        if self._names is None:
            self._names = self._name_table()
        return self._names

    def _name_table(self) -> dict[str, list[Feature]]:
        genes: dict[str, list[Feature]] = {}
        others: dict[str, list[Feature]] = {}
        for items in self._features.values():
            for item in items:
                is_gene = item.kind in GENE_KINDS and item.kind != "CDS"
                for key in {name.casefold() for name in _names_of(item)}:
                    if is_gene:
                        genes.setdefault(key, []).append(item)
                    else:
                        others.setdefault(key, [item])
        return others | genes


def _names_of(item: Feature) -> set[str]:
    """How a feature is called: name, gene, locus tag, identifier; a part of a transcript also by that."""
    found = {item.name, *(item.attributes.get(label, "") for label in ("gene", "Name", "locus_tag", "ID", "gene_id"))}
    if item.kind not in GENE_KINDS or item.kind == "CDS":
        found.add(item.attributes.get("transcript_id", ""))
    return found - {""}


def _transcript_of(item: Feature) -> str:
    attributes = item.attributes
    named = attributes.get("transcript_id") or attributes.get("Parent", "").split(",")[0] or attributes.get("gene") or item.name
    return named.removeprefix("transcript:").removeprefix("rna-")


def _owners(item: Feature, above: Mapping[str, Feature]) -> set[str]:
    """What an exon or coding part may be asked for by: its own names, and those of its transcript and gene."""
    found = {_transcript_of(item).casefold()}
    for _ in range(4):
        labels = ("gene", "gene_name", "gene_id", "locus_tag", "protein_id", "ID", "Name")
        found |= {text.casefold() for text in (item.name, *(item.attributes.get(label, "") for label in labels)) if text}
        parent = above.get(item.attributes.get("Parent", "").split(",")[0])
        if parent is None:
            break
        item = parent
    return found


class TabixAnnotation:
    """A bgzipped GFF3, GTF or BED file with a tabix index; nothing is held in memory. Names cannot be looked up."""

    note = ""

    def __init__(self, path: Path, style: Style) -> None:
        self._path, self._style = path, style

    def contigs(self) -> tuple[str, ...]:
        """Contigs of the index."""
        pysam = needed("pysam")

        with pysam.TabixFile(str(self._path)) as table:
            return tuple(table.contigs)

    def overlapping(self, contig: str, start: int, end: int) -> tuple[Feature, ...]:
        """Features that meet ``[start, end)``, by start."""
        pysam = needed("pysam")

        with pysam.TabixFile(str(self._path)) as table:
            if contig not in table.contigs:
                return ()
            parsed = (parse_line(line, self._style) for line in table.fetch(contig, start, end))
            return tuple(item for item in parsed if item is not None)

    def named(self, name: str) -> Feature | None:
        """Names are not indexed by tabix."""
        return None

    def holders(self, name: str) -> tuple[Feature, ...]:
        """Names are not indexed by tabix."""
        return ()

    def coding(self, name: str) -> dict[str, tuple[Feature, ...]]:
        """Names are not indexed by tabix."""
        return {}

    def names_like(self, start: str, count: int) -> tuple[str, ...]:
        """Names are not indexed by tabix."""
        return ()


def open_annotation(path: Path, *, by_name: bool = False) -> Annotation:
    """Index an annotation file: by its tabix index where there is one and names are not asked for (``by_name``), else in memory.

    Raises
    ------
    FileFormatError
        A format that is not known, not one line that can be read, or too large without an index.
    """
    if not by_name and any(path.with_name(path.name + suffix).is_file() for suffix in (".tbi", ".csi")):
        return TabixAnnotation(path, style_of(path.name))
    bounds = replace(OWN_FILES, text_bytes=BOUND_BYTES)
    with TextLines(path.name, path, bounds, KNOWN) as lines:
        return _indexed(lines, bounds)


def read_annotation_file(name: str, data: bytes, bounds: Bounds) -> FeatureIndex:
    """Every feature of an uploaded GFF3, GTF, BED or GenBank file, as many as ``bounds`` allow. Raises `FileFormatError`."""
    with TextLines(name, data, bounds, KNOWN) as lines:
        return _indexed(lines, bounds)


def _indexed(lines: TextLines, bounds: Bounds) -> FeatureIndex:
    left_out = LeftOut()
    if lines.kind in (GENBANK, EMBL):
        from engine.sources.genbank import parse_flat_file

        found = parse_flat_file(lines, bounds, lines.kind, left_out)
        return FeatureIndex((feature for features in found[1] for feature in features), left_out.note(lines.name))
    index = FeatureIndex(parse_annotation(lines, style_of(lines.name, lines.head), left_out, bounds.features))
    index.note = " ".join(filter(None, (left_out.note(lines.name), *lines.notes)))
    return index


def features_of_upload(
    name: str, data: bytes, bounds: Bounds, place: Locus, aliases: Mapping[str, tuple[str, ...]] | None = None
) -> tuple[tuple[Feature, ...], tuple[str, ...], str]:
    """Features of an uploaded annotation that meet ``place``, in coordinates of the contig.

    Returns
    -------
    features : tuple of Feature
        In file order; only these are held in memory, however large the file is.
    contigs : tuple of str
        Contigs the file names (at most a hundred of them).
    note : str
        What was left out, in one sentence; may be empty.
    """
    with TextLines(name, data, bounds, KNOWN) as lines:
        if lines.kind in (GENBANK, EMBL):
            index = _indexed(lines, bounds)
            wanted = find_contigs(place.contig, index.contigs(), aliases)
            found = [item for contig in wanted for item in index.overlapping(contig, place.start, place.end)]
            return tuple(found), index.contigs()[:100], index.note
        style = style_of(name, lines.head)
        annotation = itertools.takewhile(lambda line: not line.startswith(FASTA_PART), lines)
        contigs = dict.fromkeys(_contig_of(line, style) for line in annotation if not is_comment(line))
    wanted = find_contigs(place.contig, contigs, aliases)
    left_out, found = LeftOut(), list[Feature]()
    with TextLines(name, data, bounds, KNOWN) as lines:
        for item in parse_annotation(lines, style, left_out, most=OWN_FILES.features):
            if item.contig in wanted and item.start < place.end and item.end > place.start:
                found.append(item)
                if len(found) > bounds.features:
                    raise FileFormatError(
                        f"The file {file_name(name)} has more than {bounds.features:,} features here; cut out the part needed."
                    )
    note = " ".join(filter(None, (left_out.note(name), *lines.notes)))
    return tuple(found), tuple(itertools.islice(contigs, 100)), note


def _contig_of(line: str, style: Style) -> str:
    fields = line.split("\t", 1) if style != "bed" or "\t" in line else line.split(None, 1)
    return fields[0] if style == "bed" else unquote(fields[0])
