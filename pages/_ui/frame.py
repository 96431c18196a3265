"""The frame of every page: style, name, navigation."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "style"


def style() -> None:
    """The few rules that Streamlit's theme has no words for."""
    st.html(f"<style>{(ASSETS / 'page.css').read_text(encoding='utf-8')}</style>")
