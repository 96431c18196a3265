"""Turns on a device, progress and cancel of single jobs."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.core.errors import Cancelled, LocuscopeError, ParameterError, ResourceExhausted, SequenceError, WeightsInvalid
from engine.core.progress import interruption_point
from engine.service import jobs, turns
from engine.service.jobs import Job, JobMonitor, follow, start_job
from engine.service.turns import Turns


def finished(work: object) -> Job:
    job = Job("key", None)
    start_job(job, work, lambda *_: None)  # type: ignore[arg-type]
    assert job.wait(60)
    return job


def wait_until(condition: object) -> None:
    deadline = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_job_ends_done_failed_or_cancelled_and_says_why() -> None:
    def refuse(_: JobMonitor) -> None:
        raise ParameterError("tau is 2; allowed: below 1.")

    def starve(_: JobMonitor) -> None:
        raise MemoryError

    def full(_: JobMonitor) -> None:
        import torch

        raise torch.OutOfMemoryError("CUDA out of memory")

    def stop(_: JobMonitor) -> None:
        raise Cancelled("stop")

    done = finished(lambda _: 42)
    assert (done.state, done.answer()) == ("done", 42)
    failed = finished(refuse)
    assert failed.state == "failed"
    with pytest.raises(ParameterError, match="tau is 2"):
        failed.answer()
    assert isinstance(finished(starve).error, ResourceExhausted)
    assert isinstance(finished(full).error, ResourceExhausted)
    assert finished(stop).state == "cancelled"


def test_an_unforeseen_error_is_one_sentence_on_the_page_and_whole_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    job = finished(lambda _: 1 // 0)
    assert isinstance(job.error, LocuscopeError)
    assert "ZeroDivisionError" in str(job.error)
    assert "division" in caplog.text
    assert "Traceback" in caplog.text


def test_every_error_of_a_job_reaches_the_log_and_a_visitors_letters_do_not(caplog: pytest.LogCaptureFixture) -> None:
    letters = "AC" + "XGT"

    def damaged(_: JobMonitor) -> None:
        try:
            {}["layer.3"]
        except KeyError as error:
            raise WeightsInvalid("The weights lack a tensor; install them again.") from error

    def refused(_: JobMonitor) -> None:
        raise SequenceError(f"Position 3 of {letters!r} is X.")

    def full(_: JobMonitor) -> None:
        raise MemoryError("of 3 GB")

    for work, words in ((damaged, "install them again"), (damaged, "KeyError"), (refused, "SequenceError"), (full, "of 3 GB")):
        caplog.clear()
        assert finished(work).state == "failed"
        assert words in caplog.text
        assert ("Traceback" in caplog.text) == (work is full)
    caplog.clear()
    finished(refused)
    assert letters not in caplog.text
    assert "in refused" in caplog.text


def test_even_an_error_that_ends_programs_ends_only_the_job() -> None:
    def leave(_: JobMonitor) -> None:
        raise SystemExit(3)

    assert finished(leave).state == "failed"


FAILS_AT_THE_END = """
import time
from engine.core.background import process_ends
from engine.service import jobs

def work(_):
    while {until}:
        time.sleep(0.01)
    raise RuntimeError("operator does not exist")

job = jobs.Job("key", None)
jobs.start_job(job, work, lambda *_: None)
{then}
"""


@pytest.mark.parametrize(
    ("until", "then", "logged"),
    [("False", "job.wait(10)", True), ("not process_ends()", "", False)],
    ids=["while the process runs", "as it ends"],
)
def test_what_fails_because_the_process_ends_is_no_failure(until: str, then: str, logged: bool) -> None:
    root = Path(jobs.__file__).resolve().parents[2]
    command = [sys.executable, "-c", FAILS_AT_THE_END.format(until=until, then=then)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0
    assert ("operator does not exist" in done.stderr) == logged, done.stderr


def test_a_long_computation_hands_the_device_on_at_its_progress_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE_SECONDS", 0.01)
    gate, lock = Turns(), threading.Lock()
    order: list[str] = []

    def long(monitor: JobMonitor) -> None:
        with monitor.computing(gate, lock):
            monitor.start(100)
            for _ in range(100):
                time.sleep(0.005)
                monitor.advance(1)
            order.append("long")

    def short(monitor: JobMonitor) -> None:
        with monitor.computing(gate, lock):
            order.append("short")

    first, second = Job("long", None, 1.0), Job("short", None, 0.001)
    start_job(first, long, lambda *_: None)
    wait_until(lambda: first.done > 3)
    start_job(second, short, lambda *_: None)
    assert second.wait(60)
    assert first.wait(60)
    assert order == ["short", "long"]
    assert not lock.locked()
    assert gate._holder is None


def test_cancelling_while_handed_over_leaves_device_and_model_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE_SECONDS", 0.0)
    gate, lock = Turns(), threading.Lock()
    release = threading.Event()

    def endless(monitor: JobMonitor) -> None:
        with monitor.computing(gate, lock):
            monitor.start(10**9)
            while True:
                time.sleep(0.002)
                monitor.advance(1)

    def holder(monitor: JobMonitor) -> None:
        with monitor.computing(gate, lock):
            release.wait(5)

    first, second = Job("first", None, 100.0), Job("second", None, 1.0)
    start_job(first, endless, lambda *_: None)
    wait_until(lambda: first.done > 1)
    start_job(second, holder, lambda *_: None)
    wait_until(lambda: second.state == "running")
    first.cancel()
    assert first.wait(60)
    assert first.state == "cancelled"
    release.set()
    assert second.wait(60)
    assert not lock.locked()
    assert gate._holder is None


def test_a_pass_that_takes_minutes_ends_between_its_layers() -> None:
    def one_pass(monitor: JobMonitor) -> None:
        with monitor.computing(Turns(), threading.Lock()):
            for _ in range(10_000):
                time.sleep(0.02)
                interruption_point()

    job = Job("long", None)
    start_job(job, one_pass, lambda *_: None)
    wait_until(lambda: job.stage == "computing")
    job.cancel()
    assert job.stage == "stopping"
    assert job.wait(60)  # the pass itself takes 200 s
    assert job.state == "cancelled"


def test_a_shared_job_runs_on_the_account_of_whoever_has_waited_longest() -> None:
    outer, job = Job("effects", None), Job("map", None)
    for waiter, who in ((job, "late"), (outer, "early")):
        waiter.join(who)
    outer._waiting["early"] -= 10
    assert job.account == "late"
    job.join(outer)
    assert job.account == "early"
    outer.cancel("early")
    job.cancel(outer)
    assert job.account == "late"
    assert not job.stopping


def test_leaving_stops_a_job_only_when_nobody_else_waits_for_it() -> None:
    outer, job = Job("effects", None), Job("map", None)
    job.join("a")
    job.join(outer)
    job.cancel("a")
    job.cancel("stranger")
    assert not job.stopping
    job.cancel(outer)
    assert job.stopping
    assert not job.join("b")


def test_joining_and_leaving_at_once_never_stops_a_job_under_somebody() -> None:
    """A thousand times a visitor leaves while another one joins: who was let in is never in a job that was stopped."""
    for _ in range(1000):
        job = Job("map", None)
        job.join("a")
        let_in: list[bool] = []
        leaving = threading.Thread(target=job.cancel, args=("a",))
        joining = threading.Thread(target=lambda job=job, let_in=let_in: let_in.append(job.join("b")))
        leaving.start()
        joining.start()
        leaving.join()
        joining.join()
        assert let_in == [not job.stopping]


def test_a_job_whose_answer_another_one_reads_stops_with_it() -> None:
    inner, outer = Job("map", None), Job("effects", None)
    inner.join(outer)

    def endless(monitor: JobMonitor) -> None:
        while True:
            time.sleep(0.01)
            monitor.advance(1)

    start_job(inner, endless, lambda *_: None)
    start_job(outer, lambda monitor: follow(inner, outer, monitor), lambda *_: None)
    wait_until(lambda: inner.done > 1)
    outer.cancel()
    assert outer.wait(1)
    assert inner.wait(1)
    assert (outer.state, inner.state) == ("cancelled", "cancelled")


def test_a_snapshot_is_asked_for_only_while_somebody_looks() -> None:
    job = Job("key", None)
    monitor = JobMonitor(job)
    monitor.start(10)
    assert not monitor.wants_partial()
    assert job.partial is None
    assert monitor.wants_partial()


def test_snapshots_take_at_most_two_percent_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot that takes 40 ms is made every 2 s, one that takes 1 ms every 0.4 s, a very slow one every 10 s."""
    clock = [100.0]
    monkeypatch.setattr(jobs.time, "monotonic", lambda: clock[0])
    job = Job("key", None)
    monitor = JobMonitor(job)
    for cost, interval in ((0.04, 2.0), (0.001, 0.4), (3.0, 10.0)):
        job.partial  # noqa: B018  looking asks for a snapshot
        assert monitor.wants_partial()
        clock[0] += cost
        monitor.publish(SimpleNamespace(provenance=SimpleNamespace(partial=True)))
        published = clock[0]
        clock[0] = published + interval - 0.01
        assert job.partial is not None
        assert not monitor.wants_partial()
        clock[0] = published + interval + 0.01


def test_after_a_stop_an_analysis_ends_at_its_next_call() -> None:
    job = Job("key", None)
    monitor = JobMonitor(job)
    monitor.start(10)
    monitor.advance(2)
    job.cancel()
    with pytest.raises(Cancelled):
        monitor.advance(1)
    assert job.done == 3  # that one was finished, too


def test_the_first_snapshot_comes_after_some_computing() -> None:
    clock = SimpleNamespace(seconds=0.0)
    job = Job("key", None)
    monitor = JobMonitor(job)
    with monitor.computing(Turns(), threading.Lock()):
        monitor._turns = SimpleNamespace(turn_seconds=lambda _: clock.seconds)  # type: ignore[assignment]
        assert job.partial is None
        assert not monitor.wants_partial()
        clock.seconds = jobs.FIRST_PARTIAL_SECONDS
        assert monitor.wants_partial()


def test_what_remains_is_as_expected_at_first_and_follows_the_own_pace_later() -> None:
    job = Job("key", None, 20.0)
    job.used_seconds = 5.0
    assert job.remaining_seconds == 15.0
    job.total, job.done, job.used_seconds = 100, 50, 10.0
    assert job.remaining_seconds == 10.0
    assert Job("key", None).remaining_seconds == jobs.UNKNOWN_SECONDS


def test_the_time_left_is_that_of_computing_and_not_of_waiting_for_turns() -> None:
    job = Job("key", None)
    monitor = JobMonitor(job)
    monitor.start(40)
    assert job.seconds_left is None
    job.used_seconds = 5.0
    monitor.advance(10)
    assert job.seconds_left == pytest.approx(15.0)
    early = Job("key", None)
    early.total, early.done, early.used_seconds = 1000, 10, 5.0
    assert early.seconds_left == pytest.approx(495.0)  # and not what is assumed where nothing is known


def test_what_is_made_ready_before_the_work_says_nothing_of_the_time_left() -> None:
    """Rows that decide on a map's precision, and the reference, which is one unit: by these a map of minutes would take days."""
    job = Job("key", None)
    monitor = JobMonitor(job)
    monitor._turns = SimpleNamespace(turn_seconds=lambda _: 50.0)  # type: ignore[assignment]
    job.used_seconds = 50.0
    monitor.start(4501)
    job.done = 1
    assert job.seconds_left is None
    job.done, job.used_seconds = 4, 52.0
    assert job.seconds_left == pytest.approx(2.0 * 4497 / 4)


def test_the_time_left_of_what_is_put_together_from_other_jobs_goes_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(jobs.time, "monotonic", lambda: clock.seconds)
    job = Job("key", None)
    job.total, job.done, job.began_following = 1000, 150, 100.0
    clock.seconds = 130.0
    assert job.used_seconds == 0.0
    assert job.seconds_left == pytest.approx(170.0)


def test_waiting_for_a_model_is_not_taken_for_the_pace_of_what_is_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eleven seconds of loading before the first of 848 runs were 2.6 hours left."""
    monkeypatch.setattr(jobs.time, "monotonic", lambda: 111.0)
    for expected, left in ((None, None), (60.0, 49.0)):
        job = Job("key", None, expected)
        job.total, job.done, job.began_following = 848, 1, 100.0
        assert job.seconds_left == left
