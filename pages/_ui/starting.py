"""What a widget starts with, where an address or an earlier visit says it."""

from __future__ import annotations

from typing import TypeVar

import streamlit as st

_Value = TypeVar("_Value")


def starts_with(key: str, value: _Value) -> _Value:
    """What the widget of ``key`` starts with: ``value`` at the run that draws it first, and the same until Streamlit forgets the widget.

    A value that is put into the session's state in place of this is sent to the browser once: where the page begins anew before the browser
    has drawn it, because something was read meanwhile, the widget stays empty there, and then here.
    """
    slot = f"{key}-starts"
    if key not in st.session_state:
        st.session_state[slot] = value
    found: _Value = st.session_state.get(slot, value)
    return found
