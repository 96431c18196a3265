"""The explorer asks for patterns of the map on screen, with their controls, and of no other map."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.core.alleles import Change
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.service.engine import Engine, Request
from engine.sources import examples
from pages._ui import choices
from pages._ui.changes import changed
from pages._ui.compare_controls import Controls
from pages._ui.prepared import prepare, price
from pages._ui.question import Question, Shown

SEQUENCE = NucleotideSequence("ACGGTTAACC" * 4)
SHOWN = Shown(SEQUENCE, SEQUENCE, (), "letters", (), ("",), None)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(Settings(home=tmp_path / "home"))


def test_the_box_is_in_the_menu_and_the_controls_are_not() -> None:
    assert "patterns" in choices.on_demand()
    assert "pattern_controls" not in choices.on_demand()
    assert {"shuffles", "rate"} <= set(choices.settings())


def test_what_the_controls_cost_is_said_before(engine: Engine) -> None:
    question = Question(SEQUENCE.letters, "locuscope", asked=("patterns",), settings=(("shuffles", "3"),))
    asked, without = (prepare(engine, "me", SHOWN, one) for one in (question, Question(SEQUENCE.letters, "locuscope")))
    assert "patterns" in asked.requests
    assert "pattern_controls" not in asked.requests
    assert price(asked).passes - price(without).passes == 3 * (1 + 3 * len(SEQUENCE))


def test_what_came_with_an_example_costs_nothing_and_what_is_asked_beside_it_waits_for_a_click(engine: Engine) -> None:
    example = next(item for item in examples.EXAMPLES if item.id == "ecoli-thr-attenuator")
    sequence = example.sequence
    engine.run(Request("dependency", sequence))  # reads the weights, whose hash names the answers
    shown = Shown(sequence, sequence, (), "example", (), ("",), example)
    question = Question(example.id, "locuscope")
    assert price(prepare(engine, "me", shown, question)).passes == 0
    runs = prepare(engine, "me", shown, replace(question, asked=("patterns",), settings=(("shuffles", "20"),)))
    cost = price(runs)
    assert (cost.passes, cost.automatic) == (20 * (1 + 3 * len(sequence)), False)
    runs.start([name for name in runs.requests if name != "patterns"])
    assert set(runs.requests) - set(runs.jobs) == {"patterns"}
    assert runs.way_on == "Compute"
    assert runs.settled


def test_patterns_of_another_map_are_not_shown(engine: Engine) -> None:
    question = Question(SEQUENCE.letters, "locuscope", asked=("patterns",), settings=(("metric", "log_ratio"),))
    runs = prepare(engine, "me", SHOWN, question)
    assert "usual map" in runs.impossible["patterns"]


def test_the_controls_of_an_allele_are_asked_by_a_click_and_kept(engine: Engine) -> None:
    change = Change(11, "C", "A")
    alleles = SEQUENCE, changed(SEQUENCE, change)
    question = Question(SEQUENCE.letters, "locuscope", settings=(("shuffles", "1"),))
    asked = Controls.of(engine, alleles, question, "locuscope", "", "me")
    assert not asked.jobs
    # a map of each allele and of its one shuffled sequence
    assert asked.cost(engine).startswith(f"{2 * 2 * (1 + 3 * len(SEQUENCE)):,} model runs")
    asked.start(engine)
    maps = tuple(engine.run(Request("dependency", sequence)) for sequence in alleles)
    for job in asked.jobs.values():
        job.wait(120)
    found = asked.found(maps, change)
    assert found is not None
    assert "By 1 dinucleotide-shuffled sequence of each allele" in found.words[0]
    again = Controls.of(engine, alleles, question, "locuscope", "", "somebody else")
    assert set(again.jobs) == {"reference", "alternate"}


def test_without_shuffles_the_controls_of_an_allele_say_so(engine: Engine) -> None:
    question = Question(SEQUENCE.letters, "locuscope", settings=(("shuffles", "0"),))
    assert "Without shuffled controls" in Controls.of(engine, (SEQUENCE, SEQUENCE), question, "locuscope", "", "me").problem
