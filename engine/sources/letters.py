"""Pasted letters to a checked sequence, with one clear sentence when they cannot be used."""

from __future__ import annotations

import re

from engine.core.errors import SequenceError
from engine.core.locus import Locus
from engine.core.quoting import quoted
from engine.core.sequence import IUPAC_DNA, Alphabet, NucleotideSequence
from engine.core.typography import called, folded, upper

_ALLOWED = IUPAC_DNA | {"U"}
_NUMBER_TOKEN = re.compile(r"(?<!\S)\d+[:.)]?(?!\S)")
_SPACE = str.maketrans("", "", " \t\n\r\f\v")
_FIRST = re.compile(r"^5\s?'?\s?-{1,9}")
_LAST = re.compile(r"-{1,9}\s?3\s?'?$")
_END_LENGTH = 24
_FOREIGN = re.compile(f"[^{''.join(sorted(_ALLOWED))}]")
_ORIGIN = re.compile(r"ORIGIN\b[^\n]*\n", re.IGNORECASE)
_LABEL = re.compile(r"[^:\n]{2,60}:[ACGTUN\s]{4,}$", re.IGNORECASE)
_PROTEIN_ONLY = frozenset("EFILPQ")
_PROTEIN = frozenset("ACDEFGHIKLMNPQRSTVWYX*")


def _foreign(letters: str, where: str) -> SequenceError:
    match = _FOREIGN.search(letters)
    position = match.start() if match is not None else 0
    letter = letters[position]
    others = sorted(set(letters) - _ALLOWED)
    left = [other for other in others if other != letter]
    if len(_PROTEIN_ONLY & set(others)) >= 2 and set(letters) <= _PROTEIN:
        hint = "it looks like a protein; give its DNA or RNA"
    elif letter in "-.~":
        hint = "it looks like a gap of an alignment; remove gaps"
    elif letter == "*":
        hint = "it looks like a stop sign of a protein; give DNA or RNA"
    else:
        hint = f"remove or replace {'them' if left else 'it'} (N stands for any base)"
    more = (f", nor is {called(left[0])}" if len(left) == 1 else f", nor are {len(left)} other kinds of letters") if left else ""
    return SequenceError(
        f"The letter {called(letter)} at position {position + 1:,}{where} is not a nucleotide{more}; allowed are A, C, G, T or U and the "
        f"IUPAC codes RYSWKMBDHVN; {hint}."
    )


def strip_numbering(text: str) -> str:
    """Letters of a paste in upper case: what stands around them is taken away.

    That is: white space, position numbers (``61``, ``61:``), ``ORIGIN`` and ``//`` of GenBank, ``5'-`` and ``-3'``, and quotation marks around
    the whole. Typographic signs are read as the plain ones.
    """
    text = folded(text).strip()
    if text[:6].lower() == "origin":
        text = _ORIGIN.sub("", text, count=1)
    text = text.removesuffix("//").rstrip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    text = _FIRST.sub("", text[:_END_LENGTH]) + text[_END_LENGTH:]
    text = text[:-_END_LENGTH] + _LAST.sub("", text[-_END_LENGTH:])
    if any(digit in text for digit in "0123456789"):
        text = _NUMBER_TOKEN.sub(" ", text)
    return upper(text.translate(_SPACE))


def sequence_from(text: str, name: str = "", locus: Locus | None = None, where: str = "") -> NucleotideSequence:
    """Check letters and decide DNA or RNA.

    Parameters
    ----------
    text : str
        Letters in any case with white space and stand-alone position numbers.
    name : str
        Name of the record.
    locus : Locus or None
        Where it lies.
    where : str
        Added to messages behind the position, such as `` of record 'x'``.

    Raises
    ------
    SequenceError
        Empty, a letter that is no nucleotide, T and U mixed, or no base that is known.
    """
    letters = strip_numbering(text)
    if not letters:
        raise SequenceError(f"There are no letters{where}; give at least one base, such as ACGT.")
    present = set(letters)
    if present - _ALLOWED:
        if len(text) < 10_000 and _LABEL.match(text.strip()):
            raise SequenceError(
                f"{quoted(text.strip())} has words in front of its letters{where}; give the letters alone, or as FASTA: a line '>name', then the letters."
            )
        raise _foreign(letters, where)
    if "U" in present and "T" in present:
        u, t = letters.index("U"), letters.index("T")
        raise SequenceError(
            f"T (position {t + 1:,}) and U (position {u + 1:,}) are mixed{where}; DNA is written with T and RNA with U, so replace one of them."
        )
    if not present & set("ACGTU"):
        raise SequenceError(
            f"All {len(letters):,} letters{where} are ambiguous codes such as N; at least one of A, C, G, T or U is needed."
        )
    return NucleotideSequence(letters, Alphabet.RNA if "U" in present else Alphabet.DNA, locus, name)
