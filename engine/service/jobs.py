"""Computations in the background: who waits for them, their progress, time left, cancel, and what an analysis sees of them.

A computing thread holds its device only for a slice of time. Every `Monitor.advance` call of an analysis is a point where it hands
the device to whoever comes before it (`engine.service.turns`), so that a short question is answered while a long map is being filled.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

from engine.core.background import process_ends
from engine.core.errors import Cancelled, InputError, LocuscopeError, ResourceExhausted, is_out_of_memory
from engine.core.progress import Monitor, interruptible
from engine.service.turns import Turns

logger = logging.getLogger(__name__)

State = Literal["queued", "running", "done", "cancelled", "failed"]
PARTIAL_SECONDS = 0.4
PARTIAL_SHARE = 50.0
MOST_PARTIAL_SECONDS = 10.0
FIRST_PARTIAL_SECONDS = 0.1
"""Computing time before the first snapshot: what is shown first is a picture, not a row."""
LOOK_SECONDS = 10.0
KEEP_SECONDS = 20.0
"""How much computing may be lost when the process is killed."""
FEW_UNITS = 4
"""Before so many units are done, nothing is said of the time left of a kind that never ran here."""
UNKNOWN_SECONDS = 10.0
"""What is assumed of a computation whose kind never ran here."""


class InternalError(LocuscopeError):
    """Something went wrong that the engine did not foresee; the server's log has the details."""


class Job:
    """One computation that a page follows; several visitors with the same question hold the same job.

    Who waits for it is a visitor, by name, or another job that reads its answer. ``state`` is ``queued``, ``running``, ``done``,
    ``cancelled`` or ``failed``; ``stage`` says in words what happens now. ``done`` of ``total`` ``unit`` are finished. ``partial`` is the
    newest snapshot, marked partial in its provenance; it stays after a cancel. ``expected_seconds`` of computing, by earlier runs;
    ``is_timed``: whether there were any; ``prepared_seconds``: device time that was used before the work was announced; ``began_following``: since
    when (monotonic seconds) it reads answers of other jobs, None where it reads none.
    ``afterwards``: what the computing thread does when nobody waits for it any more. ``spent(account, seconds)`` is told what it used of the
    device; ``allowed`` raises `ResourceExhausted` when its account may use no more.
    """

    def __init__(self, key: str, request: Any, expected_seconds: float | None = None) -> None:
        self.key = key
        self.request = request
        self.expected_seconds = UNKNOWN_SECONDS if expected_seconds is None else expected_seconds
        self.is_timed = expected_seconds is not None
        self.began_following: float | None = None
        self.state: State = "queued"
        self.stage = "waiting"
        self.done = 0
        self.total = 0
        self.unit = ""
        self.error: LocuscopeError | None = None
        self.result: Any | None = None
        self.is_first = False
        self.used_seconds = 0.0
        self.prepared_seconds = 0.0
        self._waiting: dict[Waiter, float] = {}
        self._lock = threading.Lock()
        self._partial: Any | None = None
        self._looked = -LOOK_SECONDS
        self.afterwards: list[Callable[[], None]] = []
        self._finished = threading.Event()
        self._stop = threading.Event()
        self._wake: Callable[[], None] = lambda: None
        self._turns: Turns | None = None
        self.spent: Callable[[str, float], None] = lambda _account, _seconds: None
        self.allowed: Callable[[], None] = lambda: None

    # ---- who waits ----------------------------------------------------------------------------------------------------------

    def join(self, waiter: Waiter) -> bool:
        """Wait for this job, too; False when it is being stopped and has to be started anew."""
        with self._lock:
            if self._stop.is_set():
                return False
            self._waiting.setdefault(waiter, time.monotonic())
            return True

    def cancel(self, waiter: Waiter | None = None) -> None:
        """Stop, keeping the partial result; with ``waiter``, only when nobody else waits for the same answer."""
        with self._lock:
            if waiter is not None:
                self._waiting.pop(waiter, None)
                if self._waiting:
                    return
            self._stop.set()
            if not self.finished:
                self.stage = "stopping"
            wake = self._wake
        wake()

    @property
    def visitors(self) -> dict[str, float]:
        """Who waits, directly or for a job that reads this one's answer, and since when (monotonic seconds)."""
        with self._lock:
            waiting = list(self._waiting.items())
        found: dict[str, float] = {}
        for waiter, since in waiting:
            for name, when in waiter.visitors.items() if isinstance(waiter, Job) else ((waiter, since),):
                found[name] = min(when, found.get(name, when))
        return found

    @property
    def account(self) -> str:
        """On whose account the device is used: of those who wait, whoever has waited longest."""
        waiting = self.visitors
        return min(waiting, key=lambda name: (waiting[name], name)) if waiting else self.key

    # ---- how far ------------------------------------------------------------------------------------------------------------

    @property
    def partial(self) -> Any | None:
        """Newest snapshot, or None; reading it asks for fresher ones."""
        self._looked = time.monotonic()
        return self._partial

    @property
    def wants_look(self) -> bool:
        """Whether its visitor waits for something to look at and has nothing yet."""
        return self.is_first and self._partial is None

    @property
    def finished(self) -> bool:
        """Whether the state will not change any more."""
        return self._finished.is_set()

    @property
    def remaining_seconds(self) -> float:
        """How long it still needs the device: at its own pace once a tenth is done, before that as expected."""
        if not self.total or self.done < 0.1 * self.total:
            return max(0.0, self.expected_seconds - self.used_seconds)
        return self._at_own_pace

    @property
    def _at_own_pace(self) -> float:
        """What remains of it by what each unit took since the work was announced."""
        return max(0.0, self.used_seconds - self.prepared_seconds) * (self.total - self.done) / self.done

    @property
    def seconds_left(self) -> float | None:
        """What remains when nobody else comes before it; None before the first unit is done. Of an answer put together from those of other jobs,
        which use the device in its stead, by the clock once a tenth is done: before, what went by was the loading of a model and waiting for turns.
        Of a kind that never ran here, at its own pace once a few units are done: the first one is of the reference, and what is made ready with it
        is not done again."""
        if self.finished:
            return 0.0
        if not self.done or not self.total:
            return None
        if self.began_following is not None:
            gone = time.monotonic() - self.began_following
            if self.done < 0.1 * self.total:
                return max(0.0, self.expected_seconds - gone) if self.is_timed else None
            return gone * (self.total - self.done) / self.done
        if self.is_timed:
            return self.remaining_seconds
        known = self.done >= min(FEW_UNITS, self.total) and self.used_seconds > self.prepared_seconds
        return self._at_own_pace if known else None

    @property
    def queue_position(self) -> int:
        """Visitors who come before this job's first turn; 0 once it runs."""
        if self.state != "queued" or self._turns is None:
            return 0
        return self._turns.waiting_before(self.account)

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._stop.is_set()

    def when_stopped(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called when a stop is asked for, at once when it was."""
        with self._lock:
            self._wake = wake
        if self.stopping:
            wake()

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

    def finish(self, state: State, result: Any | None = None, error: LocuscopeError | None = None) -> None:
        """Set the last state; called by the computing thread."""
        self.result, self.error = result, error
        if state == "done":
            self.done = self.total = max(self.total, 1)
        self.state = state
        self._finished.set()

    def show(self, partial: Any) -> None:
        """Keep a snapshot; called by the computing thread."""
        self._partial = partial


Waiter = str | Job


def finished_job(key: str, request: Any, result: Any, origin: str = "stored answer") -> Job:
    """A job that was answered at once; ``origin`` says from where."""
    job = Job(key, request, 0.0)
    job.done = job.total = 1
    job.unit = origin
    job.finish("done", result=result)
    return job


class JobMonitor:
    """What an analysis sees of its job: implements `engine.core.progress.Monitor`.

    ``keep`` is given a snapshot every `KEEP_SECONDS`, and the last one of a computation that was stopped.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.keep: Callable[[Any], None] | None = None
        self.paused_seconds = 0.0
        self._kept = time.monotonic()
        self._prepared = 0.0
        self._published: float | None = None
        self._asked = -MOST_PARTIAL_SECONDS
        self._interval = PARTIAL_SECONDS
        self._turns: Turns | None = None
        self._lock: threading.Lock | None = None
        self._holds = False
        self._told = 0.0

    def start(self, total: int, unit: str = "model runs") -> None:
        """Announce the work."""
        self.job.total, self.job.unit, self.job.done = total, unit, 0
        self.job.state = "running"
        self._prepared = self.job.prepared_seconds = 0.0 if self._turns is None else self._turns.turn_seconds(self.job)

    def advance(self, done: int) -> None:
        """``done`` more units: note progress, hand the device on when others come first, and stop when asked to."""
        job = self.job
        job.done = min(job.done + done, job.total) if job.total else job.done + done
        self.check()
        self._tell_spent()
        job.allowed()
        if self._turns is not None and self._lock is not None and self._turns.should_yield():
            self._lock.release()
            self._turns.release()
            self._holds = False
            paused = time.monotonic()
            self._take_turn(self._turns, self._lock)
            self.paused_seconds += time.monotonic() - paused

    def publish(self, partial: Any) -> None:
        """Keep a snapshot, marked partial; the next one comes after fifty times as long as it took, so that it costs 2 % at most."""
        self._published = time.monotonic()
        self._interval = min(MOST_PARTIAL_SECONDS, max(PARTIAL_SECONDS, PARTIAL_SHARE * (self._published - self._asked)))
        if not partial.provenance.partial:
            partial = replace(partial, provenance=replace(partial.provenance, partial=True))
        self.job.show(partial)
        if self.keep is not None and (self.job.stopping or self._published - self._kept >= KEEP_SECONDS):
            self.keep(partial)
            self._kept = time.monotonic()

    def wants_partial(self) -> bool:
        """Whether somebody looks and the last snapshot is old enough, or it is time to keep one."""
        now = self._asked = time.monotonic()
        if self.keep is not None and now - self._kept >= KEEP_SECONDS:
            return True
        if now - self.job._looked >= LOOK_SECONDS:
            return False
        if self._published is None:
            return self._turns is None or self._turns.turn_seconds(self.job) - self._prepared >= FIRST_PARTIAL_SECONDS
        return now - self._published >= self._interval

    def check(self) -> None:
        """Raise `Cancelled` when a stop was asked for; called between the layers of a model and while waiting for locks and loads."""
        if self.job.stopping:
            raise Cancelled("The computation was cancelled.")

    def stage(self, words: str) -> None:
        """Say what happens now."""
        if not self.job.stopping:
            self.job.stage = words

    @contextlib.contextmanager
    def computing(self, turns: Turns, lock: threading.Lock) -> Iterator[None]:
        """Hold the device and the model while the block runs, but for the pauses that `advance` makes."""
        self.job._turns = turns
        self._take_turn(turns, lock)
        self._turns, self._lock = turns, lock
        self.job.state, self.job.stage = "running", "computing"
        try:
            with interruptible(self.check):
                yield
        finally:
            if self._holds:
                self._tell_spent()
                lock.release()
                turns.release()
            self._turns = self._lock = None

    def _take_turn(self, turns: Turns, lock: threading.Lock) -> None:
        turns.acquire(self.job)
        lock.acquire()
        self._holds = True
        self._told = time.monotonic()

    def _tell_spent(self) -> None:
        """Say how long the device was used since this was said last."""
        if self._holds:
            now = time.monotonic()
            self.job.spent(self.job.account, now - self._told)
            self._told = now


def follow(job: Job, waiter: Waiter, monitor: Monitor | None, keep_partial: bool = True) -> Any:
    """Wait for a job and mirror its progress to ``monitor``; whatever stops the waiting withdraws ``waiter`` from the job."""
    announced: tuple[int, str] | None = None
    told = 0
    try:
        while not job.wait(0.1):
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
            job.cancel(waiter)
    return job.answer()


def waited_for(submit: Callable[[str], Job], monitor: Monitor | None, visitor: str = "") -> Any:
    """The answer of the job that ``submit(visitor)`` starts, for ``visitor`` (empty: whoever runs this thread); as `follow`."""
    visitor = visitor or f"run-{threading.get_ident()}"
    return follow(submit(visitor), visitor, monitor)


LAST_SECONDS = 3.0
"""How long a process that ends waits for what it computes: a thread that is within a product then brings the whole process down with an abort."""
_running: set[Job] = set()


@atexit.register
def _stop_all() -> None:
    """Stop what is still computed when the process ends."""
    jobs = [*_running]
    for job in jobs:
        job.cancel()
    last = time.monotonic() + LAST_SECONDS
    for job in jobs:
        job.wait(max(0.0, last - time.monotonic()))


def start_job(job: Job, work: Callable[[JobMonitor], Any], ended: Callable[[Job, State], None]) -> None:
    """Run ``work`` in a thread of its own that ends with the process; ``ended`` is called with its last state."""

    def body() -> None:
        state: State = "failed"
        result: Any | None = None
        problem: LocuscopeError | None = None
        try:
            result = work(JobMonitor(job))
            state = "done"
        except Cancelled:
            state = "cancelled"
        except BaseException as error:  # noqa: BLE001  nobody is above this thread: whatever it is ends in the log and on the page
            if process_ends():
                state = "cancelled"
            else:
                problem = _told(job, error)
        ended(job, state)
        _running.discard(job)
        job.finish(state, result, problem)
        for last in job.afterwards:
            try:
                last()
            except Exception:
                if not process_ends():
                    logger.exception("what follows a computation failed")

    _running.add(job)
    threading.Thread(target=body, name=f"job-{job.key[:8]}", daemon=True).start()


def _told(job: Job, error: BaseException) -> LocuscopeError:
    """The sentence for whoever asked. The log gets it, too, with what it came of, but of what may repeat a visitor's letters where in the code it came
    from instead; and everything of what is no error of ours, and so ours to mend."""
    name = getattr(job.request, "analysis", type(job.request).__name__)
    if isinstance(error, InputError):
        logger.warning("%s could not be computed: %s\n%s", name, type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
        return error
    if isinstance(error, LocuscopeError):
        cause = error.__cause__
        logger.warning("%s could not be computed: %s%s", name, error, f" ({type(cause).__name__}: {cause})" if cause is not None else "")
        return error
    logger.error("%s failed", name, exc_info=error)
    if is_out_of_memory(error):
        sentence = "There was not enough memory for this computation; ask for a shorter window or a smaller model."
        told: LocuscopeError = ResourceExhausted(sentence)
    else:
        told = InternalError(
            f"The computation failed with {type(error).__name__}, which should not happen; the log has the details, please report it."
        )
    told.__cause__ = error
    return told
