"""Tracks of a genome-wide run: bigWig files of a contig as soon as it is done, and of the whole genome.

Whatever stops a run, a track under its name is whole: files and the folder of a contig are written under another name first.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.packages import needed
from engine.genome.windows import GenomeWindow, Stretch, folder_name, written

_PREFIX = "track_"
COPIED_BP = 1_000_000


def contig_folder(contig: str, folder: Path) -> Path:
    """Where the tracks of a contig lie; it is there when they are whole."""
    return folder / "tracks" / "contigs" / folder_name(contig)


def forget_tracks(contig: str, folder: Path) -> None:
    """Take away the tracks of a contig some windows of which are computed anew."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(contig_folder(contig, folder))


def contig_tracks(contig: str, length: int, parts: list[Stretch], folder: Path) -> tuple[Path, ...]:
    """Join the kept parts of a contig's windows into one bigWig a track; windows without an answer leave gaps."""
    target, unfinished = contig_folder(contig, folder), folder / "tracks" / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        files: dict[str, Any] = {}
        for stretch in parts:
            path = written(stretch, folder)
            if path is None:
                continue
            with np.load(path, allow_pickle=False) as archive:
                for window in stretch.windows:
                    for name, values in _tracks_of(archive, window).items():
                        if name not in files:
                            files[name] = stack.enter_context(_opened(unfinished / f"{name}.bw", {contig: length}))
                        _add(files[name], window, values)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished.rename(target)
    return tuple(target / f"{name}.bw" for name in files)


def _tracks_of(archive: Any, window: GenomeWindow) -> dict[str, NDArray[np.float32]]:
    start = f"{window.name}/{_PREFIX}"
    return {name.removeprefix(start): archive[name] for name in archive.files if name.startswith(start)}


@contextlib.contextmanager
def _opened(path: Path, lengths: dict[str, int]) -> Iterator[Any]:
    """A bigWig file to be written, closed after the block."""
    pyBigWig = needed("pyBigWig")

    file = pyBigWig.open(str(path), "w")
    try:
        file.addHeader(list(lengths.items()))
        yield file
    finally:
        file.close()


def _add(file: Any, window: GenomeWindow, values: NDArray[np.float32]) -> None:
    kept = values[window.first - window.start : window.last - window.start].astype(np.float64)
    places = np.flatnonzero(np.isfinite(kept))
    if len(places):
        at = (places + window.first).tolist()
        file.addEntries([window.contig] * len(at), at, ends=[start + 1 for start in at], values=kept[places].tolist())


def join_tracks(lengths: dict[str, int], folder: Path) -> tuple[Path, ...]:
    """One bigWig a track of all contigs that are done, in the order of the genome."""
    pyBigWig = needed("pyBigWig")

    found: dict[str, dict[str, Path]] = {}
    for contig in lengths:
        for path in sorted(contig_folder(contig, folder).glob("*.bw")):
            found.setdefault(path.name, {})[contig] = path
    for name, parts in found.items():
        temporary = folder / "tracks" / f"{name}.part"
        with _opened(temporary, lengths) as joined:
            for contig, path in parts.items():
                with pyBigWig.open(str(path)) as part:
                    _copy(part, joined, contig, lengths[contig])
        temporary.replace(folder / "tracks" / name)
    return tuple(folder / "tracks" / name for name in found)


def _copy(part: Any, joined: Any, contig: str, length: int) -> None:
    """All intervals of a contig, some at a time."""
    for low in range(0, length, COPIED_BP):
        found = [item for item in part.intervals(contig, low, min(length, low + COPIED_BP)) or () if item[0] >= low]
        if found:
            starts, ends, values = (list(column) for column in zip(*found, strict=True))
            joined.addEntries([contig] * len(starts), starts, ends=ends, values=values)
