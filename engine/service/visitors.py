"""Who waits for which computations: joining and leaving under one lock, limits, and the end of a visit."""

from __future__ import annotations

import functools
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.core.errors import ResourceExhausted
from engine.core.settings import Settings
from engine.service.jobs import Job, JobMonitor, State, Waiter, start_job
from engine.service.quotas import Quotas

AT_ONCE_SECONDS = 0.5
"""What a visitor asks for within this time is one question with several answers."""
LEFT_SECONDS = 5.0
"""How long after its connection ended a visitor counts as present: a network that fails for a moment is not a visit that ended."""


IDLE_SECONDS = 30.0
"""Whoever was not seen for so long may have to read results again."""


class Holder(Protocol):
    """What a visitor has on screen, as far as it takes memory."""

    @property
    def held_bytes(self) -> int:
        """Bytes beside the arrays of results, which are counted by themselves."""

    def let_go(self) -> None:
        """Forget results; they are asked for again when the visitor is back. Called from any thread."""


class Closing(Protocol):
    """What is to be closed when a visit ends."""

    def close(self) -> None:
        """Called once, from any thread."""


@dataclass
class _Visit:
    seen: float
    asked: set[str]
    holder: weakref.ref[Holder] | None = None
    leaving: threading.Timer | None = None
    closing: list[weakref.ref[Closing]] = field(default_factory=list)


class JobTable:
    """Every computation that is not finished, by key, and the visitors who wait for them or hold results.

    Parameters
    ----------
    most, most_of_one : int
        Bounds of what waits or runs, for all visitors and for each. Computations whose answer another one reads do not count: what was
        accepted never fails for want of a place.
    quotas : Quotas or None
        What each visitor may use in an hour; None = the usual settings, which have no limits.
    """

    def __init__(self, most: int, most_of_one: int, quotas: Quotas | None = None) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._jobs: dict[str, Job] = {}
        self._counted: dict[str, Job] = {}
        self._asked: dict[str, float] = {}
        self._visits: dict[str, _Visit] = {}
        self._lock = threading.RLock()
        self.quotas = quotas or Quotas(Settings())
        self.refused: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()

    def start(
        self, key: str, request: Any, work: Callable[[JobMonitor], Any], waiter: Waiter, expected_seconds: float | None = None
    ) -> Job:
        """Join the computation ``key``, or start it. Raises `ResourceExhausted` when there are too many."""
        with self._lock:
            running = self._jobs.get(key)
            if running is not None and running.join(waiter):
                return running
            job = Job(key, request, expected_seconds)
            if self.quotas.has_limit("seconds"):
                job.spent, job.allowed = self._spent, functools.partial(self._allowed, job)
            job.join(waiter)
            if isinstance(waiter, str):
                job.is_first = self._admitted(waiter)
                self._counted[key] = job
            self._jobs[key] = job
        start_job(job, work, self._ended)
        return job

    def _admitted(self, visitor: str) -> bool:
        """Whether it is the first of what ``visitor`` asks for at once."""
        own = [job for job in self._counted.values() if visitor in job.visitors and not job.stopping]
        if len(own) >= self._most_of_one:
            self.refused["visitor_jobs"] += 1
            raise ResourceExhausted(f"You have {len(own)} computations under way; wait for one to finish, or cancel one.")
        if len(self._counted) >= self._most:
            self.refused["server_jobs"] += 1
            raise ResourceExhausted(f"{len(self._counted)} computations are under way on this server; try again in a minute.")
        self.quotas.check(visitor, "seconds")
        now = time.monotonic()
        self._asked = {name: when for name, when in self._asked.items() if now - when < AT_ONCE_SECONDS}
        first = visitor not in self._asked
        self._asked[visitor] = now
        return first

    def _spent(self, account: str, seconds: float) -> None:
        self.quotas.add(account, "seconds", seconds)

    def _allowed(self, job: Job) -> None:
        self.quotas.check(job.account, "seconds")

    def _ended(self, job: Job, state: State) -> None:
        with self._lock:
            self.ended[state] += 1
            for table in (self._jobs, self._counted):
                if table.get(job.key) is job:
                    del table[job.key]

    @property
    def running(self) -> tuple[Job, ...]:
        """Everything that is not finished."""
        with self._lock:
            return tuple(self._jobs.values())

    @property
    def visitors_here(self) -> int:
        """How many visitors are present."""
        with self._lock:
            return len(self._visits)

    @property
    def visitors_waiting(self) -> int:
        """How many visitors wait for something."""
        return len({name for job in self.running for name in job.visitors})

    # ---- visits -------------------------------------------------------------------------------------------------------------

    def here(self, visitor: str, holder: Holder | None = None) -> None:
        """The visitor is present, and has ``holder`` on screen."""
        with self._lock:
            visit = self._visits.setdefault(visitor, _Visit(0.0, set()))
            visit.seen = time.monotonic()
            timer, visit.leaving = visit.leaving, None
            if holder is not None:
                visit.holder = weakref.ref(holder)
        if timer is not None:
            timer.cancel()

    def close_with(self, visitor: str, thing: Closing) -> bool:
        """Have ``thing`` closed when the visit ends; at once, and False, when it has ended already."""
        with self._lock:
            visit = self._visits.get(visitor)
            if visit is not None:
                visit.closing = [known for known in visit.closing if known() is not None]
                visit.closing.append(weakref.ref(thing))
        if visit is None:
            thing.close()
        return visit is not None

    def asked_before(self, visitor: str, key: str) -> bool:
        """Whether the visitor asked for ``key`` in this visit: nobody is told what others asked."""
        with self._lock:
            return visitor in self._visits and key in self._visits[visitor].asked

    def note_asked(self, visitor: str, key: str) -> None:
        """Remember that the visitor asked for ``key``."""
        with self._lock:
            if visitor in self._visits:
                self._visits[visitor].asked.add(key)

    def leave_soon(self, visitor: str, seconds: float = LEFT_SECONDS) -> None:
        """`leave`, unless the visitor is `here` again within ``seconds``."""
        self.here(visitor)
        timer = threading.Timer(seconds, self.leave, [visitor])
        timer.daemon = True
        with self._lock:
            self._visits[visitor].leaving = timer
        timer.start()

    def leave(self, visitor: str) -> None:
        """Stop waiting for anything, let go of everything and close what ends with the visit; what nobody else waits for stops."""
        with self._lock:
            visit = self._visits.pop(visitor, None)
            self.quotas.forget(visitor)
            for job in self._jobs.values():
                if visitor in job.visitors:
                    job.cancel(visitor)
        holder = visit.holder() if visit is not None and visit.holder is not None else None
        if holder is not None:
            holder.let_go()
        for thing in [known() for known in visit.closing] if visit is not None else []:
            if thing is not None:
                thing.close()

    @property
    def held_bytes(self) -> int:
        """Bytes that visitors hold beside the arrays of results."""
        return sum(holder.held_bytes for _, holder in self._holders())

    def let_go(self) -> bool:
        """Have the visitor who was not seen for longest let go of what is on screen; False when all were seen lately or wait for something."""
        now = time.monotonic()
        waiting = {name for job in self.running for name in job.visitors}
        with self._lock:
            idle = [(visit.seen, name) for name, visit in self._visits.items() if visit.holder and now - visit.seen >= IDLE_SECONDS]
            idle = [(seen, name) for seen, name in idle if name not in waiting]
            if not idle:
                return False
            visit = self._visits[min(idle)[1]]
            reference, visit.holder = visit.holder, None
        holder = reference() if reference is not None else None
        if holder is not None:
            holder.let_go()
        return True

    def _holders(self) -> list[tuple[str, Holder]]:
        with self._lock:
            found = [(name, visit.holder()) for name, visit in self._visits.items() if visit.holder is not None]
        return [(name, holder) for name, holder in found if holder is not None]
