"""BED9: named stretches of a result, coloured by their kind, score = 1000 x mean probability; notes of them are a tenth column."""

from __future__ import annotations

from pathlib import Path

from engine.core.results import Result
from engine.exports.place import place_of
from engine.exports.provenance import comments, summary, track_line

PALETTE = ("0,114,178", "213,94,0", "0,158,115", "204,121,167", "230,159,0", "86,180,233", "90,90,90", "148,103,189")
"""Colours of Okabe and Ito, then grey and violet; kinds take them in turn."""


def write(result: Result, path: Path) -> None:
    """Write the intervals by forward-strand start."""
    place = place_of(result.written)
    rows = sorted(
        (
            *place.interval(item.first, item.last),
            item.name,
            item.score,
            place.direction(item.direction),
            PALETTE[item.family % len(PALETTE)],
            f"\t{item.note}" if item.note else "",
        )
        for item in result.intervals()
    )
    with path.open("w", encoding="utf-8") as handle:
        handle.write("\n".join(comments(result)) + "\n")
        handle.write(
            track_line("bed", result.provenance.analysis, f"intervals; {summary(result.provenance)}", 'itemRgb="On" useScore=0') + "\n"
        )
        for start, end, name, probability, strand, colour, note in rows:
            score = round(1000 * probability)
            label = "_".join(name.split()) or "."
            handle.write(f"{place.contig}\t{start}\t{end}\t{label}\t{score}\t{strand}\t{start}\t{end}\t{colour}{note}\n")
