"""Tracks that whoever runs the server offers to every visitor, by the setting ``tracks``; indexed files are read by their index only."""

from __future__ import annotations

import contextlib
import itertools
import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import FileFormatError, ParameterError, SourceUnavailable
from engine.core.own_tracks import Rows, TrackKind, TrackSource
from engine.core.packages import needed
from engine.core.quoting import file_name, quoted
from engine.core.settings import user_path
from engine.sources.assemblies import canonical
from engine.sources.door import OWN_FILES
from engine.sources.kinds import packing
from engine.sources.track_files import big_row, kind_of, packed, read_track

FINEST = 200_000
"""Bases up to which a bigWig is read run by run; of more, the means of `STRETCHES` equal stretches, by its zoom levels."""
STRETCHES = 2400
MOST_ROWS = 20_000
"""Lines of an indexed file, or entries of a bigBed, that are drawn at once."""
TOO_MANY = f"there are more than {MOST_ROWS:,} rows here; zoom in"


def offered(text: str) -> dict[str, tuple[Path, str]]:
    """The setting ``NAME=FILE[;ASSEMBLY],...``: file and assembly (empty for all) by name. Raises `ParameterError`."""
    found: dict[str, tuple[Path, str]] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, separator, rest = item.partition("=")
        file, _, assembly = rest.partition(";")
        if not separator or not name.strip() or not file.strip():
            raise ParameterError(f"The setting tracks has {quoted(item)}; write NAME=FILE[;ASSEMBLY], separated by commas.")
        found[name.strip()] = (user_path(file.strip()), assembly.strip())
    return found


class ServerTracks:
    """Opens an offered track when it is first asked for. Safe for several threads."""

    def __init__(self, setting: str) -> None:
        self._files = offered(setting)
        self._open: dict[str, TrackSource] = {}
        self._locks = {name: threading.Lock() for name in self._files}

    def names(self, assembly: str) -> tuple[str, ...]:
        """Those of an assembly, and those of any."""
        return tuple(name for name, (_, own) in self._files.items() if not own or canonical(own) == canonical(assembly))

    def track(self, name: str) -> TrackSource:
        """The track of this name. Raises `ParameterError`, `FileFormatError` or `SourceUnavailable` where there is none that can be read."""
        if name not in self._files:
            raise ParameterError(f"There is no track {quoted(name, 40)} on this server; there are {', '.join(self._files) or 'none'}.")
        with self._locks[name]:
            if name not in self._open:
                self._open[name] = _opened(name, self._files[name][0])
            return self._open[name]


def _opened(name: str, path: Path) -> TrackSource:
    if not path.is_file():
        raise SourceUnavailable(
            f"The track {quoted(name, 40)} is not there any more; whoever runs this server can correct the setting tracks."
        )
    with path.open("rb") as handle:
        head = handle.read(512)
    if packing(head) in ("bigWig", "bigBed"):
        return IndexedBig(name, path)
    if any(path.with_name(path.name + suffix).is_file() for suffix in (".tbi", ".csi")):
        return IndexedTable(name, path)
    return read_track(path.name, path.read_bytes(), OWN_FILES)


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Inside, what goes wrong with a file of the server is one sentence."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        raise FileFormatError(
            f"The file {file_name(path.name)} cannot be read now: it is damaged, or it was replaced or removed; whoever runs this server can "
            "correct the setting tracks."
        ) from error


class IndexedBig:
    """A bigWig or bigBed file; opened anew for each question, so that threads do not share it."""

    note, nbytes = "", 0

    def __init__(self, name: str, path: Path) -> None:
        self.name, self._path = name, path
        with _readable(path), self._table() as table:
            self.kind: TrackKind = "signal" if table.isBigWig() else "blocks"
            self.contigs: dict[str, int] = dict(table.chroms())

    def _table(self) -> Any:
        return needed("pyBigWig").open(str(self._path))

    def rows(self, contig: str, start: int, end: int) -> Rows:
        """What meets ``[start, end)``; of a long stretch of a bigWig means, of a bigBed nothing where there are too many, both with a note."""
        end = min(end, self.contigs.get(contig, 0))
        if start >= end:
            return Rows.none()
        with _readable(self._path), self._table() as table:
            if self.kind == "blocks":
                if len(table.entries(contig, start, end, withString=False) or ()) > MOST_ROWS:
                    return Rows.none(TOO_MANY)
                return packed([big_row(contig, *entry) for entry in table.entries(contig, start, end) or ()], "blocks")
            if end - start <= FINEST:
                runs = np.array(table.intervals(contig, start, end) or (), np.float64).reshape(-1, 3)
                return Rows(runs[:, 0].astype(np.int64), runs[:, 1].astype(np.int64), runs[:, 2].astype(np.float32))
            means = table.stats(contig, start, end, type="mean", nBins=STRETCHES)
        edges = np.linspace(start, end, STRETCHES + 1).astype(np.int64)
        values = np.array([math.nan if value is None else value for value in means], np.float32)
        return Rows(edges[:-1], edges[1:], values, note=f"means of {(end - start) / STRETCHES:,.0f} bases")


class IndexedTable:
    """A bgzipped text file with a tabix index: what meets a stretch is read as a file of these lines would be."""

    note, nbytes = "", 0

    def __init__(self, name: str, path: Path) -> None:
        self.name, self._path = name, path
        with _readable(path), self._table() as table:
            self._head = [line for line, _ in zip(table.header, range(MOST_ROWS), strict=False)]
            self.contigs: dict[str, int] = dict.fromkeys(table.contigs, 0)
            first = next(iter(table.fetch(next(iter(self.contigs)))), "") if self.contigs else ""
        self.kind: TrackKind = kind_of(path.name, "\n".join([*self._head[:200], first]))

    def _table(self) -> Any:
        return needed("pysam").TabixFile(str(self._path), encoding="latin-1")  # bytes one by one; the reader of files decodes them

    def rows(self, contig: str, start: int, end: int) -> Rows:
        """What meets ``[start, end)``; nothing, with a note, where there is too much."""
        if contig not in self.contigs:
            return Rows.none()
        with _readable(self._path), self._table() as table:
            lines = list(itertools.islice(table.fetch(contig, start, end), MOST_ROWS + 1))
        if len(lines) > MOST_ROWS:
            return Rows.none(TOO_MANY)
        if not lines:
            return Rows.none()
        found = read_track(
            self._path.name.removesuffix(".gz").removesuffix(".bgz"), "\n".join([*self._head, *lines]).encode("latin-1"), OWN_FILES
        )
        return replace(found.rows(contig, start, end), note=found.note)
