"""The frame of every page: name, style, navigation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "assets" / "style"
_FRAMED = "page-is-framed"


def run() -> None:
    """Draw the frame and the page in it."""
    st.set_page_config(page_title="Locuscope", page_icon=str(ASSETS / "icon.svg"), layout="wide")
    st.logo(str(ASSETS / "locuscope.svg"), size="large")
    st.html(f"<style>{(ASSETS / 'page.css').read_text(encoding='utf-8')}</style>")
    st.session_state[_FRAMED] = True
    st.navigation(_pages(), position="top").run()


def show(page: Callable[[], None]) -> None:
    """Draw ``page``; outside the frame, start again inside it.

    A folder called ``pages`` makes Streamlit run its files on their own when the very first visitor of a process does not start at the
    front page; asking for the navigation once ends that for the whole process.
    """
    if _FRAMED not in st.session_state:
        st.navigation(_pages(), position="top")
        st.rerun()
    page()


def _pages() -> list[Page]:
    folder = ROOT / "pages"
    return [
        st.Page(folder / "explorer.py", title="Explorer", default=True),
        st.Page(folder / "compare.py", title="Compare", url_path="compare"),
        st.Page(folder / "rna.py", title="RNA", url_path="rna"),
        st.Page(folder / "alignment.py", title="Alignment", url_path="alignment"),
        st.Page(folder / "figure.py", title="Figure", url_path="figure"),
        st.Page(folder / "triage.py", title="Triage", url_path="triage"),
        st.Page(folder / "models.py", title="Models", url_path="models"),
        st.Page(folder / "help.py", title="Help", url_path="help"),
    ]
