"""The address bar of the pages beside the explorer: what the explorer shows and what a page says of itself, so that neither a reload there nor the way
back loses the locus.

The script of the explorer's figure writes its own address. Streamlit adds a step to the browser's history whenever a page changes its query; a
script of three lines replaces the address instead, so that one press of Back leaves a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state import get_session_state

from pages._ui import address, downloads, state
from pages._ui.question import address_of

if TYPE_CHECKING:
    from pages._ui.state import Session, Shared

ALONE = ("alignment", "benchmarks", "models", "help", "status")
"""Pages that say nothing of themselves in the address."""
FIGURES_OWN = ("theme", "width", "heights", "order", "off")
"""What of an address only a drawn figure is told; the explorer's panels stay with the browser."""
_SCRIPT = """
export default function ({ data: { page, query } }) {
  const { pathname, search } = window.location;
  if (pathname.endsWith(`/${page}`) && search !== query) window.history.replaceState(window.history.state, "", pathname + query);
}
"""
_writer = st.components.v2.component("locuscope.address", html="<i></i>\n", js=_SCRIPT, isolate_styles=False)


def begin(shared: Shared, session: Session) -> None:
    """At the first run of a visit that starts beside the explorer: read what the explorer is to show, where the address says so."""
    asked = address.parse(st.query_params.to_dict())
    if session.exchange.asked is None and asked.text:
        from pages._ui import explorer

        explorer.begin(shared, session)


def of_explorer(shared: Shared, session: Session) -> dict[str, str]:
    """What an address says of the explorer: the question, and where and how it was seen last. What is still being read stays as it was given."""
    shown = session.screen.shown
    if shown is None:
        return st.query_params.to_dict() if session.exchange.asked is not None else {}
    base = address_of(session.question, shown, shared.settings.model)
    if base is None:
        return {}
    style = address.of_style(downloads.as_seen(session, dark=False), len(shown.sequence))
    return dict(parse_qsl(base)) | {name: text for name, text in style.items() if name not in FIGURES_OWN}


def write(page: str, own: Mapping[str, str] | None = None) -> None:
    """Make the address of ``page`` say ``own`` of it beside what the explorer shows."""
    replace(page, of_explorer(state.shared(), state.session()) | dict(own or {}))


def write_about(page: str, own: Mapping[str, str]) -> None:
    """As `write`, of a page whose ``own`` words are about the sequence of the explorer: nothing at all where no address carries that."""
    values = of_explorer(state.shared(), state.session())
    replace(page, values | dict(own) if values else {})


def replace(page: str, values: Mapping[str, str]) -> None:
    """Make the address of ``page`` say these ``values`` and nothing else, without a step in the browser's history."""
    query = urlencode(values, safe=":,")
    with get_session_state().query_params() as told:
        told.clear_with_no_forward_msg(preserve_embed=True)
        for name, text in values.items():
            told.set_with_no_forward_msg(name, text)
    run = get_script_run_ctx()
    if run is not None:
        run.query_string = query
    with st.container(key="wires-address"):
        _writer(key="address", data={"page": page, "query": f"?{query}" if query else ""})
