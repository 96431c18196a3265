"""Threads in the background: their failures are in the log, but for those that come of the end of the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.core.background import in_background, process_ends
from tests.conftest import ROOT

FAILS_AT_THE_END = """
import atexit, time
from engine.core.background import in_background, process_ends

def body():
    while not process_ends():
        time.sleep(0.01)
    raise RuntimeError("its libraries are gone")

thread = in_background("late", body)
atexit.register(thread.join)
"""


def test_what_fails_is_logged_by_the_name_of_its_thread(caplog: pytest.LogCaptureFixture) -> None:
    in_background("counting", lambda: 1 // 0).join(10)
    assert "counting failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert not process_ends()


def test_what_fails_because_the_process_ends_is_not() -> None:
    done = subprocess.run([sys.executable, "-c", FAILS_AT_THE_END], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
