"""The explorer's element track by a registered SegmentNT folder has the numbers of its authors' code."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.analyses.segmentation import Segmentation
from pages._ui import state


@pytest.fixture
def registered(golden: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = golden / "segment_nt"
    monkeypatch.setenv("LOCUSCOPE_WEIGHTS", f"segmentnt={folder / 'checkpoint'}")
    state.shared.clear()
    yield folder
    state.shared.clear()


def test_the_track_of_the_page_equals_the_golden_array(registered: Path, explorer: Callable[..., AppTest]) -> None:
    letters = json.loads((registered / "inputs.json").read_text())["sequences"]
    with np.load(registered / "expected.npz") as arrays:
        expected = {index: arrays[f"{index}_probs"] for index in (1, 3)}
    for index, probabilities in expected.items():
        app = explorer(sequence=letters[index], elements="segmentnt")
        job = app.session_state["locuscope"].computing.jobs["segmentation"]
        end = time.monotonic() + 90
        while not job.finished and time.monotonic() < end:
            time.sleep(0.1)
        app.session_state["locuscope"].computing.cancel()
        assert isinstance(job.result, Segmentation)
        assert job.result.provenance.card.id == "segmentnt"
        np.testing.assert_allclose(job.result.values, probabilities, atol=1e-4)
