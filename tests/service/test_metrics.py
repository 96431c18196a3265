"""The figures of the server, for its operator."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from engine.core.errors import ResourceExhausted
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.core.version import VERSION
from engine.service import metrics
from engine.service.engine import Engine, Request
from engine.service.jobs import JobMonitor
from tests.fake_model import Calls, FakeRegistry
from tests.service.test_jobs import wait_until

SAMPLE = re.compile(r'^locuscope_[a-z_]+(\{[a-z]+="[^"\\\n]*"\})? [0-9.e+-]+$')


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(Settings(home=tmp_path, visitor_jobs=1), FakeRegistry(tmp_path / "models", Calls()))


def now(engine: Engine) -> dict[str, float]:
    return metrics.read(metrics.text(metrics.figures(engine)))


def test_the_text_is_what_prometheus_reads(engine: Engine) -> None:
    """Each name has one line of help and one of kind before its samples; counters end in _total."""
    lines = metrics.text(metrics.figures(engine)).splitlines()
    assert f'locuscope_info{{version="{VERSION}"}} 1' in lines
    known: dict[str, str] = {}
    for line in lines:
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in known
            assert (kind == "counter") is name.endswith("_total")
            known[name] = kind
        elif not line.startswith("# HELP "):
            assert SAMPLE.match(line), line
            assert re.split(r"[{ ]", line)[0] in known


def test_what_waits_runs_ends_and_is_refused_is_counted(engine: Engine) -> None:
    before = now(engine)
    engine.jobs.here("ann")
    began, go_on = threading.Event(), threading.Event()

    def work(monitor: JobMonitor) -> None:
        monitor.start(1)
        began.set()
        go_on.wait(20)

    job = engine.jobs.start("one", None, work, "ann")
    assert began.wait(60)
    with pytest.raises(ResourceExhausted):
        engine.jobs.start("two", None, work, "ann")
    during = now(engine)
    assert during["jobs_running"] == 1
    assert during["visitors"] == during["visitors_waiting"] == 1
    assert during['refused_total{limit="visitor_jobs"}'] == 1
    go_on.set()
    assert job.wait(60)
    after = now(engine)
    assert after["jobs_running"] == after["visitors_waiting"] == 0
    assert after['jobs_total{state="done"}'] == before['jobs_total{state="done"}'] + 1


def test_bytes_are_those_of_models_results_and_the_disk(engine: Engine, tmp_path: Path) -> None:
    assert now(engine)["store_bytes"] == 0
    kept = engine.run(Request("dependency", NucleotideSequence("ACGTACGTAC"), "pairs"))
    found = now(engine)
    assert found["result_bytes"] >= kept.values.nbytes == 400
    wait_until(lambda: now(engine)["store_bytes"] == sum(path.stat().st_size for path in (tmp_path / "results").glob("*.npz")) > 400)
    assert found["memory_bytes"] > 10_000_000


def test_the_file_is_written_again_and_again_and_an_impossible_one_is_a_line_in_the_log(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "figures" / "locuscope.prom"
    metrics.write_always(engine, path, 0.05)
    wait_until(lambda: path.exists() and metrics.read(path.read_text())["visitors"] == 0)
    engine.jobs.here("ann")
    wait_until(lambda: metrics.read(path.read_text())["visitors"] == 1)
    (tmp_path / "file").touch()
    metrics.write_always(engine, tmp_path / "file" / "locuscope.prom", 0.05)
    wait_until(lambda: "cannot be written" in caplog.text)


def test_a_figure_that_cannot_be_made_does_not_end_the_others(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(metrics, "memory_bytes", lambda: 1 // 0)
        metrics.write_always(engine, tmp_path / "locuscope.prom", 0.01)
        wait_until(lambda: "could not be made" in caplog.text)
    wait_until((tmp_path / "locuscope.prom").exists)
    assert caplog.text.count("could not be made") == 1
