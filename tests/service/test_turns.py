"""Who has a device next."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from engine.core.errors import Cancelled
from engine.service import turns
from engine.service.turns import Turns


@dataclass(eq=False)
class Work:
    """A computation as its turns see it; what it has had of the device is taken off what remains."""

    account: str
    expected: float = 1.0
    is_first: bool = False
    shows_after: float = 0.25
    used_seconds: float = 0.0
    stopping: bool = False
    wake: Callable[[], None] = lambda: None

    @property
    def wants_look(self) -> bool:
        return self.is_first and self.used_seconds < self.shows_after

    @property
    def remaining_seconds(self) -> float:
        return max(0.0, self.expected - self.used_seconds)

    def when_stopped(self, wake: Callable[[], None]) -> None:
        self.wake = wake

    def stop(self) -> None:
        self.stopping = True
        self.wake()


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(turns, "time", made)
    return made


def simulated(
    clock: Clock, arrivals: list[tuple[float, Work]], seconds: float, step: float = 0.05, *, rounds: bool = False
) -> dict[str, list[tuple[float, float]]]:
    """Who computed when: stretches by account. Each computation arrives at its time and asks to go on after every ``step`` of computing."""
    gate, came, history = Turns(rounds=rounds), list(arrivals), dict[str, list[tuple[float, float]]]()
    start = clock.now
    while clock.now - start < seconds:
        while came and came[0][0] <= clock.now - start:
            ticket = turns._Ticket(came.pop(0)[1], next(gate._orders), clock.now)
            gate._waiting.append(ticket)
        gate._give()
        holder = gate._holder
        if holder is None:
            if not came:
                break
            clock.now = start + came[0][0]
            continue
        began = clock.now
        clock.now += step
        history.setdefault(holder.job.account, []).append((began - start, clock.now - start))
        if gate.turn_seconds(holder.job) >= holder.job.expected:  # type: ignore[attr-defined]
            gate.release()
        elif gate.should_yield():
            gate.release()
            gate._waiting.append(turns._Ticket(holder.job, next(gate._orders), clock.now))
    return history


def done(history: dict[str, list[tuple[float, float]]]) -> dict[str, float]:
    return {name: stretches[-1][1] for name, stretches in history.items()}


def test_one_thread_at_a_time_has_the_device() -> None:
    gate = Turns()
    inside = most = 0

    def work(name: str) -> None:
        nonlocal inside, most
        for _ in range(20):
            gate.acquire(Work(name))
            inside += 1
            most = max(most, inside)
            time.sleep(0.0005)
            inside -= 1
            gate.release()

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == 1


def test_half_of_the_visitors_are_done_in_half_of_the_time(clock: Clock) -> None:
    """Twenty with work of 1.0 to 2.9 s, in a shuffled order: 39 s in all; one after the other by length the tenth is done after 14.5 s."""
    works = [(0.001 * place, Work(str(place), 1.0 + 0.1 * (7 * place % 20))) for place in range(20)]
    ends = sorted(done(simulated(clock, works, 60)).values())
    assert ends[-1] == pytest.approx(39, abs=1.5)
    assert ends[9] < 0.5 * ends[-1]


@pytest.mark.parametrize(("rounds", "half"), [(False, 1.5), (True, 2.5)])
def test_first_looks_come_one_after_the_other_where_computations_do_not_meet(clock: Clock, rounds: bool, half: float) -> None:
    """Ten looks of a quarter of a second each: half of them are over after half of the time; with a slice each before, nearly all at the end."""
    works = [(0.001 * place, Work(str(place), 3.0, is_first=True)) for place in range(10)]
    history = simulated(clock, works, 40, rounds=rounds)
    ends = sorted(
        next(end for start, end in history[str(place)] if _computed(history[str(place)], end) >= 0.25 - 1e-6) for place in range(10)
    )
    assert ends[4] <= half
    assert ends[-1] <= 3.5


def _computed(stretches: list[tuple[float, float]], until: float) -> float:
    return sum(end - start for start, end in stretches if end <= until)


def test_everyone_who_comes_gets_a_first_look_before_anyone_goes_on(clock: Clock) -> None:
    """Ten with 3 s of work each: a quarter of a second each, so the last one's first look ends after 2.5 s, and a slice more where slices round up."""
    works = [(0.0, Work(str(place), 3.0, is_first=True)) for place in range(10)]
    history = simulated(clock, works, 40)
    looks = [sum(end - start for start, end in history[str(place)] if end <= 3.0) for place in range(10)]
    assert min(looks) >= 0.25 - 1e-6
    assert max(history[str(place)][0][0] for place in range(10)) < 3.0


def test_a_first_look_ends_also_when_there_is_nothing_to_show(clock: Clock) -> None:
    works = [(0.0, Work("slow", 30.0, is_first=True, shows_after=99.0)), (0.1, Work("b", 3.0, is_first=True))]
    history = simulated(clock, works, 5.0)
    assert history["b"][0][0] <= turns.MOST_LOOK_SECONDS + turns.SLICE_SECONDS


def test_a_second_question_asked_at_once_has_no_first_look_of_its_own(clock: Clock) -> None:
    works = [(0.0, Work("a", 1.0, is_first=True)), (0.0, Work("a", 0.9)), (0.01, Work("b", 3.0, is_first=True))]
    history = simulated(clock, works, 1.0)
    assert sum(end - start for start, end in history["b"] if end <= 0.7) >= 0.25 - 1e-6


def test_a_long_computation_goes_on_while_short_ones_keep_coming(clock: Clock) -> None:
    """A new visitor with one second of work every second: without a share the long one would never have the device again."""
    works = [(0.0, Work("long", 100.0))] + [(0.5 + place, Work(f"short {place}", 1.0)) for place in range(40)]
    history = simulated(clock, works, 40)
    part = sum(end - start for start, end in history["long"]) / 40
    assert 0.03 < part < 0.3


def test_many_short_questions_in_a_row_come_after_a_visitor_who_asked_little(clock: Clock) -> None:
    gate = Turns()
    for _ in range(100):
        gate.acquire(Work("busy", 1.0))
        clock.now += 1.0
        gate.release()
    for order, work in enumerate((Work("busy", 1.0, is_first=True), Work("modest", 20.0))):
        gate._waiting.append(turns._Ticket(work, order, clock.now))
    assert gate._next(gate._waiting).job.account == "modest"


def test_what_takes_less_than_a_slice_does_not_wait_for_its_visitors_long_map(clock: Clock) -> None:
    gate = Turns()
    for order, work in enumerate((Work("a", 300.0), Work("b", 5.0), Work("a", 0.05))):
        gate._waiting.append(turns._Ticket(work, order, clock.now))
    assert gate._next(gate._waiting).order == 2


def test_nobody_is_handed_the_device_who_comes_after_its_holder(clock: Clock) -> None:
    gate = Turns()
    short, long = Work("short", 1.0), Work("long", 50.0)
    gate.acquire(short)
    gate._waiting.append(turns._Ticket(long, 99, clock.now))
    clock.now += 0.2
    assert not gate.should_yield()
    clock.now += 1.0
    assert gate.should_yield()  # an eighth of 1.2 s is more than a slice
    gate.release()
    assert gate._holder is not None
    assert gate._holder.job is long


def test_waiting_for_a_turn_ends_at_once_when_the_job_is_stopped() -> None:
    gate, waiting = Turns(), Work("b")
    gate.acquire(Work("a"))
    ended: list[bool] = []

    def wait() -> None:
        with pytest.raises(Cancelled):
            gate.acquire(waiting)
        ended.append(True)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.1)
    waiting.stop()
    thread.join(60)  # nobody gives the device back meanwhile
    assert ended
    assert not gate._waiting
    gate.release()
    assert gate._holder is None


def test_those_who_come_before_are_counted_as_visitors(clock: Clock) -> None:
    gate = Turns()
    gate.acquire(Work("a", 1.0))
    for order, work in enumerate((Work("b", 2.0), Work("b", 2.0), Work("c", 3.0), Work("d", 9.0)), 10):
        gate._waiting.append(turns._Ticket(work, order, clock.now))
    assert gate.waiting_before("a") == 0
    assert gate.waiting_before("c") == 1  # a, who computes; b needs four seconds
    assert gate.waiting_before("b") == 2
    assert gate.waiting_before("e") == 4


def test_a_visitors_first_picture_is_not_kept_waiting_by_a_panel_beside_it(clock: Clock) -> None:
    """A cold map needed more than a first look before its first cells; a long panel of the same view then held the device until its end."""
    picture = Work("visitor", expected=600.0, is_first=True, shows_after=turns.MOST_LOOK_SECONDS + 2)
    panel = Work("visitor", expected=100.0)
    simulated(clock, [(0.0, picture), (0.0, panel)], 7.0)
    assert not picture.wants_look


def test_the_share_of_who_waits_longest_is_given_again_and_again(clock: Clock) -> None:
    """A slice given by share and gone on with as the first in the order no longer counts as one by share."""
    short, long = Work("visitor", expected=30.0), Work("visitor", expected=600.0)
    simulated(clock, [(0.0, long), (0.0, short)], 30.0)
    assert 0.8 * turns.SHARE < long.used_seconds / 30 < 1.2 * turns.SHARE
