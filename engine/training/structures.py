"""Known RNA structures to measure contacts with: ArchiveII (bpseq), pseudoknots and verified structures (dot-bracket)."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core.base_pairs import pairs_of_dot_bracket, partners
from engine.core.errors import FileFormatError
from engine.sources.structures import parse_structure
from engine.training.letters import UNKNOWN, Codes, encode


@dataclass(frozen=True)
class Structure:
    """An RNA with its pairs: partner[i] is the 0-based position paired with i, or -1."""

    name: str
    family: str
    codes: Codes
    partner: NDArray[np.int32]


def read_archive(path: Path) -> Iterator[Structure]:
    """Structures of the ArchiveII tar; the family is the file name up to the first underscore."""
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda m: m.name):
            handle = archive.extractfile(member) if member.isfile() else None
            if handle is not None and member.name.endswith(".bpseq"):
                name = Path(member.name).name
                found = parse_structure(handle.read().decode("ascii", "replace"))
                yield _structure(name, name.split("_")[0], found.letters, found.pairs)


def read_dot_bracket(path: Path, family: str) -> Iterator[Structure]:
    """Records of three lines: name, letters, structure; records whose structure does not parse are left out."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    for name, letters, text in zip(lines[::3], lines[1::3], lines[2::3], strict=False):
        try:
            pairs = pairs_of_dot_bracket(text)
        except FileFormatError:
            continue
        if len(letters) == len(text):
            yield _structure(name.lstrip(">"), family, letters, pairs)


def _structure(name: str, family: str, letters: str, pairs: NDArray[np.int64]) -> Structure:
    return Structure(name, family, encode(letters), partners(len(letters), pairs).astype(np.int32))


def usable(structure: Structure, longest: int, fewest_pairs: int = 4) -> bool:
    """Whether all letters are known and the size suits the measurement."""
    pairs = int((structure.partner >= 0).sum()) // 2
    return bool((structure.codes < UNKNOWN).all()) and structure.codes.size <= longest and pairs >= fewest_pairs
