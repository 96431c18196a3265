"""Triage of a VCF as Parquet: the columns of the table, numbers as numbers, written in pieces."""

from __future__ import annotations

import itertools
from pathlib import Path

from engine.core.variants import Triage
from engine.exports.provenance import KEY
from engine.exports.triage_table import COLUMNS, NUMBERS, cells

PIECE = 20_000
_WHOLE = frozenset({"position", "rank", "left_aligned_position", "splice_position"})


def write_triage_parquet(triage: Triage, path: Path) -> None:
    """Write every row and column; empty cells are null, the provenance (JSON) stands in the metadata of the schema."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = [(name, pa.int64() if name in _WHOLE else pa.float64() if name in NUMBERS else pa.string()) for name in COLUMNS]
    schema = pa.schema(fields, metadata={KEY: triage.provenance.to_json()})
    rows = zip(triage.rows, triage.ranks(), strict=True)
    with pq.ParquetWriter(path, schema) as writer:
        while piece := [cells(row, rank) for row, rank in itertools.islice(rows, PIECE)]:
            columns = {name: [_value(name, texts[place]) for texts in piece] for place, name in enumerate(COLUMNS)}
            writer.write_table(pa.table(columns, schema=schema))


def _value(name: str, text: str) -> str | int | float | None:
    if not text:
        return None
    if name in _WHOLE:
        return int(text)
    return float(text) if name in NUMBERS else text
