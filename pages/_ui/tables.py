"""The data tables below the view: every result as numbers, with its description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.analyses.declared import declared
from engine.views.tables import table
from pages._ui.runs import Runs
from pages._ui.text import plain, show_caption

if TYPE_CHECKING:
    import pandas as pd


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
            "Table", list(results), default=next(iter(results)), format_func=lambda name: declared(name).title, key="table-kind"
        )
        if kind is None:
            return
        found = results[kind]
        st.markdown(plain(found.words()))
        st.dataframe(table(found), hide_index=True, height=360)
        show_caption(provenance_words(found))


def decimals(frame: pd.DataFrame, places: int = 3, named: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Column settings that write every float of a table with as many decimals, under the titles ``named``."""
    titles = {name: (named or {}).get(name) for name in frame.columns}
    numbers = {name for name in frame.columns if frame[name].dtype.kind == "f"}
    return {
        name: st.column_config.NumberColumn(title, format=f"%.{places}f") if name in numbers else title
        for name, title in titles.items()
        if name in numbers or title
    }


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
