"""Every hostile text in every kind of box, for `test_hostile_text`."""

from __future__ import annotations

import streamlit as st

from pages._ui.text import plain, show_caption, show_error, show_info, show_warning
from tests.browser.hostile import TEXTS

KINDS = {"error": show_error, "warning": show_warning, "info": show_info, "caption": show_caption}

for number, text in enumerate(TEXTS):
    for kind, show in KINDS.items():
        with st.container(key=f"{kind}-{number}"):
            show(text)
    with st.container(key=f"bold-{number}"):
        st.markdown(f"**{plain(text)}**")
    with st.container(key=f"button-{number}"):
        st.button(plain(text), key=f"pressed-{number}", help=plain(text))
st.write("all are drawn")
