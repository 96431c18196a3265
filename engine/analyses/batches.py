"""The batches of an analysis: one after the other, or on the cores of a CPU side by side; smaller ones when memory runs out."""

from __future__ import annotations

import contextvars
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from typing import Literal, TypeVar

from engine.core.errors import ResourceExhausted, is_out_of_memory

_log = logging.getLogger(__name__)

Found = TypeVar("Found")
Span = tuple[int, int]

MOST_WORKERS = 8
"""Beyond this, cores are shared out among the workers: Python hands work to one thread at a time."""
SHARES = 4
"""Short work on a CPU is shared out into so many batches, whatever the number of cores is: the last bits of a score depend on what else is in
its batch."""
ROUND_SECONDS = 0.3
"""Batches go to the workers in rounds that end before the next begins, where progress, turns and a cancel come in: as many a worker as take about
so long, at least one. Who is done first waits for the last: by the times of a map's batches (300 bases, two cores) 8 % of the whole with one batch
a worker, 4 % with four."""
FIRST_ENDS = (3, 15, 27)
"""Where the first batches on a CPU end: the first alone, while what the model keeps of a reference is filled; after the next two, nine rows of a
map that is computed coarse to fine are a picture."""


def batches(
    count: int,
    size: int,
    compute: Callable[[int, int], Found],
    take: Callable[[int, int, Found], None],
    *,
    device: str = "",
    begin: int = 0,
) -> None:
    """``take(start, end, compute(start, end))`` over ``begin``..count in order, in steps of at most ``size``.

    When the device's memory runs out batches are computed one after the other, then the step is halved, which `unusual_batches` tells; what was
    taken is kept.

    Parameters
    ----------
    compute : callable
        Changes nothing but what a model keeps for itself.
    take : callable
        Runs in the calling thread, while nothing is being computed.
    device : str
        ``cpu`` allows several ``compute`` at once, each in a thread and on a core of its own, after a first one has
        filled what the model keeps of a reference. All cores in every product have to wait for each other at each: on two quiet cores maps
        of 76 to 1,000 bases took 0.9 to 1.2 times as long that way, beside another busy program 1.7 to 2.2 times, beside several 9 times.
        The batches are the same ones on any number of cores and in rounds of any number, so that answers are equal to the last bit.
    begin : int
        The end of a batch of an earlier call, from which this one goes on with the batches that call would have gone on with.

    Raises
    ------
    ResourceExhausted
        One sequence alone does not fit.
    """
    workers = _workers(device)
    size, start, together = max(1, size), begin, 1
    shared_out = device == "cpu"
    while start < count:
        spans = _spans(start, count, size, shared_out)
        spans = spans[:1] if workers is None else _for_all(spans[:together], workers.count)
        began = time.perf_counter()
        try:
            found = [compute(*spans[0])] if workers is None else workers.run(compute, spans)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if size == 1 and workers is None:
                raise ResourceExhausted(
                    "One forward pass does not fit in the memory of this device; use a shorter sequence, a smaller model or another device."
                ) from error
        else:
            took = time.perf_counter() - began
            for span, one in zip(spans, found, strict=True):
                take(*span, one)
            start = spans[-1][1]
            if workers is not None:
                together = workers.count * max(1, int(len(spans) / workers.count * ROUND_SECONDS / (took + 1e-9)))
            continue
        if workers is None:
            size = size // 2
            note_unusual("smaller")
        workers = None
        _log.warning("out of device memory: batches of %d sequences, one after the other, from here on", size)
        _free_memory()  # here, where the failed batch's frames, which held its tensors, are gone


_unusual: ContextVar[frozenset[str] | None] = ContextVar("unusual", default=None)


@contextmanager
def one_answer(before: str = "") -> Iterator[None]:
    """Inside, `unusual_batches` speaks of this answer only, and of what is known of it from ``before`` it was stopped."""
    token = _unusual.set(frozenset(before.split(", ") if before else ()))
    try:
        yield
    finally:
        _unusual.reset(token)


def note_unusual(how: Literal["smaller", "shared"]) -> None:
    """A batch of this answer was not the one that its question alone decides, so that the last bits of its scores may differ; outside of an
    answer nothing is noted."""
    known = _unusual.get()
    if known is not None:
        _unusual.set(known | {how})


def unusual_batches() -> str:
    """``smaller`` (memory ran out), ``shared`` (with another question, on a GPU), both with a comma, or nothing."""
    return ", ".join(sorted(_unusual.get() or ()))


def each(device: str, *computations: Callable[[], Found]) -> list[Found]:
    """What computations return that change nothing but what a model keeps for itself; on a CPU side by side, as in `batches`."""
    workers = _workers(device)
    if workers is None:
        return [one() for one in computations]
    return workers.run(lambda start, end: computations[start](), [(place, place + 1) for place in range(len(computations))])


_in_turn: ContextVar[bool] = ContextVar("in_turn", default=False)


@contextmanager
def in_turn() -> Iterator[None]:
    """One batch after the other inside, whatever the device: what `engine.bench.shipped` compares with."""
    token = _in_turn.set(True)
    try:
        yield
    finally:
        _in_turn.reset(token)


def _free_memory() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _spans(start: int, count: int, size: int, shared_out: bool) -> list[Span]:
    """The next batches, at most `MOST_WORKERS`: the first ones small where work is ``shared_out``, none across the whole triples (a base's three
    substitutions) where they fit."""
    if not shared_out:
        return [(start, min(count, start + size))]
    if start == 0:
        return [(0, min(count, size, FIRST_ENDS[0]))]
    if start in FIRST_ENDS[:-1] and size >= FIRST_ENDS[1]:
        return [(first, min(count, end)) for first, end in pairwise(FIRST_ENDS) if start <= first < count]
    share = -(-count // SHARES)
    step = min(size, -(-share // 3) * 3)
    return [(first, min(count, first + step)) for first in range(start, min(count, start + MOST_WORKERS * step), step)]


def _for_all(spans: list[Span], workers: int) -> list[Span]:
    """As many of ``spans`` as give every worker the same number, or all where they are fewer than the workers."""
    return spans[: max(workers, len(spans) // workers * workers)]


class _Workers:
    """Threads that compute, each with ``threads`` cores for its products."""

    def __init__(self, count: int, threads: int) -> None:
        import torch

        self.count = count
        self._pool = ThreadPoolExecutor(count, "passes")
        before, together = torch.get_num_threads(), threading.Barrier(count)

        def own_cores() -> None:
            together.wait()
            torch.get_num_threads()  # a thread that never asked takes the process's number at its first product
            torch.set_num_threads(threads)

        wait([self._pool.submit(own_cores) for _ in range(count)])
        torch.set_num_threads(before)  # the number is each thread's own, but new threads start with the one that was set last

    def run(self, compute: Callable[[int, int], Found], spans: list[Span]) -> list[Found]:
        """What ``compute`` returns for each span; when one fails, its error, after all have ended."""
        import torch

        inference = torch.is_inference_mode_enabled()

        def one(span: Span) -> Found:
            with torch.inference_mode(inference):
                return compute(*span)

        futures = [self._pool.submit(contextvars.copy_context().run, one, span) for span in spans]
        wait(futures)
        return [future.result() for future in futures]


_making = threading.Lock()


def _workers(device: str) -> _Workers | None:
    """The workers of this process for as many cores as torch may use; None with a single core and on other devices."""
    if device != "cpu" or _in_turn.get():
        return None
    import torch

    cores = torch.get_num_threads()
    if cores < 2:
        return None
    count = min(cores, MOST_WORKERS)
    with _making:
        return _made(count, cores // count)


@functools.cache
def _made(count: int, threads: int) -> _Workers:
    return _Workers(count, threads)
