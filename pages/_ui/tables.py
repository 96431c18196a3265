"""The data tables below the view: every result as numbers, with its description."""

from __future__ import annotations

import streamlit as st

from engine.analyses.declared import declared
from engine.views.tables import table
from pages._ui.grid import grid
from pages._ui.runs import Runs
from pages._ui.text import plain, show_caption


def section(runs: Runs) -> None:
    """Draw the tables, made only while the section is open."""
    results = runs.finished_results()
    if not results:
        return
    box = st.expander("Data tables and description", on_change="rerun", key="tables-open")
    with box:
        if not box.open:
            return
        kind = st.segmented_control(
            "Table",
            list(results),
            default=next(iter(results)),
            required=True,
            format_func=lambda name: declared(name).title,
            key="table-kind",
        )
        found = results[kind]
        st.markdown(plain(runs.evidence().words()[kind]))
        grid(table(found), hide_index=True, height=360)
        show_caption(provenance_words(found))


def provenance_words(found: object) -> str:
    """Where a result comes from, in one line."""
    origin = getattr(found, "provenance", None)
    if origin is None:
        return ""
    card = origin.card
    weights = f"weights {card.weights_sha256[:12]}" if card.weights_sha256 else f"revision {card.revision}"
    return (
        f"{origin.analysis} {origin.version} · {card.title}, {weights}, {origin.dtype} on {origin.device} · "
        f"{origin.seconds:.2f} s · sequence sha256 {origin.sequence_sha256[:12]}"
    )
