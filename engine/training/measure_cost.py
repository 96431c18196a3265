"""What a whole dependency map costs a user: the command line in a process of its own, from its first pass to its last."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from engine.training.letters import decode

LENGTHS = (76, 300, 1000)


def cost(lengths: tuple[int, ...] = LENGTHS) -> list[dict[str, Any]]:
    """Seconds of the computation (without the start of Python and the loading of the weights) and peak resident memory of the process.

    The shipped model, random letters, float32, as many threads as the engine takes by itself; ``exact`` and, unless it becomes
    ``exact`` on this machine, ``auto``, which users get.
    """
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for length in lengths:
        letters = decode(rng.integers(0, 4, size=length).astype(np.uint8))
        for asked in ("exact", "auto"):
            seconds, used = _map(letters, asked)
            if asked == used or used not in {row["precision"] for row in rows if row["length"] == length}:
                peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
                rows.append({"length": length, "precision": used, "seconds": seconds, "peak_mib": peak, "cores": os.cpu_count()})
    return rows


def _map(letters: str, precision: str) -> tuple[float, str]:
    """Seconds of the analysis and the precision that was used, by the result's provenance."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "map.npz"
        command = [sys.executable, "-m", "engine", "map", "--model", "locuscope", "--sequence", letters, "--precision", precision]
        environment = os.environ | {"LOCUSCOPE_HOME": folder}
        environment.pop("OMP_NUM_THREADS", None)
        subprocess.run([*command, "--out", str(out)], env=environment, check=True, capture_output=True)  # noqa: S603
        with np.load(out, allow_pickle=False) as held:
            provenance = json.loads(str(held["provenance"]))
    return float(provenance["seconds"]), str(provenance["parameters"]["precision"])
