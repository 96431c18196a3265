"""Buttons whose click is never lost."""

from __future__ import annotations

from typing import Literal

import streamlit as st

_CLICKED = "clicked-buttons"


def button(
    label: str,
    *,
    key: str,
    help: str | None = None,
    type: Literal["primary", "secondary", "tertiary"] = "secondary",
    shortcut: str | None = None,
    disabled: bool = False,
) -> bool:
    """Draw a button; whether it was clicked since a run of the page last came to it.

    ``st.button`` answers in the run that the click begins, and only there: when the page begins anew before that run has come to the button,
    because a picture was finished or the figure was moved, the click is gone. A callback is called before anything else of a run.
    """
    st.button(label, key=key, help=help, type=type, shortcut=shortcut, disabled=disabled, on_click=_note, args=(key,))
    clicked: set[str] = st.session_state.get(_CLICKED, set())
    if key not in clicked or disabled:
        return False
    clicked.discard(key)
    return True


def forget() -> None:
    """Drop the clicks on buttons that a whole run of the page did not draw: they would be carried out when those stand there again."""
    st.session_state.pop(_CLICKED, None)


def _note(key: str) -> None:
    st.session_state.setdefault(_CLICKED, set()).add(key)
