"""Threads beside the one that asks. They end with the process, and what fails because it ends is no failure: its libraries are taken down."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


def process_ends() -> bool:
    """Whether the process has begun to end: its main thread is over, and finalizers of libraries run beside the threads that are left."""
    return not threading.main_thread().is_alive()


def in_background(name: str, body: Callable[[], object]) -> threading.Thread:
    """Start ``body`` in a thread of this name. What it fails with is in the log, unless it fails because the process ends."""

    def guarded() -> None:
        try:
            body()
        except Exception:
            if not process_ends():
                logger.exception("%s failed", name)

    thread = threading.Thread(target=guarded, name=name, daemon=True)
    thread.start()
    return thread
