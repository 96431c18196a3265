"""Text to sequences: FASTA, GenBank, EMBL, GFF3 with its FASTA, or plain letters, told apart by their content."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from engine.core.errors import FileFormatError
from engine.core.features import Feature
from engine.core.locus import Locus, is_contig_name
from engine.core.quoting import file_name
from engine.core.sequence import NucleotideSequence
from engine.sources.annotation import parse_annotation
from engine.sources.annotation_index import FeatureIndex
from engine.sources.assemblies import find_contig_of
from engine.sources.door import Bounds, LeftOut, TextLines
from engine.sources.fasta import parse_fasta
from engine.sources.genbank import parse_flat_file
from engine.sources.kinds import EMBL, FASTA, GENBANK, GFF3, TextKind
from engine.sources.letters import sequence_from

WANTED = "FASTA or GenBank"
_ENDINGS = re.compile(r"\.(txt|seq|fa|fasta|fna|gz)$", re.IGNORECASE)


@dataclass(frozen=True)
class Records:
    """Sequences of one text: for each its features in indices of its letters; ``notes`` say what was left out or guessed."""

    records: tuple[NucleotideSequence, ...]
    features: tuple[tuple[Feature, ...], ...]
    kind: Literal["letters", "fasta", "genbank"]
    notes: tuple[str, ...] = ()


def read_file(name: str, data: bytes, bounds: Bounds) -> Records:
    """Sequences of an uploaded file, packed with gzip or not.

    Raises
    ------
    FileFormatError
        Too large (also after unpacking), another packing, not text, of another kind, or broken.
    SequenceError
        Letters that cannot be used.
    """
    with TextLines(name, data, bounds, WANTED) as lines:
        found = read_lines(lines, lines.kind, name, bounds)
        return Records(found.records, found.features, found.kind, (*found.notes, *lines.notes))


def read_lines(lines: Iterable[str], kind: TextKind | None, name: str, bounds: Bounds) -> Records:
    """Sequences of a text whose first lines show ``kind`` (`engine.sources.kinds.text_kind`); ``name`` is the file's, or empty for a paste."""
    left_out = LeftOut()
    if kind is FASTA:
        records = parse_fasta(_from_first(lines), bounds, left_out)
        found = Records(records, ((),) * len(records), "fasta")
    elif kind in (GENBANK, EMBL):
        records, placed = parse_flat_file(lines, bounds, kind or GENBANK, left_out)
        relative = tuple(_inside(features, record) for record, features in zip(records, placed, strict=True))
        found = Records(records, relative, "genbank")
    elif kind is GFF3:
        found = _gff3_with_letters(lines, name, bounds, left_out)
    elif kind is not None:
        advice = f"{kind.advice}, or " if kind.advice else ""
        what = f"The file {file_name(name)}" if name else "The text"
        raise FileFormatError(f"{what} is {kind.words}; {advice}give {WANTED}.")
    else:
        sequence = sequence_from("\n".join(lines), _ENDINGS.sub("", _ENDINGS.sub("", name))[-60:])
        found = Records((sequence,), ((),), "letters")
    note = left_out.note(name or "what was given")
    return Records(found.records, found.features, found.kind, (note,) if note else ())


def _from_first(lines: Iterable[str]) -> Iterator[str]:
    """The lines from the first that is not empty on, without white space in front of it."""
    began = False
    for line in lines:
        if not began and line.strip("\ufeff \t"):
            began = True
            yield line.lstrip("\ufeff \t")
        elif began:
            yield line


def _inside(features: Iterable[Feature], record: NucleotideSequence) -> tuple[Feature, ...]:
    place = record.locus
    found = (item.relative_to(place) for item in features) if place is not None else ()
    return tuple(item for item in found if item is not None)


def _gff3_with_letters(lines: Iterable[str], name: str, bounds: Bounds, left_out: LeftOut) -> Records:
    """GFF3 with its FASTA inside, as genome databases give it."""
    fasta: list[str] = []
    index = FeatureIndex(parse_annotation(_before_fasta(lines, fasta), "gff3", left_out, bounds.features))
    if not any(line.strip() for line in fasta):
        raise FileFormatError(f"The file {file_name(name)} is an annotation without letters; give it together with its FASTA, or GenBank.")
    records = parse_fasta(fasta, bounds, left_out)
    return Records(records, tuple(placed(index, record) for record in records), "fasta")


def _before_fasta(lines: Iterable[str], fasta: list[str]) -> Iterator[str]:
    """The lines before ``##FASTA``; those behind it go to ``fasta``."""
    source = iter(lines)
    for line in source:
        if line.startswith("##FASTA"):
            fasta.extend(source)
            return
        if line.startswith(">"):
            fasta.extend((line, *source))
            return
        yield line


def place_of(record: NucleotideSequence) -> Locus:
    """Where the features of a record are looked for: its locus, or its name from 1 to its length."""
    return record.locus or Locus("", record.name if is_contig_name(record.name) else "sequence", 0, len(record))


def placed(index: FeatureIndex, record: NucleotideSequence) -> tuple[Feature, ...]:
    """Features of an annotation on a record, by its locus or, without one, by its name, in indices of its letters."""
    place = place_of(record)
    contig = find_contig_of(place.assembly, place.contig, index.contigs())
    if contig is None:
        return ()
    found = (item.relative_to(place) for item in index.overlapping(contig, place.start, place.end))
    return tuple(item for item in found if item is not None)
