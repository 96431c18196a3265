"""What a page says of a model's memory, and the button that leaves it out."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


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
    assert app.text[0].value == "rna without memory"
    assert "read by the network alone" in app.caption[0].value
    app.button(key="memory-switch").click().run()
    assert app.text[0].value == "rna"
