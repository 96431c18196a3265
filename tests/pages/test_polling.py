"""How often a page that waits looks again."""

from __future__ import annotations

import pytest

from engine.service.jobs import Job
from pages._ui.polling import Pace, Work, glance_interval


def test_alone_a_visitor_looks_often_and_in_a_crowd_all_together_take_a_tenth_of_the_time() -> None:
    pace = Pace()
    for _ in range(100):
        pace.note(0.02)
    assert pace.interval(1) == 0.7
    assert pace.interval(20) == pytest.approx(20 * 0.02 / 0.1, rel=1e-3)
    assert pace.interval(1000) == 5.0


def test_on_a_busy_machine_looks_are_more_seldom() -> None:
    pace = Pace()
    before = pace.interval(8)
    for _ in range(10):
        pace.note(0.2)
    assert pace.interval(8) > 3 * before


def test_who_has_seen_nothing_yet_is_told_sooner_and_all_together_take_a_tenth_of_the_time() -> None:
    assert glance_interval(1) == 0.4
    assert glance_interval(20) == pytest.approx(1.0)
    assert glance_interval(1000) == 5.0


class Waiting(Work):
    def __init__(self, **states: str) -> None:
        self.visitor, self.jobs = "me", {name: Job(name, None) for name in states}
        for name, state in states.items():
            if state != "running":
                self.jobs[name].finish(state, "an answer" if state == "done" else None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ({"map": "cancelled"}, "It was cancelled."),
        ({"map": "cancelled", "columns": "done"}, "It was cancelled; missing: map."),
        ({"map": "cancelled", "columns": "running"}, ""),
        ({"map": "failed", "columns": "done"}, ""),
        ({}, ""),
    ],
)
def test_what_was_cancelled_is_said_once_all_has_ended(states: dict[str, str], told: str) -> None:
    work = Waiting(**states)
    assert work.cancelled == told
    assert {name for name in states if work.answered(name)} == {name for name, state in states.items() if state in ("done", "running")}
    assert not work.answered("never asked")
