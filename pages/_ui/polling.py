"""Pages that follow a computation look again by themselves, the more seldom the more visitors wait and the busier the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from engine.service.engine import Engine
from engine.service.jobs import Job
from pages._ui.buttons import button
from pages._ui.text import plain

SOONEST_SECONDS = 0.7
LATEST_SECONDS = 5.0
SOONEST_GLANCE_SECONDS = 0.4
GLANCE_SECONDS = 0.005
"""What a look that draws nothing costs the server: 3.7 ms of processor time, measured on one that did nothing else."""
SHARE = 0.1
"""Part of the time that the looks of all visitors together may take: they run under the lock that the computations need, too."""
PACED_SECONDS = 10.0
"""How often the pace itself is chosen anew."""
CANCELLED = "It was cancelled."
"""What stands where an answer would, beside the button that asks for it again."""


class Work:
    """Jobs of one page, by name, that ``visitor`` waits for."""

    jobs: dict[str, Job]
    visitor: str

    @property
    def running(self) -> bool:
        """Whether any of them has not ended."""
        return any(not job.finished for job in self.jobs.values())

    @property
    def cancelled(self) -> str:
        """That some of them were cancelled, and which where others have an answer, once all have ended; empty where none was."""
        names = [name for name, job in self.jobs.items() if job.state == "cancelled"]
        if self.running or not names:
            return ""
        return CANCELLED if len(names) == len(self.jobs) else f"It was cancelled; missing: {', '.join(names)}."

    def answered(self, name: str) -> bool:
        """Whether the job of that name is under way or has its answer, so that it need not be asked again."""
        job = self.jobs.get(name)
        return job is not None and (not job.finished or job.result is not None)

    def cancel(self) -> None:
        """Stop waiting for them: what nobody else waits for ends."""
        for job in self.jobs.values():
            job.cancel(self.visitor)


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


def glance_interval(waiting: int) -> float:
    """Seconds between two glances of one visitor, who has seen nothing yet, while ``waiting`` visitors wait for something."""
    return min(LATEST_SECONDS, max(SOONEST_GLANCE_SECONDS, waiting * GLANCE_SECONDS / SHARE))


_pace = Pace()


def follow(engine: Engine, waiting: bool, look: Callable[..., None], *given: Any, seen: Callable[[], bool] = lambda: True) -> None:
    """Call ``look(*given)`` now and, when something is ``waiting``, again and again by itself.

    Only what ``look`` draws is sent each time; it calls `st.rerun` once there is nothing to wait for any more. ``seen`` says whether there is
    anything to be seen yet: until then it alone is asked, more often than there are looks, for it costs little; the page runs when there is.
    """
    eager = waiting and not seen()
    st.fragment(_glance, run_every=glance_interval(engine.jobs.visitors_waiting) if eager else None)(seen, eager)
    st.fragment(_paced, run_every=PACED_SECONDS if waiting else None)(engine, waiting, look, *given)


def progress(work: Work, key: str) -> None:
    """A bar for each of the jobs that run, and Cancel; once all have ended, a run of the whole page, which says by `Work.cancelled` what was
    given up and offers to ask again. ``key`` names the page's widgets."""
    if not work.running:
        if st.session_state.pop(f"{key}-waits", False):
            st.rerun()
        return
    st.session_state[f"{key}-waits"] = True
    for name, job in work.jobs.items():
        if not job.finished:
            words = f"{name}: {job.done:,} of {job.total:,} {job.unit}" if job.total else f"{name}: {job.stage}"
            st.progress(min(1.0, job.done / job.total if job.total else 0.0), text=plain(words))
    if button("Cancel", key=f"{key}-cancel"):
        work.cancel()


def _glance(seen: Callable[[], bool], eager: bool) -> None:
    if eager and seen():
        st.rerun()


def _paced(engine: Engine, waiting: bool, look: Callable[..., None], *given: Any) -> None:
    st.fragment(_timed, run_every=_pace.interval(engine.jobs.visitors_waiting) if waiting else None)(look, *given)


def _timed(look: Callable[..., None], *given: Any) -> None:
    began = time.monotonic()
    look(*given)
    _pace.note(time.monotonic() - began)
