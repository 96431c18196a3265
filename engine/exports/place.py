"""Where the bases of a result lie: genome coordinates from the sequence's locus, or 1..L of the sequence itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.locus import Strand
from engine.core.sequence import NucleotideSequence


@dataclass(frozen=True)
class Place:
    """Contig, forward-strand start (0-based) and direction of a sequence of ``length`` bases."""

    contig: str
    start: int
    length: int
    reverse: bool
    assembly: str = ""

    @property
    def end(self) -> int:
        """Forward-strand end, half-open."""
        return self.start + self.length

    @property
    def strand(self) -> str:
        """``+`` or ``-``."""
        return "-" if self.reverse else "+"

    @property
    def behind_names(self) -> str:
        """What stands behind the name of a track whose letters are not those of the forward strand; empty for others."""
        return f" (along {self.strand} strand)" if self.reverse else ""

    def interval(self, first: int, last: int) -> tuple[int, int]:
        """Forward-strand interval (0-based half-open) of the letters ``[first, last)``."""
        if self.reverse:
            return self.end - last, self.end - first
        return self.start + first, self.start + last

    def direction(self, along: str) -> str:
        """Genome strand of what runs ``along`` the letters (``+``), against them (``-``), or neither way (``.``)."""
        if along == ".":
            return along
        return self.strand if along == "+" else "+" if self.reverse else "-"

    def position(self, index: int) -> int:
        """1-based forward-strand position of the letter at ``index``."""
        return self.interval(index, index + 1)[1]

    def positions(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """1-based forward-strand positions of letters."""
        return self.end - indices if self.reverse else self.start + indices + 1

    def forward(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values per letter in ascending genome order."""
        return values[::-1] if self.reverse else values


def place_of(sequence: NucleotideSequence) -> Place:
    """Place of a sequence; without a locus the contig is the sequence's name, or ``sequence``."""
    if sequence.locus is not None:
        locus = sequence.locus
        return Place(locus.contig, locus.start, len(sequence), locus.strand is Strand.REVERSE, locus.assembly)
    name = re.sub(r"[^A-Za-z0-9_.|*#-]+", "_", sequence.name).strip("_")[:100]
    return Place(name or "sequence", 0, len(sequence), False)
