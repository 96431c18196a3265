"""The page of the figure: what the explorer shows, as one linked Plotly figure with its files."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine.views.locus_figure import FigureStyle, locus_figure
from pages._ui import downloads, search, state
from pages._ui.question import echo

COLOURS = ("Cividis", "Viridis", "Magma", "Greys")
PANELS = {
    "dependency": "dependency map",
    "contacts": "contacts",
    "effects": "effects",
    "probabilities": "reconstruction",
    "segmentation": "elements",
}
WIDEST_MAP = 1024


def page() -> None:
    """Draw the page."""
    session = state.session()
    st.subheader("Figure", anchor=False)
    results = session.work.runs.finished_results() if session.work.runs is not None else {}
    if session.screen.shown is None or not set(results) & set(PANELS):
        st.info("There is no finished result yet; open a sequence in the explorer first.")
        if st.button("Open the explorer", type="primary"):
            st.switch_page("pages/explorer.py")
        return
    shown = session.on_screen
    st.markdown(f"**{search.plain(shown.title)}** · {search.plain(echo(shown))} (the sequence of the explorer)")
    kept, style = _choices(len(shown.sequence), [kind for kind in PANELS if kind in results])
    drawn = {kind: results[kind] for kind in kept}
    if not drawn:
        st.info("Choose at least one panel.")
        return
    if "dependency" in drawn and len(drawn["dependency"].values) > WIDEST_MAP:
        st.info(
            f"The map has {len(drawn['dependency'].values):,} bases; up to {WIDEST_MAP:,} can be drawn here. Compute a window of it in the explorer."
        )
        return
    figure = locus_figure(downloads.evidence(shown, drawn), style)
    words = " ".join(result.words() for result in drawn.values())
    st.plotly_chart(figure, alt=words, key="composite", width="content", theme=None)
    downloads.figure_buttons(shown, drawn, style)
    st.caption(words)


def _choices(length: int, kinds: list[str]) -> tuple[list[str], FigureStyle]:
    kept: list[Any] = st.pills("Panels", kinds, selection_mode="multi", default=kinds, format_func=PANELS.__getitem__)
    first, second, third, fourth, _ = st.columns([2, 2, 4, 1, 3], vertical_alignment="bottom")
    shape = first.segmented_control("Map", ["square", "triangle"], default="square", key="page-shape")
    colours = second.selectbox("Colours", COLOURS)
    start, end = third.slider("Positions", 1, length, (1, length)) if length > 1 else (1, 1)
    dark = fourth.toggle("Dark", value=st.context.theme.type == "dark")
    style = FigureStyle(
        shape="triangle" if shape == "triangle" else "square", colours=colours, dark=dark, first=start, last=max(end, start + 1)
    )
    return list(kept), style
