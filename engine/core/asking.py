"""Who counts the questions that are put to services of others, so that nobody asks them too often through us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_count: ContextVar[Callable[[str], None] | None] = ContextVar("count", default=None)


@contextmanager
def counted(count: Callable[[str], None]) -> Iterator[None]:
    """Inside, in this thread, every question to a service calls ``count`` with its name first, which may refuse it by raising."""
    token = _count.set(count)
    try:
        yield
    finally:
        _count.reset(token)


def asking(service: str) -> None:
    """A question to ``service`` is about to be sent."""
    count = _count.get()
    if count is not None:
        count(service)
