"""A change of the sequence on screen as a visitor types it, and the sequence with it."""

from __future__ import annotations

import re

from engine.core.alleles import Change, trimmed
from engine.core.errors import SequenceError
from engine.core.quoting import quoted
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.core.typography import folded

_SUBSTITUTION = re.compile(r"\s*([ACGTU]?)\s*(\d{1,9})\s*>?\s*([ACGTU])\s*", re.ASCII | re.IGNORECASE)
_EDIT = re.compile(r"\s*(\d{1,9})(?:_(\d{1,9}))?(delins|del|ins)([ACGTUN]{0,200})\s*", re.ASCII | re.IGNORECASE)


def changed(sequence: NucleotideSequence, change: Change) -> NucleotideSequence:
    """The sequence with the change made, without a place."""
    return NucleotideSequence(change.applied(sequence.letters), sequence.alphabet, None, sequence.name)


def read_change(sequence: NucleotideSequence, text: str) -> Change:
    """``C31A``, ``31A``, ``31_33del``, ``30_31insG`` or ``31_32delinsGA`` in letters of ``sequence``. Raises `SequenceError` in one sentence."""
    given = folded(text)
    match, edit = _SUBSTITUTION.fullmatch(given), _EDIT.fullmatch(given)
    if match is not None:
        return _substitution(sequence, match)
    if edit is None:
        raise SequenceError(
            f"{quoted(text, 30)} is not a substitution, insertion or deletion; write for example C31A, 31_33del, 30_31insG or 31_32delinsGA."
        )
    first, last = int(edit[1]), int(edit[2] or edit[1])
    kind, letters = edit[3].lower(), _in_alphabet(sequence, edit[4])
    if not 1 <= first <= last <= len(sequence):
        raise SequenceError(f"Position {last:,} is outside the sequence; give positions of 1 to {len(sequence):,}, the first one first.")
    if (kind != "del") != bool(letters) or (kind == "ins" and last != first + 1):
        raise SequenceError(f"{quoted(text, 30)} cannot be read; write such as 31_33del, 30_31insG (between neighbours) or 31_32delinsGA.")
    start, end = (first, first) if kind == "ins" else (first - 1, last)
    change = trimmed(start, sequence.letters[start:end], letters)
    if not change.reference and not change.alternate:
        raise SequenceError(f"{quoted(text, 30)} gives the letters that are there already; choose others.")
    if len(change.reference) == len(sequence):
        raise SequenceError("Nothing would be left of the sequence; delete fewer bases.")
    return change


def _in_alphabet(sequence: NucleotideSequence, letters: str) -> str:
    upper = letters.upper()
    return upper.replace("T", "U") if sequence.alphabet is Alphabet.RNA else upper.replace("U", "T")


def _substitution(sequence: NucleotideSequence, match: re.Match[str]) -> Change:
    place, letters = int(match[2]) - 1, sequence.letters
    if not 0 <= place < len(letters):
        raise SequenceError(f"Position {place + 1:,} is outside the sequence; give one of 1 to {len(letters):,}.")
    reference, given, alternate = letters[place], _in_alphabet(sequence, match[1]), _in_alphabet(sequence, match[3])
    if given and given != reference:
        raise SequenceError(f"The base at {place + 1:,} is {reference}, not {given}; check the position and the strand.")
    if alternate == reference:
        raise SequenceError(f"The base at {place + 1:,} is {reference} already; choose another new base.")
    return Change(place, reference, alternate)
