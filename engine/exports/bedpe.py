"""BEDPE: pairs of bases, one base each end, 0-based half-open; opens in IGV, JBrowse and bedtools."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.core.results import Result
from engine.exports.place import place_of
from engine.exports.provenance import comments

COLUMNS = ("chrom1", "start1", "end1", "chrom2", "start2", "end2", "name", "score", "strand1", "strand2")


def write(result: Result, path: Path) -> None:
    """Write the pairs, strongest first; the left base of a line is the one with the lower genome coordinate."""
    place = place_of(result.sequence)
    letters = result.sequence.letters
    found = result.pairs_of_bases()
    with path.open("w", encoding="utf-8") as handle:
        handle.write("\n".join([*comments(result), f"# {found.note}", "#" + "\t".join(COLUMNS)]) + "\n")
        for (i, j), score in zip(found.indices.tolist(), found.scores, strict=True):
            (a, b), (c, d) = sorted((place.interval(i, i + 1), place.interval(j, j + 1)))
            name = f"{letters[i]}{i + 1}-{letters[j]}{j + 1}"
            handle.write(
                f"{place.contig}\t{a}\t{b}\t{place.contig}\t{c}\t{d}\t{name}\t{np.float32(score)}\t{place.strand}\t{place.strand}\n"
            )
