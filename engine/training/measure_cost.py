"""What a whole dependency map costs a user: the command line in a process of its own, from its first pass to its last."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from engine.training.letters import decode

LENGTHS = (76, 300, 1000)


def cost(model_id: str = "locuscope", lengths: tuple[int, ...] = LENGTHS) -> list[dict[str, Any]]:
    """Seconds of the computation (without the start of Python and the loading of the weights) and peak resident memory of the process.

    The shipped model, random letters, float32, as many threads as the engine takes by itself; ``exact`` and, unless it becomes
    ``exact`` on this machine, ``auto``, which users get.
    """
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for length in lengths:
        letters = decode(rng.integers(0, 4, size=length).astype(np.uint8))
        for asked in ("exact", "auto"):
            seconds, used, peak = _map(letters, asked, model_id)
            if asked == used or used not in {row["precision"] for row in rows if row["length"] == length}:
                rows.append({"length": length, "precision": used, "seconds": seconds, "peak_mib": peak, "cores": os.cpu_count()})
    return rows


def _map(letters: str, precision: str, model_id: str) -> tuple[float, str, float]:
    """Seconds of the analysis and the precision that was used, by the result's provenance; largest resident MiB of the process (Linux)."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "map.npz"
        command = [sys.executable, "-m", "engine", "map", "--model", model_id, "--sequence", letters, "--precision", precision]
        environment = os.environ | {"LOCUSCOPE_HOME": folder}
        environment.pop("OMP_NUM_THREADS", None)
        peak = _watched([*command, "--out", str(out)], environment)
        with np.load(out, allow_pickle=False) as held:
            provenance = json.loads(str(held["provenance"]))
    return float(provenance["seconds"]), str(provenance["parameters"]["precision"]), peak


def _watched(command: list[str], environment: dict[str, str]) -> float:
    """Run to the end; the largest resident MiB seen. Raises `subprocess.CalledProcessError` when the command fails."""
    peak = 0.0
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            lines = status.read_text(encoding="utf-8").splitlines() if status.is_file() else []
            peak = max([peak, *(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))])
            time.sleep(0.05)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return peak
