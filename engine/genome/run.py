"""Genome-wide runs: every window of a genome to a directory, resumable, by local processes or on a Ray cluster.

Layout of the directory: ``scan.json`` (what is computed), ``windows/CONTIG/START-END.npz`` (1-based inclusive; the arrays of the analysis,
``sequence``, ``provenance`` and ``track_NAME``), ``failed.tsv`` (windows a model refused, with the sentence), and, when all windows are
there, ``tracks/NAME.bw``. A run that was stopped goes on where it was. Workers of a cluster need genome and directory under the same path.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.analyses.declared import analyses, declared
from engine.core.errors import InputError, LocuscopeError, ModelError, ParameterError, ResourceExhausted, SourceUnavailable
from engine.core.progress import Monitor, SilentMonitor
from engine.core.settings import Settings
from engine.service.engine import Engine
from engine.service.requests import Request
from engine.service.triage import ReferenceLetters

logger = logging.getLogger(__name__)

Outcome = Literal["done", "skipped"] | str
_QUEUED_PER_WORKER = 4


@dataclass(frozen=True)
class Plan:
    """What a genome-wide run computes; two runs with the same plan write the same files.

    ``window_bp`` bases are seen at once; neighbours overlap by ``overlap_bp``, of which each keeps its half in the tracks.
    """

    genome: str
    analysis: str = "probabilities"
    model: str = ""
    weights: str = ""
    species: str = ""
    device: str = ""
    dtype: str = ""
    window_bp: int = 1000
    overlap_bp: int = 200

    def __post_init__(self) -> None:
        allowed = [name for name, row in analyses().items() if row.windows]
        if self.analysis not in allowed:
            raise ParameterError(f"The analysis is {self.analysis!r}; a genome-wide run can do {', '.join(allowed)}.")
        if self.window_bp < 10 or not 0 <= self.overlap_bp < self.window_bp:
            raise ParameterError(
                f"The window is {self.window_bp} bases with an overlap of {self.overlap_bp}; allowed: a window of 10 or more, a smaller overlap."
            )


@dataclass(frozen=True)
class Tile:
    """A window ``[start, end)`` of a contig, of which ``[first, last)`` goes into the tracks; 0-based."""

    contig: str
    start: int
    end: int
    first: int
    last: int

    def path(self, folder: Path) -> Path:
        """Where its answer lies."""
        return folder / "windows" / self.contig.replace("/", "_") / f"{self.start + 1}-{self.end}.npz"


def tiles(contig: str, length: int, window_bp: int, overlap_bp: int) -> tuple[Tile, ...]:
    """Windows that cover a contig; the last one is moved left to be whole. Their kept parts meet without gap or overlap."""
    starts = [min(start, max(0, length - window_bp)) for start in range(0, max(1, length - overlap_bp), window_bp - overlap_bp)]
    ends = [min(length, start + window_bp) for start in starts]
    borders = [0, *((end + start) // 2 for end, start in zip(ends, starts[1:], strict=False)), length]
    return tuple(Tile(contig, *place) for place in zip(starts, ends, borders, borders[1:], strict=False))


def scan(
    plan: Plan, folder: Path, settings: Settings, processes: int = 1, ray_address: str | None = None, monitor: Monitor | None = None
) -> int:
    """Compute what is missing of ``plan`` in ``folder``; the number of windows that failed.

    Raises
    ------
    InputError
        ``folder`` holds another run, or the genome cannot be read.
    SourceUnavailable
        A Ray address is given but Ray is not installed.
    """
    watcher = monitor or SilentMonitor()
    lengths = _lengths(plan, settings)
    weights = _engine(settings).fingerprint(
        plan.model or declared(plan.analysis).default_model, Path(plan.weights) if plan.weights else None
    )
    _keep_plan(plan, lengths, weights, folder)
    everything = [tile for contig, length in lengths.items() for tile in tiles(contig, length, plan.window_bp, plan.overlap_bp)]
    missing = [tile for tile in everything if not tile.path(folder).exists()]
    watcher.start(len(everything), "windows")
    watcher.advance(len(everything) - len(missing))
    failed: dict[Tile, str] = {}
    skipped = 0
    for tile, outcome in _outcomes(plan, missing, folder, settings, processes, ray_address):
        if outcome == "skipped":
            skipped += 1
        elif outcome != "done":
            failed[tile] = outcome
        watcher.advance(1)
    lines = [f"{tile.contig}\t{tile.start + 1}\t{tile.end}\t{sentence}\n" for tile, sentence in failed.items()]
    (folder / "failed.tsv").unlink(missing_ok=True)
    if failed:
        (folder / "failed.tsv").write_text("".join(lines), encoding="utf-8")
    else:
        write_tracks(everything, lengths, folder)
    return len(failed)


def _lengths(plan: Plan, settings: Settings) -> dict[str, int]:
    return _reference(plan.genome, settings).genomes.contigs("reference")


def _reference(genome: str, settings: Settings) -> ReferenceLetters:
    return ReferenceLetters.of_file(Path(genome), settings)


def _keep_plan(plan: Plan, lengths: dict[str, int], weights: str, folder: Path) -> None:
    """Write the plan, or check that the one in ``folder`` is the same."""
    path = folder / "scan.json"
    text = json.dumps({"plan": asdict(plan), "contigs": lengths, "weights": weights}, indent=2, sort_keys=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise InputError(f"{folder} holds a run with other settings or weights (scan.json); name another --out, or the same settings.")
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"The folder {str(folder)!r} cannot be written: {error.strerror}; name another --out.") from error


def _outcomes(
    plan: Plan, missing: list[Tile], folder: Path, settings: Settings, processes: int, ray_address: str | None
) -> Iterator[tuple[Tile, Outcome]]:
    if ray_address is not None:
        yield from _on_ray(plan, missing, folder, settings, ray_address)
    elif processes <= 1:
        for tile in missing:
            yield tile, compute_tile(plan, tile, folder, settings)
    else:
        yield from _in_processes(plan, missing, folder, settings, processes)


def _in_processes(plan: Plan, missing: list[Tile], folder: Path, settings: Settings, processes: int) -> Iterator[tuple[Tile, Outcome]]:
    """Local processes that share the cores; a stop by the keyboard ends after the windows that are being computed."""
    each = replace(settings, threads=settings.threads or max(1, (os.cpu_count() or 1) // processes))
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_leave_the_keyboard_to_the_parent)

    def submit(tile: Tile) -> Future[Outcome]:
        return pool.submit(compute_tile, plan, tile, folder, each)

    try:
        yield from _bounded(missing, submit, processes * _QUEUED_PER_WORKER)
    except BrokenProcessPool as error:
        raise ResourceExhausted(
            "A process of the run was ended from outside, mostly for want of memory; use fewer --processes or a smaller --window."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _leave_the_keyboard_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _bounded(missing: list[Tile], submit: Callable[[Tile], Future[Outcome]], most: int) -> Iterator[tuple[Tile, Outcome]]:
    """Outcomes as they come, never more than ``most`` tasks waiting, so that a genome's list of windows is not copied to workers at once."""
    running: dict[Future[Outcome], Tile] = {}
    rest = iter(missing)
    while True:
        for tile in rest:
            running[submit(tile)] = tile
            if len(running) >= most:
                break
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            yield running.pop(future), future.result()


def _on_ray(plan: Plan, missing: list[Tile], folder: Path, settings: Settings, address: str) -> Iterator[tuple[Tile, Outcome]]:
    try:
        import ray
    except ImportError as error:
        raise SourceUnavailable(
            "--ray needs the package ray, which is not installed; install it, or leave --ray out for local processes."
        ) from error
    try:
        ray.init(address=address, ignore_reinit_error=True)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise SourceUnavailable(f"No Ray cluster answers at {address!r}; start one, or leave --ray out for local processes.") from error
    task = ray.remote(compute_tile)
    most = max(1, int(ray.cluster_resources().get("CPU", 1))) * _QUEUED_PER_WORKER
    running: dict[Any, Tile] = {}
    rest = iter(missing)
    while True:
        for tile in rest:
            running[task.remote(plan, tile, folder, settings)] = tile
            if len(running) >= most:
                break
        if not running:
            return
        for reference in ray.wait(list(running), num_returns=1)[0]:
            yield running.pop(reference), ray.get(reference)


@cache
def _engine(settings: Settings) -> Engine:
    """One engine a process; nothing of a genome-wide run goes into the store, its answers are in the directory."""
    return Engine(settings, keep_on_disk=False)


def compute_tile(plan: Plan, tile: Tile, folder: Path, settings: Settings) -> Outcome:
    """Compute one window and write its file; ``done``, ``skipped`` (no base is known), or the sentence why not."""
    letters = _reference_of_process(plan.genome, settings).genomes.fetch(_locus(tile))
    if letters.ambiguous_count == len(letters):
        return "skipped"
    request = Request(
        plan.analysis,
        letters,
        plan.model,
        species=plan.species,
        weights=Path(plan.weights) if plan.weights else None,
        device=plan.device,
        dtype=plan.dtype,
    )
    try:
        result = _engine(settings).run(request)
    except ModelError:
        raise
    except LocuscopeError as error:
        return str(error)
    _write_tile(result, tile.path(folder))
    return "done"


@cache
def _reference_of_process(genome: str, settings: Settings) -> ReferenceLetters:
    return _reference(genome, settings)


def _locus(tile: Tile) -> Any:
    from engine.core.locus import Locus

    return Locus("reference", tile.contig, tile.start, tile.end)


def _write_tile(result: Any, path: Path) -> None:
    arrays = {**result.arrays(), **{f"track_{track.name}": track.values for track in result.tracks()}}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.part")
    with temporary.open("wb") as handle:
        texts = {"sequence": np.array(result.sequence.letters), "provenance": np.array(result.provenance.to_json())}
        np.savez_compressed(handle, allow_pickle=False, **arrays, **texts)
    temporary.replace(path)


def write_tracks(everything: list[Tile], lengths: dict[str, int], folder: Path) -> tuple[Path, ...]:
    """Join the kept parts of all windows into one bigWig a track; windows that were skipped leave gaps."""
    import pyBigWig

    with contextlib.ExitStack() as stack:
        files: dict[str, Any] = {}
        for tile in everything:
            if not tile.path(folder).exists():
                continue
            with np.load(tile.path(folder), allow_pickle=False) as archive:
                found = {name.removeprefix("track_"): archive[name] for name in archive.files if name.startswith("track_")}
            for name, values in found.items():
                if name not in files:
                    (folder / "tracks").mkdir(exist_ok=True)
                    files[name] = pyBigWig.open(str(folder / "tracks" / f"{name}.bw"), "w")
                    stack.callback(files[name].close)
                    files[name].addHeader(list(lengths.items()))
                _add(files[name], tile, values)
    return tuple(folder / "tracks" / f"{name}.bw" for name in files)


def _add(file: Any, tile: Tile, values: Any) -> None:
    kept = values[tile.first - tile.start : tile.last - tile.start].astype(np.float64)
    places = np.flatnonzero(np.isfinite(kept))
    if len(places):
        at = (places + tile.first).tolist()
        file.addEntries([tile.contig] * len(at), at, ends=[start + 1 for start in at], values=kept[places].tolist())
