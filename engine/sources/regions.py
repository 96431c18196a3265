"""Regions from a BED file and to one: three columns and more; the fourth is the name, the ninth the colour, a note is the description of UCSC's
bedDetail (https://genome.ucsc.edu/FAQ/FAQformat.html#format1.7: BED, then an identifier and a description in HTML), or a tenth column."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.core.errors import FileFormatError, LocusError
from engine.core.quoting import file_name
from engine.core.regions import COLOURS, Region
from engine.sources.door import Bounds, LeftOut, TextLines

if TYPE_CHECKING:
    from engine.core.settings import Settings

MOST = 2000
"""Regions of a visitor."""
WANTED = "BED: contig, start, end, and name, score, strand, start, end, colour where known"
_COMMENT = ("#", "track", "browser")
_DETAILED = re.compile(r"track\b[^\n]*\btype=\"?bedDetail\b")
_NUMBER = re.compile(r"\d{1,12}", re.ASCII)
_RGB = re.compile(r"(\d{1,3}),(\d{1,3}),(\d{1,3})", re.ASCII)


def read_regions(name: str, data: bytes, assembly: str, settings: Settings) -> tuple[tuple[Region, ...], str]:
    """Regions of a BED file, and one sentence about lines that were left out, empty for none. Raises `FileFormatError` where no line is one."""
    left, found, detailed = LeftOut(), list[Region](), False
    with TextLines(name, data, Bounds.of(settings), WANTED) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith(_COMMENT):
                detailed = detailed or _DETAILED.match(line) is not None
                continue
            if len(found) >= MOST:
                left.add(f"line {number:,} and after: {MOST:,} regions are the most")
                break
            try:
                found.append(_region(line, assembly, COLOURS[len(found) % len(COLOURS)], detailed=detailed))
            except (ValueError, LocusError) as error:
                left.add(f"line {number:,} {error}")
    if not found:
        raise FileFormatError(f"The file {file_name(name)} has no region ({'; '.join(left.first) or 'no lines'}); give {WANTED}.")
    return tuple(found), left.note(name)


def _region(line: str, assembly: str, usual: str, *, detailed: bool) -> Region:
    cells = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
    note = ""
    if detailed and len(cells) > 5:
        note, cells = html.unescape(cells[-1].strip()), cells[:-2]
    elif len(cells) == 10:
        note = cells[9].strip()
    if len(cells) < 3 or not (_NUMBER.fullmatch(cells[1]) and _NUMBER.fullmatch(cells[2])):
        raise ValueError("has no contig, start and end")
    rgb = _RGB.fullmatch(cells[8].strip()) if len(cells) > 8 else None
    parts = [int(part) for part in rgb.groups()] if rgb is not None else []
    colour = "#" + "".join(f"{part:02x}" for part in parts) if parts and max(parts) <= 255 and any(parts) else usual
    name = cells[3].strip() if len(cells) > 3 and cells[3].strip() != "." else ""
    return Region(assembly, cells[0][:200], int(cells[1]), int(cells[2]), name, colour, "" if note == "." else note)


def bed_of(regions: Sequence[Region]) -> str:
    """A BED file of nine columns, one line a region; with notes a bedDetail of nine and two."""
    detailed = any(item.note for item in regions)
    rows = ['track name="regions" type=bedDetail itemRgb="On"\n'] if detailed else []
    for number, item in enumerate(regions, 1):
        rgb = ",".join(str(int(item.colour[at : at + 2], 16)) for at in (1, 3, 5))
        details = f"\t{number}\t{html.escape(item.note, quote=False) or '.'}" if detailed else ""
        rows.append(f"{item.contig}\t{item.start}\t{item.end}\t{item.name or '.'}\t0\t.\t{item.start}\t{item.end}\t{rgb}{details}\n")
    return "".join(rows)
