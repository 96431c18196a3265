"""bigWig: one track a file, so several tracks come as a zip of bigWigs.

The format has no comments. The provenance JSON stands between the last block and the closing magic number, where no reader looks
(they follow the offsets of the header): `embedded_provenance` reads it back.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import FileFormatError
from engine.core.packages import needed
from engine.core.quoting import quoted
from engine.core.results import Result, Track
from engine.exports.place import place_of
from engine.exports.provenance import KEY

_MAGIC = 4


def _embed(path: Path, text: str) -> None:
    with path.open("r+b") as handle:
        handle.seek(-_MAGIC, os.SEEK_END)
        closing = handle.read(_MAGIC)
        handle.seek(-_MAGIC, os.SEEK_END)
        handle.write(f"\n{KEY}: {text}\n".encode() + closing)


def embedded_provenance(path: Path) -> str:
    """The provenance JSON of a bigWig written here. Raises `FileFormatError` when there is none."""
    mark = f"\n{KEY}: ".encode()
    _, found, after = path.read_bytes()[:-_MAGIC].rpartition(mark)
    if not found:
        raise FileFormatError(f"The bigWig {quoted(path.name)} carries no provenance; it was not written by this program.")
    return after.decode("utf-8").rstrip("\n")


def write_track(result: Result, track: Track, path: Path) -> None:
    """Write one track as bigWig, forward-strand order, NaN left out."""
    place = place_of(result.written)
    values = place.forward(track.values)
    at = np.flatnonzero(np.isfinite(values))
    starts = at + place.start
    write_runs(path, place.contig, place.end, starts, starts + 1, values[at], result.provenance.to_json())


def write_runs(
    path: Path,
    contig: str,
    length: int,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    values: NDArray[np.float32],
    provenance: str = "",
) -> None:
    """Write runs of values, 0-based half-open by start, of a contig of ``length`` bases, with the provenance JSON where there is one."""
    file = needed("pyBigWig").open(str(path), "w")
    try:
        file.addHeader([(contig, length)], maxZooms=10)
        if len(starts):
            file.addEntries([contig] * len(starts), starts.tolist(), ends=ends.tolist(), values=values.astype(np.float64).tolist())
    finally:
        file.close()
    if provenance:
        _embed(path, provenance)


def write(result: Result, path: Path) -> None:
    """Write the main track of a result (of variant effects the influence, of probabilities the entropy)."""
    write_track(result, result.tracks()[0], path)


def write_zip(result: Result, path: Path) -> None:
    """Write every track as NAME.bw, of a reverse strand NAME.reverse_strand.bw, into a zip archive, with the provenance beside them."""
    ending = ".reverse_strand.bw" if place_of(result.written).reverse else ".bw"
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for track in result.tracks():
            file = Path(folder) / f"{track.name}{ending}"
            write_track(result, track, file)
            archive.write(file, file.name)
        archive.writestr("provenance.json", result.provenance.to_json())
