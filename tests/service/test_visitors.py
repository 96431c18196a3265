"""Who waits for what: limits, leaving, and computations that others read."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from engine.core.errors import ResourceExhausted
from engine.service.jobs import Job, JobMonitor
from engine.service.visitors import JobTable
from tests.service.test_jobs import wait_until


def endless(monitor: JobMonitor) -> None:
    while True:
        time.sleep(0.005)
        monitor.advance(1)


@pytest.fixture
def table() -> Iterator[JobTable]:
    made = JobTable(6, 3)
    yield made
    for job in made.running:
        job.cancel()
    for job in made.running:
        assert job.wait(60)


def test_the_same_question_is_one_computation(table: JobTable) -> None:
    first = table.start("map", None, endless, "a")
    assert table.start("map", None, endless, "b") is first
    assert set(first.visitors) == {"a", "b"}
    assert table.visitors_waiting == 2


def test_each_visitor_and_the_server_have_a_limit_and_each_has_its_sentence(table: JobTable) -> None:
    for number in range(3):
        table.start(f"a{number}", None, endless, "a")
    with pytest.raises(ResourceExhausted, match="You have 3 computations"):
        table.start("a3", None, endless, "a")
    for number in range(3):
        table.start(f"b{number}", None, endless, "b")
    with pytest.raises(ResourceExhausted, match="6 computations are under way on this server"):
        table.start("c", None, endless, "c")
    assert table.start("a0", None, endless, "c").visitors.keys() == {"a", "c"}  # joining takes no place


def test_what_was_accepted_does_not_fail_for_want_of_a_place(table: JobTable) -> None:
    outers = [table.start(f"{visitor}{number}", None, endless, visitor) for visitor in "ab" for number in range(3)]
    inners = [table.start(f"inner {outer.key}", None, endless, outer) for outer in outers]
    assert len({job.key for job in inners}) == 6
    assert len(table.running) == 12
    assert set(inners[0].visitors) == {"a"}


def test_a_place_is_free_again_when_a_computation_ends(table: JobTable) -> None:
    jobs = [table.start(f"a{number}", None, endless, "a") for number in range(3)]
    jobs[0].cancel("a")
    table.start("a3", None, endless, "a")  # at once: what is being stopped does not count
    assert jobs[0].wait(60)
    wait_until(lambda: len(table.running) == 3)


def test_a_question_that_is_being_stopped_is_started_anew(table: JobTable) -> None:
    first = table.start("map", None, endless, "a")
    first.cancel("a")
    second = table.start("map", None, endless, "b")
    assert second is not first
    assert first.wait(60)
    wait_until(lambda: table.running == (second,))


def test_only_what_is_asked_first_at_once_is_first(table: JobTable) -> None:
    assert table.start("map", None, endless, "a").is_first
    assert not table.start("effects", None, endless, "a").is_first
    assert table.start("map of b", None, endless, "b").is_first
    time.sleep(0.6)
    assert table.start("pair", None, endless, "a").is_first


def test_who_leaves_stops_what_nobody_else_waits_for(table: JobTable) -> None:
    own, shared = table.start("own", None, endless, "a"), table.start("shared", None, endless, "a")
    table.start("shared", None, endless, "b")
    table.leave("a")
    assert own.wait(60)
    assert own.state == "cancelled"
    assert not shared.stopping
    assert set(shared.visitors) == {"b"}


def test_a_visitor_who_is_back_in_time_has_not_left(table: JobTable) -> None:
    stays, goes = table.start("stays", None, endless, "a"), table.start("goes", None, endless, "b")
    for visitor in "ab":
        table.leave_soon(visitor, 1.0)
    table.here("a")
    assert goes.wait(60)
    time.sleep(0.1)
    assert not stays.stopping


def test_a_computation_counts_for_its_visitors_through_those_that_read_it(table: JobTable) -> None:
    outer = table.start("effects", None, endless, "a")
    inner = table.start("map", None, endless, outer)
    released = threading.Event()
    table.start("of b", None, lambda _: released.wait(5), "b")
    assert table.visitors_waiting == 2
    released.set()
    assert isinstance(inner, Job)
    assert inner.account == "a"


class Door:
    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def test_what_ends_with_a_visit_is_closed_once_and_for_who_has_left_at_once(table: JobTable) -> None:
    door, late = Door(), Door()
    table.here("ann")
    table.here("ben")
    assert table.close_with("ann", door)
    table.leave("ben")
    assert door.closed == 0
    table.leave("ann")
    table.leave("ann")
    assert door.closed == 1
    assert not table.close_with("ann", late)
    assert late.closed == 1
