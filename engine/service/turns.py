"""Turns on a device: who computes next, so that short questions are answered soon and nobody waits for ever.

One computation at a time has the device, for slices of time. The order:

1. The first of what a visitor asked for at once gets a first look: the device until it has something to show, `MOST_LOOK_SECONDS` at most,
   in the order of arrival. A map is computed coarse to fine: its first snapshot is a picture. Where ``rounds``, each gets one slice before:
   after it its next batch can go through the model together with those of others (`engine.analyses.shared_passes`).
2. A `SHARE` of the time goes, by slices, to whoever has waited longest, so that a long computation goes on however many short ones come.
3. Otherwise the visitor who needs least to have everything goes first: with the least remaining work first, half of the visitors are done in
   half of the time. What somebody used beyond `CREDIT_SECONDS` lately counts as work that is still to be done, so that many short questions
   in a row are one long one. What takes less than a slice does not wait for the rest of its visitor's work; of one visitor's computations
   the one that has still to show its first picture goes first, then the one that needs least.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from engine.core.errors import Cancelled

SLICE_SECONDS = 0.1
MOST_LOOK_SECONDS = 3.0
SHARE = 1 / 8
MOST_OWED_SECONDS = 5.0
CREDIT_SECONDS = 30.0
FORGET_SECONDS = 60.0
"""Half of what a visitor used is forgotten in this time."""
_MOST_REMEMBERED = 1000


class Applicant(Protocol):
    """A computation that needs turns."""

    used_seconds: float
    """How long it has had the device; counted by `Turns`."""

    @property
    def account(self) -> str:
        """On whose account it runs: of those who wait for it, whoever has waited longest."""

    @property
    def wants_look(self) -> bool:
        """Whether it is the first of what its visitor asked for at once and has shown nothing yet."""

    @property
    def remaining_seconds(self) -> float:
        """How long it still needs the device, estimated."""

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""

    def when_stopped(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called when a stop is asked for, at once when it was; instead of what was to be called before."""


@dataclass(eq=False)
class _Ticket:
    job: Applicant
    order: int
    since: float
    by_share: bool = False
    woken: threading.Event = field(default_factory=threading.Event)


class Turns:
    """Who may use one device; all methods may be called from any thread. ``rounds``: first looks begin with a slice for each."""

    def __init__(self, *, rounds: bool = False) -> None:
        self._rounds = rounds
        self._lock = threading.Lock()
        self._waiting: list[_Ticket] = []
        self._holder: _Ticket | None = None
        self._promised: _Ticket | None = None
        self._began = 0.0
        self._owed = 0.0
        self._orders = itertools.count()
        self._used: dict[str, tuple[float, float]] = {}

    def acquire(self, job: Applicant) -> None:
        """Wait for a turn. Raises `Cancelled` when the job is stopped first."""
        with self._lock:
            ticket = _Ticket(job, next(self._orders), time.monotonic())
            self._waiting.append(ticket)
            self._give()
        job.when_stopped(ticket.woken.set)
        while True:
            ticket.woken.wait()
            with self._lock:
                if self._holder is ticket:
                    return
                if job.stopping:
                    self._waiting.remove(ticket)
                    raise Cancelled("The computation was cancelled while it waited for its turn.")
                ticket.woken.clear()

    def release(self) -> None:
        """End the turn, charge its time, and give the next one."""
        with self._lock:
            self._charge()
            self._holder = None
            self._give()

    def should_yield(self) -> bool:
        """Whether the holder's slice is over and somebody else comes before it now."""
        if not self._waiting or time.monotonic() - self._began < SLICE_SECONDS:
            return False
        with self._lock:
            if self._holder is None:
                return False
            self._charge()
            chosen = self._next([self._holder, *self._waiting])
            self._promised = chosen if chosen is not self._holder else None
            return self._promised is not None

    def turn_seconds(self, job: Applicant) -> float:
        """How long ``job`` has had the device, the turn in progress included."""
        with self._lock:
            running = self._holder is not None and self._holder.job is job
            return job.used_seconds + (time.monotonic() - self._began if running else 0.0)

    def waiting_before(self, account: str) -> int:
        """How many visitors come before this one now, the one whose turn it is included."""
        with self._lock:
            tickets = self._waiting if self._holder is None else [self._holder, *self._waiting]
            needs = self._needs(tickets)
            mine = needs.get(account, float("inf"))
            holds = self._holder is not None and self._holder.job.account != account
            return max(int(holds), sum(1 for name, need in needs.items() if name != account and need < mine))

    def _give(self) -> None:
        if self._holder is not None or not self._waiting:
            return
        self._holder = self._promised if self._promised in self._waiting else self._next(self._waiting)
        self._promised = None
        self._waiting.remove(self._holder)
        self._began = time.monotonic()
        self._holder.woken.set()

    def _charge(self) -> None:
        """Add the time of the turn in progress to its job and its visitor."""
        if self._holder is None:
            return
        now = time.monotonic()
        spent, self._began = now - self._began, now
        owed = self._owed + (SHARE - self._holder.by_share) * spent
        self._owed = min(MOST_OWED_SECONDS, max(-MOST_OWED_SECONDS, owed)) if self._waiting else 0.0
        self._holder.since = now
        self._holder.job.used_seconds += spent
        account = self._holder.job.account
        self._used[account] = (self._used_lately(account, now) + spent, now)
        if len(self._used) > _MOST_REMEMBERED:
            self._used = {name: kept for name, kept in self._used.items() if self._used_lately(name, now) > 1.0}

    def _used_lately(self, account: str, now: float) -> float:
        used, when = self._used.get(account, (0.0, now))
        return float(used * 0.5 ** ((now - when) / FORGET_SECONDS))

    def _next(self, tickets: Sequence[_Ticket]) -> _Ticket:
        """Whose turn it is; the order is in the module's text."""
        now = time.monotonic()
        looks = [ticket for ticket in tickets if self._is_look(ticket, now)]
        if looks:
            return self._chosen(min(looks, key=lambda ticket: (self._rounds and ticket.job.used_seconds > 0, ticket.order)), by_share=False)
        if self._owed > SLICE_SECONDS:
            return self._chosen(min(tickets, key=lambda ticket: (ticket.since, ticket.order)), by_share=True)
        needs = self._needs(tickets)

        def need(ticket: _Ticket) -> tuple[float, bool, float, int]:
            own = ticket.job.remaining_seconds
            return own if own < SLICE_SECONDS else needs[ticket.job.account], not ticket.job.wants_look, own, ticket.order

        return self._chosen(min(tickets, key=need), by_share=False)

    @staticmethod
    def _chosen(ticket: _Ticket, *, by_share: bool) -> _Ticket:
        """The ticket, with what its next slice counts as: a holder that goes on is chosen anew for each."""
        ticket.by_share = by_share
        return ticket

    def _is_look(self, ticket: _Ticket, now: float) -> bool:
        job = ticket.job
        return job.wants_look and job.used_seconds < MOST_LOOK_SECONDS and self._used_lately(job.account, now) < CREDIT_SECONDS

    def _needs(self, tickets: Sequence[_Ticket]) -> dict[str, float]:
        """Seconds each visitor still needs, and what was used beyond the credit."""
        now = time.monotonic()
        found: dict[str, float] = {}
        for ticket in tickets:
            account = ticket.job.account
            over = 0.0 if account in found else max(0.0, self._used_lately(account, now) - CREDIT_SECONDS)
            found[account] = found.get(account, over) + ticket.job.remaining_seconds
        return found
