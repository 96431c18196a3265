"""An uploaded file that is read once, outside the page's own thread, and stays while other pages are open, until it is taken away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

import streamlit as st

from engine.core.quoting import file_name
from pages._ui import reading, state
from pages._ui.buttons import button
from pages._ui.text import plain, show_error

_Read = TypeVar("_Read")


@dataclass(frozen=True, eq=False)
class KeptFile(Generic[_Read]):
    """``file_id``: Streamlit's name of the upload; ``found``: what was read of the file ``name``; None while it is read, and when it cannot be."""

    file_id: str
    name: str
    found: _Read | None = None


def kept_file(
    shared: state.Shared,
    title: str,
    key: str,
    read: Callable[[str, bytes, reading.Reading], _Read],
    words: Callable[[_Read], str] = lambda _: "",
    types: Sequence[str] | None = None,
) -> KeptFile[_Read] | None:
    """Draw the place of a file; what was read of it by ``read(name, bytes, monitor)``, None without a file.
    ``types``: endings of names that are taken.

    Streamlit forgets the file of a widget while another page is open: its name, with ``words`` on it, stands there then, with a button that removes it.
    """
    place = f"{key}-read"
    forget = partial(st.session_state.pop, place, None)
    file = st.file_uploader(title, types, key=key, on_change=forget)
    before: KeptFile[_Read] | None = st.session_state.get(place)
    if file is not None and (before is None or before.file_id != file.file_id):
        data = reading.received(file, place)
        if data is None:
            return None
        st.session_state[place] = asked = KeptFile[_Read](file.file_id, file.name)

        def then(found: _Read) -> None:
            if st.session_state.get(place) is asked:  # it was not taken away meanwhile
                st.session_state[place] = KeptFile(asked.file_id, asked.name, found)

        reading.begin(place, file_name(asked.name), lambda monitor: read(asked.name, data, monitor), then, show_error)
    reading.show(shared.engine, place)
    known: KeptFile[_Read] | None = st.session_state.get(place)
    if known is None:
        return None
    if file is None:
        told = words(known.found) if known.found is not None else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(plain(f"{file_name(known.name)}{', ' if told else ''}{told}"), width="content")
            st.button("Remove the file", key=f"{key}-remove", on_click=forget)
    elif known.found is None and not reading.under_way(place) and button("Read it again", key=f"{key}-again"):
        forget()
        st.rerun()
    return known
