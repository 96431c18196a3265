"""A download of weights in a thread of its own, followed by the page."""

from __future__ import annotations

import threading
from typing import Any

from engine.core.background import in_background
from engine.core.errors import Cancelled, LocuscopeError
from engine.service.engine import Engine

UNFORESEEN = "Something went wrong that was not foreseen while the model was downloaded; the server's log has the details."


class Download:
    """One download; implements `engine.core.progress.Monitor` and is read by the page."""

    def __init__(self, engine: Engine, model_id: str) -> None:
        self.total = 0
        self.done = 0
        self.problem = ""
        self._stop = threading.Event()
        self._thread = in_background(f"download-{model_id}", lambda: self._run(engine, model_id))

    @property
    def finished(self) -> bool:
        """Whether nothing is under way any more."""
        return not self._thread.is_alive()

    def cancel(self) -> None:
        """Stop at the next piece; what was downloaded is resumed next time."""
        self._stop.set()

    def start(self, total: int, unit: str = "bytes") -> None:
        """The size is known."""
        self.total = total

    def advance(self, done: int) -> None:
        """``done`` more bytes arrived."""
        if self._stop.is_set():
            raise Cancelled("The download was cancelled; it goes on from here next time.")
        self.done += done

    def publish(self, partial: Any) -> None:
        """There is nothing to look at while weights arrive."""

    def wants_partial(self) -> bool:
        """Never."""
        return False

    def _run(self, engine: Engine, model_id: str) -> None:
        try:
            engine.install(model_id, self)
        except LocuscopeError as error:
            self.problem = str(error)
        except Exception:
            self.problem = UNFORESEEN
            raise
