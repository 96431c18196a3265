"""Locuscope: frame of every page. Run with ``make run``."""

import streamlit as st


def main() -> None:
    """Run the frame; who comes first to a server is told while it is read in."""
    with st.spinner("Locuscope is starting; only the first page of a server takes these seconds."):
        from pages._ui import frame
    frame.run()


main()
