"""Substitutions of a protein, and looked-up variants, as files; positions 1-based, provenance in every one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import ParameterError
from engine.core.proteins import AMINO_ACIDS, CLASSES, NO_CLASS, LookedUp, ProteinScores
from engine.core.quoting import file_name
from engine.core.version import VERSION

if TYPE_CHECKING:
    from engine.core.card import ModelCard

COLUMNS = ("protein", "position", "reference", "alternate", "am_pathogenicity", "am_class")
LOOKED_UP = ("given", "assembly", "contig", "position", "reference", "alternate", "protein", "change", "transcript", "am_pathogenicity", "am_class", "note")  # fmt: skip


def substitutions(found: ProteinScores) -> Iterator[tuple[str, int, str, str, float, str]]:
    """Every scored substitution, by position."""
    for place, row in np.argwhere(found.classes.T != NO_CLASS):
        value, label = float(found.values[row, place]), CLASSES[found.classes[row, place]]
        yield found.protein, int(place) + 1, found.residues[place], AMINO_ACIDS[row], value, label


def _table(found: ProteinScores, delimiter: str) -> bytes:
    out = io.StringIO()
    out.write(f"# locuscope protein\n# provenance: {found.provenance.to_json()}\n")
    table = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows((*cells, f"{value:.4g}", label) for *cells, value, label in substitutions(found))
    return out.getvalue().encode()


def _npz(found: ProteinScores) -> bytes:
    out = io.BytesIO()
    arrays: dict[str, Any] = {
        "values": found.values,
        "classes": found.classes,
        "amino_acids": np.array(AMINO_ACIDS),
        "residues": np.array(found.residues),
    }
    np.savez_compressed(out, **arrays, provenance=np.array(found.provenance.to_json()), allow_pickle=False)
    return out.getvalue()


FORMATS: dict[str, tuple[str, Callable[[ProteinScores], bytes]]] = {
    ".tsv": ("table, tab-separated", lambda found: _table(found, "\t")),
    ".csv": ("table for spreadsheets", lambda found: _table(found, ",")),
    ".npz": ("NumPy archive, 20 × L", _npz),
}
"""End of a file's name → what it is, and what makes it."""


def write_protein(found: ProteinScores, path: Path) -> None:
    """Write all substitutions in the format of the end of ``path``. Raises `ParameterError` for another end."""
    if path.suffix.casefold() not in FORMATS:
        raise ParameterError(
            f"The file name {file_name(path.name)} names no format for a protein; end it with one of {', '.join(FORMATS)}."
        )
    path.write_bytes(FORMATS[path.suffix.casefold()][1](found))


def looked_up_table(rows: Sequence[LookedUp], card: ModelCard) -> str:
    """Looked-up variants, tab-separated; provenance in comment lines."""
    out = io.StringIO()
    told = {"model": card.id, "revision": card.revision, "licence": card.licence, "source": card.source, "locuscope": VERSION}
    out.write(f"# locuscope protein\n# provenance: {json.dumps(told, sort_keys=True)}\n")
    table = csv.writer(out, delimiter="\t", lineterminator="\n")
    table.writerow(LOOKED_UP)
    for row in rows:
        there, score = row.variant, row.score
        place = [there.contig, there.position, there.reference, there.alternate] if there is not None else [""] * 4
        known = [row.protein, row.substitution.change if row.substitution else "", score.transcript if score else ""]
        table.writerow(
            [row.text, row.assembly, *place, *known, f"{score.value:.4g}" if score else "", score.label if score else "", row.note]
        )
    return out.getvalue()
