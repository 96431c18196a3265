"""bedGraph: every track of a result, one track line each; 0-based half-open, forward-strand order, NaN left out, equal neighbours joined.

The tracks of a reverse strand are named so: what is said of A there is said of the T of the forward strand, and + is along the letters.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.core.results import Result, Track
from engine.exports.place import Place, place_of
from engine.exports.provenance import comments, summary, track_line


def runs(track: Track, place: Place) -> Iterator[tuple[int, int, float]]:
    """Forward-strand runs (start, end, value) of equal neighbouring values, 0-based half-open."""
    values = place.forward(track.values)
    edges = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist(), len(values)]
    for first, last in itertools.pairwise(edges):
        if np.isfinite(values[first]):
            yield place.start + first, place.start + last, float(values[first])


def write(result: Result, path: Path) -> None:
    """Write all tracks."""
    place = place_of(result.written)
    with path.open("w", encoding="utf-8") as handle:
        handle.write("\n".join(comments(result)) + "\n")
        for track in result.tracks():
            name, title = (f"{text}{place.behind_names}" for text in (track.name, track.title))
            handle.write(track_line("bedGraph", name, f"{title}; {summary(result.provenance)}", "visibility=full") + "\n")
            for start, end, value in runs(track, place):
                handle.write(f"{place.contig}\t{start}\t{end}\t{np.float32(value)}\n")
