"""Steps back and forth through what was shown, and the loci seen last."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from pages._ui import search
from pages._ui.buttons import button
from pages._ui.steps import LONGEST_TITLE, Step
from pages._ui.text import plain

if TYPE_CHECKING:
    from pages._ui.state import Session, Shared
    from pages._ui.surroundings import Surroundings


def note(session: Session) -> None:
    """Remember what is shown now."""
    question, shown = session.question, session.on_screen
    understood = session.files.understood[1] if session.files.understood is not None and question.is_of_file else None
    whole = replace(shown, sequence=shown.whole)  # which the text names, whatever part and strand of it is shown
    session.history = session.history.noted(Step(question, session.regions, understood), whole.title)


def note_place(session: Session) -> None:
    """Remember where what is shown lies, when it was asked for and not moved to."""
    place = session.around.place if session.around is not None else None
    if place is not None and not session.question.moved:
        session.history = replace(session.history, asked=(place.assembly, place.contig, place.start, place.end))


def asked_for(session: Session, place: Surroundings) -> tuple[int, int] | None:
    """The place that was typed last, where the view has left it for more, or for what lies beside it."""
    asked = session.history.asked
    if asked is None or not session.question.moved or asked[:2] != (place.assembly, place.contig):
        return None
    start, end = asked[2:]
    return (start, end) if (start, end) != (place.start, place.end) and end - start < place.end - place.start else None


def step(shared: Shared, session: Session, by: int) -> None:
    """Show what was shown before (``by`` -1), or what was undone (1)."""
    found = session.history
    at = found.at + by
    if not 0 <= at < len(found.steps):
        return
    there = found.steps[at]
    session.history = replace(found, at=at)
    session.regions, session.regions_turn = there.regions, session.regions_turn + 1
    if there.understood is not None:
        session.files = replace(session.files, understood=(there.question.text, there.understood))
    if there.question != session.question:
        session.say("")
        search.ask(shared, session, there.question)
    st.rerun()


def buttons(shared: Shared, session: Session) -> None:
    """Undo, redo, and the box of the loci seen last."""
    if session.screen.shown is not None:
        note(session)
    found = session.history
    undo = button(
        "↶",
        key="undo",
        help="Undo: the place, the model or the regions before; the display and own tracks stay",
        type="tertiary",
        disabled=found.at <= 0,
    )
    redo = button("↷", key="redo", help="Redo", type="tertiary", disabled=found.at + 1 >= len(found.steps))
    with st.popover("Recent", help="Loci that were shown last", type="tertiary", disabled=not found.recent):
        for number, (text, title) in enumerate(found.recent):
            if button(plain(title or text[:LONGEST_TITLE]), key=f"recent-{number}", type="tertiary", help=plain(text[:200])):
                search.ask(shared, session, session.question.about(text))
                st.rerun()
    if undo or redo:
        step(shared, session, -1 if undo else 1)
