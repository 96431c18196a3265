"""The grammar of places as biologists write them: numbers, intervals, strands, and rows copied out of BED and GFF3 files.

Everything is read by splitting a short line at its signs, after `engine.core.typography` made them plain. 1-based inclusive, but for rows
of BED, which count from 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from engine.core.errors import LocusError
from engine.core.locus import LONGEST_BP, Strand, contig_in_text, is_assembly_name, is_contig_name, split_names
from engine.core.quoting import quoted
from engine.core.sequence import IUPAC_DNA
from engine.core.typography import folded, upper
from engine.sources.assemblies import assembly

WINDOW_BP = 300
"""Width of the window around a single position."""

LONGEST_LINE = 500
"""A longer line names no place."""

HOW_TO_WRITE = "write ASSEMBLY:CONTIG:START-END[:-], for example R64:chrIV:1,234-1,533:-"
KnownAssembly = Callable[[str], bool]

_UNIT = re.compile(r"\s?(?P<unit>kb?p?|mb?p?|gb?p?|bp?|nt)$", re.IGNORECASE)
_FACTORS = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_GROUPED = re.compile(r"\d{1,3}(?P<sign>[,.'_ ])\d{3}(?:(?P=sign)\d{3})*", re.ASCII)
_LOOSE_COMMAS = re.compile(r"\d[\d,]{0,40}", re.ASCII)
_DECIMAL = re.compile(r"(?:\d{1,3}(?:,\d{3}){1,4}|\d{1,15})(?:\.\d{1,12})?", re.ASCII)
_LIKE_NUMBER = re.compile(r"c?\d[\d,.'_ ]{0,40}(?:\s?(?:kb?p?|mb?p?|gb?p?|bp?|nt))?", re.IGNORECASE | re.ASCII)
_STRAND = re.compile(
    r"(?::\s?(?P<colon>[+-]1?|1)|\s?\((?P<round>[+-]|rc|complement)\)|\s?\[(?P<rev>rev|fwd)\]|\s(?P<bare>[+-])(?:\sstrand)?"
    r"|\s(?:strand\s)?(?P<word>minus|plus|reverse|forward|rev|fwd|rc|complement)(?:\sstrand)?)$",
    re.IGNORECASE,
)
_REVERSE_WORDS = frozenset({"-", "-1", "rev", "minus", "reverse", "rc", "complement"})
_COMPLEMENT = re.compile(r"(?P<head>.{0,300}?)complement\((?P<inside>.{1,300})\)$", re.IGNORECASE)
SAID_ASSEMBLY = re.compile(r"\s?[(\[](?P<name>[A-Za-z0-9_.]{2,40})(?:/(?P<other>[A-Za-z0-9_.]{2,40}))?[)\]]$")
_CHROMOSOME_WORD = re.compile(r"(?:chromosome|chrom|chr)[. ]{1,2}(?=[0-9A-Za-z])", re.IGNORECASE)
_NAME_OF_LETTERS = re.compile(r"chr[a-z]{0,5}|[a-z]{1,2}DNA", re.IGNORECASE | re.ASCII)
"""Contigs such as chrM, chrV, chrUn, chrMtDNA, mtDNA and rDNA, whose every letter is one of the IUPAC code."""
_SEPARATORS = ("..", " to ", "-", "+")
_AROUND = re.compile(
    r"(?P<middle>\d[\d,]{0,20})\s?(?:±|\+/-|\+-)\s?(?P<flank>\d[\d,]{0,12}(?:\s?(?:kb?p?|bp?))?)", re.IGNORECASE | re.ASCII
)
_HYPHENS = re.compile(
    r"(?P<contig>chr[0-9A-Za-z]{1,6}|\d{1,2}|[XYM]|MT|[IVX]{1,5}|[A-Z]{2}_\d{5,9}\.\d{1,3})(?P<sign>[-_])(?P<first>\d{1,12})(?P=sign)(?P<last>\d{1,12})",
    re.IGNORECASE | re.ASCII,
)
"""As gnomAD writes a region: 4-1234-1533."""
_COMMAS = re.compile(
    r"(?P<contig>[A-Za-z][\w.]{0,40}),\s?(?P<first>\d{4,12}|\d{1,2}),\s?(?P<last>\d{4,12})(?:,\s?(?P<strand>[+-]))?", re.ASCII
)
"""A row of a table with commas; a second number of three digits could be thousands of the first."""


@dataclass(frozen=True)
class LocusText:
    """A place as written, before its assembly and contig are looked up: 0-based half-open.

    ``position``: 1-based position when the text was a single one; the window around it may be cut to fit the contig. ``note`` says how the
    text was read where that is not plain.
    """

    assembly: str
    contig: str
    start: int
    end: int
    strand: Strand = Strand.FORWARD
    position: int | None = None
    note: str = ""

    def __str__(self) -> str:
        """The normal form, which reads back to the same place."""
        names = f"{self.assembly}:{contig_in_text(self.contig)}" if self.assembly else contig_in_text(self.contig)
        place = f"{self.start + 1:,}-{self.end:,}" if self.position is None else f"{self.position:,}"
        return f"{names}:{place}{':-' if self.strand is Strand.REVERSE else ''}"


def plain_line(text: str) -> str:
    """A line as it is read: plain signs, without quotation marks around it and full stops, commas and semicolons behind it."""
    line = folded(text).replace("&gt;", ">").strip()
    if len(line) > 1 and line[0] == line[-1] and line[0] in "\"'":
        line = line[1:-1].strip()
    return line.rstrip(",;.").rstrip() if not line.endswith("..") else line


def in_table(name: str) -> bool:
    """Whether an assembly of the public databases is called so."""
    return assembly(name) is not None


def whole_number(text: str) -> int:
    """A coordinate: digits, thousands grouped by commas, points, spaces, apostrophes or low lines, and the units k, M, G, b, bp.

    Raises
    ------
    LocusError
        It is no whole number of bases, or could be read in two ways.
    """
    plain = text.strip()
    unit = _UNIT.search(plain)
    body = plain[: unit.start()] if unit is not None else plain
    factor = _FACTORS.get(unit["unit"][0].lower(), 1) if unit is not None else 1
    grouped = _GROUPED.fullmatch(body)
    if factor == 1 and grouped is not None:
        value = int(body.replace(grouped["sign"], ""))
    elif factor == 1 and _LOOSE_COMMAS.fullmatch(body):
        value = int(body.replace(",", ""))
    elif factor > 1 and _DECIMAL.fullmatch(body):
        exact = Decimal(body.replace(",", "")) * factor
        if exact != exact.to_integral_value():
            raise LocusError(f"The coordinate {quoted(plain, 30)} is not a whole number of bases; write it in digits.")
        value = int(exact)
    else:
        raise LocusError(f"The coordinate {quoted(plain, 30)} is not a whole number of bases; write it in digits, such as 1,234.")
    if value > LONGEST_BP:
        raise LocusError(f"The coordinate {quoted(plain, 30)} is longer than any chromosome; write it in bases, 1-based.")
    return value


@dataclass(frozen=True)
class Range:
    """An interval or a single position as written; 1-based inclusive, ``last`` None for a position."""

    first: int
    last: int | None
    strand: Strand = Strand.FORWARD


def parse_range(text: str, *, colon: bool = False, spaces: bool = False) -> Range | None:
    """Read coordinates with their strand; None when the text is none.

    ``colon`` and ``spaces`` say whether the two coordinates may also be split by a colon or by white space.

    Raises
    ------
    LocusError
        It reads as coordinates, but they cannot be used.
    """
    body, strand, counted = _without_strand(text.strip())
    flanked = _AROUND.fullmatch(body)
    if flanked is not None:
        middle, flank = _at_least_one(whole_number(flanked["middle"])), whole_number(flanked["flank"])
        return Range(max(1, middle - flank), middle + flank, strand)
    pair = _split_pair(body, colon=colon, spaces=spaces)
    if pair is None and counted:  # 4:1 is no position on a strand
        body, strand = text.strip(), Strand.FORWARD
        pair = _split_pair(body, colon=colon, spaces=spaces)
    if pair is None:
        if not _LIKE_NUMBER.fullmatch(body) or not body[0].isdigit():
            return None
        if "_" in body:
            raise LocusError(f"{quoted(body, 30)} could be one position or two; write 1,234 for one, 1-234 for an interval.")
        return Range(_at_least_one(whole_number(body)), None, strand)
    first_text, sign, last_text = pair
    first = whole_number(first_text.removeprefix("c").removeprefix("C"))
    last = whole_number(last_text)
    _check_units(first_text, sign, last_text)
    if first_text[:1] in "cC":  # as NCBI names the reverse strand: c200-101
        strand, first, last = Strand.REVERSE, last, first
    if sign == "+":
        last = first + last - 1
    if first < 1 or last < first:
        raise LocusError(
            f"The interval {first:,}-{last:,} is not usable; coordinates are 1-based inclusive, the start is at least 1 and not after the end."
        )
    return Range(first, last, strand)


def _check_units(first: str, sign: str, last: str) -> None:
    """Raise `LocusError` for 34-35M: the first number may be one of bases or of the second's unit."""
    unit = _UNIT.search(last)
    if sign == "+" or unit is None or unit["unit"][0].lower() not in _FACTORS or _UNIT.search(first) is not None:
        return
    body, short = last[: unit.start()].strip(), unit["unit"][0]
    if len(first) <= len(body) and first.isdigit():
        raise LocusError(
            f"{quoted(f'{first}{sign}{last}', 30)} could begin at base {first} or at {first}{short}; write {first}{short}-{body}{short}."
        )


def _at_least_one(position: int) -> int:
    if position < 1:
        raise LocusError(f"Position {position} does not exist; coordinates are 1-based, so the first base is 1.")
    return position


def _without_strand(text: str) -> tuple[str, Strand, bool]:
    """The text in front of a strand, the strand, and whether it was written as the number 1, as Ensembl does behind intervals."""
    match = _STRAND.search(text)
    if match is None:
        return text, Strand.FORWARD, False
    said = next(group for group in match.groups() if group is not None).lower()
    return text[: match.start()].rstrip(), Strand.REVERSE if said in _REVERSE_WORDS else Strand.FORWARD, said.endswith("1")


def _split_pair(body: str, *, colon: bool, spaces: bool) -> tuple[str, str, str] | None:
    """The two coordinates and the sign between them; None when there are not two."""
    for sign in (*_SEPARATORS, *((":",) if colon else ())):
        first, found, last = body.partition(sign)
        if found and _LIKE_NUMBER.fullmatch(first.strip()) and _LIKE_NUMBER.fullmatch(last.strip()) and last.strip()[0].isdigit():
            return first.strip(), sign, last.strip()
    if spaces:
        words = body.split()
        if len(words) == 2 and all(_LIKE_NUMBER.fullmatch(word) for word in words):
            return words[0], " ", words[1]
    first, found, last = body.partition("_")
    if found and not _GROUPED.fullmatch(body) and _is_digits(first) and _is_digits(last):
        return first, "_", last  # as HGVS writes an interval
    return None


def parse_locus_line(line: str, known: KnownAssembly = in_table) -> LocusText | None:
    """Read a place with coordinates out of a `plain_line`; None when the line is none.

    Raises
    ------
    LocusError
        It names a place, but its coordinates cannot be used.
    """
    if len(line) > LONGEST_LINE:
        return None
    complement = _COMPLEMENT.fullmatch(line)
    if complement is not None:
        inside = parse_locus_line(complement["head"] + complement["inside"], known)
        return replace(inside, strand=inside.strand.flipped()) if inside is not None else None
    row = parse_row(line) or _of_table(line)
    if row is not None:
        return row
    line, named = _without_assembly(line, known)
    return _with_colon(line, named, known) or _with_spaces(line, named, known)


def _without_assembly(line: str, known: KnownAssembly) -> tuple[str, str]:
    """The line without an assembly that stands behind it in brackets, or in front of it in braces, with a point or a space; and its name."""
    said = SAID_ASSEMBLY.search(line)
    if said is not None:
        name = next((text for text in (said["name"], said["other"]) if text and known(text)), "")
        return (line[: said.start()].rstrip(), name) if name else (line, "")
    if line.startswith("{"):
        name, closed, rest = line[1:].partition("}")
        if closed and rest and rest[0] not in ": " and known(name):
            return rest, name
    if line.lower().startswith("chromosome:"):
        return line.partition(":")[2], ""
    rest, found, name = line.rpartition(" ")
    if found and ":" in rest and known(name):
        return rest.strip(), name
    for sign in (" ", "."):
        name, found, rest = line.partition(sign)
        if found and ":" not in name and ":" in rest and known(name):
            return rest.strip(), name
    return line, ""


def _with_colon(line: str, named: str, known: KnownAssembly) -> LocusText | None:
    place = line.find(":")
    while place >= 0:
        head = line[:place].strip()
        whole = ":" not in head or known(split_names(head)[0])
        found = parse_range(line[place + 1 :], colon=whole and not known(head))
        if found is not None:
            spaced = _CHROMOSOME_WORD.sub("", head, count=1) if " " in head else head
            names = split_names(spaced)
            return _made(named or names[0], names[1].strip(), found)
        place = line.find(":", place + 1)
    return None


def _with_spaces(line: str, named: str, known: KnownAssembly) -> LocusText | None:
    words = line.split()
    head, colon, rest = words[0].partition(":") if words else ("", "", "")
    if colon and rest and known(head):
        named, words = head, [rest, *words[1:]]
    elif len(words) > 2 and known(words[0]) and not words[1][:1].isdigit():
        named, words = words[0], words[1:]
    words[:1] = [word.rstrip(",") for word in words[:1]]
    if len(words) < 2 or not is_contig(words[0]):
        return None
    found = parse_range(" ".join(words[1:]), spaces=True)
    return _made(named, words[0], found) if found is not None else None


def is_contig(word: str) -> bool:
    """Whether a word in front of numbers is a contig's name, and not letters with their position numbers.

    Names of nothing but IUPAC letters that are in use, such as chrM, chrUn or mtDNA, are names.
    """
    of_letters = len(word) > 2 and could_be_letters(word)
    return is_contig_name(word) and (not of_letters or _NAME_OF_LETTERS.fullmatch(word) is not None)


def could_be_letters(word: str) -> bool:
    """Whether a word could be a part of a sequence: nothing but letters of the IUPAC code."""
    return set(upper(word)) <= IUPAC_DNA | {"U"}


def _made(assembly_name: str, contig: str, found: Range, note: str = "") -> LocusText | None:
    if not is_contig_name(contig) or (assembly_name and not is_assembly_name(assembly_name)):
        return None
    if found.last is not None:
        return LocusText(assembly_name, contig, found.first - 1, found.last, found.strand, None, note)
    return around(assembly_name, contig, found.first, found.strand)


def around(assembly_name: str, contig: str, position: int, strand: Strand = Strand.FORWARD) -> LocusText:
    """The window of `WINDOW_BP` around a 1-based position; it may reach beyond the contig's end."""
    start = max(0, position - 1 - WINDOW_BP // 2)
    return LocusText(assembly_name, contig, start, position - 1 + WINDOW_BP - WINDOW_BP // 2, strand, position)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def parse_row(line: str) -> LocusText | None:
    """A row copied out of a BED or GFF3 file: four columns or more; None when the line is none."""
    fields = line.split("\t") if "\t" in line else line.split()
    if len(fields) < 4 or not is_contig_name(fields[0]):
        return None
    if len(fields) >= 8 and _is_digits(fields[3]) and _is_digits(fields[4]) and fields[6] in "+-.?":
        found = parse_range(f"{fields[3]}-{fields[4]}")
        note, sign = "It was read as a row of GFF3, which counts from 1.", fields[6]
    elif _is_digits(fields[1]) and _is_digits(fields[2]) and ("\t" in line or (len(fields) > 5 and fields[5] in "+-.")):
        found = parse_range(f"{int(fields[1][:20]) + 1}-{fields[2]}")
        note, sign = "It was read as a row of BED, which counts from 0.", fields[5] if len(fields) > 5 else "."
    else:
        return None
    if found is None:
        return None
    return _made("", fields[0], replace(found, strand=Strand.REVERSE if sign == "-" else Strand.FORWARD), note)


def _of_table(line: str) -> LocusText | None:
    """Contig, start and end with hyphens, low lines or commas between them, 1-based inclusive; None when the line is none of these."""
    match = _HYPHENS.fullmatch(line) or _COMMAS.fullmatch(line)
    if match is None:
        return None
    found = parse_range(f"{match['first']}-{match['last']}{':-' if match.groupdict().get('strand') == '-' else ''}")
    return _made("", match["contig"], found) if found is not None else None


def parse_locus_text(text: str, known: KnownAssembly = in_table) -> LocusText:
    """Read a place in any of the accepted forms.

    Raises
    ------
    LocusError
        Not a locus, coordinates out of order, or coordinates that are no whole numbers.
    """
    line = plain_line(text)
    found = parse_locus_line(line, known)
    if found is None:
        raise LocusError(f"{quoted(line)} is not a locus; {HOW_TO_WRITE}.")
    return found
