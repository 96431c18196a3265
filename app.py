"""Locuscope: frame of every page. Run with ``make run``."""

from __future__ import annotations

import streamlit as st

from pages._ui import frame

st.set_page_config(page_title="Locuscope", page_icon=str(frame.ASSETS / "icon.svg"), layout="wide")
st.logo(str(frame.ASSETS / "locuscope.svg"), size="large")
frame.style()
st.navigation(
    [
        st.Page("pages/explorer.py", title="Explorer", default=True),
        st.Page("pages/models.py", title="Models", url_path="models"),
        st.Page("pages/help.py", title="Help", url_path="help"),
    ],
    position="top",
).run()
