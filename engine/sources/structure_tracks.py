"""The structure line of a Stockholm alignment as pairs of bases of each of its sequences, to be laid beside a model."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from engine.core.alignment import GAPS, Alignment
from engine.core.base_pairs import pairs_of_dot_bracket
from engine.core.errors import FileFormatError
from engine.core.locus import Strand
from engine.core.quoting import file_name
from engine.sources.alignments import read_alignment
from engine.sources.door import Bounds


def structure_pairs(name: str, data: bytes, bounds: Bounds) -> Iterator[tuple[str, int, int, float, str, str, int, int]]:
    """Rows as those of a BEDPE (`engine.sources.track_files`), a row a pair of the consensus that a sequence has both bases of.

    A sequence is a contig of its name; ``ACCESSION/FIRST-LAST`` lies there on ACCESSION. Raises `FileFormatError` for an alignment without ``#=GC SS_cons``,
    and what `read_alignment` raises.
    """
    alignment = read_alignment(name, data, bounds)
    if not alignment.structure:
        raise FileFormatError(
            f"The alignment {file_name(name)} has no structure line (#=GC SS_cons), so there is nothing to draw beside a sequence."
        )
    pairs = pairs_of_dot_bracket(alignment.structure)
    gaps = np.isin(alignment.letters, np.frombuffer("".join(GAPS).encode(), np.uint8))
    for number in range(len(alignment.names)):
        yield from _of_sequence(alignment, number, gaps[number], pairs)


def _of_sequence(
    alignment: Alignment, number: int, gaps: np.ndarray, pairs: np.ndarray
) -> Iterator[tuple[str, int, int, float, str, str, int, int]]:
    at = np.cumsum(~gaps) - 1
    both = pairs[~gaps[pairs].any(axis=1)]
    locus = alignment.loci[number] if alignment.loci else None
    contig = locus.contig if locus is not None else alignment.names[number]
    for i, j in at[both].tolist():
        first, second = i, j
        if locus is not None and locus.strand is Strand.REVERSE:
            first, second = locus.end - 1 - j, locus.end - 1 - i
        elif locus is not None:
            first, second = locus.start + i, locus.start + j
        yield contig, first, first + 1, math.nan, alignment.names[number], ".", second, second + 1
