"""Processes that are asked the same question give the same bytes, on a busy machine and whatever their clocks say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

PROCESSES = int(os.environ.get("LOCUSCOPE_PROCESSES", "3"))
"""`make check` asks for 50."""
AT_ONCE = 3
ANY_CORES = ("dependency", "effects", "contacts")
"""Whose answers are the same on any number of cores; that of the others is in their key."""
SCRIPT = """
import random, sys, time

chance, now = random.Random(int(sys.argv[1])), [1000.0]

def erratic():
    now[0] += chance.choice((1e-6, 1e-3, 0.3))
    return now[0]

time.perf_counter = time.monotonic = time.process_time = erratic

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import torch

torch.set_num_threads(1 + int(sys.argv[1]) % 2)

from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.service.answers import ShippedAnswers
from engine.service.engine import Engine, Request

home = Path(sys.argv[2])
engine = Engine(replace(Settings(), home=home, device="cpu"), shipped=ShippedAnswers(home))
letters = NucleotideSequence("GCGGATTTAGCTCAGTTGGGAGAGCGCCAGACTGAAGATCTGG")
answers = {}
for analysis in ("dependency", "probabilities", "effects", "contacts", "segmentation"):
    found = engine.run(Request(analysis, letters))
    total = hashlib.sha256(repr(sorted(found.provenance.parameters.items())).encode())
    for name, values in sorted(found.arrays().items()):
        total.update(name.encode() + values.tobytes())
    answers[analysis] = [engine.resolved(Request(analysis, letters)).key, total.hexdigest()]
print("answers", json.dumps(answers))
"""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_processes_with_erratic_clocks_give_the_same_bytes_under_the_same_key(tmp_path: Path) -> None:
    """Every time that is taken is random and every other process has two threads: what a stopwatch or the number of cores chose would differ."""

    def asked(number: int) -> dict[str, tuple[str, str]]:
        home = tmp_path / str(number)
        home.mkdir()
        command = [sys.executable, "-c", SCRIPT, str(number), str(home)]
        variables = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
        assert done.returncode == 0, done.stderr[-2000:]
        line = next(line for line in done.stdout.splitlines() if line.startswith("answers"))
        return {analysis: (key, total) for analysis, (key, total) in json.loads(line.partition(" ")[2]).items()}

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(asked, range(PROCESSES)))
    for analysis in answers[0]:
        seen = {answer[analysis] for answer in answers}
        assert len(seen) == len({key for key, _ in seen}), f"{analysis}: one key, two answers"
        if analysis in ANY_CORES:
            assert len(seen) == 1, f"{analysis} follows the number of cores"
