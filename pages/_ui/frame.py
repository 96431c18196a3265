"""The frame of every page: name, style, navigation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from engine.service.operators import may_see_status
from pages._ui import address_bar, buttons, state, theme, turning, visitor_person
from pages._ui.text import show_caption

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "assets" / "style"
DARK = """[data-testid^="stBaseButton-primary"]:not(:disabled), [data-testid^="stBaseButton-primary"]:not(:disabled) p,
[data-testid="stMultiSelectTagsContainer"] [data-tag], [data-testid="stMultiSelectTagsContainer"] [data-tag] * { color: #0f1318; }"""
"""Streamlit writes white on the primary colour, which is light in the dark theme; dark letters have a contrast of 8 there."""
_FRAMED = "page-is-framed"


def run() -> None:
    """Draw the frame and the page in it."""
    turning.begin()
    st.set_page_config(page_title="Locuscope", page_icon=str(ASSETS / "icon.svg"), layout="wide", initial_sidebar_state="collapsed")
    st.logo(str(ASSETS / "locuscope.svg"), size="large")
    style = (ASSETS / "page.css").read_text(encoding="utf-8")
    st.html(f"<style>{style}{DARK if st.context.theme.type == 'dark' else ''}</style>")
    if not _signed_in():
        st.session_state.pop(_FRAMED, None)
        st.navigation(_pages(), position="hidden")
        st.subheader("Locuscope", anchor=False)
        st.button("Sign in", type="primary", on_click=st.login)
        return
    st.session_state[_FRAMED] = True
    session = state.session()
    page = st.navigation(_pages(names_status=_names_status()), position="top")
    turning.draws()
    if page.url_path:
        address_bar.begin(state.shared(), session)
    page.run()
    theme.follow()
    buttons.forget()
    if page.url_path in address_bar.ALONE:
        address_bar.write(page.url_path)


def _signed_in() -> bool:
    """Whether the page may be drawn; where Streamlit's own sign-in is set up, only for those who are signed in."""
    if not visitor_person.signs_in_here():
        return True
    if st.user.is_logged_in:
        with st.sidebar:
            show_caption(f"Signed in as {st.user.get('email') or st.user.get('name') or 'a user without a name'}")
            st.button("Sign out", on_click=st.logout)
        return True
    return False


def show(page: Callable[[], None]) -> None:
    """Draw ``page``; outside the frame, start again inside it.

    A folder called ``pages`` makes Streamlit run its files on their own when the very first visitor of a process does not start at the
    front page; asking for the navigation once ends that for the whole process.
    """
    if _FRAMED not in st.session_state:
        st.navigation(_pages(), position="hidden")
        st.rerun()
    page()


def _pages(*, names_status: bool = True) -> list[Page]:
    """Every page; the address of the one about the server is there for everybody, who may not see it is told so by that page."""
    folder = ROOT / "pages"
    return [
        st.Page(folder / "explorer.py", title="Explorer", default=True),
        st.Page(folder / "compare.py", title="Compare", url_path="compare"),
        st.Page(folder / "rna.py", title="RNA", url_path="rna"),
        st.Page(folder / "phage.py", title="Phage", url_path="phage"),
        st.Page(folder / "alignment.py", title="Alignment", url_path="alignment"),
        st.Page(folder / "embeddings.py", title="Embeddings", url_path="embeddings"),
        st.Page(folder / "motif.py", title="Motif", url_path="motif"),
        st.Page(folder / "figure.py", title="Figure", url_path="figure"),
        st.Page(folder / "triage.py", title="Triage", url_path="triage"),
        st.Page(folder / "protein.py", title="Protein", url_path="protein"),
        st.Page(folder / "lessons.py", title="Lessons", url_path="lessons"),
        st.Page(folder / "benchmarks.py", title="Benchmarks", url_path="benchmarks"),
        st.Page(folder / "models.py", title="Models", url_path="models"),
        st.Page(folder / "help.py", title="Help", url_path="help"),
        st.Page(folder / "status.py", title="Status", url_path="status", visibility="visible" if names_status else "hidden"),
    ]


def _names_status() -> bool:
    """Whether the navigation names the page about the server."""
    settings = state.shared().settings
    return may_see_status(settings, visitor_person.here(settings))
