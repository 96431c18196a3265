"""How often a page that waits looks again."""

from __future__ import annotations

import pytest

from pages._ui.polling import Pace, glance_interval


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
