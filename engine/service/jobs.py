"""Computations in the background: turns on a device that are fair between visitors, progress, time left, cancel.

A computing thread holds its device only for a slice of time. Every `Monitor.advance` call of an analysis is a point where it hands
the device to whoever has used it least, so that a short question is answered while a long map is being filled.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from engine.core.errors import Cancelled, LocuscopeError, ResourceExhausted
from engine.core.progress import Monitor

logger = logging.getLogger(__name__)

State = Literal["queued", "running", "done", "cancelled", "failed"]
SLICE_SECONDS = 0.1
CREDIT_SECONDS = 3.0
PARTIAL_SECONDS = 0.4
PARTIAL_SHARE = 50.0
MOST_PARTIAL_SECONDS = 10.0
LOOK_SECONDS = 10.0


class InternalError(LocuscopeError):
    """Something went wrong that the engine did not foresee; the server's log has the details."""


@dataclass(frozen=True, eq=False)
class _Ticket:
    visitor: str
    order: int


class DeviceGate:
    """One thread at a time computes on a device; the waiting visitor who has used it least goes next.

    A visitor who arrives starts `CREDIT_SECONDS` ahead of the line that those present have reached: a short question is answered before
    a long one goes on, and what was saved up by staying away is no more than that.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._waiting: list[_Ticket] = []
        self._holder: _Ticket | None = None
        self._since = 0.0
        self._used: dict[str, float] = {}
        self._line = 0.0
        self._orders = itertools.count()

    def acquire(self, visitor: str, give_up: Callable[[], bool]) -> None:
        """Wait for a turn. Raises `Cancelled` when ``give_up`` turns true first."""
        with self._condition:
            ticket = _Ticket(visitor, next(self._orders))
            self._level(visitor)
            self._waiting.append(ticket)
            try:
                while self._holder is not None or self._next() is not ticket:
                    if give_up():
                        raise Cancelled("The computation was cancelled while it waited for its turn.")
                    self._condition.wait(0.1)
                self._holder, self._since = ticket, time.monotonic()
                self._line = max(self._line, self._used[visitor])
            finally:
                self._waiting.remove(ticket)
                self._condition.notify_all()

    def release(self) -> None:
        """End the turn and charge its time to the visitor."""
        with self._condition:
            if self._holder is not None:
                self._used[self._holder.visitor] = self._used.get(self._holder.visitor, 0.0) + time.monotonic() - self._since
            self._holder = None
            self._condition.notify_all()

    def should_yield(self) -> bool:
        """Whether the holder's slice is over and somebody waits."""
        return bool(self._waiting) and time.monotonic() - self._since >= SLICE_SECONDS

    def waiting_before(self, visitor: str) -> int:
        """How many turns of others come before a newcomer's, the one in progress included."""
        with self._condition:
            mine = self._used.get(visitor, 0.0)
            ahead = sum(1 for ticket in self._waiting if ticket.visitor != visitor and self._used.get(ticket.visitor, 0.0) <= mine)
            return ahead + (self._holder is not None and self._holder.visitor != visitor)

    def _next(self) -> _Ticket:
        return min(self._waiting, key=lambda ticket: (self._used.get(ticket.visitor, 0.0), ticket.order))

    def _level(self, visitor: str) -> None:
        """Give a visitor who was away the account of a newcomer, unless the own one is higher."""
        present = {ticket.visitor for ticket in self._waiting}
        if self._holder is not None:
            present.add(self._holder.visitor)
        if visitor not in present:
            newcomer = self._line - CREDIT_SECONDS
            self._used = {name: used for name, used in self._used.items() if name in present or used > newcomer}
            self._used[visitor] = max(self._used.get(visitor, newcomer), newcomer)


class Job:
    """One computation that a page follows; several visitors with the same question hold the same job.

    ``state`` is ``queued``, ``running``, ``done``, ``cancelled`` or ``failed``; ``stage`` says in words what happens now.
    ``done`` of ``total`` ``unit`` are finished. ``partial`` is the newest snapshot, marked partial in its provenance; it stays after a cancel.
    """

    def __init__(self, key: str, request: Any) -> None:
        self.key = key
        self.request = request
        self.state: State = "queued"
        self.stage = "waiting"
        self.done = 0
        self.total = 0
        self.unit = ""
        self.error: LocuscopeError | None = None
        self.result: Any | None = None
        self.visitors: set[str] = set()
        self._partial: Any | None = None
        self._looked = -LOOK_SECONDS
        self._started = 0.0
        self._finished = threading.Event()
        self._stop = threading.Event()
        self._gate: DeviceGate | None = None

    @property
    def partial(self) -> Any | None:
        """Newest snapshot, or None; reading it asks for fresher ones."""
        self._looked = time.monotonic()
        return self._partial

    @property
    def finished(self) -> bool:
        """Whether the state will not change any more."""
        return self._finished.is_set()

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the pace so far; None before the first unit is done."""
        if self.finished:
            return 0.0
        if not self.done or not self.total:
            return None
        return (time.monotonic() - self._started) * (self.total - self.done) / self.done

    @property
    def queue_position(self) -> int:
        """Turns of others before this job's first; 0 once it runs."""
        if self.state != "queued" or self._gate is None:
            return 0
        return self._gate.waiting_before(next(iter(self.visitors), ""))

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._stop.is_set()

    def cancel(self, visitor: str | None = None) -> None:
        """Stop, keeping the partial result; with ``visitor``, only when no other visitor waits for the same answer."""
        if visitor is not None:
            self.visitors.discard(visitor)
            if self.visitors:
                return
        self._stop.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until finished; False when ``timeout`` seconds passed first."""
        return self._finished.wait(timeout)

    def answer(self) -> Any:
        """The result of a finished job; raises its error or `Cancelled` when there is none."""
        if self.state == "done":
            return self.result
        if self.error is not None:
            raise self.error
        raise Cancelled("The computation was cancelled; what was finished is kept as a partial result.")

    def _finish(self, state: State, result: Any | None = None, error: LocuscopeError | None = None) -> None:
        self.result, self.error = result, error
        if state == "done":
            self.done = self.total = max(self.total, 1)
        self.state = state
        self._finished.set()


def finished_job(key: str, request: Any, result: Any, origin: str = "stored answer") -> Job:
    """A job that was answered at once; ``origin`` says from where."""
    job = Job(key, request)
    job.done = job.total = 1
    job.unit = origin
    job._finish("done", result=result)
    return job


class JobMonitor:
    """What an analysis sees of its job: implements `engine.core.progress.Monitor`."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.paused_seconds = 0.0
        self._published = self._asked = -MOST_PARTIAL_SECONDS
        self._interval = PARTIAL_SECONDS
        self._last_chance = False
        self._asks = False
        self._holds = False
        self._lock: threading.Lock | None = None

    def start(self, total: int, unit: str = "forward passes") -> None:
        """Announce the work; the clock of the time left starts here."""
        self._job.total, self._job.unit, self._job.done = total, unit, 0
        self._job.state = "running"
        self._job._started = time.monotonic()

    def advance(self, done: int) -> None:
        """``done`` more units: note progress, hand the device on when others wait, and stop when asked to.

        After a stop was asked for, one more call of an analysis that publishes partial results passes, so that it can publish the last.
        """
        job = self._job
        if job.stopping:
            if self._last_chance or not self._asks:
                raise Cancelled("The computation was cancelled.")
            self._last_chance = True
        job.done = min(job.done + done, job.total) if job.total else job.done + done
        if not job.stopping and job._gate is not None and self._lock is not None and job._gate.should_yield():
            self._lock.release()
            job._gate.release()
            self._holds = False
            paused = time.monotonic()
            self._take_turn(job._gate, self._lock)
            self.paused_seconds += time.monotonic() - paused

    def publish(self, partial: Any) -> None:
        """Keep a snapshot, marked partial; the next one comes after fifty times as long as it took, so that it costs 2 % at most."""
        self._published = time.monotonic()
        self._interval = min(MOST_PARTIAL_SECONDS, max(PARTIAL_SECONDS, PARTIAL_SHARE * (self._published - self._asked)))
        if not partial.provenance.partial:
            partial = replace(partial, provenance=replace(partial.provenance, partial=True))
        self._job._partial = partial

    def wants_partial(self) -> bool:
        """Whether somebody looks and the last snapshot is old enough; always once after a stop was asked for."""
        self._asks = True
        now = self._asked = time.monotonic()
        if self._job.stopping:
            return True
        return now - self._job._looked < LOOK_SECONDS and now - self._published >= self._interval

    def check(self) -> None:
        """Raise `Cancelled` when a stop was asked for; called while waiting for locks and loads."""
        if self._job.stopping:
            raise Cancelled("The computation was cancelled.")

    def stage(self, words: str) -> None:
        """Say what happens now."""
        self._job.stage = words

    @contextlib.contextmanager
    def computing(self, gate: DeviceGate, lock: threading.Lock) -> Iterator[None]:
        """Hold the device and the model while the block runs, but for the pauses that `advance` makes."""
        self._job._gate = gate
        self._take_turn(gate, lock)
        self._lock = lock
        self._job.state, self._job.stage = "running", "computing"
        self._job._started = time.monotonic()
        try:
            yield
        finally:
            if self._holds:
                lock.release()
                gate.release()
            self._lock = None

    @property
    def visitor(self) -> str:
        """On whose account the device is used: the first of those who wait for this job."""
        return next(iter(self._job.visitors), self._job.key)

    def _take_turn(self, gate: DeviceGate, lock: threading.Lock) -> None:
        gate.acquire(self.visitor, lambda: self._job.stopping)
        lock.acquire()
        self._holds = True


class Stretch:
    """One stretch of a longer way: passes progress on to a monitor whose total is already announced, and shows no partial results."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def start(self, total: int, unit: str = "forward passes") -> None:
        """The whole is announced already."""

    def advance(self, done: int) -> None:
        """Pass on."""
        self._monitor.advance(done)

    def publish(self, partial: Any) -> None:
        """Not the result that was asked for."""

    def wants_partial(self) -> bool:
        """Never."""
        return False


def follow(job: Job, visitor: str, monitor: Monitor | None, keep_partial: bool = True) -> Any:
    """Wait for a job and mirror its progress to ``monitor``; whatever stops the waiting withdraws ``visitor`` from the job."""
    announced: tuple[int, str] | None = None
    told = 0
    try:
        while not job.wait(0.05):
            if monitor is None:
                continue
            if job.total and announced != (job.total, job.unit):
                announced, told = (job.total, job.unit), 0
                monitor.start(job.total, job.unit)
            more, told = job.done - told, job.done
            monitor.advance(more)
            if keep_partial and monitor.wants_partial() and (partial := job.partial) is not None:
                monitor.publish(partial)
    finally:
        if not job.finished:
            job.cancel(visitor)
    return job.answer()


def start_job(job: Job, work: Callable[[JobMonitor], Any], ended: Callable[[Job], None]) -> None:
    """Run ``work`` in a thread of its own that ends with the process; ``ended`` is called when the job is finished."""

    def body() -> None:
        monitor = JobMonitor(job)
        state: State = "failed"
        result: Any | None = None
        problem: LocuscopeError | None = None
        try:
            result = work(monitor)
            state = "done"
        except Cancelled:
            state = "cancelled"
        except LocuscopeError as error:
            problem = error
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError) and type(error).__name__ != "OutOfMemoryError":
                raise
            problem = _exhausted(error)
        finally:
            if state == "failed" and problem is None:
                problem = _unforeseen(sys.exc_info()[1])
            ended(job)
            job._finish(state, result, problem)

    threading.Thread(target=body, name=f"job-{job.key[:8]}", daemon=True).start()


def _exhausted(cause: BaseException) -> LocuscopeError:
    error = ResourceExhausted("There was not enough memory for this computation; ask for a shorter window or a smaller model.")
    error.__cause__ = cause
    return error


def _unforeseen(cause: BaseException | None) -> LocuscopeError:
    error = InternalError(
        f"The computation failed with {type(cause).__name__}, which should not happen; the log has the details, please report it."
    )
    error.__cause__ = cause
    return error
