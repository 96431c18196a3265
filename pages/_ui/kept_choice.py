"""Choices that hold while what there is to choose from grows, and while other pages are open."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st


def _kept(slot: str, options: Sequence[str], usual: str) -> str:
    chosen: str = st.session_state.get(slot, usual)
    return chosen if chosen in options else usual


def _keep(slot: str, place: str) -> None:
    if st.session_state.get(place) is not None:
        st.session_state[slot] = st.session_state[place]


def kept_choice(label: str, options: Sequence[str], usual: str, key: str, *, width: int) -> str:
    """One of ``options``: what the visitor chose last, where it is among them, otherwise ``usual``.

    Other options make another widget: one of the same key would hold on to its value though nobody chose it, and Streamlit forgets the value
    of a widget that a run did not draw.
    """
    slot, place = f"{key}-kept", f"{key}-of-{'|'.join(options)}"
    start = options.index(_kept(slot, options, usual))
    return st.selectbox(label, options, index=start, key=place, width=width, on_change=_keep, args=(slot, place))


def kept_switch(label: str, options: Sequence[str], usual: str, key: str) -> str:
    """The same as buttons beside each other, of which one is always pressed."""
    slot, place = f"{key}-kept", f"{key}-switch"
    start = _kept(slot, options, usual)
    return st.segmented_control(label, options, default=start, required=True, key=place, on_change=_keep, args=(slot, place))
