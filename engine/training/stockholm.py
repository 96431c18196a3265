"""Rfam seed alignments: ungapped sequences with the base pairs that the consensus structure gives them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import FileFormatError
from engine.training.letters import Codes, encode

_OPEN, _CLOSE = "(<[{", ")>]}"
_GAPS = frozenset(b".-_~")


@dataclass(frozen=True)
class Family:
    """One seed alignment: rows of equal length and the consensus structure in WUSS notation."""

    accession: str
    name: str
    clan: str
    kind: str
    structure: str
    rows: tuple[tuple[str, str], ...]  # (sequence name, aligned letters)


@dataclass(frozen=True)
class SeedSequence:
    """An ungapped sequence; partner[i] is the 0-based position paired with i, or -1; column[i] is i's column of the alignment."""

    name: str
    codes: Codes
    partner: NDArray[np.int32]
    column: NDArray[np.uint16]


def wuss_partners(structure: str) -> NDArray[np.int32]:
    """Partner of every column of a WUSS string, -1 where unpaired; letters Aa, Bb, ... are pseudoknots."""
    partner = np.full(len(structure), -1, dtype=np.int32)
    stacks: dict[str, list[int]] = {}
    for column, mark in enumerate(structure):
        if mark in _OPEN or mark.isupper():
            stacks.setdefault("(" if mark in _OPEN else mark, []).append(column)
        elif mark in _CLOSE or mark.islower():
            stack = stacks.get("(" if mark in _CLOSE else mark.upper())
            if not stack:
                raise FileFormatError(f"consensus structure closes a pair at column {column + 1} that was never opened")
            other = stack.pop()
            partner[column], partner[other] = other, column
    if any(stacks.values()):
        raise FileFormatError("consensus structure opens pairs that it never closes")
    return partner


def read_families(path: Path) -> Iterator[Family]:
    """Every alignment of a (gzipped) Stockholm file, in order."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="latin-1") as handle:
        lines: list[str] = []
        for line in handle:
            if line.startswith("//"):
                yield _family(lines)
                lines = []
            else:
                lines.append(line.rstrip("\n"))


def _family(lines: list[str]) -> Family:
    tags: dict[str, str] = {}
    structure: list[str] = []
    rows: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("#=GF "):
            _, tag, value = line.split(None, 2) if len(line.split(None, 2)) == 3 else (None, line[5:7], "")
            tags.setdefault(tag, value.strip())
        elif line.startswith("#=GC SS_cons "):
            structure.append(line.split()[2])
        elif line and not line.startswith("#"):
            name, letters = line.split()
            rows.setdefault(name, []).append(letters)
    joined = tuple((name, "".join(parts)) for name, parts in rows.items())
    accession = tags.get("AC", "")
    return Family(accession, tags.get("ID", ""), tags.get("CL", accession), tags.get("TP", ""), "".join(structure), joined)


def sequences(family: Family) -> Iterator[SeedSequence]:
    """Rows without their gaps; a pair is kept where both of its columns are letters."""
    columns = wuss_partners(family.structure)
    for name, letters in family.rows:
        raw = np.frombuffer(letters.encode("ascii"), dtype=np.uint8)
        if raw.size != columns.size:
            raise FileFormatError(f"{family.accession}: row {name} has {raw.size} columns, the structure {columns.size}")
        kept = ~np.isin(raw, list(_GAPS))
        place = np.where(kept, np.cumsum(kept) - 1, -1)
        mate = np.where(columns >= 0, place[columns], -1)[kept]
        yield SeedSequence(name, encode(raw[kept].tobytes()), mate.astype(np.int32), np.flatnonzero(kept).astype(np.uint16))
