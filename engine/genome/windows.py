"""Windows that cover a genome, in stretches that are computed and stored together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

LONGEST_FOLDER = 200
"""Characters of a folder's name; file systems take 255."""
WINDOWS_PER_STRETCH = 256
BYTES_PER_STRETCH = 64_000_000
"""A stretch is one file: at most so many windows, and about so many bytes of answers."""


@dataclass(frozen=True)
class GenomeWindow:
    """Bases ``[start, end)`` of a contig that go into a model, of which ``[first, last)`` goes into the tracks; 0-based."""

    contig: str
    start: int
    end: int
    first: int
    last: int

    @property
    def name(self) -> str:
        """Its place, 1-based inclusive."""
        return f"{self.start + 1}-{self.end}"


@dataclass(frozen=True)
class Stretch:
    """Neighbouring windows of one contig that share a file."""

    contig: str
    windows: tuple[GenomeWindow, ...]

    def path(self, folder: Path) -> Path:
        """Where its answers lie: any two contigs have folders of their own, whatever characters are in their names."""
        return folder / "windows" / folder_name(self.contig) / f"{self.windows[0].start + 1}-{self.windows[-1].end}.npz"


def partial_path(stretch: Stretch, folder: Path) -> Path:
    """Where what there is of it lies as long as it is not complete."""
    return stretch.path(folder).with_suffix(".partial.npz")


def written(stretch: Stretch, folder: Path) -> Path | None:
    """The file of its answers, complete or not; None where there is none."""
    return next((found for found in (stretch.path(folder), partial_path(stretch, folder)) if found.exists()), None)


def folder_name(contig: str) -> str:
    """A name every file system takes, different for different contigs; of a long one the beginning and a hash."""
    quoted = quote(contig, safe="+-_|=@,")
    if len(quoted) > LONGEST_FOLDER:
        return f"{quoted[:LONGEST_FOLDER]}~{hashlib.sha256(contig.encode()).hexdigest()[:16]}"
    return quoted if quoted.strip(".") else quoted.replace(".", "%2E")


def windows(contig: str, length: int, window_bp: int, overlap_bp: int) -> tuple[GenomeWindow, ...]:
    """Windows that cover a contig; the last one is moved left to be whole. Their kept parts meet without gap or overlap."""
    starts = [min(start, max(0, length - window_bp)) for start in range(0, max(1, length - overlap_bp), window_bp - overlap_bp)]
    ends = [min(length, start + window_bp) for start in starts]
    borders = [0, *((end + start) // 2 for end, start in zip(ends, starts[1:], strict=False)), length]
    return tuple(GenomeWindow(contig, *place) for place in zip(starts, ends, borders, borders[1:], strict=False))


def stretches(lengths: dict[str, int], window_bp: int, overlap_bp: int, bytes_per_window: int) -> Iterator[Stretch]:
    """All stretches of a genome, contig by contig."""
    most = max(1, min(WINDOWS_PER_STRETCH, BYTES_PER_STRETCH // max(1, bytes_per_window)))
    for contig, length in lengths.items():
        found = windows(contig, length, window_bp, overlap_bp)
        for start in range(0, len(found), most):
            yield Stretch(contig, found[start : start + most])
