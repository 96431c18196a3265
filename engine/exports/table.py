"""CSV and TSV tables. The last column, ``provenance``, holds the provenance JSON in the first row and is empty below; of a table without
rows it stands in a row of its own, all else in it empty, so that no file is without it (and none of a generated sequence unmarked).

A table has no comment syntax that every reader knows, so the provenance is a column: the file opens as it is in spreadsheets, R and pandas.
In CSV, which spreadsheets open, text that they would run as a formula gets an apostrophe in front.
Genome coordinates are added when the sequence has a locus: ``contig``, ``genome_position`` (1-based forward strand), in a table of pairs
``genome_position_2``, and ``genome_strand``, the strand along which the letters of the row are written: with ``-``, the forward strand has their
complements. A row about no base of the sequence has none.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from engine.core.results import Result, Table
from engine.exports.place import Place, place_of
from engine.exports.spreadsheet import harmless


def _cells(values: Any, told: Callable[[Any], Any]) -> list[Any]:
    """Shortest texts that read back as the same float32, empty for NaN; other values as they are ``told``."""
    array = np.asarray(values)
    if array.dtype.kind != "f":
        return [told(value) for value in values]
    text = orjson.dumps(np.ascontiguousarray(array, dtype=np.float32), option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return text[1:-1].replace("null", "").split(",") if len(array) else []


def _places(place: Place, table: Table) -> dict[str, list[Any]]:
    """Genome coordinates of the rows of a table, by column."""

    def positions(bases: NDArray[np.int64]) -> list[Any]:
        return [place.position(index) if index >= 0 else "" for index in bases.tolist()]

    def of_all(text: str) -> list[str]:
        return [text if index >= 0 else "" for index in table.bases.tolist()]

    second = {} if table.partners is None else {"genome_position_2": positions(table.partners)}
    return {"contig": of_all(place.contig), "genome_position": positions(table.bases), **second, "genome_strand": of_all(place.strand)}


def _write(result: Result, path: Path, delimiter: str, told: Callable[[Any], Any] = lambda value: value) -> None:
    table = result.rows()
    places = _places(place_of(result.written), table) if result.written.locus is not None else {}
    header = [*table.columns, *places, "provenance"]
    provenance = result.provenance.to_json()
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        columns = [_cells(values, told) for values in (*table.columns.values(), *places.values())]
        for row in zip(*columns, strict=True):
            writer.writerow([*row, provenance])
            provenance = ""
        if provenance:
            writer.writerow([*("" for _ in header[1:]), provenance])


def write_csv(result: Result, path: Path) -> None:
    """Comma-separated table."""
    _write(result, path, ",", harmless)


def write_tsv(result: Result, path: Path) -> None:
    """Tab-separated table."""
    _write(result, path, "\t")
