"""Annotation lines of GFF3, GTF and BED, and an index over them by position and by name.

Coordinates are converted here: GFF3 and GTF are 1-based inclusive, BED 0-based half-open. A line that cannot be used is left out and counted;
the others are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal
from urllib.parse import unquote

from engine.core.errors import FileFormatError
from engine.core.features import Feature
from engine.core.locus import LONGEST_BP
from engine.core.quoting import file_name, quoted
from engine.core.typography import NUL_SIGN
from engine.sources.door import DAMAGED, OWN_FILES, Bounds, LeftOut

Style = Literal["gff3", "gtf", "bed"]
KNOWN = "GFF3 (.gff3, .gff), GTF (.gtf), BED (.bed) or GenBank (.gb, .gbk, .gbff)"
BOUND_BYTES = 400_000_000
"""Largest annotation file read into memory, unpacked; above it a tabix index is needed."""
MOST_ATTRIBUTES = Bounds().attributes
_WHOLE = frozenset({"chromosome", "supercontig", "scaffold", "contig", "databank_entry"})
_NAMES = ("gene", "gene_name", "Name", "locus_tag", "gene_id", "product", "ID")
FASTA_PART = ("##FASTA", ">")
"""Where the letters of a GFF3 file begin."""


def gff3_attributes(text: str) -> dict[str, str]:
    """Column 9 of GFF3: percent escapes undone, several values kept with commas."""
    pairs = (item.split("=", 1) for item in text.strip().split(";") if "=" in item)
    return {unquote(key.strip()): unquote(value.strip()) for key, value in pairs}


def gtf_attributes(text: str) -> dict[str, str]:
    """Column 9 of GTF: ``key "value";`` pairs, the values of a repeated key joined by commas."""
    found: dict[str, list[str]] = {}
    pieces = text.split('"')  # outside, inside, outside, inside, ...
    last = len(pieces) - 1
    place, key = 1, _plain_pairs(pieces[0], found, ends=last == 0)
    while place <= last:
        inside = [pieces[place]]
        while inside[-1].endswith("\\") and place < last:  # an escaped quotation mark is part of the value
            place += 1
            inside.append(pieces[place])
        if key:
            value = '\\"'.join(part.removesuffix("\\") for part in inside) if len(inside) > 1 else inside[0]
            found.setdefault(key, []).append(value)
        outside = pieces[place + 1] if place < last else ""
        key = _plain_pairs(outside, found, ends=place + 1 >= last)
        place += 2
    return {name: ",".join(filter(None, values)) for name, values in found.items()}


def _plain_pairs(text: str, found: dict[str, list[str]], *, ends: bool) -> str:
    """Read ``key value;`` pairs without quotation marks; the key in front of the next quotation mark."""
    *whole, rest = text.split(";")
    if ends:
        whole.append(rest)
    for chunk in whole:
        words = chunk.split(None, 1)
        if len(words) == 2:
            found.setdefault(words[0], []).append(words[1].strip())
    return rest.split()[-1] if not ends and rest.strip() else ""


class _Unusable(Exception):
    """A line that cannot be used; the text is the reason, the end of a sentence that names the line."""


def _number(text: str) -> int:
    plain = text.strip()
    if not (plain.isascii() and plain.isdigit()) or len(plain) > len(str(LONGEST_BP)):
        raise _Unusable(f"has the coordinate {quoted(text, 30)}, which is not a whole number that a contig could have")
    return int(plain)


def _gff_feature(line: str, style: Style) -> Feature | None:
    fields = line.split("\t")
    if len(fields) < 8:
        raise _Unusable(f"has {len(fields)} columns; {style.upper()} has 9, separated by tabs")
    ninth = fields[8] if len(fields) > 8 else ""
    if ninth.count(";") > MOST_ATTRIBUTES:
        raise _Unusable(f"has {ninth.count(';'):,} attributes; up to {MOST_ATTRIBUTES:,} are read")
    attributes = gff3_attributes(ninth) if style == "gff3" else gtf_attributes(ninth)
    if fields[2] in _WHOLE or attributes.get("gbkey") == "Src":
        return None
    start, end = _number(fields[3]) - 1, _number(fields[4])
    if start == end and start >= 0:
        raise _Unusable(f"is a place between two bases ({start:,} and {start + 1:,}), which has no width")
    if not 0 <= start < end:
        raise _Unusable(f"spans {fields[3][:30]}-{fields[4][:30]}; the start is at least 1 and not after the end")
    name = next((attributes[key] for key in _NAMES if attributes.get(key)), "")
    strand = fields[6] if fields[6] in ("+", "-") else "."
    if fields[7].strip() in ("0", "1", "2"):
        attributes["phase"] = fields[7].strip()
    return Feature(fields[2], name[:80], start, end, strand, unquote(fields[0]), attributes)


def _bed_feature(line: str) -> Feature:
    fields = line.split("\t") if "\t" in line else line.split()
    if len(fields) < 3:
        raise _Unusable("has no start and end; BED has contig, start, end in its first columns")
    start, end = _number(fields[1]), _number(fields[2])
    if start == end:
        raise _Unusable(f"is a place between two bases ({start:,} and {start + 1:,}), which has no width")
    if not start < end:
        raise _Unusable(f"spans {start}-{end}; BED is 0-based half-open, so the start is below the end")
    strand = fields[5] if len(fields) > 5 and fields[5] in ("+", "-") else "."
    attributes = {"score": fields[4]} if len(fields) > 4 else {}
    return Feature("region", fields[3][:80] if len(fields) > 3 else "", start, end, strand, fields[0], attributes)


def is_comment(line: str) -> bool:
    """Empty lines, comments, and the ``track`` and ``browser`` lines of UCSC; a contig may well be called track_7, or track."""
    if not line or line.isspace() or line.startswith("#"):
        return True
    if not line.startswith(("track", "browser")):
        return False
    fields = line.split(None, 3)
    return fields[0] in ("track", "browser") and not (len(fields) > 2 and fields[1].isdigit() and fields[2].isdigit())


def parse_line(line: str, style: Style) -> Feature | None:
    """The feature of one line; None for comments, track lines, whole chromosomes, and lines that cannot be used."""
    try:
        return None if is_comment(line) else _feature(line, style)
    except _Unusable:
        return None


def _feature(line: str, style: Style) -> Feature | None:
    if NUL_SIGN in line:
        raise _Unusable(DAMAGED)
    return _bed_feature(line) if style == "bed" else _gff_feature(line, style)


def parse_annotation(
    lines: Iterable[str], style: Style, left_out: LeftOut | None = None, most: int = OWN_FILES.features
) -> Iterator[Feature]:
    """Features in file order; what follows ``##FASTA`` in a GFF3 file is left alone, lines that cannot be used go to ``left_out``.

    Raises
    ------
    FileFormatError
        Not one line could be used, or there are more than ``most`` features.
    """
    skipped = left_out if left_out is not None else LeftOut()
    count = 0
    for number, line in enumerate(lines, start=1):
        if line.startswith(FASTA_PART):
            break
        if is_comment(line):
            continue
        try:
            feature = _feature(line, style)
        except _Unusable as reason:
            if number > 1 or not _is_heading(line, style):
                skipped.add(f"line {number:,} {reason}")
            continue
        if feature is None:
            continue
        count += 1
        if count > most:
            raise FileFormatError(f"The annotation has more than {most:,} features; cut out the part that is needed.")
        yield feature
    if not count and skipped.count:
        raise FileFormatError(f"The annotation cannot be read as {style.upper()}: {skipped.first[0]}; give {KNOWN}.")


def _is_heading(line: str, style: Style) -> bool:
    """Whether a line names the columns of BED."""
    fields = line.split()
    return style == "bed" and len(fields) > 2 and not any(sign.isdigit() for sign in fields[1] + fields[2])


def style_of(name: str, first_lines: str = "") -> Style:
    """Format by the first lines, else by the file's name. Raises `FileFormatError` when neither tells."""
    found = _style_of_lines(first_lines)
    if found is not None:
        return found
    plain = name.casefold().removesuffix(".gz").removesuffix(".bgz")
    styles: tuple[tuple[tuple[str, ...], Style], ...] = (
        ((".gff3", ".gff"), "gff3"),
        ((".gtf",), "gtf"),
        ((".bed", ".narrowpeak", ".broadpeak"), "bed"),
    )
    for suffixes, style in styles:
        if plain.endswith(suffixes):
            return style
    raise FileFormatError(f"The annotation {file_name(name)} is of no known kind; give {KNOWN}.")


def _style_of_lines(text: str) -> Style | None:
    """The format that the first line with a feature shows: columns that hold numbers, and how the ninth is written."""
    rows = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for row in rows[:-1] if len(rows) > 1 else rows:
        if row.startswith("##gff-version 3"):
            return "gff3"
        fields = row.split("\t")
        if row.startswith("#") or len(fields) < 3:
            continue
        if len(fields) >= 8 and fields[3].strip().isdigit() and fields[4].strip().isdigit():
            ninth = fields[8].strip() if len(fields) > 8 else ""
            quotes, equals = ninth.find(' "'), ninth.find("=")
            if quotes > 0 and (equals < 0 or quotes < equals):
                return "gtf"
            return "gff3" if equals > 0 else None
        if fields[1].strip().isdigit() and fields[2].strip().isdigit():
            return "bed"
    return None
