"""Tracks out of files: BED, narrowPeak, GFF3, GTF, bedGraph, wiggle, bigWig, bigBed, VCF, BEDPE, structure lines of Stockholm, and tables of values.

The format is told by the content, a file's ending decides between formats that look alike. A line that cannot be used is left out and said; a
file without one that can is refused with its first line.
"""

from __future__ import annotations

import contextlib
import csv
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np

from engine.core.errors import FileFormatError
from engine.core.locus import LONGEST_BP
from engine.core.numbers import cell_number
from engine.core.own_tracks import Rows, TrackFile, TrackKind
from engine.core.packages import needed
from engine.core.quoting import file_name, quoted
from engine.sources.annotation import Style, is_comment, parse_annotation, style_of
from engine.sources.bcf import is_bcf
from engine.sources.door import Bounds, LeftOut, TextLines
from engine.sources.kinds import packing
from engine.sources.structure_tracks import structure_pairs
from engine.sources.vcf import read_vcf

WANTED = "BED, bedGraph, wiggle, bigWig, bigBed, narrowPeak, GFF3, GTF, VCF, BEDPE, Stockholm with a structure line, or a table of values a base (.csv, .tsv)"
_TRACKS = frozenset({"gff3", "vcf", "wiggle", "stockholm"})
_BIG = {"bigWig": "signal", "bigBed": "blocks"}
_ENDINGS = {
    "bedgraph": (".bedgraph", ".bdg", ".bg"),
    "wig": (".wig", ".wiggle"),
    "bedpe": (".bedpe",),
    "vcf": (".vcf", ".bcf"),
    "table": (".csv", ".tsv", ".tab"),
    "annotation": (".bed", ".narrowpeak", ".broadpeak", ".gff", ".gff3", ".gtf"),
}
Row = tuple[str, int, int, float, str, str, int, int]
"""Contig, start, end, value, name, strand, and the second anchor of a pair."""


class _Unusable(Exception):
    """A line that cannot be used; the text is the end of a sentence that names it."""


def read_track(name: str, data: bytes, bounds: Bounds) -> TrackFile:
    """A file as a track.

    Raises
    ------
    FileFormatError
        Too large, of no known format, or not one line that can be used; the sentence names the line.
    SourceUnavailable
        bigWig or bigBed where the package that reads them is not installed.
    """
    big = packing(data[:512])
    if big in _BIG:
        return _big(name, data, big, bounds)
    if is_bcf(data):
        return _variants(name, data, bounds)
    with TextLines(name, data, bounds, WANTED) as lines:
        if lines.kind is not None and lines.kind.name not in _TRACKS:
            raise FileFormatError(f"The file {file_name(name)} is {lines.kind.words}; give {WANTED}.")
        if lines.kind is not None and lines.kind.name == "stockholm":
            return TrackFile(name, "pairs", _collected(structure_pairs(name, data, bounds), "pairs", bounds, name))
        form = _format(name, lines.head)
        if form == "vcf":
            return _variants(name, data, bounds)
        left_out = LeftOut()
        kind, rows = _READERS[form](lines, name, left_out)
        contigs = _collected(rows, kind, bounds, name)
        if not contigs:
            first = left_out.first[0] if left_out.first else "it has no line with a feature or a value"
            raise FileFormatError(f"The file {file_name(name)} cannot be read as {form}: {first}; give {WANTED}.")
        return TrackFile(name, kind, contigs, " ".join(filter(None, (left_out.note(name), *lines.notes))))


def kind_of(name: str, head: str) -> TrackKind:
    """What the rows of a text file are, by its name and its first lines."""
    return {"vcf": "variants", "annotation": "blocks", "bedpe": "pairs"}.get(_format(name, head), "signal")  # type: ignore[return-value]


def _format(name: str, head: str) -> str:
    """By what the first lines say, else by the ending of the name, else by the first line with fields."""
    lines = [line for line in head.replace("\r", "\n").split("\n") if line.strip()]
    plain = name.casefold().removesuffix(".gz").removesuffix(".bgz").removesuffix(".zipped")
    if head.startswith("##fileformat=VCF"):
        return "vcf"
    if any(line.startswith(("fixedStep", "variableStep")) for line in lines[:200]):
        return "wig"
    track = next((line for line in lines if line.startswith("track")), "")
    if "bedgraph" in track.casefold():
        return "bedgraph"
    for form, endings in _ENDINGS.items():
        if plain.endswith(endings):
            return form
    first = next((line for line in lines if not is_comment(line)), "")
    fields = first.split()
    if len(fields) == 4 and fields[1].isdigit() and fields[2].isdigit() and cell_number(fields[3]) is not None:
        return "bedgraph"
    if len(fields) >= 6 and all(fields[k].lstrip("-").isdigit() for k in (1, 2, 4, 5)):
        return "bedpe"
    return "table" if "," in first or len(fields) < 3 else "annotation"


def _whole(text: str) -> int:
    plain = text.strip()
    if not (plain.isascii() and plain.isdigit()) or len(plain) > len(str(LONGEST_BP)):
        raise _Unusable(f"has {quoted(text, 30)} where a whole number is needed")
    return int(plain)


def _value(text: str) -> float:
    plain = text.strip()
    if plain.casefold() in ("nan", "na", "", "."):
        return math.nan
    value = cell_number(plain)
    if value is None or not math.isfinite(value):
        raise _Unusable(f"has the value {quoted(text, 30)}, which is no number")
    return value


def _span(start: int, end: int) -> tuple[int, int]:
    if not 0 <= start < end:
        raise _Unusable(f"spans {start}-{end}; the start is below the end")
    return start, end


def _usable(lines: Iterable[str], left_out: LeftOut, read: Callable[[str], Iterator[Row]]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if is_comment(line):
            continue
        try:
            yield from read(line)
        except _Unusable as reason:
            left_out.add(f"line {number:,} {reason}")


def _bedgraph(lines: TextLines, _name: str, left_out: LeftOut) -> tuple[TrackKind, Iterator[Row]]:
    def read(line: str) -> Iterator[Row]:
        fields = line.split()
        if len(fields) < 4:
            raise _Unusable(f"has {len(fields)} columns; bedGraph has contig, start, end and value")
        yield fields[0], *_span(_whole(fields[1]), _whole(fields[2])), _value(fields[3]), "", ".", 0, 0

    return "signal", _usable(lines, left_out, read)


def _wig(lines: TextLines, _name: str, left_out: LeftOut) -> tuple[TrackKind, Iterator[Row]]:
    at: dict[str, Any] = {}

    def read(line: str) -> Iterator[Row]:
        fields = line.split()
        if fields[0] in ("fixedStep", "variableStep"):
            at.clear()  # values below a declaration that cannot be read have no place
            given = dict(item.split("=", 1) for item in fields[1:] if "=" in item)
            if not given.get("chrom"):
                raise _Unusable("names no chrom")
            place = _whole(given.get("start", "0")) - 1 if fields[0] == "fixedStep" else None
            at.update(contig=given["chrom"], span=_whole(given.get("span", "1")), step=_whole(given.get("step", "1")), place=place)
        elif len(fields) == 4:  # as bedGraph
            yield fields[0], *_span(_whole(fields[1]), _whole(fields[2])), _value(fields[3]), "", ".", 0, 0
        elif not at:
            raise _Unusable("stands before fixedStep or variableStep")
        elif at["place"] is not None:
            start = at["place"]
            at["place"] += at["step"]
            yield at["contig"], *_span(start, start + at["span"]), _value(fields[0]), "", ".", 0, 0
        else:
            if len(fields) < 2:
                raise _Unusable("has one column; variableStep has position and value")
            start = _whole(fields[0]) - 1
            yield at["contig"], *_span(start, start + at["span"]), _value(fields[1]), "", ".", 0, 0

    return "signal", _usable(lines, left_out, read)


def _bedpe(lines: TextLines, _name: str, left_out: LeftOut) -> tuple[TrackKind, Iterator[Row]]:
    def read(line: str) -> Iterator[Row]:
        fields = line.split("\t") if "\t" in line else line.split()
        if len(fields) < 6:
            raise _Unusable(f"has {len(fields)} columns; BEDPE has contig, start, end twice")
        if fields[0] != fields[3]:
            raise _Unusable(f"joins {quoted(fields[0], 20)} and {quoted(fields[3], 20)}; pairs of one contig are drawn")
        one, other = (_span(_whole(fields[k]), _whole(fields[k + 1])) for k in (1, 4))
        (start, end), second = sorted((one, other))
        score = _value(fields[7]) if len(fields) > 7 and cell_number(fields[7]) is not None else math.nan
        yield fields[0], start, end, score, fields[6][:80] if len(fields) > 6 else "", ".", *second

    return "pairs", _usable(lines, left_out, read)


def _table(lines: TextLines, name: str, left_out: LeftOut) -> tuple[TrackKind, Iterator[Row]]:
    """One value a line; position and value; contig, position and value: positions count from 1. A first line of words is a heading."""
    count = 0

    def read(line: str) -> Iterator[Row]:
        nonlocal count
        separator = "\t" if "\t" in line else ";" if ";" in line and "," not in line else ","
        try:
            fields = next(csv.reader([line], delimiter=separator)) if separator in line else line.split()
        except csv.Error as error:
            raise _Unusable(f"does not parse: {error}") from error
        count += 1
        if count == 1 and cell_number(fields[-1]) is None and fields[-1].strip().casefold() not in ("nan", "na", ""):
            count = 0
            return
        if len(fields) > 3:
            raise _Unusable(f"has {len(fields)} columns; a table of values has value, position and value, or contig, position and value")
        contig = fields[0].strip() if len(fields) == 3 else ""
        place = _whole(fields[-2]) if len(fields) > 1 else count
        yield contig, *_span(place - 1, place), _value(fields[-1]), "", ".", 0, 0

    return "signal", _usable(lines, left_out, read)


def _annotation(lines: TextLines, name: str, left_out: LeftOut) -> tuple[TrackKind, Iterator[Row]]:
    try:
        style: Style = style_of(name.removesuffix(".gzipped"), lines.head)
    except FileFormatError as error:
        raise FileFormatError(f"The file {file_name(name)} is of no known kind; give {WANTED}.") from error
    features = parse_annotation(lines, style, left_out)
    found = (
        (item.contig, item.start, item.end, _score(item.attributes.get("score", "")), item.name or item.kind, item.strand, 0, 0)
        for item in features
    )
    return "blocks", found


def _score(text: str) -> float:
    value = cell_number(text)
    return math.nan if value is None else value


_READERS: dict[str, Callable[[TextLines, str, LeftOut], tuple[TrackKind, Iterator[Row]]]] = {
    "bedgraph": _bedgraph,
    "wig": _wig,
    "bedpe": _bedpe,
    "table": _table,
    "annotation": _annotation,
}


def _variants(name: str, data: bytes, bounds: Bounds) -> TrackFile:
    rows: list[Row] = []
    left_out, notes = LeftOut(), list[str]()
    for item in read_vcf(data, name, bounds, notes):
        if item.change is None:
            left_out.add(item.problem or f"{item} is no change of letters")
            continue
        first, reference, alternate = item.without_padding()
        score = math.nan if item.frequency is None else item.frequency
        rows.append((item.contig, first - 1, first - 1 + len(reference), score, f"{reference[:20]}>{alternate[:20]}", ".", 0, 0))
    note = " ".join(filter(None, (left_out.note(name), *notes)))
    return TrackFile(name, "variants", _collected(iter(rows), "variants", bounds, name), note)


def _collected(rows: Iterator[Row], kind: TrackKind, bounds: Bounds, name: str) -> dict[str, Rows]:
    """By contig, sorted by start."""
    most = bounds.lines if kind == "signal" else bounds.features
    by_contig: dict[str, list[Row]] = {}
    for count, row in enumerate(rows, start=1):
        if count > most:
            raise FileFormatError(f"The file {file_name(name)} has more than {most:,} rows; cut out the part needed.")
        by_contig.setdefault(row[0], []).append(row)
    return {contig: packed(sorted(own, key=lambda row: row[1:3]), kind) for contig, own in by_contig.items()}


def packed(own: list[Row], kind: TrackKind) -> Rows:
    """Rows of one contig, sorted by start."""
    starts, ends = (np.array([row[k] for row in own], np.int64) for k in (1, 2))
    values = np.array([row[3] for row in own], np.float32)
    names, strands = ((), ()) if kind == "signal" else (tuple(row[k] for row in own) for k in (4, 5))
    others = np.array([row[6:8] for row in own], np.int64) if kind == "pairs" else np.empty((0, 2), np.int64)
    return Rows(starts, ends, values, cast("tuple[str, ...]", names), cast("tuple[str, ...]", strands), others)


def _big(name: str, data: bytes, form: str, bounds: Bounds) -> TrackFile:
    """bigWig and bigBed by pyBigWig, from a file in memory."""
    opened = needed("pyBigWig").open
    if len(data) > bounds.text_bytes:
        raise FileFormatError(f"The file {file_name(name)} has {len(data):,} bytes; up to {bounds.text_bytes:,} are taken.")
    damaged = f"The {form} file {file_name(name)} is damaged or cut short; copy it again."
    with _as_file(data) as path:
        try:
            table = opened(path)
        except RuntimeError as error:
            raise FileFormatError(damaged) from error
        with contextlib.closing(table):
            rows = _big_rows(table, form, bounds, name)
            try:
                contigs = _collected(rows, cast("TrackKind", _BIG[form]), bounds, name)
            except RuntimeError as error:
                raise FileFormatError(damaged) from error
    if not contigs:
        raise FileFormatError(f"The {form} file {file_name(name)} holds no values.")
    return TrackFile(name, cast("TrackKind", _BIG[form]), contigs)


@contextlib.contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """The name of a file with this content: in memory where the system can, so that nothing of a visitor is written to disk."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("track"), "wb") as file:
            file.write(data)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "track"
            path.write_bytes(data)
            yield str(path)


def _big_rows(table: Any, form: str, bounds: Bounds, name: str) -> Iterator[Row]:
    for contig, length in table.chroms().items():
        if form == "bigWig":
            for start, end, value in table.intervals(contig) or ():
                yield contig, start, end, value, "", ".", 0, 0
            continue
        for start, end, rest in table.entries(contig, 0, length) or ():
            yield big_row(contig, start, end, rest)


def big_row(contig: str, start: int, end: int, rest: str | None) -> Row:
    """An entry of a bigBed file."""
    fields = (rest or "").split("\t")
    strand = fields[2] if len(fields) > 2 and fields[2] in ("+", "-") else "."
    return contig, start, end, _score(fields[1]) if len(fields) > 1 else math.nan, fields[0][:80], strand, 0, 0


def pieces(found: TrackFile) -> Iterator[dict[str, Any]]:
    """What `put_together` makes a track of again: plain values for JSON, contig by contig."""
    for contig, rows in found.contigs.items():
        for at in range(0, len(rows.starts), 50_000):
            part = slice(at, at + 50_000)
            values = [None if math.isnan(value) else value for value in rows.values[part].tolist()]
            numbers = [rows.starts[part].tolist(), rows.ends[part].tolist(), values, rows.others[part].tolist()]
            yield {"rows": [contig, *numbers, list(rows.names[part]), list(rows.strands[part])]}
    yield {"kind": found.kind, "note": found.note}


def put_together(name: str, answers: Iterable[dict[str, Any]]) -> TrackFile:
    """A track from its `pieces`."""
    parts: dict[str, list[list[Any]]] = {}
    kind, note = "blocks", ""
    for item in answers:
        if "rows" in item:
            parts.setdefault(item["rows"][0], []).append(item["rows"][1:])
        kind, note = item.get("kind", kind), item.get("note", note)
    return TrackFile(name, cast("TrackKind", kind), {contig: _joined(own) for contig, own in parts.items()}, note)


def _joined(parts: list[list[Any]]) -> Rows:
    starts, ends = (np.concatenate([np.array(part[k], np.int64) for part in parts]) for k in (0, 1))
    values = np.concatenate([np.array([math.nan if value is None else value for value in part[2]], np.float32) for part in parts])
    others = np.concatenate([np.array(part[3], np.int64).reshape(-1, 2) for part in parts])
    names, strands = (tuple(word for part in parts for word in part[k]) for k in (4, 5))
    return Rows(starts, ends, values, names, strands, others)
