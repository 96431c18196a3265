"""Answers of the examples come with the repository, and are what the shipped models compute."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.core.settings import Settings
from engine.service.answers import FOLDER, ShippedAnswers, exactly, example_requests
from engine.service.engine import Engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine(replace(Settings(), home=tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    home = tmp_path_factory.mktemp("without")
    return Engine(replace(Settings(), home=home), shipped=ShippedAnswers(home))


def test_every_example_has_every_first_answer_and_nothing_else_is_shipped(engine: Engine) -> None:
    wanted = {engine.resolved(request).shipped_key for request in example_requests(engine)}
    assert wanted == {path.stem for path in FOLDER.glob("*.npz")}, "run `make examples`"
    assert len(wanted) >= 50


def test_they_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.npz")) <= 6_000_000


def test_the_two_smallest_examples_are_what_the_models_compute(engine: Engine, without: Engine) -> None:
    requests = sorted(example_requests(engine), key=lambda request: len(request.sequence))
    few = [request for request in requests if len(request.sequence) <= sorted({len(item.sequence) for item in requests})[1]]
    assert len(few) == 10
    for request in few:
        job = engine.submit(request)
        assert job.unit == "shipped answer"
        computed = without.run(exactly(request))
        for name, values in computed.arrays().items():
            if values.dtype.kind == "f":
                largest = max(1.0, float(np.nanmax(np.abs(values), initial=0.0)))  # sums along a stem are some twenty times one cell
                np.testing.assert_allclose(
                    job.result.arrays()[name], values, atol=1e-5 * largest, rtol=1e-5, equal_nan=True, err_msg=request.analysis
                )
            else:
                np.testing.assert_array_equal(job.result.arrays()[name], values, err_msg=request.analysis)


def test_a_damaged_answer_is_computed_instead(tmp_path: Path, engine: Engine) -> None:
    request = next(example_requests(engine))
    key = engine.resolved(request).shipped_key
    (tmp_path / f"{key}.npz").write_bytes(b"no archive")
    shipped = ShippedAnswers(tmp_path)
    assert shipped.get(key, request.sequence) is None
    assert ShippedAnswers(tmp_path / "absent").get(key, request.sequence) is None
