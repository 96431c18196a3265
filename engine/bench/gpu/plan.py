"""How the minutes are shared out: the tests first, then the maps, then training with whatever is left."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.bench.gpu.ledger import Ledger, tell_all
from engine.bench.measure import Row
from engine.core.errors import LocuscopeError

PARTS = ("checks", "maps", "training")
MOST_SECONDS = {"checks": 60.0, "maps": 120.0}
SHARES = {"checks": 0.25, "maps": 0.55}
"""Of all minutes, where those are few."""
LEAST_TRAINING = 45.0


@dataclass(frozen=True)
class Deadline:
    """A moment of ``time.monotonic``."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds until then, 0 once it has passed."""
        return max(0.0, self.at - time.monotonic())


def seconds_of(part: str, whole: float, left: float) -> float:
    """Seconds that ``part`` may take of ``left``, when the whole run has ``whole``: what one part does not use is there for the next."""
    if part == "training":
        return left
    return min(left, MOST_SECONDS[part], SHARES[part] * whole)


@dataclass(frozen=True)
class Step:
    """A piece of a part that is measured by itself; ``needs``: seconds it takes on a GPU, below which it is not begun."""

    name: str
    needs: float
    rows: Callable[[], Iterable[Row]]


def take(steps: Iterable[Step], ledger: Ledger, deadline: Deadline) -> int:
    """Do the steps that are not done and that there is time for; how many failed. What one of them breaks, the next does not see."""
    failed = 0
    for step in steps:
        if ledger.is_done(step.name):
            continue
        if deadline.left < step.needs:
            ledger.say("left out", step.name, f"needs about {step.needs:.0f} s, {deadline.left:.0f} s are left; a second call takes it up")
            continue
        began = time.monotonic()
        try:
            tell_all(ledger, step.rows())
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the other figures are still wanted
            failed += 1
            ledger.say("failed", step.name, _told(error))
        else:
            ledger.say("done", step.name, f"{time.monotonic() - began:.1f} s")
        ledger.summarise()
    return failed


def _told(error: Exception) -> str:
    """The sentence of an error of ours; of any other where it came from, too."""
    return str(error) if isinstance(error, LocuscopeError) else "".join(traceback.format_exception(error))
