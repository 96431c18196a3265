"""The tests that want a GPU, on the tiny checkpoints of every family, each result told as it comes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.bench.gpu.plan import Deadline
from engine.bench.measure import Row
from engine.core.errors import ResourceExhausted

ROOT = Path(__file__).resolve().parents[3]
TESTS = (
    "tests/models/test_on_a_gpu.py",
    "tests/models/networks/test_kernels.py::test_a_gpu_sums_half_precision_in_float32",
    "tests/training/test_shipped.py::test_gpu_and_cpu_agree_within_a_thousandth",
)
_RESULT = re.compile(r"^(?P<test>tests/\S+?::.+?) (?P<result>PASSED|FAILED|ERROR|SKIPPED|XFAIL)\b")


_NONE_LEFT = 5


def group_of(device: str) -> str:
    """What these tests are called in the table."""
    return "Tests on a pretended device" if device == "cpu" else "Tests on the device"


def check_rows(deadline: Deadline, log: Path, device: str, chosen: str = "", passed: Iterable[str] = ()) -> Iterator[Row]:
    """A row a test, 1 passed, 0 failed or skipped with the word, and their counts.

    Parameters
    ----------
    log : Path
        What pytest says, with the reasons of failures.
    device : str
        ``cpu`` lets the tests pretend a GPU although there may be one.
    chosen : str
        As ``pytest -k``.
    passed : iterable of str
        Names of tests that need not run again.

    Raises `ResourceExhausted` when the time is over before the last test.
    """
    group, counts, known = group_of(device), Counter[str](), sorted(passed)
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "pytest.ini"
        settings.write_text("[pytest]\nmarkers =\n    gpu\n    weights\n    browser\n    slow\n", encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-c", str(settings), "--rootdir", str(ROOT), "-v", "--tb=short", "-rfE", "-W", "default"]
        command += ["-p", "no:cacheprovider", *(["-k", chosen] if chosen else [])]
        command += [*(f"--deselect={name}" for name in known), *TESTS]
        hidden = {"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {}
        with subprocess.Popen(  # noqa: S603 - our own tests, in this interpreter
            command, cwd=ROOT, env={**os.environ, **hidden}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as running:
            late = threading.Timer(deadline.left, running.kill)
            late.start()
            try:
                yield from _told(running, log, group, counts)
            finally:
                late.cancel()
                running.kill()
    counts["PASSED"] += len(known)
    for word, count in sorted(counts.items()):
        yield Row(group, f"all: {word.lower()}", count, "tests")
    if running.returncode not in (0, 1, _NONE_LEFT if known else 0):
        raise ResourceExhausted(
            f"The tests ended with status {running.returncode} after {counts.total():,} results; {log.name} holds what they said."
        )


def _told(running: subprocess.Popen[str], log: Path, group: str, counts: Counter[str]) -> Iterator[Row]:
    with log.open("w", encoding="utf-8") as handle:
        for line in running.stdout or ():
            handle.write(line)
            handle.flush()
            if found := _RESULT.match(line):
                word = found["result"]
                counts[word] += 1
                yield Row(group, found["test"], float(word == "PASSED"), "", "" if word == "PASSED" else word.lower())
