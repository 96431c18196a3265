"""An uploaded table of labels, read once and outside the page's own thread."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine.core.quoting import file_name
from engine.sources.labelled import Labelled, read_labelled_bytes
from pages._ui import reading, state
from pages._ui.text import show_caption, show_error


def labelled_file(shared: state.Shared, file: Any, place: str) -> Labelled | None:
    """The rows of the file that was uploaded at ``place``, with notes on them; None while it is read, and when it cannot be."""
    if file is None:
        st.session_state.pop(place, None)
        return None
    if st.session_state.get(place, ("",))[0] != file.file_id:
        data = reading.received(file, place)
        if data is None:
            return None
        identity, name = file.file_id, file.name
        st.session_state[place] = (identity, None)

        def then(found: Labelled) -> None:
            st.session_state[place] = (identity, found)

        reading.begin(place, file_name(name), lambda _: read_labelled_bytes(name, data, shared.settings), then, show_error)
    reading.show(shared.engine, place)
    found: Labelled | None = st.session_state[place][1]
    for note in found.notes if found is not None else ():
        show_caption(note)
    return found
