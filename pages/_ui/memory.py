"""Where letters come from a model's memory of relatives, said under the question, and the view without it, one click away."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st

from engine.core.card import ModelCard
from pages._ui import search
from pages._ui.buttons import button
from pages._ui.state import Session
from pages._ui.text import plain

WHAT = "Expected bases, uncertainty and effects"


def offer(session: Session, card: ModelCard, results: Iterable[Any]) -> None:
    """A line about the memory, where it had a say or was left out, with the button that shows the other view. ``card``: of the model asked."""
    question = session.question
    heard = next((found.provenance.memory for found in results if found.provenance.card.id == card.id and found.provenance.memory), "")
    without = bool(card.without_memory) and question.model == card.id and question.species == card.without_memory
    if not heard and not without:
        return
    words = f"{WHAT}: {'read by the network alone, without its memory of training RNAs' if without else heard}. Maps and contacts never hear it."
    with st.container(horizontal=True, vertical_alignment="center", key="memory"):
        st.caption(plain(words), width="content")
        if question.model == card.id and card.without_memory:
            species = "rna" if without else card.without_memory
            if button("With its memory" if without else "Without its memory", key="memory-switch", type="tertiary"):
                search.change(session, question.switched(species))
                st.rerun()
