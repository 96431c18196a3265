"""A stretch of a genome that is read on one of its strands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GenomePlace:
    """Bases ``[start, end)`` (0-based) of ``contig``, read on ``strand``; ``kind`` is its class by the annotation, empty for none."""

    contig: str
    start: int
    end: int
    strand: str = "+"
    name: str = ""
    kind: str = ""

    @property
    def locus(self) -> str:
        """1-based inclusive, as the box reads it."""
        return f"{self.contig}:{self.start + 1}-{self.end}:{self.strand}"
