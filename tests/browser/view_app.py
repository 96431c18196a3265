"""A page with the figure alone, fed with the samples of the tests; ``?length=``, ``?rows=``, ``?locus=1`` choose what it shows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import streamlit as st

from engine.core.features import Feature
from engine.views import beside, live, wire
from engine.views.describe import describe
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.figure import locus_figure
from pages._ui import figure_view
from tests.views import samples

st.set_page_config(page_title="Figure", layout="wide")
st.html("<style>.block-container{padding:1rem 2rem!important} .st-key-wires{display:none}</style>")
length = int(st.query_params.get("length", "76"))
given = samples.sequence(length, locus="locus" in st.query_params)
if st.session_state.get("reverse"):
    given = given.reverse_complement()
rows = st.query_params.get("rows")
display: dict[str, Any] = st.session_state.get("display", {})
dark = st.context.theme.type == "dark"
style = FigureStyle(
    live=True,
    shape=display.get("shape", "wide"),
    symmetry=display.get("symmetry", "none"),
    minimum_distance=display.get("distance", 4),
    arcs=display.get("arcs", 40),
    threshold=display.get("threshold", 0),
    hide_near=display.get("near", 1),
    bases=display.get("bases", "safe"),
    dark=dark,
)
address = wire.Address("test", given.sha256[:16], st.session_state.get("generation", "g"))
locus = given.locus


def known() -> LocusEvidence:
    """The samples that the address asks for."""
    results: dict[str, Any] = {
        "dependency": samples.dependency(given, int(rows) if rows else None),
        "effects": samples.effects(given),
        "probabilities": samples.probabilities(given),
        "segmentation": samples.segmentation(given),
    }
    if length == 76:
        results["contacts"] = samples.contacts(given)
    return LocusEvidence(given, results, (Feature(kind="tRNA", name="alaW", start=0, end=76, strand="+"),))


if st.session_state.get("made_of") != (address, style):
    evidence = known()
    figure = locus_figure(evidence, style)
    words = [describe(found) for found in evidence.results.values()]
    facts = live.facts(figure, words, dark=dark)
    tabs = beside.tabs(evidence, style, facts, words)
    kept = {
        "figure": wire.figure_envelope(address, figure, words, dark=dark),
        "side": wire.envelope(address, "side", {"tabs": tabs}),
        "map": wire.map_envelope(address, evidence.results["dependency"], style),
        "status": wire.envelope(address, "status", {"states": {}, "nodes": []}),
    }
    st.session_state.made = (evidence, facts, kept)
    st.session_state.made_of = (address, style)
evidence, facts, kept = st.session_state.made


@st.fragment
def view() -> None:
    meta = {
        "target": "test",
        "view": address.view,
        "generation": address.generation,
        "letters": given.letters,
        "title": "Sample",
        "address": f"length={length}",
        "initial": {},
        "reverse_of": given.reverse_complement().sha256[:16],
    }
    wish = figure_view.mount(meta)
    with st.container(key="wires"):
        if wish and wish.name == "pair":
            pair = (wish.whole("changed"), wish.whole("read"))
            nodes = beside.pair_card(evidence, style, pair, samples.pair(*pair, given))
            kept["card"] = wire.envelope(address, "card", {"of": f"{pair[0] + 1},{pair[1] + 1}", "nodes": nodes})
        if wish and wish.name == "base":
            at = wish.whole("at")
            kept["card"] = wire.envelope(address, "card", {"of": str(at + 1), "nodes": beside.base_card(evidence, style, facts, at)})
        if wish and wish.name == "window":
            found = evidence.results["dependency"]
            kept["window"] = wire.window_envelope(address, found, wish.whole("start"), wish.whole("end"), style)
        for kind, data in kept.items():
            figure_view.send("test", kind, data)
    st.session_state.log = [*st.session_state.get("log", []), (wish.name, dict(wish.values))] if wish else st.session_state.get("log", [])
    st.code(str(st.session_state.log), language=None)
    if wish and wish.name == "reverse":
        st.session_state.reverse = not st.session_state.get("reverse")
        st.rerun()
    if wish and wish.name == "display":
        st.session_state.display = dict(wish.values)
        st.rerun()


view()
if st.button("Other model"):
    st.session_state.generation = "h"
    st.rerun()
