"""An alignment of nucleotide sequences: rows of letters and gaps, one a sequence, one column an aligned position."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from engine.core.errors import FileFormatError, ParameterError
from engine.core.quoting import quoted
from engine.core.sequence import IUPAC_DNA, IUPAC_RNA, Alphabet, NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.locus import Locus

MOST_SEQUENCES = 5_000
MOST_COLUMNS = 5_000
FEWEST_SEQUENCES = 2
GAPS = "-.~_"
GAP, OTHER = 4, 5
"""Codes of a gap, and of a letter that names no single base (N, R, ...)."""
_NAMES_SHOWN = 5
_CODES = np.full(256, OTHER, np.uint8)
for _code, _letters in enumerate(("A", "C", "G", "TU", GAPS)):
    _CODES[list(_letters.encode())] = _code
_ALLOWED = np.zeros(256, bool)
_ALLOWED[list("".join([*IUPAC_DNA, *IUPAC_RNA, GAPS]).encode())] = True


@dataclass(frozen=True, eq=False)
class Alignment:
    """``letters`` uint8 (N, C): upper-case ASCII of each sequence in each column, gaps as one of `GAPS`.

    Parameters
    ----------
    name : str
        Of the file, or of the alignment in it.
    names : tuple of str
        One a sequence, as the file has them.
    loci : tuple of Locus or None
        Where a sequence comes from, its letters without gaps; empty = nowhere known.
    structure : str
        Consensus structure of the file, one symbol a column (WUSS); empty without one.

    Raises
    ------
    FileFormatError
        Fewer than two sequences, more than `MOST_SEQUENCES` or `MOST_COLUMNS`, or a letter that is no nucleotide.
    """

    name: str
    names: tuple[str, ...]
    letters: NDArray[np.uint8]
    loci: tuple[Locus | None, ...] = ()
    structure: str = ""

    def __post_init__(self) -> None:
        count, columns = self.letters.shape
        check_size(self.name, count, columns)
        if count < FEWEST_SEQUENCES or not columns:
            raise FileFormatError(
                f"The alignment {quoted(self.name, 60)} has {count} sequences of {columns} columns; at least two sequences are needed."
            )
        allowed = _ALLOWED[self.letters]
        if not allowed.all():
            row, column = np.argwhere(~allowed)[0].tolist()
            raise FileFormatError(
                f"The sequence {quoted(self.names[row], 40)} has {chr(self.letters[row, column])!r} in column {column + 1:,}; only letters of "
                "nucleotides and gaps are read, so no proteins."
            )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def columns(self) -> int:
        """How many columns it has."""
        return int(self.letters.shape[1])

    @cached_property
    def codes(self) -> NDArray[np.uint8]:
        """uint8 (N, C): A, C, G, T as 0 to 3, `GAP`, `OTHER`."""
        return _CODES[self.letters]

    @cached_property
    def sha256(self) -> str:
        """Hexadecimal sha256 of names and codes."""
        return hashlib.sha256("\n".join(self.names).encode() + b"\0" + self.codes.tobytes()).hexdigest()

    def row(self, name: str = "") -> int:
        """Number of the sequence called ``name`` (the word in front of ``/START-END`` is enough); without a name the first one.

        Raises `ParameterError` for a name that no sequence, or more than one, has.
        """
        if not name:
            return 0
        found = [number for number, given in enumerate(self.names) if given == name]
        found = found or [number for number, given in enumerate(self.names) if name in (given.partition("/")[0], given.split(" ")[0])]
        if len(found) == 1:
            return found[0]
        shown = ", ".join(given[:40] for given in self.names[:_NAMES_SHOWN]) + (", ..." if len(self.names) > _NAMES_SHOWN else "")
        count = "no sequence" if not found else f"{len(found)} sequences"
        raise ParameterError(f"The alignment has {count} called {quoted(name, 40)}; it holds {shown}.")

    def sequence(self, row: int) -> tuple[NucleotideSequence, NDArray[np.int64]]:
        """A sequence without its gaps, and the column of each of its letters, int64 (L,). Raises `FileFormatError` for one of gaps alone."""
        columns = np.flatnonzero(self.codes[row] != GAP)
        if not len(columns):
            raise FileFormatError(f"The sequence {quoted(self.names[row], 40)} has no letters at all; choose another one as the reference.")
        text = self.letters[row, columns].tobytes().decode("ascii")
        rna = "U" in text
        locus = self.loci[row] if self.loci else None
        found = NucleotideSequence(
            text.replace("T", "U") if rna else text, Alphabet.RNA if rna else Alphabet.DNA, locus, self.names[row].split(" ")[0]
        )
        return found, columns


def check_size(name: str, sequences: int, columns: int) -> None:
    """Raise `FileFormatError` for more sequences or columns than are read."""
    if sequences > MOST_SEQUENCES or columns > MOST_COLUMNS:
        raise FileFormatError(
            f"The alignment {quoted(name, 60)} has {sequences:,} sequences of {columns:,} columns; up to {MOST_SEQUENCES:,} of "
            f"{MOST_COLUMNS:,} are read; cut out the part that is needed."
        )
