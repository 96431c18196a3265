"""Transcripts by hand."""

from __future__ import annotations

from engine.core.transcripts import Part


def simple_parts(intervals: tuple[tuple[int, int], ...], strand: str, contig: str) -> tuple[Part, ...]:
    """Parts, 5'→3', of intervals on one strand (``+`` or ``-``) of one contig."""
    forward = strand == "+"
    return tuple(Part(start, end, forward, contig) for start, end in sorted(intervals, reverse=not forward))
