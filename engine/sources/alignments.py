"""Alignments from files: Stockholm, aligned FASTA, Clustal and MAF, parsed by Biopython, bounded before and after."""

from __future__ import annotations

import io
import itertools
import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.alignment import GAPS, MOST_COLUMNS, MOST_SEQUENCES, Alignment, check_size
from engine.core.errors import FileFormatError, LocusError
from engine.core.locus import Locus, Strand, is_assembly_name
from engine.core.quoting import file_name, quoted
from engine.sources.door import OWN_FILES, Bounds, TextLines

if TYPE_CHECKING:
    from collections.abc import Iterable

WANTED = "an alignment (Stockholm, aligned FASTA, Clustal or MAF)"
FORMATS = {"stockholm": "Stockholm", "fasta": "aligned FASTA", "clustal": "Clustal", "maf": "MAF"}
MOST_TEXT_BYTES = 200_000_000
"""An alignment of the largest size is 25 MB of letters; its annotation, a line a sequence, is a few times that."""

_FOREIGN = (ValueError, AssertionError, LookupError, TypeError, AttributeError, ArithmeticError)
_BLOCK = re.compile(r"\s*a\s+score=|\s*a\s*$", re.MULTILINE)
_CLUSTAL = re.compile(r"^(CLUSTAL|PROBCONS|MUSCLE|MSAPROBS|Kalign|Biopython)\b.*$", re.MULTILINE)
_SPAN = re.compile(r"(?P<name>[^/]+)/(?P<first>\d{1,12})-(?P<last>\d{1,12})")


def read_alignment(name: str, data: bytes | Path, bounds: Bounds = OWN_FILES) -> Alignment:
    """The alignment of a file; ``name`` is the file's.

    A MAF may have several blocks, when each goes on in its first source where the one before ended; species that a block does not have are gaps
    there. Names of the form ``ACCESSION/FIRST-LAST`` (Stockholm) and the lines of a MAF give loci.

    Raises
    ------
    FileFormatError
        Another format, more than one alignment, rows of different lengths, fewer than two sequences, letters of proteins, more than
        `engine.core.alignment.MOST_SEQUENCES` sequences or `MOST_COLUMNS` columns.
    """
    held = replace(bounds, text_bytes=min(bounds.text_bytes, MOST_TEXT_BYTES))
    with TextLines(name, data, held, WANTED) as lines:
        kind = lines.kind.name if lines.kind is not None else ""
        if not kind and _BLOCK.match(lines.head):
            kind = "maf"
        if kind not in FORMATS:
            what = lines.kind.words if lines.kind is not None else "in no format that is known here"
            raise FileFormatError(f"The file {file_name(name)} is {what}; give {WANTED}.")
        text = lines.text() + "\n"
    if kind == "fasta":
        check_count(name, text.count("\n>") + 1)
    if kind == "clustal":
        _check_clustal(name, text)
    blocks = _parsed(name, text, kind)
    return _joined(name, blocks) if kind == "maf" else _single(name, blocks[0], kind)


def check_count(name: str, sequences: int) -> None:
    """Raise `FileFormatError` for more sequences than are read, before their columns are known."""
    if sequences > MOST_SEQUENCES:
        raise FileFormatError(
            f"The alignment {file_name(name)} has {sequences:,} sequences; up to {MOST_SEQUENCES:,} of {MOST_COLUMNS:,} columns are read; "
            "cut out the part that is needed."
        )


def _check_clustal(name: str, text: str) -> None:
    """Raise `FileFormatError` for headers without rows behind them, in which Biopython looks for rows without end, and for several headers."""
    headers = list(_CLUSTAL.finditer(text))
    if not headers or not text[headers[-1].end() :].strip():
        raise FileFormatError(f"The file {file_name(name)} has no alignment in it; give {WANTED}.")
    if len(headers) > 1:
        raise FileFormatError(f"The file {file_name(name)} holds more than one alignment; cut out the one that is needed.")


def _parsed(name: str, text: str, kind: str) -> list[Any]:
    """Biopython's alignments of a text, at least one; more than one only of a MAF."""
    from Bio import AlignIO

    label = file_name(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Biopython warns about harmless deviations
        try:
            found = list(itertools.islice(AlignIO.parse(io.StringIO(text), kind), None if kind == "maf" else 2))
        except _FOREIGN as error:
            reason = quoted(" ".join(str(error).split()) or type(error).__name__, 120)
            raise FileFormatError(
                f"The file {label} does not parse as {FORMATS[kind]}: {reason}; check the line or export it anew."
            ) from error
    if not found or not len(found[0]):
        raise FileFormatError(f"The file {label} has no alignment in it; give {WANTED}.")
    if len(found) > 1 and kind != "maf":
        raise FileFormatError(f"The file {label} holds more than one alignment; cut out the one that is needed.")
    return found


def _single(name: str, block: Any, kind: str) -> Alignment:
    letters = [_letters(record) for record in block]
    check_size(name, len(letters), len(letters[0]))
    names = tuple(str(record.description if kind == "fasta" else record.id)[:200] for record in block)
    loci = tuple(_span(str(record.id), row) for record, row in zip(block, letters, strict=True))
    structure = str(block.column_annotations.get("secondary_structure", "")) if kind == "stockholm" else ""
    return Alignment(name, names, _array(letters), loci if any(loci) else (), structure)


def _letters(record: Any) -> str:
    return str(record.seq).upper()


def _array(rows: Iterable[str]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    data = [row.encode("ascii", "replace") for row in rows]
    return np.frombuffer(b"".join(data), np.uint8).reshape(len(data), -1)


def _known(row: str) -> int:
    return len(row) - sum(row.count(gap) for gap in GAPS)


def _span(name: str, row: str) -> Locus | None:
    """The locus that a name like ``X02172.1/1-72`` tells (first after last: the other strand), if the letters are as many."""
    match = _SPAN.fullmatch(name)
    if match is None:
        return None
    first, last = int(match["first"]), int(match["last"])
    low, high = min(first, last) - 1, max(first, last)
    return _locus("", match["name"], low, high, reverse=first > last) if high - low == _known(row) else None


def _locus(assembly: str, contig: str, start: int, end: int, *, reverse: bool) -> Locus | None:
    try:
        return Locus(assembly, contig, start, end, Strand.REVERSE if reverse else Strand.FORWARD)
    except LocusError:
        return None


def _joined(name: str, blocks: list[Any]) -> Alignment:
    """Blocks of a MAF side by side: rows by species (what stands before the first dot of a source)."""
    sources: dict[str, str] = {}
    for block in blocks:
        for record in block:
            sources.setdefault(_species(record), str(record.id))
    first = _species(blocks[0][0])
    check_size(name, len(sources), sum(block.get_alignment_length() for block in blocks))
    ends: dict[str, int] = {}
    rows: dict[str, list[str]] = {species: [] for species in sources}
    spans: dict[str, list[Any]] = {species: [] for species in sources}
    for number, block in enumerate(blocks, start=1):
        own = {_species(record): record for record in block}
        if len(own) < len(block):
            raise FileFormatError(f"Block {number:,} of the MAF {file_name(name)} has two rows of one species; leave one of them in.")
        if first not in own or (ends and _start(own[first]) != ends[first]) or str(own[first].id) != sources[first]:
            raise FileFormatError(
                f"Block {number:,} of the MAF {file_name(name)} does not go on in {quoted(sources[first], 40)} where the one before ended; "
                "cut out blocks that follow each other."
            )
        ends[first] = _start(own[first]) + int(own[first].annotations["size"])
        for species, parts in rows.items():
            record = own.get(species)
            parts.append(_letters(record) if record is not None else "-" * block.get_alignment_length())
            if record is not None:
                spans[species].append(record)
    loci = tuple(_place(spans[species]) for species in rows)
    return Alignment(name, tuple(sources.values()), _array("".join(parts) for parts in rows.values()), loci)


def _species(record: Any) -> str:
    return str(record.id).partition(".")[0]


def _start(record: Any) -> int:
    return int(record.annotations["start"])


def _place(records: list[Any]) -> Locus | None:
    """The locus of a row of a MAF whose pieces follow each other without a gap between them; None for others."""
    ids = {(str(record.id), record.annotations["strand"], record.annotations["srcSize"]) for record in records}
    sizes = [int(record.annotations["size"]) for record in records]
    follows = all(_start(later) == _start(one) + size for one, later, size in zip(records, records[1:], sizes, strict=False))
    if len(ids) != 1 or not follows or any(_known(_letters(record)) != size for record, size in zip(records, sizes, strict=True)):
        return None
    source, strand, length = next(iter(ids))
    assembly, dot, contig = source.partition(".")
    if not dot or not is_assembly_name(assembly):
        return None
    start = _start(records[0])
    reverse = str(strand) in ("-", "-1")
    low = int(length) - start - sum(sizes) if reverse else start
    return _locus(assembly, contig, low, low + sum(sizes), reverse=reverse)
