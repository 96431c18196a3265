"""cooler ``.cool``: a whole map with bins of one base (predicted contacts of chromatin: of theirs), float32 counts, provenance in the metadata.

A dependency map is not symmetric and is stored as a square matrix; a contact map as its upper triangle. When the map does not begin at the
first base of the contig, one wide bin stands for what comes before, so that bins carry true genome coordinates.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np

from engine.core.results import Result
from engine.exports.place import place_of
from engine.exports.provenance import summary


def write(result: Result, path: Path) -> None:
    """Write all finite cells in forward-strand order; of a dependency map row = changed base (``bin1``), column = read base (``bin2``)."""
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # third-party deprecations at import
        import cooler

    place = place_of(result.sequence)
    whole = result.matrix()
    start, _ = place.interval(whole.offset, whole.offset + len(whole.values) * whole.bin_bp)
    matrix = whole.values[::-1, ::-1] if place.reverse else whole.values
    pad = int(start > 0)
    edges = start + np.arange(len(matrix) + 1) * whole.bin_bp
    starts, ends = np.concatenate(([0] * pad, edges[:-1])), np.concatenate(([start] * pad, edges[1:]))
    bins = pd.DataFrame({"chrom": pd.Categorical([place.contig] * len(starts)), "start": starts, "end": ends})
    keep = np.isfinite(matrix) & (np.triu(np.ones(matrix.shape, dtype=bool)) if whole.symmetric else True)
    rows, columns = np.nonzero(keep & (matrix != 0))
    pixels = pd.DataFrame({"bin1_id": rows + pad, "bin2_id": columns + pad, "count": matrix[rows, columns].astype(np.float32)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cooler.create_cooler(
            str(path),
            bins,
            pixels,
            dtypes={"count": np.float32},
            symmetric_upper=whole.symmetric,
            metadata={"provenance": json.loads(result.provenance.to_json()), "summary": summary(result.provenance)},
            assembly=place.assembly or None,
            ordered=True,
        )
