"""What a page says of a model's memory, and the button that leaves it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.sequence import Alphabet, NucleotideSequence
from pages._ui import session_steps
from pages._ui.address import parse
from pages._ui.question import Question, Shown, address_of, narrowed
from pages._ui.steps import History, Step
from pages._ui.surroundings import Surroundings

WITHOUT = "rna without memory"


def _page() -> None:
    from dataclasses import replace

    import streamlit as st

    from engine.models.registry import entry
    from pages._ui import memory, state
    from pages._ui.question import Question
    from tests.views.samples import provenance, sequence

    session, card = state.session(), entry("locuscope").card
    if not session.question.model:
        session.screen = replace(session.screen, question=Question("ACGU", model=card.id))
    heard = "" if session.question.species == card.without_memory else "masked letters: it has a say at 70 of 76 bases"
    origin = replace(provenance("probabilities", sequence()), card=card, memory=heard)
    memory.offer(session, card, [type("Found", (), {"provenance": origin})()])
    st.text(session.question.species)


def test_the_memory_is_said_and_left_out_by_a_click_and_comes_back() -> None:
    app = AppTest.from_function(_page, default_timeout=60).run()
    assert not app.exception
    assert "it has a say at 70 of 76 bases. Maps and contacts never hear it." in app.caption[0].value
    app.button(key="memory-switch").click().run()
    assert app.text[0].value == WITHOUT
    assert "read by the network alone" in app.caption[0].value
    app.button(key="memory-switch").click().run()
    assert app.text[0].value == ""  # as it was asked, and not a species that nobody chose


@pytest.mark.parametrize("asked", ["", "rna", "bacteria", WITHOUT])
def test_the_switch_belongs_to_its_sequence_and_pressed_again_leaves_nothing_behind(asked: str) -> None:
    question = Question("rna-trna", "locuscope", species=asked)
    other = "rna" if asked == WITHOUT else WITHOUT
    switched = question.switched(other)
    assert switched.species == other
    assert switched.switched(asked) == question
    record = Surroundings("", "mine", 5000, 0, 300, reverse=False, in_record=True)
    for elsewhere in (switched.about("ecoli:lacZ"), switched.of_another, record.question(switched, 100, 400)):
        assert (elsewhere.species, elsewhere.elsewhere) == (asked, None)
    for told in (switched.told("phage"), switched.by("locuscope-local")):
        assert told.elsewhere is None
    assert switched.by("locuscope-local").species == ""
    assert narrowed(replace(switched, text="ACGT" * 9), _shown("ACGT" * 9), 3, 9).species == other


@pytest.mark.parametrize("asked", ["", "rna"])
def test_a_reload_knows_what_the_switch_put_there(asked: str) -> None:
    switched = Question("ACGU" * 5, "locuscope", species=asked).switched(WITHOUT)
    address = dict(parse_qsl(address_of(switched, _shown("ACGU" * 5), "locuscope") or ""))
    assert Question.of_address(parse(address), "").of_another.species == asked
    assert "species_elsewhere" not in dict(parse_qsl(address_of(switched.of_another, _shown("ACGU" * 5), "locuscope") or ""))
    chosen = Question.of_address(parse({"sequence": "ACGU", "species": WITHOUT}), "")
    assert chosen.of_another.species == WITHOUT
    step = History((Step(switched),), 0)
    assert session_steps.read(session_steps.content(step)) == step


def test_another_example_is_read_as_it_was_before_the_switch(explorer: Callable[..., AppTest]) -> None:
    app = explorer(example="bsub-sam-riboswitch")
    session = app.session_state["locuscope"]
    assert all(job.wait(60) for job in session.computing.jobs.values())
    app = app.run().button(key="memory-switch").click().run()
    assert session.question.species == WITHOUT
    app = app.button(key="example-ecoli-lac-promoter").click().run()
    assert session.question.species == ""
    assert session.computing.requests["dependency"].species == ""
    session.computing.cancel()


def test_an_address_with_a_species_for_others_that_the_model_does_not_know_says_so(explorer: Callable[..., AppTest]) -> None:
    app = explorer(sequence="GGGCCCAAAUUUGGGCCC", species_elsewhere="whale")
    assert "whale" in app.error[0].value
    assert app.session_state["locuscope"].question.elsewhere is None


def _shown(letters: str) -> Shown:
    sequence = NucleotideSequence(letters, Alphabet.RNA if "U" in letters else Alphabet.DNA)
    return Shown(sequence, sequence, (), "letters", (), ("",), None)
