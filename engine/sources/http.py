"""One careful HTTP client for the public services: time limits, retries for passing troubles only, bounded answers, an offline switch."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.core.errors import SourceUnavailable
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
    """

    name: str
    base_url: str
    settings: Settings
    interval_seconds: float = 0.0
    first_wait_seconds: float = 0.5
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _last: float = field(default=0.0, repr=False)

    def get(self, path: str, parameters: Mapping[str, Any], accept: str = "*/*") -> Answer:
        """GET with retries.

        Raises
        ------
        SourceUnavailable
            Offline by setting, not reachable, still busy after the last attempt, or an answer beyond the bound.
        """
        import httpx
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

        if self.settings.offline:
            raise SourceUnavailable(
                f"{self.name} is not asked because this machine is set to be offline; paste the letters or register the genome."
            )
        retrying = Retrying(
            retry=retry_if_exception_type((_Later, httpx.TransportError)), stop=stop_after_attempt(ATTEMPTS), wait=self._wait, reraise=True
        )
        try:
            return retrying(self._once, path, parameters, accept)
        except _Later as error:
            raise SourceUnavailable(f"{self.name} is busy (status {error.status}) after {ATTEMPTS} attempts; try again later.") from error
        except httpx.HTTPError as error:
            raise SourceUnavailable(
                f"{self.name} cannot be reached ({type(error).__name__}); check the network or paste the letters."
            ) from error

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, _Later) and error.wait is not None:
            return min(error.wait, LONGEST_WAIT_SECONDS)
        return min(self.first_wait_seconds * 2.0 ** (state.attempt_number - 1), LONGEST_WAIT_SECONDS)

    def _once(self, path: str, parameters: Mapping[str, Any], accept: str) -> Answer:
        import httpx

        self._pace()
        contact = f"; mailto:{self.settings.contact_email}" if self.settings.contact_email else ""
        headers = {"User-Agent": f"Locuscope (sequence browser{contact})", "Accept": accept}
        with (
            httpx.Client(timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=5.0), follow_redirects=False) as client,
            client.stream("GET", f"{self.base_url}{path}", params=dict(parameters), headers=headers) as response,
        ):
            if response.status_code in RETRIED:
                log.info("%s answered %d, trying again", self.name, response.status_code)
                raise _Later(response.status_code, _seconds(response.headers.get("Retry-After")))
            return Answer(response.status_code, self._body(response))

    def _body(self, response: httpx.Response) -> str:
        bound = 4 * self.settings.max_upload_bytes
        pieces: list[bytes] = []
        total = 0
        for piece in response.iter_bytes():
            total += len(piece)
            if total > bound:
                raise SourceUnavailable(f"{self.name} sent more than {bound:,} bytes; ask for a smaller locus.")
            pieces.append(piece)
        return b"".join(pieces).decode("utf-8", errors="replace")

    def _pace(self) -> None:
        with self._lock:
            pause = self._last + self.interval_seconds - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            self._last = time.monotonic()


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text is not None else None
    except ValueError:
        return None
