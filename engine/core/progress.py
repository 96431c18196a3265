"""How a long computation tells how far it is, shows what it has, and hears that it should stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

_check: ContextVar[Callable[[], None] | None] = ContextVar("check", default=None)


@contextmanager
def interruptible(check: Callable[[], None]) -> Iterator[None]:
    """Inside, `interruption_point` calls ``check``, in this thread and in those that run in a copy of its context."""
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


def interruption_point() -> None:
    """A place in the middle of a pass where a computation may end: raises `engine.core.errors.Cancelled` when a stop was asked for."""
    check = _check.get()
    if check is not None:
        check()


class Monitor(Protocol):
    """Watches one computation; called from the computing thread."""

    def start(self, total: int, unit: str = "model runs") -> None:
        """Announce the amount of work."""

    def advance(self, done: int) -> None:
        """``done`` more units are finished; raises `engine.core.errors.Cancelled` when a stop was asked for."""

    def publish(self, partial: Any) -> None:
        """Show a partial result (read-only snapshot of a result type)."""

    def wants_partial(self) -> bool:
        """Whether a snapshot would be looked at now; computing code asks before it makes one."""


class SilentMonitor:
    """A monitor that nobody watches."""

    def start(self, total: int, unit: str = "model runs") -> None:
        """Nothing to announce to."""

    def advance(self, done: int) -> None:
        """Nobody asks to stop."""

    def publish(self, partial: Any) -> None:
        """Nobody looks."""

    def wants_partial(self) -> bool:
        """Never."""
        return False


class Stretch:
    """One stretch of a longer way: passes progress on to a monitor whose total is already announced, and shows no partial results."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def start(self, total: int, unit: str = "model runs") -> None:
        """The whole is announced already."""

    def advance(self, done: int) -> None:
        """Pass on."""
        self._monitor.advance(done)

    def publish(self, partial: Any) -> None:
        """Not the result that was asked for."""

    def wants_partial(self) -> bool:
        """Never."""
        return False
