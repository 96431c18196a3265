"""The page of the models."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import streamlit as st

from engine.analyses import declared
from engine.core.errors import LocuscopeError
from engine.service.engine import ModelRow
from engine.service.operators import cannot_install
from engine.views import panel
from pages._ui import choices, polling, state, visitor_person
from pages._ui.buttons import button
from pages._ui.downloading import Download
from pages._ui.grid import CHOOSE, grid
from pages._ui.text import plain, show_error, show_info, show_warning

LINK = re.compile(r"\[([^\]]+)\]\((?!https?://)[^)]+\)")
"""A link to another file of the repository: there is none to follow on a page."""


def page() -> None:
    """Draw the page."""
    shared = state.shared()
    st.subheader("Models", anchor=False)
    st.caption(
        "Each model answers only what it was made for. A model whose weights are not here is never replaced by another: it says what is missing."
    )
    rows = shared.engine.models()
    picked = grid(
        _frame(rows),
        hide_index=True,
        height="content",
        column_config=_columns(),
        on_select="rerun",
        selection_mode="single-row",
        key="models-table",
    )
    if picked.selection.rows:
        _details(shared, rows[picked.selection.rows[0]])
    else:
        st.caption(f"{CHOOSE} to read everything about a model.")
    for sentence in (*declared.left_out(), *panel.left_out()):
        show_warning(sentence)
    st.subheader("Get a model", anchor=False)
    missing = [row for row in rows if _can_be_got(shared, row)]
    if not missing:
        st.caption("Every model that can be got here is here.")
        return
    chosen = st.selectbox("Model", missing, format_func=_offered, width=480)
    refusal = cannot_install(shared.settings, visitor_person.here(shared.settings), chosen.card)
    if refusal:
        show_info(refusal)
    elif chosen.downloadable:
        _install(chosen, shared)
    else:
        _accept(chosen, shared)


def _can_be_got(shared: state.Shared, row: ModelRow) -> bool:
    """Whether it is not here and a download, or terms to accept, would change that."""
    if row.installed:
        return False
    return row.downloadable or (not row.has_files and not shared.engine.terms_accepted(row.card.id))


def _offered(row: ModelRow) -> str:
    return f"{row.card.title}, {_size(row.size_bytes) if row.downloadable else 'its terms'}"


def _accept(row: ModelRow, shared: state.Shared) -> None:
    """The terms of a table or a service; what else is missing is said in its row."""
    card = row.card
    st.markdown(f"**{plain(card.title)}** · terms: {plain(card.licence)} · {plain(card.source)}")
    agreed = st.checkbox(f"I have read the terms ({plain(card.licence)}) and accept them for this installation.", key=f"terms-{card.id}")
    if button("Accept the terms", type="primary", disabled=not agreed, key="model-accept"):
        try:
            shared.engine.accept_terms(card.id)
        except LocuscopeError as error:
            show_error(str(error))
        else:
            st.rerun()


def _details(shared: state.Shared, row: ModelRow) -> None:
    """Everything the card says, in full sentences."""
    card = row.card
    with st.container(border=True):
        st.markdown(f"**{plain(card.title)}** · `{card.id}` · revision {plain(card.revision)}")
        lines = {
            "For": card.description,
            "Trained on": card.organisms,
            "Cannot do": card.limitations,
            "Input": f"{'DNA or RNA letters' if row.has_files else card.alphabet}, {card.min_length:,} to {card.max_length:,} bases"
            + (", read from left to right" if card.causal else ""),
            "Analyses": ", ".join(sorted(card.capabilities)),
            "Licence": card.licence,
            "Source": card.source,
            "Proof": card.proof,
            "Assumed": "; ".join(card.assumed),
            "Please cite": card.citation,
            "What is missing": row.why_not,
        }
        st.markdown("\n".join(f"* {label}: {plain(text)}" for label, text in lines.items() if text))
        told = shared.engine.long_card(card.id) if row.installed and row.has_files else ""
        if told:
            with st.expander("How it was made, and what was measured of it beside the baselines"):
                st.markdown(LINK.sub(r"\1", told))


def _install(row: ModelRow, shared: state.Shared) -> None:
    card = row.card
    st.markdown(
        f"**{plain(card.title)}** · download {_size(row.size_bytes)} from {plain(card.source)} ({card.proof}) · licence: {plain(card.licence)}"
    )
    if shared.settings.offline:
        st.info("This installation is set to stay offline (LOCUSCOPE_OFFLINE), so nothing can be downloaded here.")
        return
    agreed = st.checkbox(f"I have read the licence ({plain(card.licence)}) and accept it.", key=f"licence-{card.id}")
    downloads: dict[str, Download] = st.session_state.setdefault("downloads", {})
    running = downloads.get(card.id)
    if running is None or running.finished:
        if running is not None and running.problem:
            show_error(running.problem)
        if button("Download", type="primary", disabled=not agreed, key="model-download"):
            downloads[card.id] = Download(shared.engine, card.id)
            st.rerun()
        return
    polling.follow(shared.engine, True, _progress, running)


def _progress(running: Download) -> None:
    if running.finished:
        st.rerun()
    total = max(1, running.total)
    st.progress(min(1.0, running.done / total), text=f"{_size(running.done)} of {_size(running.total)}")
    if button("Cancel the download", key="model-cancel"):
        running.cancel()


def _frame(rows: tuple[ModelRow, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Model": list(choices.model_titles(row.card for row in rows).values()),
            "Here": [row.installed for row in rows],
            "What it is for": [row.card.description for row in rows],
            "Organisms": [row.card.organisms for row in rows],
            "Longest input, bases": [row.card.max_length for row in rows],
            "Analyses": [", ".join(sorted(row.card.capabilities)) for row in rows],
            "Cannot do": [row.card.limitations for row in rows],
            "Licence": [row.card.licence for row in rows],
            "Size": [_size(row.size_bytes) for row in rows],
            "Id": [row.card.id for row in rows],
            "What is missing": [row.why_not for row in rows],
        }
    )


def _columns() -> dict[str, Any]:
    text = st.column_config.TextColumn
    return {
        "What it is for": text(width="large"),
        "Cannot do": text(width="medium"),
        "Longest input, bases": st.column_config.NumberColumn(format="localized"),
    }


def _size(count: int) -> str:
    if count <= 0:
        return "—"
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
