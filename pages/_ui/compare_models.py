"""Which two models the page Compare holds against each other, of which species, and how its address keeps them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from pages._ui import choices, state
from pages._ui.compare_address import Wanted
from pages._ui.text import show_error

if TYPE_CHECKING:
    from engine.service.engine import Engine
    from pages._ui.question import Question

SAME = "Both models are the same; choose two. Models that are not here yet are on the page Models."


def form(shared: state.Shared, session: state.Session, models: list[str], wanted: Wanted) -> tuple[Wanted, bool]:
    """The pickers: the two models that are chosen, and whether the button was pressed. Two of a kind are said and not kept."""
    usual = wanted.model or (session.question.model if session.question.model in models else models[0])
    other = wanted.other if wanted.other not in ("", usual) else next((name for name in reversed(models) if name != usual), usual)
    with st.form("compare-models", border=False):
        first, second, go = st.columns([3, 3, 1], vertical_alignment="bottom")
        called = choices.titles(shared.engine)
        one = first.selectbox("Model", models, models.index(usual), format_func=called, key="compare-one")
        two = second.selectbox("Other model", models, models.index(other), format_func=called, key="compare-other")
        asked = go.form_submit_button("Compare", type="primary", width="stretch")
    if not asked:
        return wanted, False
    if one == two:
        show_error(SAME)
        return replace(wanted, other="", problems=()), False
    return replace(wanted, model=one, other=two, problems=()), True


def species_for(engine: Engine, question: Question, model: str) -> str:
    """The explorer's species, for its own model and each other that knows a species of that name."""
    if not question.species or model == question.model:
        return question.species
    return question.species if question.species in engine.model(model).card.species else ""
