"""Nucleotide sequences as value types."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from engine.core.errors import LocusError, SequenceError

if TYPE_CHECKING:
    from engine.core.locus import Locus

BASES = "ACGT"
"""Order of the four bases on every base axis of every result; U of an RNA stands at T."""

IUPAC_DNA = frozenset("ACGTRYSWKMBDHVN")
IUPAC_RNA = frozenset("ACGURYSWKMBDHVN")

_COMPLEMENT_DNA = str.maketrans("ACGTRYSWKMBDHVN", "TGCAYRSWMKVHDBN")
_COMPLEMENT_RNA = str.maketrans("ACGURYSWKMBDHVN", "UGCAYRSWMKVHDBN")


def reversed_complement(letters: str) -> str:
    """Upper-case DNA of the other strand, 5'→3', IUPAC codes too; what is no code stays as it is."""
    return letters.translate(_COMPLEMENT_DNA)[::-1]


class Alphabet(StrEnum):
    """The letters a sequence is written in."""

    DNA = "DNA"
    RNA = "RNA"


_BYTES = {Alphabet.DNA: "".join(sorted(IUPAC_DNA)).encode(), Alphabet.RNA: "".join(sorted(IUPAC_RNA)).encode()}


@dataclass(frozen=True)
class NucleotideSequence:
    """An upper-case IUPAC sequence, 5'→3' on the strand of its locus.

    Parameters
    ----------
    letters : str
        Upper case, IUPAC letters of ``alphabet``; at least one.
    alphabet : Alphabet
        DNA (T) or RNA (U).
    locus : Locus or None
        Where the letters come from; its width equals ``len(letters)``.
    name : str
        What to call it on screen and in files; may be empty.

    Raises
    ------
    SequenceError
        Empty, lower case, a letter outside the alphabet, or another width than the locus.
    """

    letters: str = field(repr=False)
    alphabet: Alphabet = Alphabet.DNA
    locus: Locus | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if not self.letters:
            raise SequenceError("The sequence is empty; give at least one base.")
        allowed = IUPAC_RNA if self.alphabet is Alphabet.RNA else IUPAC_DNA
        if self.letters.encode("ascii", "replace").translate(None, _BYTES[self.alphabet]):
            where = next(i for i, letter in enumerate(self.letters) if letter not in allowed)
            raise SequenceError(
                f"The sequence has {self.letters[where]!r} at position {where + 1:,}; {self.alphabet} uses upper-case IUPAC letters "
                f"{''.join(sorted(allowed))}; remove or replace it."
            )
        if self.locus is not None and self.locus.width_bp != len(self.letters):
            raise SequenceError(
                f"The sequence has {len(self.letters):,} letters but its locus {self.locus} spans {self.locus.width_bp:,} bp; "
                "they must be equal."
            )

    def __len__(self) -> int:
        return len(self.letters)

    @cached_property
    def sha256(self) -> str:
        """Hexadecimal sha256 of the letters as DNA, so that an RNA and its DNA have the same hash."""
        return hashlib.sha256(self.as_dna().encode("ascii")).hexdigest()

    def as_dna(self) -> str:
        """Letters with U as T."""
        return self.letters.replace("U", "T")

    def as_rna(self) -> str:
        """Letters with T as U."""
        return self.letters.replace("T", "U")

    def read_as_rna(self) -> NucleotideSequence:
        """The same letters as RNA; itself when it is RNA."""
        return self if self.alphabet is Alphabet.RNA else NucleotideSequence(self.as_rna(), Alphabet.RNA, self.locus, self.name)

    @property
    def ambiguous_count(self) -> int:
        """Number of letters that are not one of the four bases."""
        return len(self.letters) - sum(self.letters.count(base) for base in "ACGTU")

    def reverse_complement(self) -> NucleotideSequence:
        """The same locus read on the other strand."""
        table = _COMPLEMENT_RNA if self.alphabet is Alphabet.RNA else _COMPLEMENT_DNA
        locus = self.locus.flipped() if self.locus is not None else None
        return NucleotideSequence(self.letters.translate(table)[::-1], self.alphabet, locus, self._name_at(locus))

    def window(self, start: int, end: int) -> NucleotideSequence:
        """Sub-sequence ``letters[start:end]`` (0-based half-open) with the locus that belongs to it."""
        if not 0 <= start < end <= len(self.letters):
            raise SequenceError(
                f"Window {start + 1:,}-{end:,} is outside the sequence; positions 1 to {len(self.letters):,} exist, start before end."
            )
        locus = self.locus.window(start, end) if self.locus is not None else None
        return NucleotideSequence(self.letters[start:end], self.alphabet, locus, self._name_at(locus))

    def _name_at(self, locus: Locus | None) -> str:
        """What letters of it at another ``locus`` are called: a name that says where the sequence lies says where they do."""
        if self.locus is None or locus is None:
            return self.name
        try:
            return str(locus) if type(locus).parse(self.name) == self.locus else self.name
        except LocusError:
            return self.name
