"""The locus grammar of the input box.

``[assembly:]contig:start-end``, with commas, ``..``, ``k`` and ``M`` suffixes, ``start+length``, a single position (a window around it),
``contig start end`` split by white space, and the strand as ``:-``, ``:+``, ``(-)`` or ``[rev]``. 1-based inclusive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.core.errors import LocusError
from engine.core.locus import Strand
from engine.core.sequence import IUPAC_DNA

WINDOW_BP = 300
"""Width of the window around a single position."""

_NUMBER = r"(?:\d[\d,_]*(?:\.\d+)?\s?[kKmM]?(?:b|bp)?)"
_STRAND = r"(?:\s*:\s*(?P<strand>[+-])|\s*\((?P<round>[+-])\)|\s*(?P<rev>\[rev\]))?"
_RANGE = rf"(?P<start>{_NUMBER})(?:\s*(?P<sep>-|–|\.\.|\+)\s*(?P<end>{_NUMBER}))?"
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.|*#-]{0,99}"
_COLON = re.compile(rf"^(?:(?P<assembly>{_NAME})\s*:\s*)?(?P<contig>{_NAME})\s*:\s*{_RANGE}{_STRAND}$", re.IGNORECASE)
_SPACED = re.compile(rf"^(?P<contig>{_NAME})\s+(?P<start>\d[\d,_]*)(?:\s+|\s*-\s*|\.\.)(?P<end>\d[\d,_]*)(?:\s+(?P<strand>[+-]))?$")

_PLAIN_NAME = r"[A-Za-z0-9][A-Za-z0-9_.|*#]{0,99}"
_VARIANT = re.compile(
    rf"^(?:(?P<assembly>{_NAME})\s*:\s*)?(?P<contig>{_PLAIN_NAME})(?:\s*[:-]\s*|\s+)(?:g\.)?(?P<position>\d[\d,_]*)"
    r"(?:\s*[:-]\s*|\s+)?(?P<ref>[ACGTN]+)\s*[:>/\s-]\s*(?P<alt>[ACGTN]+)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class VariantText:
    """A variant as written: where, the reference and the alternate letters (upper case, forward strand)."""

    locus: LocusText
    reference: str
    alternate: str


@dataclass(frozen=True)
class LocusText:
    """A parsed locus before its assembly and contig are looked up: 0-based half-open.

    ``position``: 1-based position when the text was a single one; the window around it may be cut to fit the contig.
    """

    assembly: str
    contig: str
    start: int
    end: int
    strand: Strand
    position: int | None = None


def _number(text: str) -> int:
    plain = re.sub(r"[,_\s]|bp?$", "", text.strip(), flags=re.IGNORECASE)
    factor = {"k": 1_000, "m": 1_000_000}.get(plain[-1:].lower(), 1)
    digits = plain[:-1] if factor > 1 else plain
    value = float(digits) * factor
    if value != round(value):
        raise LocusError(f"The coordinate {text.strip()[:30]!r} is not a whole number of bases; write it in digits.")
    if value > 10**12:
        raise LocusError(f"The coordinate {text.strip()[:30]!r} is longer than any chromosome; write it in bases, 1-based.")
    return round(value)


def looks_like_locus(text: str) -> bool:
    """Whether one line reads as a locus rather than as letters or a name."""
    line = text.strip()
    return "\n" not in line and len(line) <= 300 and (_COLON.match(line) is not None or _SPACED.match(line) is not None)


def parse_locus_text(text: str) -> LocusText:
    """Read a locus in any of the accepted forms.

    Raises
    ------
    LocusError
        Not a locus, coordinates out of order, or coordinates that are no whole numbers.
    """
    line = text.strip()
    match = _COLON.match(line) or _SPACED.match(line)
    if match is None:
        raise LocusError(f"{line[:80]!r} is not a locus; write ASSEMBLY:CONTIG:START-END[:-], for example R64:chrIV:1,234-1,533:-.")
    found = match.groupdict()
    strand = Strand.REVERSE if "-" in (found.get("strand"), found.get("round")) or found.get("rev") else Strand.FORWARD
    first = _number(found["start"])
    names = (found.get("assembly") or "", found["contig"])
    if found["end"] is None:
        if first < 1:
            raise LocusError(f"Position {first} does not exist; coordinates are 1-based, so the first base is 1.")
        start = max(0, first - 1 - WINDOW_BP // 2)
        return LocusText(*names, start, first - 1 + WINDOW_BP - WINDOW_BP // 2, strand, first)
    second = _number(found["end"])
    last = first + second - 1 if found.get("sep") == "+" else second
    if first < 1 or last < first:
        raise LocusError(
            f"The interval {first:,}-{last:,} is not usable; coordinates are 1-based inclusive, the start is at least 1 and not after the end."
        )
    return LocusText(*names, first - 1, last, strand)


def parse_variant_text(text: str) -> VariantText | None:
    """A variant such as ``17-43094464-A-G``, ``GRCh38:chr17:43,094,464:A:G`` or ``chr17:43094464 A>G``; None when the text is none."""
    match = _VARIANT.match(text.strip())
    if match is None or (len(match["contig"]) > 2 and set(match["contig"].upper()) <= IUPAC_DNA | {"U"}):
        return None  # numbered letters, not a contig
    position = _number(match["position"])
    assembly = f"{match['assembly']}:" if match["assembly"] else ""
    return VariantText(parse_locus_text(f"{assembly}{match['contig']}:{position}"), match["ref"].upper(), match["alt"].upper())
