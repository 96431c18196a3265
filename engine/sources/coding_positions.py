"""Positions counted along a transcript (HGVS c. and n.) to positions of its contig."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.core.errors import LocusError
from engine.core.features import Feature
from engine.core.sequence import reversed_complement
from engine.sources.locus_text import around
from engine.sources.variant_text import Change, CodingPosition, CodingText, VariantText

Interval = tuple[int, int]


@dataclass(frozen=True)
class TranscriptPlace:
    """Where a transcript lies: ``exons`` 0-based half-open, sorted, not touching; ``first`` and ``end`` of its coding part, counted in bases
    along the spliced transcript (0-based half-open); both 0 without one."""

    contig: str
    forward: bool
    exons: tuple[Interval, ...]
    first: int
    end: int

    @classmethod
    def of_features(cls, parts: Sequence[Feature]) -> TranscriptPlace:
        """From exons, coding parts and stop codons of one transcript; without exons the coding parts are taken for them."""
        forward = parts[0].strand != "-"
        coding = _merged([(part.start, part.end) for part in parts if part.kind in ("CDS", "stop_codon")])
        exons = _merged([(part.start, part.end) for part in parts])
        place = cls(parts[0].contig, forward, exons, 0, 0)
        if not coding:
            return place
        low, high = coding[0][0], coding[-1][1] - 1
        first, last = (low, high) if forward else (high, low)
        return cls(parts[0].contig, forward, exons, place.along(first), place.along(last) + 1)

    def along(self, position: int) -> int:
        """How many bases of the spliced transcript lie in front of the exonic base at the 0-based ``position``."""
        before = 0
        for start, end in self.exons if self.forward else reversed(self.exons):
            if start <= position < end:
                return before + (position - start if self.forward else end - 1 - position)
            before += end - start
        raise LocusError(f"Position {position + 1:,} lies in no exon of the transcript.")

    def position(self, along: int) -> int:
        """0-based position of the base behind ``along`` bases of the spliced transcript; beyond its ends the contig goes on."""
        exons = self.exons if self.forward else self.exons[::-1]
        left = along
        for number, (start, end) in enumerate(exons):
            width = end - start
            if left < width or number == len(exons) - 1:
                return start + left if self.forward else end - 1 - left
            left -= width
        raise LocusError("The transcript has no exons.")

    def of_counted(self, counted: CodingPosition, kind: str) -> int:
        """0-based position on the contig of a position as HGVS counts it (``kind`` c or n)."""
        if kind == "c" and self.end == 0:
            raise LocusError("The transcript has no coding part; positions of it are written with n.")
        if kind == "n":
            along = counted.base - 1
        elif counted.region == "-":
            along = self.first - counted.base
        elif counted.region == "*":
            along = self.end + counted.base - 1
        else:
            along = self.first + counted.base - 1
            if along >= self.end:
                raise LocusError(f"The coding part has {self.end - self.first:,} bases; {counted} is behind its end.")
        found = self.position(along) + (counted.offset if self.forward else -counted.offset)
        if found < 0:
            raise LocusError(f"{counted} lies in front of the contig's first base.")
        return found


def _merged(intervals: list[Interval]) -> tuple[Interval, ...]:
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)


def variant_of(text: CodingText, place: TranscriptPlace, assembly: str, contig: str) -> VariantText:
    """The change on the forward strand of the contig.

    Raises
    ------
    LocusError
        A position that the transcript does not have, or an insertion between bases that are no neighbours.
    """
    ends = sorted((place.of_counted(text.first, text.kind), place.of_counted(text.last, text.kind)))
    low, high = ends
    change = text.change if place.forward else _turned(text.change)
    if change.edit == "ins":
        if high != low + 1:
            raise LocusError(f"{text} puts letters in between bases that are no neighbours; name two neighbours.")
        return VariantText(around(assembly, contig, high + 1), low + 1, change)
    if change.reference and text.first == text.last and len(change.reference) > 1:
        more = len(change.reference) - 1
        low, high = (low, high + more) if place.forward else (low - more, high)
    return VariantText(around(assembly, contig, low + 1), high + 1, change)


def _turned(change: Change) -> Change:
    return Change(reversed_complement(change.reference), reversed_complement(change.alternate), change.edit)
