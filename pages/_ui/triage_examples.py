"""Examples of triage, one click each."""

from __future__ import annotations

import streamlit as st

from engine.sources.triage_examples import SINGLES, TABLES, TriageExample
from pages._ui.buttons import button


def chosen() -> TriageExample | None:
    """Draw the buttons; the example whose button was pressed just now."""
    with st.container(key="triage-examples", horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown("**Examples**", width="content")
        tables = [item for item in TABLES if button(item.title, key=f"triage-example-{item.title}", help=item.help)]
        st.markdown("single variants:", width="content")
        singles = [item for item in SINGLES if button(item.title, key=f"triage-single-{item.title}", help=item.help, type="tertiary")]
    return next(iter((*tables, *singles)), None)
