"""The shipped model's part of the table: seconds of whole maps, what it costs to be watched, and what a second visitor waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.analyses.batches import in_turn
from engine.analyses.dependency import DependencyParameters, dependency_map
from engine.bench.measure import LENGTHS, Row, interleaved, one_thread, peak_bytes, random_letters
from engine.core.errors import Cancelled
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.registry import entry
from engine.service.jobs import Job, JobMonitor
from engine.service.turns import Turns


def shipped_rows(folder: Path, lengths: tuple[int, ...]) -> Iterator[Row]:
    """Seconds of a whole map with the shipped model, in every precision it offers, and how they grow with length; as they are measured."""
    group = "The shipped model, one thread"
    model: Any = entry("locuscope").load(folder, LoadOptions())
    with one_thread():
        for precision in getattr(model, "precisions", ("exact",)):
            seconds: dict[int, float] = {}
            for length in lengths:
                seconds[length], note = _map_seconds(model, length, precision)
                yield Row(group, f"{precision}: map of {length:,} nt", seconds[length], "s", note)
            if len(lengths) > 2:
                growth = np.polyfit(np.log(lengths[1:]), np.log([seconds[length] for length in lengths[1:]]), 1)[0]
                yield Row(group, f"{precision}: growth with length", float(growth), "", "exponent between 300 and the longest")
        if len(lengths) > 2:
            yield _watched_row(group, model)
            yield _visitor_row(group, model)
        peak = peak_bytes(lambda: _map_seconds(model, lengths[-1], "exact")) if len(lengths) > 2 else None
    if peak is not None:
        yield Row(group, f"peak memory, {lengths[-1]:,} nt", peak / 1e6, "MB", "activations of the model included")
    if len(lengths) > 2 and torch.get_num_threads() > 1:
        yield from _cores_rows(model)


def _watched_row(group: str, model: Any, length: int = 300) -> Row:
    """What a map costs more as a page computes it: in turns, telling its progress, somebody looking at the partial map all the time."""
    sequence = NucleotideSequence(random_letters(length))

    def watched() -> None:
        job = Job("bench", None)
        monitor, ended = JobMonitor(job), threading.Event()

        def look() -> None:
            while not ended.wait(0.2):
                _ = job.partial

        looking = threading.Thread(target=look)
        looking.start()
        with monitor.computing(Turns(), threading.Lock()):
            dependency_map(model, sequence, monitor=monitor)
        ended.set()
        looking.join()

    best = interleaved({"alone": lambda: dependency_map(model, sequence), "watched": watched}, 3)
    more = 100 * (best["watched"] / best["alone"] - 1)
    return Row(group, f"progress, turns and partial maps, {length:,} nt", more, "%", "longer than without")


def _visitor_row(group: str, model: Any, short: int = 76, long: int = 1000) -> Row:
    """How long a short map takes on a device and a model that another visitor's long map holds. Wall-clock seconds."""
    turns, lock, stopped = Turns(), threading.Lock(), Job("long", None, 60.0)
    stopped.join("first")

    def computed(job: Job, length: int) -> float:
        monitor, began = JobMonitor(job), time.perf_counter()
        with suppress(Cancelled), monitor.computing(turns, lock):
            dependency_map(model, NucleotideSequence(random_letters(length)), monitor=monitor)
        return time.perf_counter() - began

    def asked() -> float:
        job = Job("short", None, 1.0)
        job.join("second")
        return computed(job, short)

    alone = min(asked(), asked())
    other = threading.Thread(target=computed, args=(stopped, long))
    other.start()
    time.sleep(2)
    beside = asked()
    stopped.cancel()
    other.join()
    return Row(group, f"map of {short:,} nt beside one of {long:,} nt", beside, "s", f"wall clock; alone {alone:.2g} s")


def _cores_rows(model: Any, lengths: tuple[int, ...] = (76, 300), repeats: int = 2) -> list[Row]:
    """Batches side by side against all cores in every product, wall-clock."""
    rows = []
    for length in lengths:
        sequence = NucleotideSequence(random_letters(length))

        def work(sequence: NucleotideSequence = sequence) -> None:
            dependency_map(model, sequence)

        def all_cores(work: Callable[[], None] = work) -> None:
            with in_turn():
                work()

        best = interleaved({"in turn": all_cores, "side by side": work}, repeats, time.perf_counter)
        what = f"{torch.get_num_threads()} cores, batches side by side, {length:,} nt"
        rows.append(Row("The shipped model, all cores", what, best["side by side"], "s", "wall clock, as the engine chooses"))
        rows.append(Row("The shipped model, all cores", f"{what}: times as fast", best["in turn"] / best["side by side"], "x"))
    return rows


def _map_seconds(model: Any, length: int, precision: str) -> tuple[float, str]:
    """Processor seconds of a whole map, from all its passes or (beyond 300 nt) from those of some bases in its middle."""
    sequence = NucleotideSequence(random_letters(length))
    whole = 3 * length + 1
    if length <= LENGTHS[1]:
        parameters = DependencyParameters(precision=precision)  # type: ignore[arg-type]
        return interleaved({"map": lambda: dependency_map(model, sequence, parameters)}, 1)["map"], f"{whole:,} passes"
    few, many = (DependencyParameters(window=(length // 2, length // 2 + bases), precision=precision) for bases in (3, 12))  # type: ignore[arg-type]
    best = interleaved({"few": lambda: dependency_map(model, sequence, few), "many": lambda: dependency_map(model, sequence, many)}, 2)
    a_pass = (best["many"] - best["few"]) / (3 * (12 - 3))
    return best["few"] + a_pass * (whole - 10), f"estimated from 10 and 37 of {whole:,} passes"
