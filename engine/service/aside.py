"""Long computations of libraries that cannot be stopped, in a process of their own that can: arrays in, arrays out."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import ParameterError, ResourceExhausted

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORKER = Path(__file__).with_name("aside_worker.py")
LONGEST_SECONDS = 7_200.0
LOOK_SECONDS = 0.1

Answer = tuple[dict[str, "NDArray[Any]"], dict[str, Any]]


def aside(task: str, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any], look: Callable[[], None]) -> Answer:
    """Arrays and plain values that ``task`` of `engine.service.aside_worker` answers; ``look`` is called ten times a second and may raise to stop.

    Raises `ParameterError` with the sentence the task refuses with, `ResourceExhausted` when it ends otherwise or takes too long.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "in.npz", **arrays)  # type: ignore[arg-type]
        (folder / "in.json").write_text(json.dumps({"task": task, "settings": dict(settings)}), encoding="utf-8")
        began = time.monotonic()
        command = [sys.executable, str(WORKER), str(folder)]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own file, in this interpreter
            try:
                complaint = _finished(process, began, look)
            finally:
                process.kill()
        if process.returncode:
            last = (complaint.strip().splitlines() or ["no reason given"])[-1]
            raise ResourceExhausted(f"The computation did not end well: {last[:160]}; take fewer places.")
        told: dict[str, Any] = json.loads((folder / "out.json").read_text(encoding="utf-8"))
        if "refused" in told:
            raise ParameterError(told["refused"])
        with np.load(folder / "out.npz", allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}, told


def _finished(process: subprocess.Popen[str], began: float, look: Callable[[], None]) -> str:
    while True:
        try:
            return process.communicate(timeout=LOOK_SECONDS)[1]
        except subprocess.TimeoutExpired:
            look()
            if time.monotonic() - began > LONGEST_SECONDS:
                raise ResourceExhausted(f"It was not done in {LONGEST_SECONDS / 60:.0f} minutes; take fewer places.") from None
