"""BED9: segments of a segmentation (probability at least 0.5) or tokens, coloured, score = 1000 x mean probability."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.core.results import Segmentation, TokenTrack
from engine.exports.place import Place, place_of
from engine.exports.provenance import comments, summary, track_line
from engine.exports.segments import THRESHOLD, segments, strand_of

PALETTE = ("0,114,178", "213,94,0", "0,158,115", "204,121,167", "230,159,0", "86,180,233", "90,90,90", "148,103,189")
"""Colours of Okabe and Ito, then grey and violet; elements take them in turn."""


def _segments(result: Segmentation, place: Place) -> Iterator[tuple[int, int, str, float, str, str]]:
    for item in segments(result):
        colour = PALETTE[result.elements.index(item.element) % len(PALETTE)]
        yield (*place.interval(item.first, item.last), item.element, item.probability, strand_of(item.element, place), colour)


def _tokens(result: TokenTrack, place: Place) -> Iterator[tuple[int, int, str, float, str, str]]:
    for (first, last), token, probability in zip(result.spans.tolist(), result.tokens, result.probabilities, strict=True):
        yield (*place.interval(first, last), token, float(probability), place.strand, PALETTE[0])


def write(result: Any, path: Path) -> None:
    """Write the intervals by forward-strand start."""
    place = place_of(result.sequence)
    is_segmentation = isinstance(result, Segmentation)
    rows = sorted(_segments(result, place) if is_segmentation else _tokens(result, place))
    what = f"segments with probability of at least {THRESHOLD}" if is_segmentation else "tokens"
    with path.open("w", encoding="utf-8") as handle:
        handle.write("\n".join(comments(result)) + "\n")
        handle.write(
            track_line("bed", result.provenance.analysis, f"{what}; {summary(result.provenance)}", 'itemRgb="On" useScore=0') + "\n"
        )
        for start, end, name, probability, strand, colour in rows:
            score = round(1000 * probability)
            label = "_".join(name.split()) or "."
            handle.write(f"{place.contig}\t{start}\t{end}\t{label}\t{score}\t{strand}\t{start}\t{end}\t{colour}\n")
