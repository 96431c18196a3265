"""The explorer asks for patterns of the map on screen, with their controls, and of no other map."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.service.engine import Engine
from pages._ui import choices
from pages._ui.question import Question, Shown
from pages._ui.runs import prepare, price

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


def test_patterns_of_another_map_are_not_shown(engine: Engine) -> None:
    question = Question(SEQUENCE.letters, "locuscope", asked=("patterns",), settings=(("metric", "log_ratio"),))
    runs = prepare(engine, "me", SHOWN, question)
    assert "usual map" in runs.impossible["patterns"]
