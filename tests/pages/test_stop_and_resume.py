"""Stopping, going on, and coming back, as the explorer offers them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from engine.views.evidence import FigureStyle
from tests.pages.test_explorer import Opened, state_of


def letters(seed: int, length: int = 400) -> str:
    return "".join(random.Random(seed).choices("ACGT", k=length))


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def pressed(app: AppTest, label: str) -> AppTest:
    """After a press of the button, if there is one: short questions start by themselves."""
    found = [button for button in app.button if button.label == label]
    return found[0].click().run() if found else app


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_stopped_computation_is_offered_to_go_on_at_once_and_keeps_its_rows(explorer: Opened) -> None:
    app = pressed(explorer(sequence=letters(2)), "Compute")
    runs = state_of(app).computing
    first = runs.jobs["dependency"]
    wait_until(lambda: first.partial is not None and first.done > 1, 200)  # past the rows that decide on a precision
    runs.cancel()
    assert not runs.running
    app = app.run()
    assert runs.states()["dependency"][0] == "partial"
    assert "press Resume" in runs.states()["dependency"][1]
    assert "Resume" in labels(app)
    app = pressed(app, "Resume")
    assert state_of(app).computing is runs
    again = runs.jobs["dependency"]
    assert again is not first
    assert runs.running
    assert not {"Compute", "Resume"} & set(labels(app))
    assert first.wait(60)
    wait_until(lambda: again.done > 0, 200)
    assert again.done >= 3 * int(first.partial.rows_done.sum())
    runs.cancel()
    assert again.wait(60)


def test_what_is_said_of_a_stopped_map_counts_the_rows_that_are_drawn(explorer: Opened) -> None:
    """The first picture has a handful of rows; the figure around it is kept while the map grows, and made again of the last one when it is stopped."""
    app, style = pressed(explorer(sequence=letters(9)), "Compute"), FigureStyle(live=True)
    runs = state_of(app).computing
    job = runs.jobs["dependency"]
    wait_until(lambda: job.partial is not None, 200)
    while_growing = runs.envelopes(style)
    assert b"of 400 rows are computed" not in while_growing["side"] or job.finished
    early = int(job.partial.rows_done.sum())
    wait_until(lambda: int(job.partial.rows_done.sum()) > early, 200)
    runs.cancel()
    assert job.wait(60)
    rows = int(job.partial.rows_done.sum())
    assert early < rows < 400
    assert f"partial: {rows} of 400 rows are computed".encode() in runs.envelopes(style)["side"]


def test_beside_compute_stands_what_it_will_cost_and_not_what_the_elements_took(explorer: Opened) -> None:
    app = explorer(sequence=letters(5, 1_500), elements="pyrodigal")
    before = [caption.value for caption in app.caption if "model runs" in caption.value]
    app = pressed(app, "Elements alone")
    wait_until(lambda: "segmentation" in state_of(app).computing.finished_results(), 60)
    app = app.run()
    assert "Compute" in labels(app)
    assert [caption.value for caption in app.caption if "model runs" in caption.value] == before != []


def test_one_visitor_who_stops_leaves_the_computation_to_the_others(explorer: Opened) -> None:
    one, other = (state_of(pressed(explorer(sequence=letters(3, 800)), "Compute")).computing for _ in range(2))
    assert one.jobs["dependency"] is other.jobs["dependency"]
    one.cancel()
    assert not one.running
    assert one.way_on == "Resume"
    assert other.running
    assert other.way_on == ""
    one.start()
    assert one.running
    assert one.jobs["dependency"] is other.jobs["dependency"]
    for runs in (one, other):
        runs.cancel()
    assert all(job.wait(30) for job in other.jobs.values())


def test_what_an_absent_visitor_let_go_comes_back_with_the_next_run(explorer: Opened) -> None:
    app = explorer(sequence="GGGCCCAAATTTGGGCCCAA")
    runs = state_of(app).computing
    assert all(job.wait(60) for job in runs.jobs.values())
    app = app.run()
    had = set(runs.finished_results())
    assert runs.held_bytes > 1000
    runs.let_go()
    assert runs.held_bytes == 0
    assert runs.finished_results() == {}
    app = app.run()
    assert state_of(app).computing is runs
    assert set(runs.finished_results()) == had
    assert "Compute" not in labels(app)


def test_who_left_and_is_back_finds_the_work_going_on_from_where_it_was(explorer: Opened) -> None:
    app = pressed(explorer(sequence=letters(5)), "Compute")
    session = state_of(app)
    runs = session.computing
    left = runs.jobs["dependency"]
    wait_until(lambda: left.partial is not None and left.done > 1, 200)  # past the rows that decide on a precision
    runs.engine.jobs.leave(session.visitor)
    assert left.wait(60)
    assert left.state == "cancelled"
    app = app.run()
    again = runs.jobs["dependency"]
    assert runs.running
    assert "Resume" not in labels(app)
    wait_until(lambda: again.done > 0, 200)
    assert again.done >= 3 * int(left.partial.rows_done.sum())
    runs.cancel()
    assert again.wait(60)


def test_another_model_or_species_leaves_alone_what_it_has_no_part_in_and_back_again_nothing_is_lost(explorer: Opened) -> None:
    """Elements come from a model of their own, the same beside every map; the map of the first species goes on from its rows."""
    app = pressed(explorer(sequence=letters(6)), "Compute")
    session = state_of(app)
    first = session.computing
    elements, dependency = first.jobs["segmentation"], first.jobs["dependency"]
    wait_until(lambda: dependency.partial is not None and dependency.done > 1, 200)  # past the rows that decide on a precision
    species = next(item for item in app.selectbox if item.label == "Species or domain")
    app = species.select(species.options[-1]).run()
    second = session.computing
    assert second is not first
    assert second.jobs["segmentation"] is elements
    assert not elements.stopping
    wait_until(lambda: dependency.stopping, 10)  # once those who read it have let go
    assert dependency.wait(60)
    app = pressed(app, "Compute")
    assert second.jobs["segmentation"] is elements
    assert second.jobs["dependency"] is not dependency
    app = next(item for item in app.selectbox if item.label == "Species or domain").select(species.options[0]).run()
    app = pressed(app, "Compute")
    third = session.computing
    assert third.jobs["segmentation"] is elements
    again = third.jobs["dependency"]
    wait_until(lambda: again.done > 0, 200)
    assert again.done >= 3 * int(dependency.partial.rows_done.sum())
    third.cancel()
    assert all(job.wait(20) for job in third.jobs.values())
