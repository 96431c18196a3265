"""Reading that may take a while (long files, public services): in a thread, with Cancel, and the page goes on drawing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import streamlit as st

from engine.core import asking
from engine.core.background import in_background
from engine.core.errors import Cancelled, LocuscopeError, ResourceExhausted
from engine.service.engine import Engine
from pages._ui import polling, state
from pages._ui.buttons import button
from pages._ui.text import plain, show_error

MOST_WAIT_SECONDS = 0.2
"""Longest wait of a page for something that is nearly read."""

STOPPED = "Reading was cancelled; what was there before stays."
UNFORESEEN = "Something went wrong that was not foreseen while this was read; the server's log has the details."


class Reading:
    """One piece of reading; implements `engine.core.progress.Monitor` for the thread that reads."""

    def __init__(self, what: str, work: Callable[[Reading], Any], then: Callable[[Any], None], failed: Callable[[str], None]) -> None:
        self.what = what
        self._then, self._failed = then, failed
        self._result: Any = None
        self._problem = ""
        self._stop = threading.Event()
        self._thread = in_background("reading", lambda: self._run(work))

    @property
    def finished(self) -> bool:
        """Whether nothing is under way any more."""
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Whether it is finished within some time."""
        self._thread.join(seconds)
        return self.finished

    def cancel(self) -> None:
        """Stop at the next look, a tenth of a second from now at most."""
        self._stop.set()

    def close(self) -> None:
        """The visit is over."""
        self.cancel()

    def deliver(self) -> None:
        """Hand over the result, or say what went wrong, in taking it over, too; to be called once by the page, when it is finished."""
        if self._problem:
            self._failed(self._problem)
            return
        try:
            self._then(self._result)
        except LocuscopeError as error:
            self._failed(str(error))

    def start(self, total: int, unit: str = "bytes") -> None:
        """How much there is to read is not shown."""

    def advance(self, done: int) -> None:
        """Looked at while something is waited for; raises `Cancelled` after `cancel`."""
        if self._stop.is_set():
            raise Cancelled(STOPPED)

    def publish(self, partial: Any) -> None:
        """There is nothing to look at while something is read."""

    def wants_partial(self) -> bool:
        """Never."""
        return False

    def _run(self, work: Callable[[Reading], Any]) -> None:
        try:
            self._result = work(self)
        except LocuscopeError as error:
            self._problem = str(error)
        except Exception as error:
            self._problem = UNFORESEEN
            if not (self._stop.is_set() and isinstance(error, OSError)):  # files of a visitor go with the visit
                raise


def begin(place: str, what: str, work: Callable[[Reading], Any], then: Callable[[Any], None], failed: Callable[[str], None]) -> None:
    """Start ``work(monitor)`` and, once it is done, call ``then(result)`` or ``failed(sentence)`` in the page's own thread.

    ``place`` is where on the pages it belongs to (one reading at a time there, an earlier one is given up); ``what`` is what is read, in words.
    What is done within `MOST_WAIT_SECONDS` is handed over at once, the rest by `show`.
    """
    before: Reading | None = st.session_state.pop(_slot(place), None)
    if before is not None:
        before.cancel()
    count = state.count_calls()

    def counted(monitor: Reading) -> Any:
        with asking.counted(count):
            return work(monitor)

    reading = Reading(what, counted, then, failed)
    state.shared().engine.jobs.close_with(state.session().visitor, reading)
    if reading.wait(MOST_WAIT_SECONDS):
        reading.deliver()
    else:
        st.session_state[_slot(place)] = reading


def received(file: Any, place: str) -> bytes | None:
    """`state.uploaded`, or None and why on the page where the visitor has uploaded too much."""
    try:
        return state.uploaded(file, place)
    except ResourceExhausted as error:
        show_error(str(error))
        return None


def under_way(place: str) -> bool:
    """Whether something is being read there, or was read and not handed over yet."""
    return _slot(place) in st.session_state


def show(engine: Engine, place: str) -> None:
    """Hand over what was read, or draw that it is being read, with Cancel."""
    reading: Reading | None = st.session_state.get(_slot(place))
    if reading is None:
        return
    if reading.finished:
        del st.session_state[_slot(place)]
        reading.deliver()
        return
    polling.follow(engine, True, _look, reading, place)


def _look(reading: Reading, place: str) -> None:
    if reading.finished:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key=f"reading-{place}"):
        st.caption(f"Reading {plain(reading.what)} …", width="content")
        if button("Cancel", key=f"cancel-reading-{place}"):
            reading.cancel()


def _slot(place: str) -> str:
    return f"reading-of-{place}"
