"""The page Lessons in Streamlit's own test frame: cards, question, answer, the way on and its address."""

from __future__ import annotations

import re
import time

from streamlit.testing.v1 import AppTest

from engine.service.jobs import Job
from pages._ui.lessons_page import Place


def _lessons() -> None:
    from pages._ui.lessons_page import page

    page()


def texts(app: AppTest) -> str:
    return " ".join(item.value for item in app.markdown)


def until(app: AppTest, words: str) -> str:
    """The texts once the answers are there, with these words among them."""
    for _ in range(200):
        if words in texts(app):
            return texts(app)
        time.sleep(0.2)
        app.run()
    raise AssertionError(f"{words} not in {texts(app)}")


def test_a_lesson_asks_before_it_reveals_and_the_address_holds_where_it_is() -> None:
    app = AppTest.from_function(_lessons, default_timeout=60).run()
    app.button(key="lesson-how-sure-lac").click().run()
    assert not app.exception
    assert app.query_params["lesson"] == "how-sure-lac"
    assert "full ignorance" in texts(app)
    assert "What to conclude" not in texts(app)
    app.radio[0].set_value(app.radio[0].options[0]).run()
    app.button(key="lesson-reveal").click().run()
    assert "You predicted: Sure nearly everywhere" in until(app, "What to conclude")
    assert re.search(r"1\.9\d of two bits", texts(app))
    app.button(key="lesson-next").click().run()
    assert (app.query_params["step"], "answer" in app.query_params) == ("2", False)
    app.button(key="lesson-back").click().run()
    assert app.query_params["answer"] == "shown"


def test_who_was_away_while_it_was_computed_finds_it_asked_again() -> None:
    app = AppTest.from_function(_lessons, default_timeout=60)
    app.query_params["lesson"], app.query_params["answer"] = "how-sure-lac", "shown"
    app.run()
    until(app, "What to conclude")
    work = app.session_state["lesson-work"][1]
    for request in work.jobs:
        work.jobs[request] = Job("stopped", request)
        work.jobs[request].finish("cancelled")
    app.run()
    assert not app.exception
    until(app, "What to conclude")
    assert app.session_state["lesson-work"][1] is not work


def test_an_address_opens_a_step_and_one_that_is_none_the_cards() -> None:
    app = AppTest.from_function(_lessons, default_timeout=60)
    app.query_params["lesson"], app.query_params["step"], app.query_params["answer"] = "stop-codon", "2", "shown"
    app.run()
    assert "becomes TAG" in texts(app)
    assert "behind it from 0.88 to" in until(app, "What not to conclude")
    other = AppTest.from_function(_lessons, default_timeout=60)
    other.query_params["lesson"] = "nothing"
    assert any(button.label == "Begin" for button in other.run().button)


def test_one_goes_through_questions_and_answers_in_turn() -> None:
    place = Place("x")
    seen = [place := place.moved(1, 2) for _ in range(4)]
    assert [(item.step, item.is_revealed) for item in seen] == [(0, True), (1, False), (1, True), (1, True)]
    assert place.moved(-9, 2) == Place("x")
