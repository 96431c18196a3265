"""The page of the figure: what the explorer shows, as one linked Plotly figure with its files."""

from __future__ import annotations

from typing import Any, cast

import streamlit as st

from engine.views.evidence import SHAPES, FigureStyle, LocusEvidence, Shape
from engine.views.figure import locus_figure
from engine.views.palettes import PALETTES
from engine.views.panel import panels
from pages._ui import allele_bar, downloads, state
from pages._ui.question import echo
from pages._ui.text import plain, show_caption

FIXED = ("ruler",)
"""Panels that are always there."""


def page() -> None:
    """Draw the page."""
    session = state.session()
    st.subheader("Figure", anchor=False)
    results = session.work.runs.finished_results() if session.work.runs is not None else {}
    if session.screen.shown is None or not results:
        st.info("There is no finished result yet; open a sequence in the explorer first.")
        if st.button("Open the explorer", type="primary"):
            st.switch_page("pages/explorer.py")
        return
    shown = session.on_screen
    st.markdown(f"**{plain(shown.title)}** · {plain(echo(shown))} (the sequence of the explorer)")
    allele_bar.bar(state.shared(), session, "Figure")
    evidence = downloads.evidence(shown, results)
    style = _choices(evidence)
    words = " ".join(result.words() for result in results.values())
    st.plotly_chart(locus_figure(evidence, style), alt=words, key="composite", width="content", theme=None)
    downloads.figure_buttons(shown, results, style)
    show_caption(words)


def _choices(evidence: LocusEvidence) -> FigureStyle:
    length = len(evidence.sequence)
    titles = {panel.id: panel.title for panel in panels() if panel.belongs(evidence) and panel.id not in FIXED}
    kept: list[Any] = st.pills("Panels", list(titles), selection_mode="multi", default=list(titles), format_func=titles.__getitem__)
    first, second, third, fourth, fifth = st.columns([3, 2, 4, 1, 1], vertical_alignment="bottom")
    shape = first.segmented_control("Map", list(SHAPES), default="square", key="page-shape")
    colours = second.selectbox("Colours", list(PALETTES), format_func=str.capitalize)
    start, end = third.slider("Positions", 1, length, (1, length)) if length > 1 else (1, 1)
    log = fourth.toggle("Log", help="Colours by the logarithm, over the two decades below the limit")
    dark = fifth.toggle("Dark", value=st.context.theme.type == "dark")
    return FigureStyle(
        shape=cast("Shape", shape or "square"),
        colours=colours,
        log=log,
        dark=dark,
        first=start,
        last=max(end, min(start + 1, length)),
        hidden=tuple(name for name in titles if name not in kept),
    )
