"""Regions that a visitor marks: places with a name and a colour, seen across all panels."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.core.errors import LocusError
from engine.core.quoting import quoted

COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#d55e00", "#0072b2")
"""What new regions get in turn (Okabe and Ito), told apart by readers with colour vision deficiency."""
LONGEST_NAME, LONGEST_NOTE = 60, 500
_COLOUR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True)
class Region:
    """Bases ``[start, end)`` of a contig (0-based half-open, forward strand) of an ``assembly``, empty for a record of a file or a paste.

    ``colour``: ``#rrggbb``; ``note``: what the visitor has to say of it. Raises `LocusError` for coordinates out of order or another colour.
    """

    assembly: str
    contig: str
    start: int
    end: int
    name: str = ""
    colour: str = COLOURS[0]
    note: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise LocusError(f"The region spans {self.start + 1:,}-{self.end:,}; the start is at least 1 and not after the end.")
        if not _COLOUR.fullmatch(self.colour):
            raise LocusError(f"The colour of a region is {quoted(self.colour, 20)}; give one as #rrggbb.")
        object.__setattr__(self, "name", " ".join(self.name.split())[:LONGEST_NAME])
        object.__setattr__(self, "note", " ".join(self.note.split())[:LONGEST_NOTE])

    @property
    def place(self) -> str:
        """Its place, 1-based inclusive."""
        return f"{self.contig}:{self.start + 1:,}-{self.end:,}"
