"""CSV and TSV tables. The last column, ``provenance``, holds the provenance JSON in the first row and is empty below.

A table has no comment syntax that every reader knows, so the provenance is a column: the file opens as it is in spreadsheets, R and pandas.
Genome coordinates (``contig``, ``genome_position``, 1-based forward strand) are added when the sequence has a locus.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from engine.core.results import BaseProbabilities, ContactMap, DependencyMap, PairTable, Segmentation, TokenTrack, VariantEffects
from engine.core.sequence import BASES
from engine.exports.place import Place, place_of

Row = list[Any]


def _cells(values: NDArray[np.float32]) -> list[str]:
    """Shortest texts that read back as the same float32; empty for NaN."""
    text = orjson.dumps(np.ascontiguousarray(values, dtype=np.float32), option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return text[1:-1].replace("null", "").split(",") if len(values) else []


def _effects(result: VariantEffects) -> tuple[Row, Iterator[Row], list[int]]:
    names = [name for name in ("llr", "influence", "delta_log_likelihood") if getattr(result, name) is not None]
    arrays = [getattr(result, name) for name in names]
    letters = result.sequence.as_dna()
    changes = [
        (index, column) for index, letter in enumerate(letters) for column, base in enumerate(BASES) if letter in BASES and base != letter
    ]
    texts = [_cells(array.reshape(-1)) for array in arrays]
    rows = ([index + 1, letters[index], BASES[column], *(text[4 * index + column] for text in texts)] for index, column in changes)
    return ["position", "ref", "alt", *names], rows, [index for index, _ in changes]


def _per_base(result: BaseProbabilities | Segmentation, columns: list[str]) -> tuple[Row, Iterator[Row], list[int]]:
    rows = ([index + 1, letter, *_cells(result.values[index])] for index, letter in enumerate(result.sequence.letters))
    return ["position", "base", *columns], rows, list(range(len(result.sequence)))


def _map(result: DependencyMap) -> tuple[Row, Iterator[Row], list[int]]:
    width, offset, letters = len(result.values), result.offset, result.sequence.letters
    header = ["changed", "base", *(str(offset + column + 1) for column in range(width))]
    rows = ([offset + row + 1, letters[offset + row], *_cells(result.values[row])] for row in range(width))
    return header, rows, list(range(offset, offset + width))


def _contacts(result: ContactMap) -> tuple[Row, Iterator[Row], list[int]]:
    letters = result.sequence.letters
    pairs = zip(result.pairs.tolist(), _cells(result.scores), strict=True)
    rows = ([i + 1, j + 1, letters[i], letters[j], score] for (i, j), score in pairs)
    return ["i", "j", "base_i", "base_j", "score"], rows, [int(i) for i in result.pairs[:, 0]]


def _pair(result: PairTable) -> tuple[Row, Iterator[Row], list[int]]:
    rows = ([result.changed + 1, base, result.read + 1, *_cells(result.values[row])] for row, base in enumerate(BASES))
    return ["changed", "alt", "read", *BASES], rows, [result.changed] * 4


def _tokens(result: TokenTrack) -> tuple[Row, Iterator[Row], list[int]]:
    spans = result.spans.tolist()
    found = zip(spans, result.tokens, _cells(result.probabilities), strict=True)
    rows = ([start + 1, end, token, probability] for (start, end), token, probability in found)
    return ["start", "end", "token", "probability"], rows, [int(start) for start, _ in spans]


def rows_of(result: Any) -> tuple[Row, Iterator[Row], list[int]]:
    """Header, rows and, for each row, the index of its first base; positions are 1-based in the sequence."""
    if isinstance(result, VariantEffects):
        return _effects(result)
    if isinstance(result, BaseProbabilities):
        return _per_base(result, list(BASES))
    if isinstance(result, Segmentation):
        return _per_base(result, list(result.elements))
    if isinstance(result, DependencyMap):
        return _map(result)
    if isinstance(result, ContactMap):
        return _contacts(result)
    if isinstance(result, PairTable):
        return _pair(result)
    if isinstance(result, TokenTrack):
        return _tokens(result)
    raise TypeError(f"no table is known for {type(result).__name__}")


def _write(result: Any, path: Path, delimiter: str) -> None:
    header, rows, indices = rows_of(result)
    place: Place | None = place_of(result.sequence) if result.sequence.locus is not None else None
    extra = ["contig", "genome_position"] if place else []
    provenance = result.provenance.to_json()
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter=delimiter, lineterminator="\n")
        writer.writerow([*header, *extra, "provenance"])
        for index, row in zip(indices, rows, strict=True):
            where = [place.contig, place.position(index)] if place else []
            writer.writerow([*row, *where, provenance])
            provenance = ""


def write_csv(result: Any, path: Path) -> None:
    """Comma-separated table."""
    _write(result, path, ",")


def write_tsv(result: Any, path: Path) -> None:
    """Tab-separated table."""
    _write(result, path, "\t")
