"""Finished pieces of a measurement, one file each: a run that was stopped goes on, and what is there can be read while it goes."""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


class Pieces:
    """``folder`` keeps what `__call__` computed. ``about`` is what a number hangs on besides its name (weights, samples, data, code): with
    another ``about`` nothing that is there is taken.
    """

    def __init__(self, folder: Path, about: str) -> None:
        self._folder, self._about = folder, about
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, name: str, work: Callable[[], Any]) -> Any:
        """The JSON value of the piece ``name``: as it was kept, else made by ``work`` and kept."""
        path = self._folder / f"{hashlib.sha256(f'{self._about} {name}'.encode()).hexdigest()[:24]}.json"
        if path.is_file():
            return json.loads(path.read_text(encoding="utf-8"))["value"]
        begun = time.perf_counter()
        value = work()
        seconds = round(time.perf_counter() - begun, 1)
        text = json.dumps({"piece": name, "about": self._about, "seconds": seconds, "value": value})
        with tempfile.NamedTemporaryFile("w", dir=self._folder, suffix=".part", delete=False, encoding="utf-8") as file:
            file.write(text)
        Path(file.name).replace(path)
        logger.info("%s: %.0f s", name, seconds)
        return json.loads(text)["value"]
