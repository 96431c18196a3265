"""A triage of any length: scored in pieces, kept line by line in a journal beside the file it becomes, continued after an end of any kind.

Of a variant 16 bytes stay in memory; what was said of it is read from the journal when it is written.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import filelock
import orjson

from engine.core.clinical import ClinicalRecord
from engine.core.consequences import Consequence
from engine.core.errors import FileFormatError
from engine.core.processor import kind
from engine.core.progress import Monitor, Stretch
from engine.core.proteins import MissenseScore, Substitution
from engine.core.provenance import all_batches
from engine.core.splicing import SiteChange, SpliceScore
from engine.core.variants import ScoredVariant, Triage, Variant
from engine.core.version import VERSION
from engine.service import clinvar, visitor_files
from engine.service.devices import checked_device, checked_dtype, code_fingerprint
from engine.service.disk import writable

if TYPE_CHECKING:
    from engine.core.provenance import Provenance
    from engine.core.settings import Settings
    from engine.service.engine import Engine
    from engine.service.triage import TriageRequest

FIRST_PIECE, PIECE = 25, 250
"""Alleles that are scored before they are kept: at first, and at most."""
PIECE_SECONDS = 5.0
"""Pieces that take less are followed by one of twice the alleles, those that take more than twice as long by one of half: what a process that is
killed loses."""

_LAYOUT = 3


def to_line(row: ScoredVariant) -> bytes:
    """A row as one line of JSON, without its end."""
    variant = row.variant
    place = [variant.contig, variant.position, variant.reference, variant.alternate, variant.identifier, variant.record, variant.allele]
    scores = [
        row.llr,
        row.influence,
        row.delta_log_likelihood,
        row.mean_delta_log_likelihood,
        row.delta_pseudo_log_likelihood,
        row.llr_quantile,
        row.influence_quantile,
    ]
    consequences = [
        [list(one.terms), one.gene, one.transcript, one.hgvs_c, one.hgvs_p, one.genetic_code, one.note] for one in row.consequences
    ]
    told = [row.status, row.note, list(row.unranked), row.below_chance, row.left_aligned]
    record = row.clinical
    clinical = None if record is None else [record.identifier, record.significance, record.review, record.condition]
    further = [_splice_cells(row.splice), _missense_cells(row.missense), clinical]
    return orjson.dumps([[*place, variant.problem, variant.frequency], scores, consequences, told, *further])


def _missense_cells(found: MissenseScore | None) -> list[Any] | None:
    if found is None:
        return None
    there = found.substitution
    return [
        found.value,
        found.label,
        found.transcript,
        *([there.protein, there.position, there.reference, there.alternate] if there else []),
    ]


def _splice_cells(found: SpliceScore | None) -> list[Any] | None:
    if found is None:
        return None
    changes = [None if change is None else [change.delta, change.position, change.reference, change.alternate] for change in found.changes]
    return [found.status, found.gene, found.strand, changes, found.note]


def _missense(cells: list[Any] | None) -> MissenseScore | None:
    if cells is None:
        return None
    value, label, transcript, *there = cells
    return MissenseScore(value, label, transcript, Substitution(*there) if there else None)


def of_line(line: bytes) -> ScoredVariant:
    """What `to_line` wrote."""
    place, scores, consequences, told, splice, missense, clinical = orjson.loads(line)
    variant = Variant(*place)
    status, note, unranked, below_chance, left_aligned = told
    llr, influence, whole, mean, pseudo, llr_quantile, influence_quantile = scores
    changes = [None if cells is None else SiteChange(*cells) for cells in splice[3]] if splice is not None else []
    return ScoredVariant(
        variant,
        status,
        llr,
        influence,
        whole,
        mean,
        note,
        tuple(Consequence(tuple(cells[0]), *cells[1:]) for cells in consequences),
        tuple(left_aligned) if left_aligned is not None else None,
        pseudo,
        llr_quantile,
        influence_quantile,
        tuple(unranked),
        below_chance,
        SpliceScore(variant, splice[0], splice[1], splice[2], changes[0], changes[1], changes[2], changes[3], splice[4])
        if splice is not None
        else None,
        _missense(missense),
        None if clinical is None else ClinicalRecord(*clinical),
    )


class RowsOnDisk(Sequence[ScoredVariant]):
    """The rows of a journal, read when they are asked for; 8 bytes of memory a row."""

    def __init__(self, path: Path, offsets: array[int]) -> None:
        self._path, self._offsets = path, offsets

    def __len__(self) -> int:
        return len(self._offsets)

    def __iter__(self) -> Iterator[ScoredVariant]:
        if not self._offsets:
            return
        with self._path.open("rb") as handle:
            handle.seek(self._offsets[0])
            for line in itertools.islice((line for line in handle if not _is_remark(line)), len(self._offsets)):
                yield of_line(line)

    @overload
    def __getitem__(self, index: int) -> ScoredVariant: ...

    @overload
    def __getitem__(self, index: slice) -> list[ScoredVariant]: ...

    def __getitem__(self, index: int | slice) -> ScoredVariant | list[ScoredVariant]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        with self._path.open("rb") as handle:
            handle.seek(self._offsets[index])
            return of_line(handle.readline())


def _is_remark(line: bytes) -> bool:
    return line.startswith(b'"')


class Journal:
    """Rows that are done, in a file; its first line says of which question.

    ``identity``: of the question; a journal of another one is begun anew. What a killed process left of a line is cut off. In front of rows
    whose batches were not the usual ones a line says so; ``batches``: all of them, as `engine.core.provenance.Provenance.batches`.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path, self.batches = path, ""
        self._head = orjson.dumps({"journal of a triage": _LAYOUT, "identity": identity}) + b"\n"
        self._offsets = self._found()
        if not self._offsets:
            self.batches = ""
            path.write_bytes(self._head)
        self._handle = path.open("ab")

    def _found(self) -> array[int]:
        """Where the whole rows begin; the rest of the file is cut off."""
        offsets: array[int] = array("q")
        if not self.path.is_file():
            return offsets
        with self.path.open("rb") as handle:
            if handle.readline() != self._head:
                return offsets
            end = handle.tell()
            for line in handle:
                if not line.endswith(b"\n"):
                    break
                if _is_remark(line):
                    self.batches = all_batches(self.batches, orjson.loads(line))
                else:
                    offsets.append(end)
                end += len(line)
        os.truncate(self.path, end)
        return offsets

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, rows: Iterable[ScoredVariant], batches: str = "") -> None:
        """Keep rows that were computed in ``batches``; they are on the disk when this returns."""
        if batches:
            self.batches = all_batches(self.batches, batches)
            self._handle.write(orjson.dumps(batches) + b"\n")
        place = self._handle.tell()
        for row in rows:
            line = to_line(row) + b"\n"
            self._handle.write(line)
            self._offsets.append(place)
            place += len(line)
        self._handle.flush()
        os.fsync(self._handle.fileno())

    def rows(self) -> RowsOnDisk:
        """All rows."""
        return RowsOnDisk(self.path, self._offsets)

    def close(self, *, done: bool) -> None:
        """Close the file, and delete it when it is ``done`` with."""
        self._handle.close()
        if done:
            self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Stream:
    """A question about many variants: ``variants()`` reads them from the start, ``count`` of them; ``source_sha256`` of their file."""

    variants: Callable[[], Iterable[Variant]]
    count: int
    source_sha256: str
    request: TriageRequest


def identity_of(engine: Engine, stream: Stream) -> str:
    """Everything that decides what a journal holds: rows of other code, tables or processors are not continued."""
    from engine.service.proteins import table_of

    request = stream.request
    card = engine.model(request.model).card
    device = checked_device(request.device or engine.settings.device)
    facts = {
        "product": VERSION,
        "code": code_fingerprint(),
        "source": stream.source_sha256,
        "reference": request.reference.identity,
        "gene_models": request.gene_models,
        "model": [card.id, card.revision],
        "weights": engine.fingerprint(request.model, request.weights),
        "splice": engine.fingerprint(request.splice) if request.splice else "",
        "assembly": request.assembly,
        "organism": request.organism,
        "missense": table_of(engine, request.missense, request.assembly) if request.missense else "",
        "clinvar": clinvar.identity_of(request.clinvar),
        "parameters": [request.parameters.window_bp, request.parameters.influence],
        "settings": [request.species, kind(device), checked_dtype(request.dtype or engine.settings.dtype, device)],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class _Counted(Stretch):
    """Passes progress on and counts it: a short piece may be done before anybody looked."""

    def __init__(self, monitor: Monitor) -> None:
        super().__init__(monitor)
        self.told = 0

    def advance(self, done: int) -> None:
        """Pass on."""
        self.told += done
        super().advance(done)


Ask = Callable[["TriageRequest", Monitor | None], Triage]
"""`engine.service.engine.Engine.run_triage`, or what does the same within a job."""


def run_stream(ask: Ask, stream: Stream, journal: Journal, monitor: Monitor) -> Triage:
    """Score what the journal does not hold yet, piece by piece; the triage reads its rows from the journal.

    Raises what ``ask`` raises; the journal then holds what was done.
    """
    monitor.start(stream.count, "variants")
    monitor.advance(len(journal))
    origin: Provenance | None = None
    seconds, bases = 0.0, 0
    left = itertools.islice(iter(stream.variants()), len(journal), None)
    before, size = len(journal), FIRST_PIECE
    while piece := tuple(itertools.islice(left, size)):
        watcher, began = _Counted(monitor), time.monotonic()
        found = ask(replace(stream.request, variants=piece), watcher)
        origin = origin or found.provenance
        seconds, bases = seconds + found.provenance.seconds, bases + found.provenance.sequence_length
        journal.add(found.rows, found.provenance.batches)
        watcher.advance(len(piece) - watcher.told)
        size = _next_size(size, time.monotonic() - began)
    if len(journal) != stream.count:
        raise FileFormatError(
            f"The file has {stream.count:,} variants but {len(journal):,} were scored; it changed meanwhile, begin again."
        )
    if origin is None:
        empty = replace(stream.request, variants=tuple(itertools.islice(iter(stream.variants()), 1)))
        origin = ask(empty, None).provenance
    rows = journal.rows()
    parameters = {**origin.parameters, "rows_from_an_earlier_run": before} if before else origin.parameters
    digest = hashlib.sha256(f"{stream.source_sha256} {stream.request.reference.identity}".encode()).hexdigest()
    told = replace(origin, parameters=parameters, seconds=seconds, sequence_sha256=digest, sequence_length=bases, batches=journal.batches)
    return Triage(rows, told)


def _next_size(size: int, seconds: float) -> int:
    """Alleles of the piece after one of ``size`` that took ``seconds``."""
    if seconds < PIECE_SECONDS:
        return min(PIECE, 2 * size)
    return max(1, size // 2) if seconds > 2 * PIECE_SECONDS else size


# ---- for visitors of a server -----------------------------------------------------------------------------------------------

UNFINISHED_DAYS = 7
_SHARE = 4
"""Of what visitors' files may take together on the disk, unfinished triages may take one part in so many."""


def keeps_unfinished(settings: Settings) -> bool:
    """Whether rows of a visitor's triage may be written to the disk, from where it goes on when it is asked again."""
    return settings.keep == "disk"


@contextlib.contextmanager
def unfinished(settings: Settings, identity: str) -> Iterator[Path | None]:
    """Where the rows of a visitor's triage are kept until it is finished; None where nothing may be written, and while another one of the same
    question writes there."""
    folder = visitor_files.folder_of(settings) / visitor_files.UNFINISHED
    if not keeps_unfinished(settings) or not writable(folder):
        yield None
        return
    _sweep(folder, visitor_files.bound_bytes(settings) // _SHARE)
    lock = filelock.FileLock(folder / f"{identity}.lock", thread_local=False)
    try:
        lock.acquire(blocking=False)
    except (filelock.Timeout, OSError):
        yield None
        return
    try:
        yield folder / f"{identity}.rows"
    finally:
        lock.release()


def _sweep(folder: Path, bound: int) -> None:
    """Delete what nobody came back for, and the oldest rows above the bound; what is being written stays."""
    now, total = time.time(), 0
    found = []
    for item in folder.iterdir():
        with contextlib.suppress(OSError):
            status = item.stat()
            found.append((status.st_mtime, status.st_size, item))
    for changed, size, item in sorted(found, reverse=True):
        total += size
        if now - changed > UNFINISHED_DAYS * 86_400 or (size and total > bound):
            _remove(item)


def _remove(item: Path) -> None:
    """Delete a file of a question, and its lock, unless somebody holds that."""
    path = item.with_suffix(".lock")
    lock = filelock.FileLock(path, thread_local=False)
    with contextlib.suppress(filelock.Timeout, OSError), lock.acquire(blocking=False):
        item.unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def run_unfinished(ask: Ask, stream: Stream, settings: Settings, identity: str, monitor: Monitor) -> Triage:
    """`run_stream` of a visitor's question, from where an earlier run of it ended; the rows are in memory."""
    with unfinished(settings, identity) as place:
        if place is None:
            return ask(stream.request, monitor)
        journal, done = Journal(place, identity), False
        try:
            found = run_stream(ask, stream, journal, monitor)
            found, done = Triage(tuple(found.rows), found.provenance), True
        finally:
            journal.close(done=done or not len(journal))
        return found
