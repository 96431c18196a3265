"""Pages that follow a computation look again by themselves, the more seldom the more visitors wait and the busier the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from engine.service.engine import Engine

SOONEST_SECONDS = 0.7
LATEST_SECONDS = 5.0
SHARE = 0.1
"""Part of the time that the looks of all visitors together may take: they run under the lock that the computations need, too."""
PACED_SECONDS = 10.0
"""How often the pace itself is chosen anew."""


class Pace:
    """How long a look takes, a mean in which the last ten count most; one for all visitors of a process."""

    def __init__(self) -> None:
        self.look_seconds = 0.01

    def note(self, seconds: float) -> None:
        """A look took ``seconds``."""
        self.look_seconds += 0.1 * (seconds - self.look_seconds)

    def interval(self, waiting: int) -> float:
        """Seconds between two looks of one visitor while ``waiting`` visitors wait for something."""
        return min(LATEST_SECONDS, max(SOONEST_SECONDS, waiting * self.look_seconds / SHARE))


_pace = Pace()


def follow(engine: Engine, waiting: bool, look: Callable[..., None], *given: Any) -> None:
    """Call ``look(*given)`` now and, when something is ``waiting``, again and again by itself.

    Only what ``look`` draws is sent each time; it calls `st.rerun` once there is nothing to wait for any more.
    """
    st.fragment(_paced, run_every=PACED_SECONDS if waiting else None)(engine, waiting, look, *given)


def _paced(engine: Engine, waiting: bool, look: Callable[..., None], *given: Any) -> None:
    st.fragment(_timed, run_every=_pace.interval(engine.jobs.visitors_waiting) if waiting else None)(look, *given)


def _timed(look: Callable[..., None], *given: Any) -> None:
    began = time.monotonic()
    look(*given)
    _pace.note(time.monotonic() - began)
