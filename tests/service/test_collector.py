"""Later collections of garbage leave alone what was there before."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

CODE = """
import gc
from engine.service.collector import leave_imports_alone

class Ring:
    def __init__(self):
        self.own = self

before = Ring()
leave_imports_alone()
kept = gc.get_freeze_count()
assert kept > 1000
leave_imports_alone()
assert gc.get_freeze_count() == kept
assert all(item is not before for item in gc.get_objects())
del before
after = Ring()
del after
assert gc.collect() > 0
"""


def test_what_is_there_is_left_alone_and_what_comes_later_is_collected() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
