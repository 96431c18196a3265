"""Tracks that whoever runs the server offers to every visitor, by the setting ``tracks``; indexed files are read by their index only."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import FileFormatError, ParameterError, SourceUnavailable
from engine.core.own_tracks import Rows, TrackKind, TrackSource
from engine.core.packages import needed
from engine.core.quoting import file_name, quoted
from engine.core.settings import user_path
from engine.sources.annotation import parse_line, style_of
from engine.sources.door import OWN_FILES
from engine.sources.kinds import packing
from engine.sources.track_files import read_track

FINEST = 20_000
"""Bases up to which a bigWig is read run by run; of more, the means of `STRETCHES` equal stretches, by its zoom levels."""
STRETCHES = 2400


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
        self._lock = threading.Lock()

    def names(self, assembly: str) -> tuple[str, ...]:
        """Those of an assembly, and those of any."""
        return tuple(name for name, (_, own) in self._files.items() if own in ("", assembly))

    def track(self, name: str) -> TrackSource:
        """The track of this name. Raises `ParameterError`, `FileFormatError` or `SourceUnavailable` where there is none that can be read."""
        if name not in self._files:
            raise ParameterError(f"There is no track {quoted(name, 40)} on this server; there are {', '.join(self._files) or 'none'}.")
        with self._lock:
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


class IndexedBig:
    """A bigWig or bigBed file; opened anew for each question, so that threads do not share it."""

    note, nbytes = "", 0

    def __init__(self, name: str, path: Path) -> None:
        self.name, self._path = name, path
        with self._table() as table:
            self.kind: TrackKind = "signal" if table.isBigWig() else "blocks"
            self.contigs: dict[str, int] = dict(table.chroms())

    def _table(self) -> Any:
        try:
            return needed("pyBigWig").open(str(self._path))
        except RuntimeError as error:
            raise FileFormatError(f"The file {file_name(self._path.name)} is damaged or cut short; copy it again.") from error

    def rows(self, contig: str, start: int, end: int) -> Rows:
        """What meets ``[start, end)``; of a long stretch of a bigWig, means."""
        end = min(end, self.contigs.get(contig, 0))
        if start >= end:
            return Rows.none()
        with self._table() as table:
            if self.kind == "blocks":
                return _blocks(table.entries(contig, start, end) or ())
            if end - start <= FINEST:
                runs = np.array(table.intervals(contig, start, end) or (), np.float64).reshape(-1, 3)
                return Rows(runs[:, 0].astype(np.int64), runs[:, 1].astype(np.int64), runs[:, 2].astype(np.float32))
            means = table.stats(contig, start, end, type="mean", nBins=STRETCHES)
        edges = np.linspace(start, end, STRETCHES + 1).astype(np.int64)
        values = np.array([math.nan if value is None else value for value in means], np.float32)
        return Rows(edges[:-1], edges[1:], values)


def _blocks(entries: Any) -> Rows:
    fields = [(start, end, *([*(rest or "").split("\t"), "", "", ""])[:3]) for start, end, rest in entries]
    starts, ends = (np.array([row[k] for row in fields], np.int64) for k in (0, 1))
    strands = tuple(row[4] if row[4] in ("+", "-") else "." for row in fields)
    return Rows(starts, ends, np.full(len(fields), np.nan, np.float32), tuple(row[2][:80] for row in fields), strands)


class IndexedTable:
    """A bgzipped BED, GFF3 or GTF file, or a VCF, with a tabix index."""

    note, nbytes = "", 0

    def __init__(self, name: str, path: Path) -> None:
        self.name, self._path = name, path
        plain = path.name.casefold().removesuffix(".gz").removesuffix(".bgz")
        self.kind: TrackKind = "variants" if plain.endswith(".vcf") else "blocks"
        self._style = style_of(path.name) if self.kind == "blocks" else None
        with needed("pysam").TabixFile(str(path)) as table:
            self.contigs: dict[str, int] = dict.fromkeys(table.contigs, 0)

    def rows(self, contig: str, start: int, end: int) -> Rows:
        """What meets ``[start, end)``."""
        if contig not in self.contigs:
            return Rows.none()
        with needed("pysam").TabixFile(str(self._path)) as table:
            found = list(self._read(table.fetch(contig, start, end)))
        starts, ends = (np.array([row[k] for row in found], np.int64) for k in (0, 1))
        return Rows(starts, ends, np.full(len(found), np.nan, np.float32), tuple(row[2] for row in found), tuple(row[3] for row in found))

    def _read(self, lines: Iterator[str]) -> Iterator[tuple[int, int, str, str]]:
        for line in lines:
            if self._style is not None:
                feature = parse_line(line, self._style)
                if feature is not None:
                    yield feature.start, feature.end, feature.name or feature.kind, feature.strand
                continue
            fields = line.split("\t", 5)
            if len(fields) < 5 or not fields[1].isdigit():
                continue
            for alternate in fields[4].split(","):
                yield int(fields[1]) - 1, int(fields[1]) - 1 + len(fields[3]), f"{fields[3][:20].upper()}>{alternate[:20].upper()}", "."
