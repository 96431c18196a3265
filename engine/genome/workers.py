"""Who computes the stretches of a genome-wide run: this process, local processes, or a Ray cluster."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.core.errors import ResourceExhausted, SourceUnavailable
from engine.core.settings import Settings
from engine.genome.plan import Plan
from engine.genome.windows import Stretch

Outcome = dict[str, str]
"""Sentences of windows that failed, by their names; empty = all of the stretch is done."""
Compute = Callable[[Plan, Stretch, Path, Settings], Outcome]

QUEUED_PER_WORKER = 2
PARENT_LOOK_SECONDS = 2.0
RAY_SECONDS = 12.0


def outcomes(
    plan: Plan, missing: list[Stretch], folder: Path, settings: Settings, processes: int, ray_address: str | None, compute: Compute
) -> Iterator[tuple[Stretch, Outcome]]:
    """Every stretch with its outcome, as they come."""
    if ray_address is not None:
        yield from _on_ray(plan, missing, folder, settings, ray_address, compute)
    elif processes <= 1:
        for stretch in missing:
            yield stretch, compute(plan, stretch, folder, settings)
    else:
        yield from _in_processes(plan, missing, folder, settings, processes, compute)


def of_each(settings: Settings, processes: int) -> Settings:
    """Settings of each of several local processes, which share the cores."""
    if processes <= 1:
        return settings
    return replace(settings, threads=settings.threads or max(1, (os.cpu_count() or 1) // processes))


def _in_processes(
    plan: Plan, missing: list[Stretch], folder: Path, settings: Settings, processes: int, compute: Compute
) -> Iterator[tuple[Stretch, Outcome]]:
    """Local processes that share the cores; a stop by the keyboard ends after the stretches that are being computed."""
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=begin_worker, initargs=(os.getpid(),))

    def submit(stretch: Stretch) -> Future[Outcome]:
        return pool.submit(compute, plan, stretch, folder, settings)

    try:
        yield from _bounded(missing, submit, processes * QUEUED_PER_WORKER)
    except BrokenProcessPool as error:
        raise ResourceExhausted(
            "A process of the run was ended from outside, mostly for want of memory; use fewer --processes or a smaller --window."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def begin_worker(parent: int) -> None:
    """Leave the keyboard to the parent, and end within seconds when the parent is gone, however it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), name="watches-its-parent", daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_LOOK_SECONDS)
    os._exit(1)


def _bounded(missing: list[Stretch], submit: Callable[[Stretch], Future[Outcome]], most: int) -> Iterator[tuple[Stretch, Outcome]]:
    """Outcomes as they come, never more than ``most`` tasks waiting, so that a genome's list of windows is not copied to workers at once."""
    running: dict[Future[Outcome], Stretch] = {}
    rest = iter(missing)
    while True:
        for stretch in rest:
            running[submit(stretch)] = stretch
            if len(running) >= most:
                break
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            yield running.pop(future), future.result()


def _on_ray(
    plan: Plan, missing: list[Stretch], folder: Path, settings: Settings, address: str, compute: Compute
) -> Iterator[tuple[Stretch, Outcome]]:
    ray = _connected(address)
    task = ray.remote(compute)
    most = max(1, int(ray.cluster_resources().get("CPU", 1))) * QUEUED_PER_WORKER
    running: dict[Any, Stretch] = {}
    rest = iter(missing)
    while True:
        for stretch in rest:
            running[task.remote(plan, stretch, folder, settings)] = stretch
            if len(running) >= most:
                break
        if not running:
            return
        for reference in ray.wait(list(running), num_returns=1)[0]:
            yield running.pop(reference), ray.get(reference)


def _connected(address: str) -> Any:
    """Ray, connected. Raises `SourceUnavailable` within `RAY_SECONDS` when nothing answers."""
    try:
        import ray
    except ImportError as error:
        raise SourceUnavailable(
            "--ray needs the package ray, which is not installed; install it, or leave --ray out for local processes."
        ) from error
    refusal = f"No Ray cluster answers at {address[:80]!r}; start one, or leave --ray out for local processes."
    _check_port(address, refusal)
    failure: list[BaseException] = []

    def connect() -> None:
        try:
            ray.init(address=address, ignore_reinit_error=True)
        except (ConnectionError, ValueError, RuntimeError, OSError, TimeoutError) as error:
            failure.append(error)

    thread = threading.Thread(target=connect, name="ray-connects", daemon=True)
    thread.start()
    thread.join(RAY_SECONDS)
    if thread.is_alive():
        raise SourceUnavailable(refusal)
    if failure:
        raise SourceUnavailable(refusal) from failure[0]
    return ray


def _check_port(address: str, refusal: str) -> None:
    """Raise `SourceUnavailable` when the address names a host and a port where nothing listens; ``auto`` and ``local`` name none."""
    try:
        parts = urlsplit(address if "://" in address else f"ray://{address}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise SourceUnavailable(refusal) from error
    if host is None or port is None:
        return
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError as error:
        raise SourceUnavailable(refusal) from error
