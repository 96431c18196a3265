"""IGV ``.bp``: colour lines, then ``contig start_left start_right end_left end_right colour``, 1-based, tab-separated.

The format has no comments; the provenance is the label of the first colour. Four colours stand for the quarters of the scores, weakest first
(IGV draws higher colours on top).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.core.results import Result
from engine.exports.place import place_of
from engine.exports.provenance import KEY

COLOURS = ((173, 216, 230), (86, 180, 233), (0, 114, 178), (0, 45, 90))


def write(result: Result, path: Path) -> None:
    """Write one line a pair."""
    place = place_of(result.sequence)
    labels = (f"{KEY}: {result.provenance.to_json()}", "second quarter of scores", "third quarter of scores", "strongest quarter of scores")
    lines = ["\t".join(["color:", *map(str, colour), label]) for colour, label in zip(COLOURS, labels, strict=True)]
    pairs = result.pairs_of_bases()
    ranks = np.searchsorted(np.sort(pairs.scores), pairs.scores, side="right") - 1  # those of equal scores, as of one stem, are equal
    for (i, j), rank in zip(pairs.indices.tolist(), ranks.tolist(), strict=True):
        left, right = sorted((place.position(i), place.position(j)))
        colour = rank * len(COLOURS) // len(pairs.scores)
        lines.append(f"{place.contig}\t{left}\t{left}\t{right}\t{right}\t{colour}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
