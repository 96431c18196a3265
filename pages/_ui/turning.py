"""From one page to another, so that nothing the first one still sends can empty the second.

A figure or a timer of the page that is left sends its last word while the next page is being drawn. Streamlit (1.67) then runs that part of the
old page after the new one, tells the browser so, and the browser takes everything off the screen because the page is not the one that it
shows. Parts that are forgotten before the turn are refused at the door instead.
"""

from __future__ import annotations

from typing import NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_SHOWN = "page-on-the-screen"


def turn_to(page: str) -> NoReturn:
    """End this run and draw ``page``, a file of ``pages/``."""
    _forget_parts()
    st.switch_page(page)


def begin() -> None:
    """At the start of a run: where it is to draw another page than the one on the screen (a click in the navigation), the parts of that one go.

    The run begins once more then, for a word that came before this line waits for the end of the run, and only a whole run takes its place.
    """
    run = get_script_run_ctx()
    shown = st.session_state.get(_SHOWN)
    if run is not None and shown not in (None, run.page_script_hash) and run.page_script_hash != run.pages_manager.main_script_hash:
        st.session_state[_SHOWN] = run.page_script_hash
        _forget_parts()
        st.rerun()


def draws() -> None:
    """Note which page this run draws, once the navigation has said so: until then a first visit bears the name of the whole app."""
    run = get_script_run_ctx()
    if run is not None:
        st.session_state[_SHOWN] = run.page_script_hash


def _forget_parts() -> None:
    run = get_script_run_ctx()
    if run is not None:
        run.fragment_storage.clear()
