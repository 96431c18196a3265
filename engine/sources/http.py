"""One careful HTTP client for the public services: a deadline for the whole answer, a stop, retries for passing troubles only, bounded answers,
an offline switch."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.core.asking import asking
from engine.core.errors import SourceUnavailable
from engine.core.progress import Monitor
from engine.core.settings import Settings

if TYPE_CHECKING:
    import httpx
    from tenacity import RetryCallState

log = logging.getLogger(__name__)

RETRIED = frozenset({429, 500, 502, 503, 504})
"""Status codes that mean "later"; every other one is final."""

ATTEMPTS = 4
TIMEOUT_SECONDS = 20.0
LONGEST_WAIT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
"""From the question to the end of the answer, all attempts and waits included."""

_LOOK_SECONDS = 0.1


class _Later(Exception):
    """The service asks to come back: an answer with a status in `RETRIED`."""

    def __init__(self, status: int, wait: float | None) -> None:
        super().__init__(f"status {status}")
        self.status, self.wait = status, wait


@dataclass(frozen=True)
class Answer:
    """Status code and text of a final answer."""

    status: int
    text: str


@dataclass
class Service:
    """A named public service.

    Parameters
    ----------
    name : str
        What messages call it.
    base_url : str
        Address without the last slash.
    settings : Settings
        ``offline``, ``contact_email`` and the bound ``max_upload_bytes`` of an answer (four times it, for markup).
    interval_seconds : float
        Least time between two requests, as the service asks.
    first_wait_seconds : float
        Wait before the first retry; it doubles each time.
    answer_seconds : float
        Deadline for the whole answer.
    """

    name: str
    base_url: str
    settings: Settings
    interval_seconds: float = 0.0
    first_wait_seconds: float = 0.5
    answer_seconds: float = ANSWER_SECONDS
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _next: float = field(default=0.0, repr=False)

    def get(self, path: str, parameters: Mapping[str, Any], accept: str = "*/*", monitor: Monitor | None = None) -> Answer:
        """GET with retries.

        Raises
        ------
        SourceUnavailable
            Not asked by setting, not reachable, still busy after the last attempt, not finished at the deadline, or an answer beyond the bound.
        ResourceExhausted
            Through `engine.core.asking.counted`: the visitor has asked often enough.
        Cancelled
            Through ``monitor.advance``, which is asked ten times a second.
        """
        import httpx

        if reason := self.settings.no_services:
            raise SourceUnavailable(f"{self.name} is not asked because {reason}; paste the letters or register the genome.")
        asking(self.name)
        try:
            return _run(self._watched(self._attempts(path, parameters, accept), monitor))
        except _Later as error:
            raise SourceUnavailable(f"{self.name} is busy (status {error.status}) after {ATTEMPTS} attempts; try again later.") from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise SourceUnavailable(
                f"{self.name} cannot be reached ({type(error).__name__}); check the network or paste the letters."
            ) from error

    async def _watched(self, question: Coroutine[Any, Any, Answer], monitor: Monitor | None) -> Answer:
        """The answer, unless a stop or the deadline comes first."""
        task = asyncio.ensure_future(question)
        end = time.monotonic() + self.answer_seconds
        try:
            while not task.done():
                left = end - time.monotonic()
                if left <= 0:
                    raise SourceUnavailable(f"{self.name} did not finish its answer within {self.answer_seconds:g} s; try again later.")
                await asyncio.wait({task}, timeout=min(left, _LOOK_SECONDS))
                if monitor is not None:
                    monitor.advance(0)
            return task.result()
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):  # it was given up; what it says now is of no interest
                await task

    async def _attempts(self, path: str, parameters: Mapping[str, Any], accept: str) -> Answer:
        import httpx
        from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt

        retrying = AsyncRetrying(
            retry=retry_if_exception_type((_Later, httpx.TransportError)), stop=stop_after_attempt(ATTEMPTS), wait=self._wait, reraise=True
        )
        return await retrying(self._once, path, parameters, accept)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, _Later) and error.wait is not None:
            return min(error.wait, LONGEST_WAIT_SECONDS)
        return min(self.first_wait_seconds * 2.0 ** (state.attempt_number - 1), LONGEST_WAIT_SECONDS)

    async def _once(self, path: str, parameters: Mapping[str, Any], accept: str) -> Answer:
        import httpx

        await asyncio.sleep(self._pause())
        contact = f"; mailto:{self.settings.contact_email}" if self.settings.contact_email else ""
        headers = {"User-Agent": f"Locuscope (sequence browser{contact})", "Accept": accept}
        async with (
            httpx.AsyncClient(timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=5.0), follow_redirects=False) as client,
            client.stream("GET", f"{self.base_url}{path}", params=dict(parameters), headers=headers) as response,
        ):
            if response.status_code in RETRIED:
                log.info("%s answered %d, trying again", self.name, response.status_code)
                raise _Later(response.status_code, _seconds(response.headers.get("Retry-After")))
            return Answer(response.status_code, await self._body(response))

    async def _body(self, response: httpx.Response) -> str:
        bound = 4 * self.settings.max_upload_bytes
        pieces: list[bytes] = []
        total = 0
        async for piece in response.aiter_bytes():
            total += len(piece)
            if total > bound:
                raise SourceUnavailable(f"{self.name} sent more than {bound:,} bytes; ask for a smaller locus.")
            pieces.append(piece)
        return b"".join(pieces).decode("utf-8", errors="replace")

    def _pause(self) -> float:
        """Seconds until this request's turn; the next one's is `interval_seconds` later."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self.interval_seconds
            return turn - now


def _run(question: Coroutine[Any, Any, Answer]) -> Answer:
    """Run it to its end on a loop of its own; a name server that hangs is not waited for."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(question)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text) if text is not None else None
    except ValueError:
        return None
    return max(0.0, seconds) if seconds is not None and seconds == seconds else None
