"""Genome-wide runs: every window of a genome to a directory, resumable, by local processes or on a Ray cluster.

Layout of the directory: ``scan.json`` (everything that decides the numbers), ``windows/CONTIG/START-END.npz`` (a stretch of neighbouring
windows, 1-based inclusive: the arrays of each under ``START-END/NAME``, with ``sequence``, ``provenance`` and ``track_NAME``; of a stretch that is not
complete ``START-END.partial.npz``, from which the next run goes on), ``failed.tsv``
(windows that could not be computed, with the sentence), ``tracks/contigs/CONTIG/NAME.bw`` as each contig is done, and ``tracks/NAME.bw`` of
all, each under its name only when whole (``tracks/unfinished`` and ``.part`` until then); of analyses that rank what they find, ``ranked.tsv``. Windows that failed leave gaps in the tracks and are tried again by the next run. Workers of a cluster need genome and directory under
the same path.
"""

from __future__ import annotations

import io
import logging
import os
import time
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.analyses.declared import declared
from engine.core.errors import LocuscopeError, ModelError, SequenceError
from engine.core.locus import Locus
from engine.core.progress import Monitor, SilentMonitor
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.genome.plan import Plan, check_window, contig_hashes, identity, keep_identity
from engine.genome.ranking import Neighbours, write_ranked
from engine.genome.tracks import contig_folder, contig_tracks, forget_tracks, join_tracks
from engine.genome.windows import GenomeWindow, Stretch, partial_path, stretches
from engine.genome.workers import Outcome, of_each, outcomes
from engine.service.engine import Engine
from engine.service.triage import ReferenceLetters

__all__ = ["Plan", "compute_stretch", "scan"]

_log = logging.getLogger(__name__)
KEEP_SECONDS = 30.0
"""A stop loses at most so much of a stretch, and the window that was being computed."""


def scan(
    plan: Plan, folder: Path, settings: Settings, processes: int = 1, ray_address: str | None = None, monitor: Monitor | None = None
) -> int:
    """Compute what is missing of ``plan`` in ``folder``; the number of windows that failed.

    Raises
    ------
    InputError
        ``folder`` holds another run, or the genome cannot be read.
    ParameterError
        The model does not read windows of this size.
    SourceUnavailable
        A Ray address is given but Ray is not installed or does not answer.
    """
    watcher, settings = monitor or SilentMonitor(), of_each(settings, 1 if ray_address else processes)
    engine, reference = engine_of(settings), _reference(plan.genome, settings)
    lengths = reference.genomes.contigs("reference")
    if not (folder / "scan.json").exists():  # a run that has begun was checked then
        check_window(plan, engine, lengths)
        if processes > 1 or ray_address is not None:
            engine.release_models()
    keep_identity(identity(plan, engine, lengths, contig_hashes(reference, lengths, watcher)), folder)
    if doubt := engine.doubt(plan.model, Path(plan.weights) if plan.weights else None):
        _log.warning("%s", doubt)
    everything = list(stretches(lengths, plan.window_bp, plan.overlap_bp, _bytes_per_window(plan)))
    neighbours = Neighbours(Path(plan.annotation)) if plan.annotation else None
    if neighbours is not None and plan.non_coding:
        everything = list(neighbours.non_coding(everything))
    missing = [stretch for stretch in everything if not stretch.path(folder).exists()]
    watcher.start(sum(len(stretch.windows) for stretch in everything), "windows")
    watcher.advance(sum(len(stretch.windows) for stretch in everything) - sum(len(stretch.windows) for stretch in missing))
    contigs = _Contigs(everything, missing, lengths, folder)
    failed: list[str] = []
    for stretch, found in outcomes(plan, missing, folder, settings, processes, ray_address, compute_stretch):
        failed += [f"{stretch.contig}\t{name.replace('-', chr(9))}\t{sentence}\n" for name, sentence in found.items()]
        watcher.advance(len(stretch.windows))
        contigs.done(stretch)
    (folder / "failed.tsv").unlink(missing_ok=True)
    if failed:
        (folder / "failed.tsv").write_text("".join(failed), encoding="utf-8")
    contigs.finish()
    rank = declared(plan.analysis).ranked
    if rank is not None:
        write_ranked(rank, plan.parameters(), everything, lengths, folder, neighbours)
    return len(failed)


class _Contigs:
    """Writes a contig's tracks as soon as all of its stretches are done, and the joined ones at the end.

    Tracks of a contig with stretches to compute are taken away first: were the run stopped between a stretch and its track, the next one
    would take the old track for complete.
    """

    def __init__(self, everything: list[Stretch], missing: list[Stretch], lengths: dict[str, int], folder: Path) -> None:
        self._all: dict[str, list[Stretch]] = {}
        for stretch in everything:
            self._all.setdefault(stretch.contig, []).append(stretch)
        self._left = dict.fromkeys(self._all, 0)
        for stretch in missing:
            self._left[stretch.contig] += 1
        self._lengths, self._folder = lengths, folder
        for contig, left in self._left.items():
            if left:
                forget_tracks(contig, folder)

    def done(self, stretch: Stretch) -> None:
        """One more stretch is done."""
        self._left[stretch.contig] -= 1
        if not self._left[stretch.contig]:
            self._write(stretch.contig)

    def finish(self) -> None:
        """Write what was complete before this run began, and join."""
        for contig in self._all:
            if not self._left[contig] and not contig_folder(contig, self._folder).is_dir():
                self._write(contig)
        join_tracks(self._lengths, self._folder)

    def _write(self, contig: str) -> None:
        contig_tracks(contig, self._lengths[contig], self._all[contig], self._folder)


def _bytes_per_window(plan: Plan) -> int:
    return declared(plan.analysis).memory(NucleotideSequence("A" * plan.window_bp), plan.parameters())


def _reference(genome: str, settings: Settings) -> ReferenceLetters:
    return ReferenceLetters.of_file(Path(genome), settings)


@cache
def engine_of(settings: Settings) -> Engine:
    """One engine a process; nothing of a genome-wide run goes into the store, its answers are in the directory."""
    return Engine(settings, keep_on_disk=False)


@cache
def _reference_of_process(genome: str, settings: Settings) -> ReferenceLetters:
    return _reference(genome, settings)


def compute_stretch(plan: Plan, stretch: Stretch, folder: Path, settings: Settings) -> Outcome:
    """Compute the windows of a stretch and write their file; the sentence of each window that could not be computed, by its name.

    What there is of a stretch lies under a name that the next run does not take for complete, and from which it goes on: a stretch with
    windows that failed ends so, one that takes long is kept so as it goes. A slow model takes hours for a stretch.
    """
    path = stretch.path(folder)
    partial = partial_path(stretch, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    found, failed, kept_at = _kept(partial), dict[str, str](), time.monotonic()
    for window in stretch.windows:
        if window.name in found:
            continue
        if time.monotonic() - kept_at >= KEEP_SECONDS:
            _write(stretch, found, partial, np.savez)  # not compressed: there will be another one soon
            kept_at = time.monotonic()
        try:
            found[window.name] = _window_arrays(plan, window, settings)
        except ModelError:
            raise
        except LocuscopeError as error:
            failed[window.name] = " ".join(str(error).split())
    _write(stretch, found, partial if failed else path, np.savez_compressed)
    if not failed:
        partial.unlink(missing_ok=True)
    for leftover in path.parent.glob(f"{path.stem}.*.part"):  # of a run that was stopped while it wrote
        leftover.unlink(missing_ok=True)
    return failed


def _kept(partial: Path) -> dict[str, dict[str, Any]]:
    """Arrays of the windows of a stretch that an earlier run left, by window; none of a file that a crash of the machine left unreadable."""
    found: dict[str, dict[str, Any]] = {}
    try:
        with partial.open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
            for name in archive.files:
                window, _, array = name.partition("/")
                found.setdefault(window, {})[array] = archive[name]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return {}
    return found


def _write(stretch: Stretch, found: dict[str, dict[str, Any]], target: Path, save: Callable[..., None]) -> None:
    """Write what there is of a stretch, in the order of its windows; under its name only when whole."""
    arrays = {f"{window.name}/{name}": values for window in stretch.windows for name, values in found.get(window.name, {}).items()}
    temporary = target.with_name(f"{target.name.partition('.')[0]}.{os.getpid()}.part")
    content = io.BytesIO()
    save(content, allow_pickle=False, **arrays)
    temporary.write_bytes(content.getvalue())
    temporary.replace(target)


def _window_arrays(plan: Plan, window: GenomeWindow, settings: Settings) -> dict[str, Any]:
    """Arrays of one window, nothing where no base is known. Raises `LocuscopeError`."""
    if window.end <= window.start:
        raise SequenceError(f"The contig {window.contig} has no letters.")
    locus = Locus("reference", window.contig, window.start, window.end)
    sequence = _reference_of_process(plan.genome, settings).genomes.fetch(locus)
    if sequence.ambiguous_count == len(sequence):
        return {}
    result = engine_of(settings).run(plan.request(sequence))
    tracks = {f"track_{track.name}": track.values for track in result.tracks()}
    texts = {"sequence": np.array(result.sequence.letters), "provenance": np.array(result.provenance.to_json())}
    return {**result.arrays(), **tracks, **texts}
