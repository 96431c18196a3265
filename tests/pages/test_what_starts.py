"""What of a view starts by itself: one long analysis beside the others does not keep them back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.service.engine import Engine
from engine.sources import examples
from pages._ui import prepared
from pages._ui.prepared import Price, prepare, price
from pages._ui.question import Question, Shown
from pages._ui.runs import Runs
from tests.pages.test_explorer import Opened, state_of, texts
from tests.pages.test_stop_and_resume import labels, pressed

LETTERS = "ACGGTTAACCGGATATCCAG"
SEQUENCE = NucleotideSequence(LETTERS)
SHOWN = Shown(SEQUENCE, SEQUENCE, (), "letters", (), ("",), None)
USUAL = Question(LETTERS, "locuscope-local")
BESIDE = replace(USUAL, asked=("patterns",))
PATTERNS = 20 * (1 + 3 * len(LETTERS))
"""Model runs of their controls."""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(Settings(home=tmp_path / "home"))


@pytest.fixture(autouse=True)
def _small_is_a_map(monkeypatch: pytest.MonkeyPatch) -> None:
    """A map of so few letters starts by itself, twenty of them do not, however quick this machine is."""
    small_is(monkeypatch, 5_000)


def small_is(monkeypatch: pytest.MonkeyPatch, bases: int) -> None:
    monkeypatch.setattr(prepared, "AUTOMATIC_BASES", bases)
    monkeypatch.setattr(prepared, "AUTOMATIC_SECONDS", 0)


def viewed(engine: Engine, visitor: str, question: Question, shown: Shown = SHOWN) -> tuple[Runs, Price]:
    runs = prepare(engine, visitor, shown, question)
    return runs, price(runs)


def computed(runs: Runs, *kinds: str) -> None:
    runs.start(kinds or None)
    assert all(job.wait(60) for job in runs.jobs.values())


def test_what_is_small_starts_beside_what_waits_and_the_price_is_that_of_what_waits(engine: Engine) -> None:
    usual, beside = (viewed(engine, "me", question) for question in (USUAL, BESIDE))
    assert set(usual[1].at_once) == set(usual[0].requests)
    assert beside[1].at_once == usual[1].at_once
    assert beside[1].passes == PATTERNS


def test_of_several_that_were_chosen_the_small_ones_do_not_wait_for_the_long_one(engine: Engine) -> None:
    runs, cost = viewed(engine, "me", replace(USUAL, asked=("patterns", "loss"), elements="pyrodigal"))
    assert set(runs.requests) - set(cost.at_once) == {"patterns"}
    assert "loss" in cost.at_once
    assert cost.passes == PATTERNS


def test_long_elements_that_were_chosen_do_not_keep_the_map_back(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    question = replace(USUAL, elements="locuscope-segmenter")
    runs, cost = viewed(engine, "me", question)
    assert set(cost.at_once) == set(runs.requests)
    without = sum(
        runs.engine.estimate(runs.requests[kind], list(runs.requests.values())).work for kind in runs.requests if kind != "segmentation"
    )
    small_is(monkeypatch, without)
    runs, cost = viewed(engine, "me", question)
    assert set(runs.requests) - set(cost.at_once) == {"segmentation"}


def test_what_the_visitor_has_is_shown_where_the_rest_is_long(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.jobs.here("me")
    computed(viewed(engine, "me", USUAL)[0], "dependency")
    small_is(monkeypatch, 0)
    runs, cost = viewed(engine, "me", BESIDE)
    assert "dependency" in cost.at_once
    assert "effects" not in cost.at_once
    whole = sum(engine.estimate(request, list(runs.requests.values())).passes for request in runs.requests.values())
    assert cost.passes == whole - (1 + 3 * len(LETTERS))


def test_what_somebody_else_asked_starts_nothing_and_is_in_no_price(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.jobs.here("me")
    engine.jobs.here("other")
    before = viewed(engine, "me", BESIDE)[1]
    computed(viewed(engine, "other", USUAL)[0], "dependency")
    assert viewed(engine, "me", BESIDE)[1].passes == before.passes
    small_is(monkeypatch, 0)
    runs, cost = viewed(engine, "me", BESIDE)
    assert cost.at_once == ()
    assert cost.passes == sum(engine.estimate(request, list(runs.requests.values())).passes for request in runs.requests.values())


def test_what_is_under_way_goes_on_and_only_the_rest_is_priced(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    small_is(monkeypatch, 0)
    before, cost = viewed(engine, "me", USUAL)
    assert not cost.at_once
    before.start()
    runs = prepare(engine, "me", SHOWN, BESIDE)
    runs.go_on_with(before)
    cost = price(runs)
    assert set(cost.at_once) == set(before.jobs)
    assert cost.passes == PATTERNS
    runs.cancel()


def test_a_step_along_a_genome_starts_less_and_a_long_analysis_beside_it_changes_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "MOVED_BASES", 0)
    monkeypatch.setattr(prepared, "MOVED_SECONDS", 0)
    assert viewed(engine, "me", replace(USUAL, moved=True))[1].at_once == ()
    assert viewed(engine, "me", replace(BESIDE, moved=True, elements="pyrodigal"))[1].at_once == ()


def test_an_example_is_shown_whatever_it_costs_and_what_is_long_beside_it_waits(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    small_is(monkeypatch, 0)
    example = min(examples.EXAMPLES, key=lambda item: len(item.sequence))
    shown = Shown(example.sequence, example.sequence, (), "example", (), ("",), example)
    runs, cost = viewed(engine, "me", replace(BESIDE, text=example.id), shown)
    assert set(runs.requests) - set(cost.at_once) == {"patterns"}


def test_after_a_reload_all_is_there_but_what_was_never_computed(explorer: Opened) -> None:
    """Ticking an analysis that takes long, and opening the address again, kept back everything that was there before."""
    address = {"sequence": LETTERS[::-1], "model": "locuscope-local"}
    first = state_of(explorer(**address)).computing
    assert all(job.wait(60) for job in first.jobs.values())
    app = explorer(**address, analyses="patterns")
    runs = state_of(app).computing
    assert all(job.wait(60) for job in runs.jobs.values())
    app = app.run()
    assert set(runs.finished_results()) == set(first.finished_results())
    assert runs.states()["patterns"] == ("waiting", "not asked for yet: press Compute")
    assert f"{PATTERNS:,} model runs" in texts(app)
    assert "stored" not in texts(app)  # nobody is told what others asked
    runs.let_go()
    app = app.run()
    assert "patterns" not in runs.jobs  # it waits for a click after an absence, too
    assert set(runs.jobs) == set(first.jobs)
    app = pressed(app, "Compute")
    assert runs.jobs["patterns"].wait(120)
    assert "Compute" not in labels(app.run())
