"""The page about the server itself, for its operator."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine.core.settings import Settings
from engine.core.version import VERSION
from engine.service import metrics
from engine.service.metrics import Figure
from engine.service.operators import may_see_status
from pages._ui import state, visitor_person
from pages._ui.grid import grid
from pages._ui.text import show_info

EVERY_SECONDS = 5.0


def page() -> None:
    """Draw the page."""
    shared = state.shared()
    st.subheader("Status of this server", anchor=False)
    if not may_see_status(shared.settings, visitor_person.here(shared.settings)):
        show_info(
            "This page is for whoever runs this server: people signed in whom its setting LOCUSCOPE_OPERATORS names, and who sits at its machine "
            "while it serves that machine alone."
        )
        return
    st.caption(f"Locuscope {VERSION}. Nothing here tells what anybody asked. {_where(shared.settings)}")
    st.fragment(_figures, run_every=EVERY_SECONDS)(shared)


def _where(settings: Settings) -> str:
    if settings.metrics:
        return "The same figures are written to the file of the setting LOCUSCOPE_METRICS, for Prometheus."
    return "The setting LOCUSCOPE_METRICS names a file to which the same figures are written, for Prometheus."


def _figures(shared: state.Shared) -> None:
    found = [figure for figure in metrics.figures(shared.engine) if figure.name != "info"]
    grid(
        pd.DataFrame(
            {
                "what": [f"{figure.help}{_label(figure)}" for figure in found],
                "now": [_shown(figure) for figure in found],
                "name in Prometheus": [f"locuscope_{figure.name}" + (f"{{{figure.labels}}}" if figure.labels else "") for figure in found],
            }
        ),
        hide_index=True,
        height="content",
    )


def _label(figure: Figure) -> str:
    value = figure.labels.partition("=")[2].strip('"').replace("_", " ")
    return f": {value}" if value else ""


def _shown(figure: Figure) -> str:
    if figure.name.endswith("_bytes"):
        return f"{figure.value / 1e6:,.1f} MB"
    return f"{figure.value:,.1f} s" if "seconds" in figure.name else f"{figure.value:,.0f}"
