"""What one visitor may use in an hour: computing, uploads, questions to public services. Counted by person, not by page or visit."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from engine.core.errors import ResourceExhausted
from engine.core.settings import Settings

Kind = Literal["seconds", "upload_bytes", "calls"]

PERIOD_SECONDS = 3600.0
"""It begins with the first use."""
MOST_REMEMBERED = 10_000

_SENTENCES: dict[Kind, str] = {
    "seconds": "You have used {used:,.0f} s of computing within the hour; this server gives a visitor {most:,}. Go on in {minutes}.",
    "upload_bytes": "You have uploaded {used:,.0f} bytes within the hour, with this file; this server takes {most:,} from a visitor. "
    "Go on in {minutes}, or give a smaller file.",
    "calls": "Public services were asked {used:,.0f} times for you within the hour, the most that this server does for a visitor. "
    "Go on in {minutes}, or paste the letters.",
}


@dataclass
class _Use:
    began: float
    amount: float = 0.0


class Quotas:
    """Amounts used, by person and kind; the limits are the settings ``visitor_seconds``, ``visitor_upload_bytes`` and ``visitor_calls``.

    Only visitors that were introduced with `introduce` have limits: whoever has the command line has none.
    """

    def __init__(self, settings: Settings) -> None:
        self._most: dict[Kind, int] = {
            "seconds": settings.visitor_seconds,
            "upload_bytes": settings.visitor_upload_bytes,
            "calls": settings.visitor_calls,
        }
        self._names: dict[str, str] = {}
        self._used: dict[tuple[str, Kind], _Use] = {}
        self._lock = threading.Lock()
        self.refused: Counter[str] = Counter()

    def has_limit(self, kind: Kind) -> bool:
        """Whether there is a limit on it."""
        return bool(self._most[kind])

    def introduce(self, visitor: str, person: str = "") -> None:
        """The visit ``visitor`` is one of ``person``, whose visits count together; without a name it counts by itself."""
        with self._lock:
            self._names[visitor] = person or visitor

    def forget(self, visitor: str) -> None:
        """The visit is over; what the person used is remembered until its hour is."""
        with self._lock:
            self._names.pop(visitor, None)

    def add(self, visitor: str, kind: Kind, amount: float) -> None:
        """``visitor`` has used that much."""
        with self._lock:
            use = self._use(visitor, kind)
            if use is not None:
                use.amount += amount

    def check(self, visitor: str, kind: Kind) -> None:
        """Raise `ResourceExhausted` where nothing is left to be used."""
        self._check(visitor, kind, 0.0)

    def take(self, visitor: str, kind: Kind, amount: float) -> None:
        """`add`, unless it would be more than the limit: then `ResourceExhausted`, and nothing is counted."""
        self._check(visitor, kind, amount)
        self.add(visitor, kind, amount)

    def _check(self, visitor: str, kind: Kind, more: float) -> None:
        with self._lock:
            use = self._use(visitor, kind)
            most = self._most[kind]
            if use is None or (use.amount + more <= most if more else use.amount < most):
                return
            self.refused[kind] += 1
            minutes = max(1, math.ceil((use.began + PERIOD_SECONDS - time.monotonic()) / 60))
            told = use.amount + (more if kind == "upload_bytes" else 0)
        words = _SENTENCES[kind].format(used=told, most=most, minutes="a minute" if minutes == 1 else f"{minutes} minutes")
        raise ResourceExhausted(words)

    def _use(self, visitor: str, kind: Kind) -> _Use | None:
        """This hour's use; None where there is no limit."""
        name = self._names.get(visitor)
        if name is None or not self._most[kind]:
            return None
        now = time.monotonic()
        use = self._used.get((name, kind))
        if use is None or now - use.began >= PERIOD_SECONDS:
            if len(self._used) >= MOST_REMEMBERED:
                self._used = {key: old for key, old in self._used.items() if now - old.began < PERIOD_SECONDS}
            use = self._used[name, kind] = _Use(now)
        return use
