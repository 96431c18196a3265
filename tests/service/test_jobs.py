"""Turns on a device, progress and cancel of single jobs."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from engine.core.errors import Cancelled, LocuscopeError, ParameterError, ResourceExhausted
from engine.service import jobs
from engine.service.jobs import DeviceGate, Job, JobMonitor, start_job


def never() -> bool:
    return False


def finished(work: object) -> Job:
    job = Job("key", None)
    start_job(job, work, lambda _: None)  # type: ignore[arg-type]
    assert job.wait(10)
    return job


def wait_until(condition: object) -> None:
    deadline = time.monotonic() + 5
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_only_one_thread_at_a_time_holds_a_device() -> None:
    gate = DeviceGate()
    inside = 0
    most = 0

    def work(visitor: str) -> None:
        nonlocal inside, most
        for _ in range(20):
            gate.acquire(visitor, never)
            inside += 1
            most = max(most, inside)
            time.sleep(0.0005)
            inside -= 1
            gate.release()

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_the_visitor_who_used_the_device_least_goes_next() -> None:
    gate = DeviceGate()
    order: list[str] = []

    def work(visitor: str) -> None:
        gate.acquire(visitor, never)
        order.append(visitor)
        gate.release()

    gate.acquire("busy", never)
    early = [threading.Thread(target=work, args=("busy",)) for _ in range(3)]
    for thread in early:
        thread.start()
    wait_until(lambda: len(gate._waiting) == 3)
    late = threading.Thread(target=work, args=("new",))
    late.start()
    wait_until(lambda: len(gate._waiting) == 4)
    time.sleep(0.05)
    assert gate.waiting_before("newest") >= 1
    gate.release()
    for thread in (*early, late):
        thread.join()
    assert order[0] == "new"


def test_a_newcomer_cannot_hold_the_device_longer_than_those_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two visitors with endless work share a device in equal parts, whoever came first."""
    monkeypatch.setattr(jobs, "CREDIT_SECONDS", 0.0)
    gate = DeviceGate()
    used = {"first": 0, "second": 0}
    end = time.monotonic() + 0.6

    def work(visitor: str) -> None:
        while time.monotonic() < end:
            gate.acquire(visitor, never)
            time.sleep(0.01)
            used[visitor] += 1
            gate.release()

    first = threading.Thread(target=work, args=("first",))
    first.start()
    time.sleep(0.1)
    second = threading.Thread(target=work, args=("second",))
    second.start()
    first.join()
    second.join()
    assert used["second"] >= 0.5 * (used["first"] - 10)


def test_a_short_question_is_answered_before_a_long_one_goes_on_but_the_credit_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns of one second: the first visitor has had 10, the last of which began at 9; the newcomer starts at 9 − 3 and catches up."""
    clock = [0.0]
    monkeypatch.setattr(jobs.time, "monotonic", lambda: clock[0])
    gate = DeviceGate()
    for _ in range(10):
        gate.acquire("long", never)
        clock[0] += 1.0
        gate.release()
    for order, visitor in enumerate(("long", "short")):
        gate._level(visitor)
        gate._waiting.append(jobs._Ticket(visitor, order))
    taken = []
    for _ in range(8):
        taken.append(gate._next().visitor)
        gate._used[taken[-1]] += 1.0
    assert taken == ["short"] * 4 + ["long", "short"] * 2


def test_waiting_for_a_turn_can_be_given_up() -> None:
    gate = DeviceGate()
    gate.acquire("a", never)
    with pytest.raises(Cancelled):
        gate.acquire("b", lambda: True)
    assert not gate._waiting


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


def test_an_unforeseen_error_is_one_sentence_and_reaches_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: seen.append(arguments.exc_type))
    job = finished(lambda _: 1 // 0)
    wait_until(lambda: seen)
    assert isinstance(job.error, LocuscopeError)
    assert "ZeroDivisionError" in str(job.error)
    assert seen == [ZeroDivisionError]


def test_a_long_computation_hands_the_device_on_at_its_progress_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SLICE_SECONDS", 0.01)
    gate, lock = DeviceGate(), threading.Lock()
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

    first, second = Job("long", None), Job("short", None)
    start_job(first, long, lambda _: None)
    wait_until(lambda: first.done > 3)
    start_job(second, short, lambda _: None)
    assert second.wait(5)
    assert first.wait(5)
    assert order == ["short", "long"]
    assert not lock.locked()
    assert gate._holder is None


def test_cancelling_while_handed_over_leaves_device_and_model_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SLICE_SECONDS", 0.0)
    gate, lock = DeviceGate(), threading.Lock()
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

    first, second = Job("first", None), Job("second", None)
    start_job(first, endless, lambda _: None)
    wait_until(lambda: first.done > 1)
    start_job(second, holder, lambda _: None)
    wait_until(lambda: second.state == "running")
    first.cancel()
    assert first.wait(5)
    assert first.state == "cancelled"
    release.set()
    assert second.wait(5)
    assert not lock.locked()
    assert gate._holder is None


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


def test_after_a_stop_an_analysis_without_snapshots_ends_at_its_next_call() -> None:
    job = Job("key", None)
    monitor = JobMonitor(job)
    monitor.start(10)
    monitor.advance(2)
    job.cancel()
    with pytest.raises(Cancelled):
        monitor.advance(1)
    assert job.done == 2


def test_the_time_left_follows_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(jobs.time, "monotonic", lambda: clock[0])
    job = Job("key", None)
    monitor = JobMonitor(job)
    monitor.start(40)
    assert job.seconds_left is None
    clock[0] += 5.0
    monitor.advance(10)
    assert job.seconds_left == pytest.approx(15.0)
