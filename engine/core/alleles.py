"""What an allele changes: the letters that differ, and every place at which the same change could be written.

A VCF may pad an allele with bases that stay (the anchor of an indel, a block of several alleles), and a deletion or insertion in a repeat
can be written at several places that give the very same letters. Nothing may depend on either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_STEP_BP = 64
_COMPLEMENT = str.maketrans("ACGTUN", "TGCAAN")

Letters = Callable[[int, int], str]
"""``letters(start, end)``: upper-case forward letters of a contig, 0-based half-open; shorter at the contig's ends."""


@dataclass(frozen=True, slots=True)
class Change:
    """Forward letters ``reference`` at 0-based ``start`` of a contig become ``alternate``; either may be empty, both are when nothing changes.

    An insertion stands between the bases ``start - 1`` and ``start``.
    """

    start: int
    reference: str
    alternate: str

    @property
    def end(self) -> int:
        """0-based end of the replaced letters, half-open."""
        return self.start + len(self.reference)

    @property
    def is_indel(self) -> bool:
        """Whether letters are only removed or only added."""
        return bool(self.reference) != bool(self.alternate)

    def applied(self, letters: str) -> str:
        """``letters`` (from 0 on) with the change made."""
        return letters[: self.start] + self.alternate + letters[self.end :]

    def turned(self, length: int) -> Change:
        """The same change on the other strand of ``length`` letters; U counts as T."""
        reference, alternate = (text.translate(_COMPLEMENT)[::-1] for text in (self.reference, self.alternate))
        return Change(length - self.end, reference, alternate)

    def moved(self, by: int, letters: str) -> Change:
        """The same letters removed or added ``by`` bases further right; ``letters`` are those that are removed or added there."""
        return Change(self.start + by, letters if self.reference else "", letters if self.alternate else "")


def trimmed(start: int, reference: str, alternate: str) -> Change:
    """The change without the bases that both alleles share: at the right first, then at the left, so that an indel stands leftmost."""
    end = 0
    shorter = min(len(reference), len(alternate))
    while end < shorter and reference[-1 - end] == alternate[-1 - end]:
        end += 1
    reference, alternate = reference[: len(reference) - end], alternate[: len(alternate) - end]
    begin, shorter = 0, shorter - end
    while begin < shorter and reference[begin] == alternate[begin]:
        begin += 1
    return Change(start + begin, reference[begin:], alternate[begin:])


def _run(letters: str, unit: str, *, leftward: bool) -> int:
    """How many of ``letters`` go on repeating ``unit``, read away from it; N goes on nothing."""
    size = len(unit)
    for count, letter in enumerate(reversed(letters) if leftward else letters):
        expected = unit[size - 1 - count % size] if leftward else unit[count % size]
        if letter != expected or letter == "N":
            return count
    return len(letters)


def _reach(change: Change, letters: Letters, *, leftward: bool) -> int:
    """How many bases a pure insertion or deletion can move in one direction."""
    unit = change.reference or change.alternate
    moved, step = 0, _STEP_BP
    while True:
        if leftward:
            edge = change.start - moved
            found = letters(max(0, edge - step), edge)
        else:
            edge = change.end + moved
            found = letters(edge, edge + step)
        turned = moved % len(unit)
        here = unit[len(unit) - turned :] + unit[: len(unit) - turned] if leftward else unit[turned:] + unit[:turned]
        count = _run(found, here, leftward=leftward)
        moved += count
        if count < step:
            return moved
        step *= 4


def placements(change: Change, letters: Letters) -> tuple[Change, Change]:
    """The leftmost and the rightmost way to write a change; twice the change itself for what is no pure insertion or deletion."""
    if not change.is_indel:
        return change, change
    unit = change.reference or change.alternate
    size = len(unit)
    left, right = _reach(change, letters, leftward=True), _reach(change, letters, leftward=False)
    turned_left, turned_right = left % size, right % size
    return (
        change.moved(-left, unit[size - turned_left :] + unit[: size - turned_left]),
        change.moved(right, unit[turned_right:] + unit[:turned_right]),
    )


def as_vcf(change: Change, letters: Letters) -> tuple[int, str, str]:
    """1-based position and alleles as a VCF writes them: an indel carries the base before it, at a contig's first base the one after it."""
    if change.reference and change.alternate:
        return change.start + 1, change.reference, change.alternate
    if change.start:
        anchor = letters(change.start - 1, change.start)
        return change.start, anchor + change.reference, anchor + change.alternate
    anchor = letters(change.end, change.end + 1)
    return 1, change.reference + anchor, change.alternate + anchor
