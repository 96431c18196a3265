"""Places on an assembly: the only file, beside the source adapters, that converts coordinates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from engine.core.errors import LocusError
from engine.core.quoting import quoted


class Strand(StrEnum):
    """Which strand is read 5'→3'."""

    FORWARD = "+"
    REVERSE = "-"

    def flipped(self) -> Strand:
        """The other strand."""
        return Strand.REVERSE if self is Strand.FORWARD else Strand.FORWARD


LONGEST_BP = 10**12
"""No chromosome is longer."""

_TAIL = re.compile(r":(?P<start>[\d,]{1,30})(?:-|\.\.)(?P<end>[\d,]{1,30})(?::(?P<strand>[+-])|\((?P<round>[+-])\)|\s?(?P<rev>\[rev\]))?$")
_ASSEMBLY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")
_LONGEST_CONTIG_NAME = 255
_LONGEST_TEXT = 500


def is_assembly_name(name: str) -> bool:
    """Whether an assembly can be called so: up to 100 letters, digits and ``_.+-``, the first a letter or a digit."""
    return _ASSEMBLY_NAME.fullmatch(name) is not None


def is_contig_name(name: str) -> bool:
    """Whether a contig can be called so: 1 to 255 signs that can be seen, no space among them, as SAM, VCF and GenBank write names."""
    return 0 < len(name) <= _LONGEST_CONTIG_NAME and name.isprintable() and not any(sign.isspace() for sign in name)


def contig_in_text(name: str) -> str:
    """The name as it stands in front of coordinates: in braces where a colon, a brace, or what parts a list of places could mislead."""
    return f"{{{name}}}" if set(name) & set(":{};,") else name


def split_names(text: str) -> tuple[str, str]:
    """Assembly (may be empty) and contig of what stands in front of the coordinates.

    A contig whose name has a colon stands in braces, ``{HLA-A*01:01}``; without them the first colon ends the assembly, when what stands in
    front of it can be an assembly's name.
    """
    if text.endswith("}"):
        before, brace, inside = text[:-1].partition("{")
        if brace and (not before or before.endswith(":")):
            return before.removesuffix(":"), inside
    assembly, colon, contig = text.partition(":")
    return (assembly, contig) if colon and is_assembly_name(assembly) else ("", text)


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
        A name that cannot be one (`is_assembly_name`, `is_contig_name`), or coordinates out of order.
    """

    assembly: str
    contig: str
    start: int
    end: int
    strand: Strand = Strand.FORWARD

    def __post_init__(self) -> None:
        if self.assembly and not is_assembly_name(self.assembly):
            raise LocusError(
                f"The assembly name {quoted(self.assembly, 40)} is not usable; names have up to 100 letters, digits and any of _.+-."
            )
        if not is_contig_name(self.contig):
            raise LocusError(
                f"The contig name {quoted(self.contig, 40)} is not usable; names have 1 to {_LONGEST_CONTIG_NAME} visible signs and no space."
            )
        if not 0 <= self.start < self.end <= LONGEST_BP:
            raise LocusError(
                f"The interval {self.start + 1:,}-{self.end:,} is not usable; coordinates are 1-based inclusive, "
                "the start is at least 1 and not after the end."
            )

    @classmethod
    def parse(cls, text: str, default_assembly: str = "") -> Locus:
        """Read ``[assembly:]contig:start-end[:strand]``, 1-based inclusive; commas, ``..`` and ``[rev]`` are understood."""
        line = text.strip()
        match = _TAIL.search(line) if len(line) <= _LONGEST_TEXT else None
        assembly, contig = split_names(line[: match.start()]) if match is not None else ("", "")
        start, end = (match[key].replace(",", "") if match is not None else "" for key in ("start", "end"))
        if match is None or not contig or not start or not end:
            raise LocusError(f"{quoted(line)} is not a locus; write ASSEMBLY:CONTIG:START-END[:-], for example R64:chrIV:1,234-1,533:-.")
        reverse = "-" in (match["strand"], match["round"]) or match["rev"] is not None
        return cls(assembly or default_assembly, contig, int(start) - 1, int(end), Strand.REVERSE if reverse else Strand.FORWARD)

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

    def inside(self, start: int, end: int) -> tuple[int, int] | None:
        """What of bases ``[start, end)`` of the contig lies in it, as indices of the letters read on this strand (inverse of `window`); None for nothing."""
        low, high = max(start, self.start), min(end, self.end)
        if low >= high:
            return None
        return (low - self.start, high - self.start) if self.strand is Strand.FORWARD else (self.end - high, self.end - low)

    def __str__(self) -> str:
        """``assembly:contig:start-end[:-]``, 1-based inclusive; `parse` reads it back."""
        prefix = f"{self.assembly}:" if self.assembly else ""
        suffix = ":-" if self.strand is Strand.REVERSE else ""
        return f"{prefix}{contig_in_text(self.contig)}:{self.start + 1}-{self.end}{suffix}"
