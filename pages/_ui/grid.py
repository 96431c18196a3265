"""A table on a page, in which a missing value is a dash and not a word."""

from __future__ import annotations

from typing import Any

import streamlit as st

MISSING = "–"
"""Stands where a table has no value; files have an empty field there."""


def grid(rows: Any, **options: Any) -> Any:
    """`streamlit.dataframe` with `MISSING` for what is missing; its ``options`` and what it returns are its own."""
    return st.dataframe(rows, placeholder=MISSING, **options)
