"""The page of the figure: what the explorer shows, exactly as it is seen there or with other settings, and its files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast
from urllib.parse import parse_qsl

import streamlit as st

from engine.views.evidence import SHAPES, FigureStyle, LocusEvidence, Shape
from engine.views.figure import locus_figure
from engine.views.palettes import PALETTES
from engine.views.panel import panels
from pages._ui import address, address_bar, allele_bar, downloads, explorer, polling, state
from pages._ui.buttons import button
from pages._ui.question import address_of
from pages._ui.runs import Runs
from pages._ui.text import show_caption, show_warning

FIXED = ("ruler",)
"""Panels that are always there."""
MOST_STEPS = 5000
"""Bases of a sequence whose region is chosen by coordinates; a slider sends the name of each to the browser."""


def page() -> None:
    """Draw the page."""
    shared, session = state.shared(), state.session()
    st.subheader("Figure", anchor=False)
    shown = explorer.locus_beside(shared, session)
    if shown is None:
        return
    allele_bar.bar(shared, session, "Figure")
    runs, cost = explorer.computations(shared, session)
    if cost.problem:
        show_warning(cost.problem)
    if not cost.problem and not runs.running and (words := runs.way_on) and button(words, type="primary", key="figure-go"):
        runs.start()
        st.rerun()
    results = runs.finished_results()
    waiting = not runs.settled  # the place of what follows is the same while something is computed and afterwards
    polling.follow(shared.engine, waiting, _progress, runs, len(results), waiting)
    if not results:
        return
    evidence = runs.evidence()
    style = _choices(evidence, downloads.as_seen(session, dark=st.context.theme.type == "dark"))
    _write_address(session, style)
    words = " ".join(evidence.words().values())
    st.plotly_chart(locus_figure(evidence, style), alt=words, key="composite", width="content", theme=None)
    downloads.figure_buttons(runs, lambda: style)
    show_caption("Files show the positions chosen above, whatever the figure here is zoomed to.")
    show_caption(words)


def _progress(runs: Runs, finished: int, waiting: bool) -> None:
    """How far the computations are; each one that is finished is drawn."""
    if waiting and (runs.settled or len(runs.finished_results()) != finished):
        st.rerun()
    for line in runs.lines():
        show_caption(line["text"])


def _choices(evidence: LocusEvidence, seen: FigureStyle) -> FigureStyle:
    """How the figure looks: as it was ``seen``, with what is chosen here."""
    length = len(evidence.sequence)
    titles = {panel.id: panel.title for panel in panels() if panel.belongs(evidence) and panel.id not in FIXED}
    usual = [name for name in titles if name not in seen.hidden]
    kept: list[Any] = st.pills("Panels", list(titles), selection_mode="multi", default=usual, format_func=titles.__getitem__)
    first, second, third, fourth, fifth = st.columns([3, 2, 4, 1, 1], vertical_alignment="bottom")
    shape = cast("Shape", first.segmented_control("Map", list(SHAPES), default=seen.shape, required=True))
    palettes = list(PALETTES)
    colours = second.selectbox("Colours", palettes, index=palettes.index(seen.colours), format_func=str.capitalize)
    region = _region(third, evidence, seen.region(length))
    log = fourth.toggle("Log", value=seen.log, help="Colours by the logarithm, over the two decades below the limit")
    dark = fifth.toggle("Dark", value=seen.dark)
    start, end = region[0], max(region[1], min(region[0] + 1, length))
    chosen = replace(seen, colours=colours, log=log, dark=dark, hidden=tuple(name for name in titles if name not in kept))
    if shape != seen.shape:  # the height was that of the map in its other shape
        chosen = replace(chosen, shape=shape, heights={name: pixels for name, pixels in seen.heights.items() if name != "map"})
    return chosen if (start, end) == seen.region(length) else replace(chosen, first=start, last=end, rows=None)


def _region(place: Any, evidence: LocusEvidence, now: tuple[int, int]) -> tuple[int, int]:
    """The first and last base shown, chosen by their coordinates where there are any."""
    length, locus = len(evidence.sequence), evidence.sequence.locus
    if length < 2:
        return (1, 1)
    if locus is None or length > MOST_STEPS:
        return cast("tuple[int, int]", place.slider("Positions", 1, length, now))
    named = {base: f"{locus.position_of(base - 1):,}" for base in range(1, length + 1)}
    return cast("tuple[int, int]", place.select_slider(f"Positions on {locus.contig}", list(named), now, format_func=named.__getitem__))


def _write_address(session: state.Session, style: FigureStyle) -> None:
    """What is on this page, in the address bar; a sequence that is too long for an address has none."""
    base = address_of(session.question, session.on_screen, state.shared().settings.model)
    values = address.of_style(style, len(session.on_screen.sequence))
    address_bar.replace("figure", {} if base is None else dict(parse_qsl(base)) | values)
