"""Places on an assembly: the only file, beside the source adapters, that converts coordinates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from engine.core.errors import LocusError


class Strand(StrEnum):
    """Which strand is read 5'→3'."""

    FORWARD = "+"
    REVERSE = "-"

    def flipped(self) -> Strand:
        """The other strand."""
        return Strand.REVERSE if self is Strand.FORWARD else Strand.FORWARD


_LOCUS = re.compile(
    r"^(?:(?P<assembly>[^:\s]+):)?(?P<contig>[^:\s]+):(?P<start>[\d,_]+)(?:-|\.\.)(?P<end>[\d,_]+)(?::?\(?(?P<strand>[+-])\)?|(?P<rev>\s*\[rev\]))?$"
)
_CONTIG_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.|*#-]{0,99}$")


@dataclass(frozen=True)
class Locus:
    """An interval of a contig, 0-based half-open, on one strand.

    Parameters
    ----------
    assembly : str
        Name of the assembly, such as ``R64`` or ``GRCh38``; empty when unknown.
    contig : str
        Name of the contig in that assembly.
    start, end : int
        0-based half-open on the forward strand, ``0 <= start < end``.
    strand : Strand
        Strand that is read 5'→3'.

    Raises
    ------
    LocusError
        Names with other characters than letters, digits and ``_.|*#-``, or coordinates out of order.
    """

    assembly: str
    contig: str
    start: int
    end: int
    strand: Strand = Strand.FORWARD

    def __post_init__(self) -> None:
        for label, name in (("assembly", self.assembly), ("contig", self.contig)):
            if (name or label == "contig") and not _CONTIG_NAME.match(name):
                raise LocusError(f"The {label} name {name[:40]!r} is not usable; names have up to 100 letters, digits and any of _.|*#-.")
        if not 0 <= self.start < self.end:
            raise LocusError(
                f"The interval {self.start + 1:,}-{self.end:,} is not usable; coordinates are 1-based inclusive, "
                "the start is at least 1 and not after the end."
            )

    @classmethod
    def parse(cls, text: str, default_assembly: str = "") -> Locus:
        """Read ``[assembly:]contig:start-end[:strand]``, 1-based inclusive; commas, ``..`` and ``[rev]`` are understood."""
        match = _LOCUS.match(text.strip())
        if match is None:
            raise LocusError(
                f"{text.strip()[:80]!r} is not a locus; write ASSEMBLY:CONTIG:START-END[:-], for example R64:chrIV:1,234-1,533:-."
            )
        try:
            start, end = (int(re.sub(r"[,_]", "", match[key])) for key in ("start", "end"))
        except ValueError as error:
            raise LocusError(f"{text.strip()[:80]!r} has coordinates that are not numbers; write START-END in digits.") from error
        reverse = match["strand"] == "-" or match["rev"] is not None
        strand = Strand.REVERSE if reverse else Strand.FORWARD
        return cls(match["assembly"] or default_assembly, match["contig"], start - 1, end, strand)

    @property
    def width_bp(self) -> int:
        """Number of bases."""
        return self.end - self.start

    def position_of(self, index: int) -> int:
        """1-based forward-strand coordinate of the base at ``index`` of the sequence read on this strand."""
        return self.start + index + 1 if self.strand is Strand.FORWARD else self.end - index

    def index_of(self, position: int) -> int:
        """Index in the sequence read on this strand of the 1-based coordinate ``position`` (inverse of `position_of`)."""
        if not self.start < position <= self.end:
            raise LocusError(f"Position {position:,} is outside {self}; give one of {self.start + 1:,} to {self.end:,}.")
        return position - 1 - self.start if self.strand is Strand.FORWARD else self.end - position

    def flipped(self) -> Locus:
        """The same interval on the other strand."""
        return Locus(self.assembly, self.contig, self.start, self.end, self.strand.flipped())

    def window(self, start: int, end: int) -> Locus:
        """Locus of ``letters[start:end]`` of the sequence read on this strand."""
        if self.strand is Strand.FORWARD:
            return Locus(self.assembly, self.contig, self.start + start, self.start + end, self.strand)
        return Locus(self.assembly, self.contig, self.end - end, self.end - start, self.strand)

    def __str__(self) -> str:
        """``assembly:contig:start-end[:-]``, 1-based inclusive; `parse` reads it back."""
        prefix = f"{self.assembly}:" if self.assembly else ""
        suffix = ":-" if self.strand is Strand.REVERSE else ""
        return f"{prefix}{self.contig}:{self.start + 1}-{self.end}{suffix}"
