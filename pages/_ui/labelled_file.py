"""An uploaded table of labels, read once and outside the page's own thread; it stays while other pages are open."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.core.quoting import file_name
from engine.sources.labelled import Labelled, read_labelled_bytes
from pages._ui import reading, state
from pages._ui.text import plain, show_caption, show_error


def labelled_file(shared: state.Shared, title: str, key: str) -> tuple[Labelled | None, str]:
    """The rows of the file that is uploaded here, with notes on them, and what identifies it.

    None without a file, while it is read, and when it cannot be. Streamlit forgets the file of a widget while another page is open; its rows are
    kept until it is taken away.
    """
    place = f"{key}-read"
    forget = partial(st.session_state.pop, place, None)
    file = st.file_uploader(title, key=key, on_change=forget)
    if file is None:
        kept: tuple[str, Labelled | None] = st.session_state.get(place, ("", None))
        if kept[1] is None:
            return None, ""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{plain(file_name(kept[1].name))}, {len(kept[1]):,} rows", width="content")
            st.button("Remove the table", key=f"{key}-remove", on_click=forget)
        return _noted(kept[1]), kept[0]
    if st.session_state.get(place, ("",))[0] != file.file_id:
        data = reading.received(file, place)
        if data is None:
            return None, ""
        identity, name = file.file_id, file.name
        st.session_state[place] = (identity, None)

        def then(found: Labelled) -> None:
            st.session_state[place] = (identity, found)

        reading.begin(place, file_name(name), lambda _: read_labelled_bytes(name, data, shared.settings), then, show_error)
    reading.show(shared.engine, place)
    return _noted(st.session_state[place][1]), file.file_id


def _noted(found: Labelled | None) -> Labelled | None:
    for note in found.notes if found is not None else ():
        show_caption(note)
    return found
