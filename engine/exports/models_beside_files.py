"""Several models on one sequence as files: .npz with every map, or a table, one row a base; the provenance of each model in every one."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.exports.provenance import KEY

if TYPE_CHECKING:
    from engine.analyses.models_beside import ModelsBeside


def _npz(found: ModelsBeside) -> bytes:
    out = io.BytesIO()
    arrays: dict[str, Any] = {**found.arrays(), "sequence": np.array(found.sequence.letters)}
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def _table(found: ModelsBeside, delimiter: str) -> bytes:
    out = io.StringIO()
    for number, model in enumerate(found.models, start=1):
        out.write(f"# {KEY}_{number}: {model.provenance.to_json()}\n")
    out.write(f"# {found.words()}\n")
    rows = found.rows()
    table = csv.DictWriter(out, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue().encode()


FORMATS: dict[str, tuple[str, Callable[[ModelsBeside], bytes]]] = {
    ".npz": ("NumPy archive, every map", _npz),
    ".tsv": ("table, one row a base", lambda found: _table(found, "\t")),
    ".csv": ("table for spreadsheets", lambda found: _table(found, ",")),
}
"""End of a file's name → what it is, and what makes it."""
