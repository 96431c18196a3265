"""Choices that hold while what there is to choose from grows, and while other pages are open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import streamlit as st

from pages._ui.starting import starts_with

_Value = TypeVar("_Value")


def kept(key: str, usual: _Value) -> tuple[_Value, dict[str, Any]]:
    """What the widget of ``key`` starts with (what the visitor left there last, otherwise ``usual``), and what it is drawn with so that this holds.

    What is set is noted before the run that it begins, so that a visitor who leaves the page in the same moment finds it, too.
    """
    return starts_with(key, left_at(key, usual)), {"key": key, "on_change": _keep, "args": (_slot(key), key)}


def left_at(key: str, usual: _Value) -> _Value:
    """What the visitor left at the widget of ``key`` last, otherwise ``usual``; what there is to choose from may not have it now."""
    left: _Value = st.session_state.get(_slot(key), usual)
    return left


def keep(key: str, value: Any) -> None:
    """Have `kept` and `kept_choice` start with a value, as if the visitor had left it there; to be called before the widget is drawn first."""
    st.session_state[_slot(key)] = value


def _slot(key: str) -> str:
    return f"{key}-kept"


def _kept(slot: str, options: Sequence[str], usual: str) -> str:
    chosen: str = st.session_state.get(slot, usual)
    return chosen if chosen in options else usual


def _keep(slot: str, place: str) -> None:
    if st.session_state.get(place) is not None:
        st.session_state[slot] = st.session_state[place]


def kept_choice(
    label: str,
    options: Sequence[str],
    usual: str,
    key: str,
    *,
    width: int | Literal["stretch"] = "stretch",
    help: str | None = None,
    format_func: Callable[[str], str] = str,
) -> str:
    """One of ``options``: what the visitor chose last, where it is among them, otherwise ``usual``.

    Other options make another widget: one of the same key would hold on to its value though nobody chose it, and Streamlit forgets the value
    of a widget that a run did not draw.
    """
    slot, place = _slot(key), f"{key}-of-{'|'.join(options)}"
    start = options.index(_kept(slot, options, usual))
    return st.selectbox(
        label, options, index=start, format_func=format_func, key=place, help=help, width=width, on_change=_keep, args=(slot, place)
    )


def kept_switch(label: str, options: Sequence[str], usual: str, key: str) -> str:
    """The same as buttons beside each other, of which one is always pressed."""
    slot, place = _slot(key), f"{key}-switch"
    start = _kept(slot, options, usual)
    return st.segmented_control(label, options, default=start, required=True, key=place, on_change=_keep, args=(slot, place))
