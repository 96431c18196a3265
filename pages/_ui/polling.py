"""Pages that follow a computation look again by themselves, the more seldom the more visitors wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from engine.service.engine import Engine

SOONEST_SECONDS = 0.7
SECONDS_A_VISITOR = 0.12
"""All visitors together look some eight times a second at most: a look takes 5 to 10 ms under the lock that the computations need, too."""
PACED_SECONDS = 10.0
"""How often the pace itself is chosen anew."""


def interval(waiting: int) -> float:
    """Seconds between two looks of one visitor while ``waiting`` visitors wait for something."""
    return max(SOONEST_SECONDS, SECONDS_A_VISITOR * waiting)


def follow(engine: Engine, waiting: bool, look: Callable[..., None], *given: Any) -> None:
    """Call ``look(*given)`` now and, when something is ``waiting``, again and again by itself.

    Only what ``look`` draws is sent each time; it calls `st.rerun` once there is nothing to wait for any more.
    """
    st.fragment(_paced, run_every=PACED_SECONDS if waiting else None)(engine, waiting, look, *given)


def _paced(engine: Engine, waiting: bool, look: Callable[..., None], *given: Any) -> None:
    st.fragment(look, run_every=interval(engine.jobs.visitors_waiting) if waiting else None)(*given)
