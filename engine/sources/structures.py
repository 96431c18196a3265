"""Known secondary structures (dot-bracket, CT, BPSEQ) and reactivities, laid on the sequence they are about."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.core.base_pairs import BRACKETS, UNPAIRED, pairs_of_dot_bracket
from engine.core.errors import FileFormatError
from engine.core.numbers import cell_number
from engine.core.quoting import quoted
from engine.sources.door import Bounds, TextLines, lines_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from engine.core.sequence import NucleotideSequence

LONGEST = 20_000
"""Bases of a structure that is read."""
NO_REACTIVITY = -500.0
"""Reactivities up to this (by custom −999) mean that there is none."""
LARGEST = 1e30
"""No reactivity is larger."""
_SYMBOLS = frozenset("".join(BRACKETS)) | frozenset(UNPAIRED)


_BOUNDS = Bounds(text_bytes=2_000_000, lines=50_000)


def read_text(name: str, data: bytes) -> str:
    """Text of an uploaded structure or of reactivities, unpacked, of at most 2 MB. Raises `FileFormatError`."""
    with TextLines(name, data, _BOUNDS, "a structure or reactivities") as lines:
        return lines.text()


@dataclass(frozen=True, eq=False)
class KnownStructure:
    """``letters`` as the file has them (empty where it has none), ``pairs`` int64 (n, 2), i < j, 0-based; ``length`` in bases."""

    letters: str
    pairs: NDArray[np.int64]
    length: int


def parse_structure(text: str) -> KnownStructure:
    """Read a dot-bracket (with or without a header and letters), a CT or a BPSEQ; the first structure of several.

    Raises `FileFormatError` in one sentence.
    """
    lines = [line.strip() for line in lines_of(text)]
    rows = [line for line in lines if line and not line.startswith(("#", ">", ";"))]
    if not rows:
        raise FileFormatError("There is no structure in it; give a dot-bracket, a CT or a BPSEQ.")
    if _is_bpseq(rows[0]):
        return _from_table([row.split() for row in rows], "BPSEQ", 3)
    head = rows[0].split()
    if _is_whole(head[0]) and len(rows) > 1 and len(rows[1].split()) >= 6 and rows[1].split()[0] == "1":
        if not 0 < int(head[0][:9]) <= LONGEST:
            raise FileFormatError(f"The CT names {head[0][:20]} bases; 1 to {LONGEST:,} are read.")
        return _from_table([row.split() for row in rows[1 : 1 + int(head[0][:9])]], "CT", 6, partner=4, expected=int(head[0][:9]))
    return _from_symbols(rows)


def _is_whole(word: str) -> bool:
    """Whether it is a whole number in digits 0 to 9."""
    return word.isascii() and word.isdigit()


def _is_bpseq(row: str) -> bool:
    words = row.split()
    return len(words) == 3 and _is_whole(words[0]) and len(words[1]) == 1 and _is_whole(words[2])


def _from_table(rows: list[list[str]], kind: str, columns: int, partner: int = 2, expected: int = 0) -> KnownStructure:
    """A table of one line a base: index, letter, and the 1-based partner (0 = none) in column ``partner``."""
    if len(rows) > LONGEST:
        raise FileFormatError(f"The {kind} has {len(rows):,} lines; up to {LONGEST:,} bases are read.")
    if expected and len(rows) != expected:
        raise FileFormatError(f"The {kind} names {expected:,} bases and has lines of {len(rows):,}.")
    letters, partners = [], []
    for number, row in enumerate(rows, start=1):
        if len(row) < columns or row[0] != str(number) or len(row[1]) != 1 or not _is_whole(row[partner]):
            raise FileFormatError(
                f"Base {number:,} of the {kind} is {quoted(' '.join(row), 40)}; index, letter and partner are needed, in order."
            )
        letters.append(row[1].upper())
        partners.append(int(row[partner][:9]) - 1)
    for index, other in enumerate(partners):
        if other >= len(partners) or other == index or (other >= 0 and partners[other] != index):
            raise FileFormatError(f"Base {index + 1:,} of the {kind} pairs with {other + 1:,}, which does not pair with it.")
    pairs = [(index, other) for index, other in enumerate(partners) if other > index]
    return KnownStructure("".join(letters), np.array(pairs, dtype=np.int64).reshape(-1, 2), len(letters))


def _from_symbols(rows: list[str]) -> KnownStructure:
    """Lines of letters, then lines of the structure; an energy behind it is left out."""
    at = next((number for number, row in enumerate(rows) if _looks_like_symbols(row.split()[0])), None)
    if at is None:
        raise FileFormatError(f"{quoted(rows[0], 40)} is no structure; give a dot-bracket such as ((...)), a CT or a BPSEQ.")
    symbols = ""
    for row in rows[at:]:
        word = row.split()[0]
        if not _looks_like_symbols(word) or (at and len(symbols) >= len("".join(rows[:at]))):
            break
        symbols += word
    letters = "".join("".join(rows[:at]).split()).upper()
    if len(symbols) > LONGEST:
        raise FileFormatError(f"The structure has {len(symbols):,} symbols; up to {LONGEST:,} are read.")
    if letters and len(letters) != len(symbols):
        raise FileFormatError(f"The structure has {len(symbols):,} symbols for {len(letters):,} letters; one a letter is needed.")
    return KnownStructure(letters, pairs_of_dot_bracket(symbols), len(symbols))


def _looks_like_symbols(word: str) -> bool:
    return set(word) <= _SYMBOLS and bool(set(word) & set(".()[]{}<>"))


def known_pairs(text: str, sequence: NucleotideSequence) -> NDArray[np.int64]:
    """Pairs int64 (n, 2) of a structure of exactly this sequence; T and U are the same letter.

    Raises `FileFormatError` for what is no structure, or one of another sequence.
    """
    found = parse_structure(text)
    length = len(sequence)
    if found.length != length:
        raise FileFormatError(f"The structure is of {found.length:,} bases, the sequence shown has {length:,}; give one of these letters.")
    given, shown = found.letters.replace("T", "U"), sequence.as_rna()
    differs = next((index for index, (one, other) in enumerate(zip(given, shown, strict=False)) if one != other), None)
    if differs is not None:
        raise FileFormatError(
            f"The structure has {given[differs]} at position {differs + 1:,}, the sequence shown has {shown[differs]}; give one of these letters."
        )
    return found.pairs


def reactivities(text: str, length: int) -> NDArray[np.float32]:
    """Reactivity of each base, float32 (L,), NaN where there is none: lines ``position value`` (1-based), or one value a base.

    Commas and tabs separate, too; a first line of names is left out. Raises `FileFormatError` in one sentence.
    """
    rows = [line.replace(",", " ").split() for line in lines_of(text)]
    rows = [row for row in rows if row and not row[0].startswith("#")]
    if rows and not _is_whole(rows[0][0]) and _number(rows[0][-1]) is None and rows[0][-1].upper() not in _ABSENT:
        rows = rows[1:]
    if not rows:
        raise FileFormatError("There are no reactivities in it; give lines of position and value, or one value a base.")
    if all(len(row) == 1 for row in rows):
        if len(rows) != length:
            raise FileFormatError(f"There are {len(rows):,} reactivities for {length:,} bases; give one a base, or positions with them.")
        rows = [[str(index), *row] for index, row in enumerate(rows, start=1)]
    found = np.full(length, np.nan, dtype=np.float32)
    for row in rows:
        index, value = _place_and_value(row, length)
        found[index] = value
    if np.isnan(found).all():
        raise FileFormatError("None of the reactivities is a number above −500; nothing can be coloured by them.")
    return found


_ABSENT = ("NA", "NAN", "-", ".")


def _place_and_value(row: Sequence[str], length: int) -> tuple[int, float]:
    words = quoted(" ".join(row), 40)
    if not _is_whole(row[0]) or not 1 <= int(row[0][:9]) <= length:
        raise FileFormatError(f"The line {words} names no position of 1 to {length:,}.")
    value = math.nan if row[-1].upper() in _ABSENT else _number(row[-1])
    if value is None or len(row) < 2:
        raise FileFormatError(f"The line {words} has no number for its position.")
    return int(row[0][:9]) - 1, math.nan if value <= NO_REACTIVITY else value


def _number(word: str) -> float | None:
    """A number that float32 holds; None for anything else."""
    value = cell_number(word[:40])
    return value if value is not None and abs(value) <= LARGEST else None
