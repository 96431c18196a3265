"""Labelled rows in: a table with a header line (tab- or comma-separated, gzipped or not), or a VCF whose INFO fields are the columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import FileFormatError, ParameterError
from engine.core.quoting import file_name, quoted
from engine.core.settings import Settings
from engine.core.variants import Variant
from engine.sources.door import OWN_FILES, Bounds, TextLines
from engine.sources.fasta import parse_fasta
from engine.sources.vcf import open_vcf, parse_vcf

MOST_ROWS = 1_000_000
PLACE_NAMES: tuple[tuple[str, ...], ...] = (
    ("contig", "chrom", "chr", "chromosome"),
    ("position", "pos"),
    ("reference", "ref"),
    ("alternate", "alt"),
)
"""Usual names of the four columns that say which variant a row is about; case and ``#`` do not matter."""

ID, SEQUENCE, CLASS, POSITIVE, NEGATIVE = "id", "sequence", "class", "positive", "negative"
"""Columns and classes of labelled sequences."""

_SHOWN = 12
_RAGGED = 5
_POSITION_DIGITS = 12
_LETTERS = re.compile(r"[ACGTN]+")


@dataclass(frozen=True, eq=False)
class Labelled:
    """Rows by column: texts, empty where there is none. ``variants``: what each row is about, where its file says so. ``notes``: which rows
    of the file are left out and why, a sentence."""

    name: str
    columns: Mapping[str, Sequence[str]]
    variants: tuple[Variant, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def column(self, name: str) -> Sequence[str]:
        """The texts of a column. Raises `ParameterError` with those there are."""
        if name not in self.columns:
            shown = ", ".join([*self.columns][:_SHOWN]) + (f" and {len(self.columns) - _SHOWN} more" if len(self.columns) > _SHOWN else "")
            raise ParameterError(f"{file_name(self.name)} has no column {quoted(name, 40)}; it has {shown or 'none'}.")
        return self.columns[name]


def read_labelled(path: Path, place: Sequence[str] = (), bounds: Bounds = OWN_FILES) -> Labelled:
    """Read a file by its name: ``.vcf`` (also packed) or a table.

    ``place``: names of the table's columns for contig, position, reference and alternate; empty = the usual ones, where all four are there.
    A row whose variant cannot be used keeps its place; its variant says why. A row with more or fewer cells than the header is left out and
    counted in the notes. Raises `FileFormatError`, `ParameterError`.
    """
    plain = path.name.casefold().removesuffix(".gz").removesuffix(".bgz")
    if plain.endswith(".vcf"):
        with open_vcf(path, path.name, bounds) as lines:
            return _vcf(path.name, list(lines), bounds)
    with TextLines(path.name, path, bounds, "a table or a VCF") as lines:
        return _table(path.name, lines, place, "," if plain.endswith(".csv") else "\t")


def read_labelled_bytes(name: str, data: bytes, settings: Settings) -> Labelled:
    """A table that a visitor uploaded, tab- or comma-separated by its name. Raises `FileFormatError`."""
    plain = name.casefold().removesuffix(".gz")
    with TextLines(name, data, Bounds.of(settings), "a table") as lines:
        return _table(name, lines, (), "," if plain.endswith(".csv") else "\t")


def read_labelled_sequences(positives: Path, negatives: Path, bounds: Bounds = OWN_FILES) -> Labelled:
    """Two FASTA files as one table with the columns `ID`, `SEQUENCE` and `CLASS`. Raises `FileFormatError`."""
    columns: dict[str, list[str]] = {ID: [], SEQUENCE: [], CLASS: []}
    for path, kind in ((positives, POSITIVE), (negatives, NEGATIVE)):
        with TextLines(path.name, path, bounds, "FASTA") as lines:
            for record in parse_fasta(lines, bounds):
                for name, text in ((ID, record.name), (SEQUENCE, record.letters), (CLASS, kind)):
                    columns[name].append(text)
    return Labelled(positives.name, columns)


def _vcf(name: str, lines: list[str], bounds: Bounds) -> Labelled:
    variants = parse_vcf(name, lines, bounds)
    fields = [_info(line) for line in lines if line.strip() and not line.startswith("#")]
    names = dict.fromkeys(key for field in fields for key in field)
    columns = {key: [_of_allele(fields[variant.record].get(key, ""), variant.allele) for variant in variants] for key in names}
    return Labelled(name, {"ID": [variant.identifier for variant in variants], **columns}, variants)


def _info(line: str) -> dict[str, str]:
    columns = line.split("\t")
    found = [item.partition("=") for item in (columns[7] if len(columns) > 7 else "").split(";") if item not in ("", ".")]
    return {key: value if mark else "1" for key, mark, value in found}


def _of_allele(text: str, allele: int) -> str:
    """The value of one alternate allele where a field has several, else the field."""
    parts = text.split(",")
    return parts[allele] if len(parts) > 1 and allele < len(parts) else text


def _table(name: str, lines: Iterable[str], place: Sequence[str], delimiter: str) -> Labelled:
    wanted = (line for line in lines if line.strip() and not line.startswith(("##", "# ")))
    try:
        rows = csv.reader(wanted, delimiter=delimiter, strict=True)
        header = [title.strip().removeprefix("#") for title in next(rows, [])]
        numbered = list(_bounded(name, rows))
    except csv.Error as error:
        raise FileFormatError(f"The table {file_name(name)} does not parse: {error}; give tab- or comma-separated text.") from error
    cells = {number: row for number, row in numbered if len(row) == len(header)}
    if len(set(header)) < len(header) or len(header) < 2 or not numbered:
        raise FileFormatError(
            f"The table {file_name(name)} needs a header line of at least two different names and rows below it; it has {len(header)} columns "
            f"and {len(numbered):,} rows."
        )
    if not cells:
        number, row = numbered[0]
        raise FileFormatError(
            f"No row of {file_name(name)} has as many cells as its header ({len(header)}): row {number:,} has {len(row)}; separate cells as in "
            "the header."
        )
    columns = {title: [row[index].strip() for row in cells.values()] for index, title in enumerate(header)}
    names, notes = _place_names(header, place), _notes(name, numbered, len(header))
    labelled = Labelled(name, columns, notes=notes)
    return Labelled(name, columns, _variants(labelled, names, list(cells)), notes) if names else labelled


def _bounded(name: str, rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Rows with their numbers below the header, from 1."""
    for number, row in enumerate(rows, start=1):
        if number > MOST_ROWS:
            raise FileFormatError(f"The table {file_name(name)} has more than {MOST_ROWS:,} rows; split it.")
        yield number, row


def _notes(name: str, numbered: Sequence[tuple[int, list[str]]], width: int) -> tuple[str, ...]:
    ragged = [(number, len(row)) for number, row in numbered if len(row) != width]
    if not ragged:
        return ()
    shown = ", ".join(f"row {number:,} has {cells}" for number, cells in ragged[:_RAGGED]) + (", …" if len(ragged) > _RAGGED else "")
    return (
        f"{len(ragged):,} of {len(numbered):,} rows of {file_name(name)} do not have the {width} cells of its header and are left out: {shown}.",
    )


def _place_names(header: Sequence[str], place: Sequence[str]) -> list[str]:
    if place:
        if len(place) != len(PLACE_NAMES):
            raise ParameterError(
                f"{len(place)} columns are named; contig, position, reference and alternate are needed, with commas between."
            )
        return list(place)
    folded = {title.casefold(): title for title in header}
    found = [next((folded[name] for name in names if name in folded), "") for names in PLACE_NAMES]
    return found if all(found) else []


def _variants(labelled: Labelled, names: Sequence[str], numbers: Sequence[int]) -> tuple[Variant, ...]:
    found = []
    places = zip(*(labelled.column(name) for name in names), strict=True)
    for index, (number, (contig, position, reference, alternate)) in enumerate(zip(numbers, places, strict=True)):
        letters = reference.upper(), alternate.upper()
        usable = position.isascii() and position.isdigit() and 0 < len(position) <= _POSITION_DIGITS and int(position) > 0
        problem = "" if usable else f"Row {number:,} has the position {quoted(position, 30)}; a whole number of at least 1 is needed."
        if usable and not _LETTERS.fullmatch(letters[0]):
            problem = f"Row {number:,} has the reference allele {quoted(reference, 30)}; a model reads A, C, G, T and N."
        found.append(Variant(contig or ".", int(position) if usable else 0, *letters, record=index, problem=problem))
    return tuple(found)
