"""A motif as files: npz, a table, or both matrices in the MEME format; provenance in every one."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import ParameterError
from engine.core.motif import KINDS, Motif
from engine.core.quoting import file_name
from engine.core.sequence import BASES
from engine.exports.embedding_files import PLACES
from engine.exports.provenance import KEY, summary

if TYPE_CHECKING:
    from numpy.typing import NDArray


def arrays_of(found: Motif) -> dict[str, NDArray[Any]]:
    """Every number under its name; ``start`` and ``end`` 0-based half-open."""
    places, left_out = found.aligned.places, found.aligned.left_out
    return {
        "positions": found.parameters.positions(),
        "predicted": found.predicted,
        "counts": found.counts,
        "divergence": found.divergence(),
        "each": found.each,
        "letters": found.letters,
        "contig": np.array([place.contig for place in places]),
        "places": np.array(PLACES),
        "start": np.array([place.start for place in places], dtype=np.int64),
        "end": np.array([place.end for place in places], dtype=np.int64),
        "strand": np.array([place.strand for place in places]),
        "name": np.array([place.name for place in places]),
        "left_out": np.array([f"{count} {reason}" for reason, count in left_out.items()], dtype=np.str_),
        "provenance": np.array(found.provenance.to_json()),
    }


def rows_of(found: Motif) -> list[dict[str, Any]]:
    """One row a position: mean predicted distribution, counts, and how far they are from each other."""
    rows = []
    tables = (found.parameters.positions(), found.predicted, found.counts, found.divergence())
    for position, chances, counts, apart in zip(*(table.tolist() for table in tables), strict=True):
        rows.append(
            {
                "position": f"{position:+d}",
                **{f"P_{base}": round(value, 6) for base, value in zip(BASES, chances, strict=True)},
                **{f"n_{base}": value for base, value in zip(BASES, counts, strict=True)},
                "divergence_bits": round(apart, 6),
            }
        )
    return rows


def bits_rows(found: Motif) -> list[dict[str, Any]]:
    """What a base costs by the model and by the baselines."""
    return [{"by": row.name, "bits a base": round(row.value, 4), "95 %": f"{row.low:.4f} to {row.high:.4f}"} for row in found.bits()]


def _npz(found: Motif, path: Path) -> None:
    arrays: dict[str, Any] = arrays_of(found)
    with path.open("wb") as handle:
        np.savez_compressed(handle, **arrays)


def _tsv(found: Motif, path: Path) -> None:
    rows = rows_of(found)
    told = [f"# {summary(found.provenance)}", f"# {KEY}: {found.provenance.to_json()}", f"# {found.words()}"]
    with path.open("w", encoding="utf-8", newline="") as handle:
        handle.write("\n".join(told) + "\n")
        table = csv.DictWriter(handle, list(rows[0]), delimiter="\t", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def _meme(found: Motif, path: Path) -> None:
    """MEME's minimal format, version 4: the model's matrix and the places' own, which Tomtom and FIMO read."""
    name = KINDS[found.parameters.at].replace(" ", "_")
    lines = ["MEME version 4", "", "ALPHABET= ACGT", "", "strands: + -", ""]
    for title, values in ((f"{name}_expected", found.predicted), (f"{name}_observed", found.observed)):
        lines += [f"MOTIF {title} {found.provenance.card.id if title.endswith('expected') else 'genome'}"]
        lines += [f"letter-probability matrix: alength= 4 w= {len(values)} nsites= {len(found)} E= 0"]
        lines += [" ".join(f"{value:.6f}" for value in row) for row in values] + [""]
    lines += [f"# {KEY}: {found.provenance.to_json()}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


FORMATS: dict[str, tuple[str, Callable[[Motif, Path], None]]] = {
    ".npz": ("NumPy archive with every number", _npz),
    ".tsv": ("table, tab-separated", _tsv),
    ".meme": ("matrices for MEME, Tomtom, FIMO", _meme),
}
"""End of a file's name → what it is, and what writes it."""


def write_motif(found: Motif, path: Path) -> None:
    """Write a motif in the format of the end of ``path``. Raises `ParameterError` for another end."""
    known = FORMATS.get(path.suffix.casefold())
    if known is None:
        raise ParameterError(f"The file name {file_name(path.name)} names no format for a motif; end it with one of {', '.join(FORMATS)}.")
    known[1](found, path)
