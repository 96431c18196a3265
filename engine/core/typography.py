"""Typed and pasted text: what looks like a plain sign and is another one becomes the plain sign, in this one place.

Word processors, PDF files and web pages replace the hyphen by dashes and the minus sign, quotation marks by typographic ones, and spaces by
thin and unbreakable ones; some keyboards type full-width letters and other digits.
"""

from __future__ import annotations

import re
import string
import unicodedata
from functools import cache

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\ufe58\ufe63\uff0d"
_APOSTROPHES = "\u2018\u2019\u201a\u201b\u2032\u2035\u00b4`\u02b9\u02bc\uff07"
_QUOTATION_MARKS = "\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb\uff02"
_COLONS = "\u2236\ua789\ufe55\ufe13"
_ARROWS = "\u203a\u2192\u27f6\u21d2\u2794"
_NOTHING = "\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

NUL_SIGN = "\u2400"
"""Stands where a file has a zero byte, which is no sign of any text: a disk or a transfer has damaged the line."""

SOFT_HYPHEN = "\u00ad"
THOUSANDS_SPACES = "\u2009\u202f\u2008"
"""Spaces that typography puts between groups of three digits."""

_FOREIGN = re.compile(r"[^\x00-\x7f]")
_UPPER = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)


@cache
def _plain_signs() -> dict[int, str]:
    table = {ord(sign): plain for signs, plain in ((_DASHES, "-"), (_APOSTROPHES, "'"), (_QUOTATION_MARKS, '"')) for sign in signs}
    table |= {ord(sign): plain for signs, plain in ((_COLONS, ":"), (_ARROWS, ">"), (_NOTHING, "")) for sign in signs}
    table |= {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if code not in table}
    table |= {ord("\u2026"): "..", 0x3002: ".", 0x3000: " "}
    return table


def folded(text: str) -> str:
    """The text with plain dashes, quotation marks, colons, ``>``, digits and spaces; nothing else is changed, line ends stay.

    Thin spaces between digits go away (they group thousands), a soft hyphen between digits is a hyphen and elsewhere nothing.
    """
    return text if text.isascii() else _FOREIGN.sub(_plain, text)


def _plain(match: re.Match[str]) -> str:
    sign, place = match[0], match.start()
    between = match.string[place - 1 : place].isdecimal() and match.string[place + 1 : place + 2].isdecimal()
    if sign == SOFT_HYPHEN:
        return "-" if between else ""
    if sign in THOUSANDS_SPACES and between:
        return ""
    found = _plain_signs().get(ord(sign))
    if found is not None:
        return found
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    return " " if unicodedata.category(sign) == "Zs" else sign


def upper(text: str) -> str:
    """Upper case of the 26 letters; nothing else changes (``ß`` stays one letter, ``ſ`` does not become S)."""
    return text.translate(_UPPER)


def called(sign: str) -> str:
    """A single sign and, when it is not ASCII, what it is called, for a sentence: ``'С' (Cyrillic capital letter es)``."""
    if sign.isascii():
        return repr(sign)
    if sign == NUL_SIGN:
        return f"{sign!r} (a zero byte)"
    name = unicodedata.name(sign, f"U+{ord(sign):04X}")
    return f"{sign!r} ({name.capitalize()})"
