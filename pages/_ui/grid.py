"""A table on a page, in which a missing value is a dash and not a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

MISSING = "–"
"""Stands where a table has no value; files have an empty field there."""
CHOOSE = "Click the box at the left of a row"
"""How a row is chosen where rows can be: a click on its cells does nothing."""


def grid(rows: Any, **options: Any) -> Any:
    """`streamlit.dataframe` with `MISSING` for what is missing; its ``options`` and what it returns are its own."""
    return st.dataframe(rows, placeholder=MISSING, **options)


def decimals(frame: pd.DataFrame, places: int = 3, named: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Column settings that write every float of a table with as many decimals, under the titles ``named``."""
    titles = {name: (named or {}).get(name) for name in frame.columns}
    numbers = {name for name in frame.columns if frame[name].dtype.kind == "f"}
    return {
        name: st.column_config.NumberColumn(title, format=f"%.{places}f") if name in numbers else title
        for name, title in titles.items()
        if name in numbers or title
    }
