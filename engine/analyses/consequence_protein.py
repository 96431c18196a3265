"""What a change of the coding sequence does to the protein: both are translated and compared.

A length change that is no multiple of three is a ``frameshift_variant`` wherever the new frame stops; a change that leaves the protein as it
was is none, whatever its length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.analyses.consequence_reading import Reading


@dataclass(frozen=True, slots=True)
class ProteinChange:
    """Two stretches of protein, from codon number ``first`` (from 0) on.

    ``before`` is the reference's; ``after`` is what stands there instead, to its stop (``*``) where the change reaches or makes one.
    ``shifted``: the frame changes, so that ``after`` goes on to its stop while ``before`` holds the touched codons only. ``stop_lost``:
    the reading goes on behind the old stop. ``start_lost``: nothing is known of the new protein.
    """

    first: int
    before: str
    after: str
    shifted: bool = False
    stop_lost: bool = False
    start_lost: bool = False


Effect = tuple[set[str], ProteinChange | None]


def coding_effect(reading: Reading, places: Sequence[tuple[int, int, str]]) -> Effect:
    """Terms and protein change of letters replaced in a reading's line (from `Reading.places`, at least one stretch touching the coding part)."""
    first, end, letters = places[0] if len(places) == 1 else _as_one(reading, places)
    if first == end and not letters:
        return {"synonymous_variant"}, None
    if reading.starts and first < reading.begin + 3 and (end > reading.begin or first > reading.begin):
        kept = _start(reading, first, end, letters)
        if kept is not None:
            return kept
    if first < reading.begin:
        letters = letters[reading.begin - first :] if len(letters) == end - first else letters
        first = reading.begin
    if not reading.codons or (first < reading.frame and (end <= reading.frame or len(letters) != end - first)):
        return _by_length(end - first, len(letters)), None
    number = max(0, (first - reading.frame) // 3)
    last = reading.codons - 1
    if reading.stops and (number == last or end > reading.frame + 3 * last):
        return _at_the_end(reading, number, first, end, letters)
    return _inside(reading, number, first, end, letters)


def _as_one(reading: Reading, places: Sequence[tuple[int, int, str]]) -> tuple[int, int, str]:
    """Several stretches as one: the smallest part of the line that differs."""
    line = reading.text + reading.tail
    changed = line
    for first, end, letters in sorted(places, reverse=True):
        changed = changed[:first] + letters + changed[end:]
    begin, shorter = 0, min(len(line), len(changed))
    while begin < shorter and line[begin] == changed[begin]:
        begin += 1
    close = 0
    while close < shorter - begin and line[-1 - close] == changed[-1 - close]:
        close += 1
    return begin, len(line) - close, changed[begin : len(changed) - close]


def _by_length(removed: int, added: int) -> set[str]:
    if (added - removed) % 3:
        return {"frameshift_variant"}
    return {"inframe_insertion" if added > removed else "inframe_deletion"} if added != removed else {"coding_sequence_variant"}


def _start(reading: Reading, first: int, end: int, letters: str) -> Effect | None:
    """Effect of a change that touches the start codon; None when the start stays and the rest is to be compared."""
    lost: Effect = {"start_lost"}, ProteinChange(0, "M", "", start_lost=True)
    kept = reading.code.kept_starts | {reading.codon(0)}
    begin = reading.begin
    if end <= begin + 3:
        behind = reading.text[max(0, first - 3) : first] + letters + reading.text[end : begin + 3]
        if behind[-3:] in kept:
            return {"start_retained_variant"}, ProteinChange(0, "M", "M")
    if first < begin:
        return lost
    there = (reading.text[begin:first] + letters + reading.text[end : end + 3])[:3]
    return None if there in kept else lost


def _inside(reading: Reading, number: int, first: int, end: int, letters: str) -> Effect:
    """A change that does not reach the stop codon."""
    opening = reading.frame + 3 * number
    through = max(number, -(-(end - reading.frame) // 3))
    closing = reading.frame + 3 * through
    if closing > len(reading.text):
        return _in_the_last_codon(reading, number, first, end, letters)
    before = reading.amino_acids(number, through)
    growth = len(letters) - (end - first)
    if growth % 3:
        return {"frameshift_variant"}, ProteinChange(number, before, _to_the_stop(reading, number, first, end, letters), shifted=True)
    new = reading.text[opening : max(first, opening)] + letters[max(0, opening - first) :] + reading.text[end:closing]
    after = _translated(reading, number, through, new)
    stop = after.find("*")
    change = ProteinChange(number, before, after if stop < 0 else after[: stop + 1])
    if not growth:
        return _substituted(before, after), change
    terms = {"inframe_insertion" if growth > 0 else "inframe_deletion"}
    if ("*" in before) != (stop >= 0):
        terms.add("stop_gained" if stop >= 0 else "stop_lost")
    return terms, change


def _substituted(before: str, after: str) -> set[str]:
    """Terms of amino acids that take the place of as many others, up to the first stop."""
    if before == after:
        return {"coding_sequence_variant" if "X" in after else "stop_retained_variant" if "*" in after else "synonymous_variant"}
    for old, new in zip(before, after, strict=True):
        if "*" in (old, new):
            if old != new:
                return {"stop_lost" if old == "*" else "stop_gained"}
            break
    terms = {"missense_variant" for old, new in zip(before, after, strict=True) if old != new and "X" not in (old, new)}
    return terms or {"coding_sequence_variant"}


def _translated(reading: Reading, number: int, through: int, letters: str) -> str:
    """Amino acids of codons that take the place of those from ``number`` to ``through``.

    Codons that stand unchanged at either end keep their amino acid (the start, selenocysteine), as in a change of one length all do.
    """
    found = list(reading.code.translate(letters))
    codons = [letters[place : place + 3] for place in range(0, len(letters) - 2, 3)]
    same_length = len(codons) == through - number
    opens = closes = True
    for index in range(min(len(codons), through - number)):
        opens = opens and codons[index] == reading.codon(number + index)
        closes = closes and codons[-1 - index] == reading.codon(through - 1 - index)
        if opens or (same_length and codons[index] == reading.codon(number + index)):
            found[index] = reading.amino_acid(number + index)
        if closes:
            found[-1 - index] = reading.amino_acid(through - 1 - index)
    if number == 0 and reading.starts and codons and codons[0] in reading.code.kept_starts:
        found[0] = "M"
    return "".join(found)


def _in_the_last_codon(reading: Reading, number: int, first: int, end: int, letters: str) -> Effect:
    """A change that touches a codon which the annotation leaves incomplete."""
    growth = len(letters) - (end - first)
    if growth:
        return _by_length(end - first, len(letters)), None
    begins = reading.frame + 3 * reading.codons
    if first >= begins:
        return {"incomplete_terminal_codon_variant", "coding_sequence_variant"}, None
    terms, change = _inside(reading, number, first, begins, letters[: begins - first])
    return terms | {"incomplete_terminal_codon_variant"}, change


def _to_the_stop(reading: Reading, number: int, first: int, end: int, letters: str, place: int | None = None) -> str:
    """Amino acids from a codon on after the change, to the first stop (kept as ``*``) or to the end of what is known.

    ``place``: index in the changed line of a codon that is the old stop, in frame, for codes whose stops are amino acids elsewhere.
    """
    opening = reading.frame + 3 * number
    line = reading.text[opening:first] + letters + reading.text[end:]
    tail = reading.tail[max(0, end - len(reading.text)) :]
    found: list[str] = []
    read = 0
    code = reading.code
    while True:
        while read + 3 <= len(line):
            codon = line[read : read + 3]
            starts = number == 0 and read == 0 and reading.starts
            letter = "*" if opening + read == place else "M" if starts else code.amino_acid(codon)
            found.append(letter)
            if letter == "*":
                return "".join(found)
            read += 3
        if not tail:
            return "".join(found)
        line, tail = line + tail, ""


def _at_the_end(reading: Reading, number: int, first: int, end: int, letters: str) -> Effect:
    """A change that touches the stop codon, or stands right before it.

    What is removed or added behind the coding sequence shifts no frame: such a change keeps the stop, loses it, or shortens the protein.
    """
    growth = len(letters) - (end - first)
    beyond = end > reading.end
    shifts = bool(growth % 3) and not beyond
    last = reading.frame + 3 * (reading.codons - 1)
    kept = last + growth if end <= last and not shifts else None
    before = reading.amino_acids(number, reading.codons)
    after = _to_the_stop(reading, number, first, end, letters, kept)
    touched = end > last or first > last
    change = ProteinChange(number, before, after, shifted=shifts)
    if after == before:
        return {"stop_retained_variant" if touched or growth else "synonymous_variant"}, change
    stop, old = after.find("*"), len(before) - 1
    expected = old if beyond or shifts else old + growth // 3
    terms: set[str] = set()
    if shifts:
        terms.add("frameshift_variant")
    elif growth and not (beyond and (stop < 0 or stop >= old)):
        terms.add("inframe_insertion" if growth > 0 else "inframe_deletion")
    if stop < 0 or stop > expected or (shifts and touched):
        return terms | {"stop_lost"}, replace(change, stop_lost=True)
    if stop < min(old, expected) and not shifts and not beyond:
        return terms | {"stop_gained"}, change
    if touched:
        terms.add("stop_retained_variant")
    if not growth and before[:old] != after[:stop]:
        terms.add("missense_variant")
    return terms, change
