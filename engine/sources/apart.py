"""Long reading in a process of its own, with a time and a memory limit, so that a hostile or large file holds up nobody else.

What is small is read here at once. The process is `engine.sources.apart_process`; it gets the bytes on its standard input and answers with
lines of JSON, which are put together here in small pieces.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson

from engine.core import errors
from engine.core.alignment import Alignment
from engine.core.errors import FileFormatError, LocuscopeError, ResourceExhausted
from engine.core.features import Feature
from engine.core.locus import Locus
from engine.core.own_tracks import TrackFile
from engine.core.progress import Monitor, SilentMonitor
from engine.core.quoting import file_name
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.core.settings import Settings
from engine.core.variants import Variant
from engine.sources.alignments import read_alignment as read_alignment_here
from engine.sources.annotation_index import FeatureIndex, read_annotation_file
from engine.sources.door import GZIP_MAGIC, Bounds, unpacked
from engine.sources.genomes import GenomeSet
from engine.sources.kinds import packing
from engine.sources.records import Records
from engine.sources.track_files import put_together
from engine.sources.track_files import read_track as read_track_here
from engine.sources.understand import read_features_with_note, read_upload, understand
from engine.sources.understood import Understood, of_records
from engine.sources.vcf import read_vcf

QUICK_BYTES = 200_000
"""Up to this many bytes, unpacked, are read at once and not in a process of their own."""

MEMORY_BYTES = 2_000_000_000
"""Address space that the process may take."""

SECONDS = 60
"""Processor seconds of the process; on the clock it gets twice as many."""

AT_ONCE = 2
"""Processes that read at the same time; further ones wait."""

_ROOT = Path(__file__).resolve().parents[2]
_LOOK_SECONDS = 0.1
_turns = threading.BoundedSemaphore(AT_ONCE)


def is_quick(data: bytes) -> bool:
    """Whether the bytes, those inside of gzip too, are few enough to be read at once."""
    if len(data) > QUICK_BYTES:
        return False
    if not data.startswith(GZIP_MAGIC):
        return True
    try:
        with unpacked(io.BytesIO(data), "", QUICK_BYTES) as stream:
            while stream.read(1 << 16):
                pass
    except FileFormatError:
        return False
    return True


def understand_text(text: str, genomes: GenomeSet, settings: Settings, monitor: Monitor | None = None) -> Understood:
    """`engine.sources.understand.understand`, long pastes in a process of their own. Raises as it does, and `ResourceExhausted`."""
    if len(text) <= QUICK_BYTES or len(text) > settings.max_upload_bytes:
        return understand(text, genomes, settings, monitor)
    return of_records(_records("", text.encode("utf-8", "replace"), settings, monitor))


def read_file(name: str, data: bytes, settings: Settings, monitor: Monitor | None = None) -> Understood:
    """`engine.sources.understand.read_upload`, long files in a process of their own. Raises as it does, and `ResourceExhausted`."""
    return read_upload(name, data, settings) if is_quick(data) else of_records(_records(name, data, settings, monitor))


def read_annotation(
    name: str, data: bytes, sequence: NucleotideSequence, settings: Settings, monitor: Monitor | None = None
) -> tuple[tuple[Feature, ...], str]:
    """`engine.sources.understand.read_features_with_note`, long files in a process of their own."""
    if is_quick(data):
        return read_features_with_note(name, data, sequence, settings)
    place = {"locus": str(sequence.locus) if sequence.locus is not None else "", "name": sequence.name, "length": len(sequence)}
    features: list[Feature] = []
    note = ""
    for item in _answers("features", name, data, Bounds.of(settings), {"place": place}, monitor):
        features += [_feature(cells) for cells in item.get("features", ())]
        note = item.get("note", note)
    return tuple(features), note


def read_whole_annotation(name: str, data: bytes, settings: Settings, monitor: Monitor | None = None) -> FeatureIndex:
    """`engine.sources.annotation_index.read_annotation_file`, long files in a process of their own."""
    bounds = Bounds.of(settings)
    if is_quick(data):
        return read_annotation_file(name, data, bounds)
    features: list[Feature] = []
    note = ""
    for item in _answers("annotation", name, data, bounds, {}, monitor):
        features += [_feature(cells) for cells in item.get("features", ())]
        note = item.get("note", note)
    return FeatureIndex(features, note)


def read_variants(
    name: str, data: bytes, settings: Settings, monitor: Monitor | None = None, notes: list[str] | None = None
) -> tuple[Variant, ...]:
    """`engine.sources.vcf.read_vcf`, long files in a process of their own."""
    if is_quick(data):
        return read_vcf(data, name, Bounds.of(settings), notes)
    found: list[Variant] = []
    for item in _answers("variants", name, data, Bounds.of(settings), {}, monitor):
        found += [Variant(*cells) for cells in item.get("variants", ())]
        if notes is not None:
            notes += item.get("notes", ())
    return tuple(found)


def read_alignment(name: str, data: bytes, settings: Settings, monitor: Monitor | None = None) -> Alignment:
    """`engine.sources.alignments.read_alignment`, long files in a process of their own. Raises as it does, and `ResourceExhausted`."""
    bounds = Bounds.of(settings)
    if is_quick(data):
        return read_alignment_here(name, data, bounds)
    names, rows, loci, structure = list[str](), list[bytes](), list[Locus | None](), ""
    for item in _answers("alignment", name, data, bounds, {}, monitor):
        if "row" in item:
            called, letters, locus = item["row"]
            names.append(called)
            rows.append(letters.encode("ascii"))
            loci.append(Locus.parse(locus) if locus else None)
        structure = item.get("structure", structure)
    letters = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)
    return Alignment(name, tuple(names), letters, tuple(loci) if any(loci) else (), structure)


def read_track(name: str, data: bytes, settings: Settings, monitor: Monitor | None = None) -> TrackFile:
    """`engine.sources.track_files.read_track`; long files, and those that a library of C reads, in a process of their own."""
    bounds = Bounds.of(settings)
    if not packing(data[:512]) and is_quick(data):
        return read_track_here(name, data, bounds)
    return put_together(name, _answers("track", name, data, bounds, {}, monitor))


def prepare_reference(path: Path, settings: Settings, monitor: Monitor | None = None) -> None:
    """Unpack and index an uploaded FASTA where `engine.sources.genomes.GenomeSet` with these settings looks for it.

    Raises
    ------
    FileFormatError
        It is no FASTA that can be indexed, or holds more than the bounds allow.
    ResourceExhausted, Cancelled
        As the others here.
    """
    arguments = {"path": str(path), "cache": str(settings.home / "genomes")}
    for _ in _answers("reference", path.name, b"", Bounds.of(settings), arguments, monitor):
        pass


def _records(name: str, data: bytes, settings: Settings, monitor: Monitor | None) -> Records:
    records: list[NucleotideSequence] = []
    features: list[list[Feature]] = []
    kind, notes = "letters", tuple[str, ...]()
    for item in _answers("records", name, data, Bounds.of(settings), {}, monitor):
        for letters, alphabet, locus, called in item.get("records", ()):
            place = Locus.parse(locus) if locus else None
            records.append(NucleotideSequence(letters, Alphabet(alphabet), place, called))
            features.append([])
        for number, cells in item.get("features", ()):
            features[number].append(_feature(cells))
        kind, notes = item.get("kind", kind), tuple(item.get("notes", notes))
    return Records(tuple(records), tuple(tuple(own) for own in features), kind, notes)  # type: ignore[arg-type]


def _feature(cells: list[Any]) -> Feature:
    return Feature(*cells)


def _answers(
    reader: str, name: str, data: bytes, bounds: Bounds, arguments: dict[str, Any], monitor: Monitor | None
) -> Iterator[dict[str, Any]]:
    """What the process says, one piece after the other.

    Raises
    ------
    LocuscopeError
        What the reader raised.
    ResourceExhausted
        Time or memory ran out.
    Cancelled
        Through the monitor.
    """
    watcher = monitor or SilentMonitor()
    label = file_name(name) if name else "pasted text"
    limits = {"memory_bytes": MEMORY_BYTES, "seconds": SECONDS}
    question = {"reader": reader, "name": name, "bounds": asdict(bounds), "arguments": arguments, **limits}
    with _turn(watcher), _process() as process:
        lines = _spoken(process, orjson.dumps(question) + b"\n", data)
        end = time.monotonic() + 2 * SECONDS
        for line in _until(lines, end, watcher):
            if line is None:
                break
            item: dict[str, Any] = orjson.loads(line)
            if "error" in item:
                raise _error(item)
            if item.get("done"):
                return
            yield item
        if time.monotonic() >= end:
            raise ResourceExhausted(f"Reading {label} took more than {2 * SECONDS} s, the limit; cut out the part that is needed.")
        raise ResourceExhausted(
            f"Reading {label} needed more than {SECONDS} s of the processor or {MEMORY_BYTES / 1e9:g} GB of memory, the limits; "
            "cut out the part that is needed."
        )


@contextlib.contextmanager
def _turn(watcher: Monitor) -> Iterator[None]:
    while not _turns.acquire(timeout=_LOOK_SECONDS):
        watcher.advance(0)
    try:
        yield
    finally:
        _turns.release()


@contextlib.contextmanager
def _process() -> Iterator[subprocess.Popen[bytes]]:
    """The process; it is ended when it is no longer listened to."""
    variables = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.sources.apart_process"],
        cwd=_ROOT,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # what was not sent is of no interest any more
                    stream.close()


def _spoken(process: subprocess.Popen[bytes], question: bytes, data: bytes) -> queue.Queue[bytes | None]:
    """Send the bytes and collect the answer's lines, each in a thread of its own; None stands at the end."""
    lines: queue.Queue[bytes | None] = queue.Queue(maxsize=8)

    def send(target: BinaryIO) -> None:
        with contextlib.suppress(OSError, ValueError):  # the process has ended; its answer says why
            target.write(question)
            for place in range(0, len(data), 1 << 20):
                target.write(data[place : place + (1 << 20)])
            target.close()

    def listen(source: BinaryIO) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in source:
                _put(lines, line, process)
        _put(lines, None, process)

    threading.Thread(target=send, args=(process.stdin,), name="apart-send", daemon=True).start()
    threading.Thread(target=listen, args=(process.stdout,), name="apart-listen", daemon=True).start()
    return lines


def _put(lines: queue.Queue[bytes | None], line: bytes | None, process: subprocess.Popen[bytes]) -> None:
    """Put a line where it is waited for; give up when the process was ended because nobody listens."""
    while True:
        try:
            lines.put(line, timeout=1.0)
        except queue.Full:
            if process.poll() is not None:
                return
        else:
            return


def _until(lines: queue.Queue[bytes | None], end: float, watcher: Monitor) -> Iterator[bytes | None]:
    while time.monotonic() < end:
        try:
            yield lines.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            watcher.advance(0)


def _error(item: dict[str, Any]) -> LocuscopeError:
    kind: Callable[[str], LocuscopeError] = getattr(errors, str(item["error"]), LocuscopeError)
    return kind(str(item["says"]))
