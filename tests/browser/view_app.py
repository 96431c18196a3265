"""A page with the figure alone, fed with the samples of the tests; ``?length=``, ``?rows=``, ``?locus=1`` choose what it shows.

``?panels=all`` has every panel that the shipped models offer.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import streamlit as st

from engine.core.features import Feature
from engine.views import wire
from engine.views.evidence import LocusEvidence
from pages._ui import figure_view
from pages._ui.figure_view.asked import picture, style_of
from pages._ui.figure_view.feed import Chosen, Feed
from tests.views import samples

st.set_page_config(page_title="Figure", layout="wide")
st.html("<style>.block-container{padding:1rem 2rem!important} .st-key-wires{display:none}</style>")
length = int(st.query_params.get("length", "76"))
given = samples.sequence(length, locus="locus" in st.query_params)
if st.session_state.get("reverse"):
    given = given.reverse_complement()
rows = st.query_params.get("rows")
dark = bool(st.context.theme.type == "dark")
address = wire.Address("test", given.sha256[:16], st.session_state.get("generation", "g"))


def known() -> LocusEvidence:
    """The samples that the address asks for."""
    if st.query_params.get("panels") == "all":
        return samples.everything(given)
    results: dict[str, Any] = {
        "dependency": samples.dependency(given, int(rows) if rows else None),
        "effects": samples.effects(given),
        "probabilities": samples.probabilities(given),
        "segmentation": samples.segmentation(given),
    }
    if length == 76:
        results["contacts"] = samples.contacts(given)
    return LocusEvidence(given, results, (Feature(kind="tRNA", name="alaW", start=0, end=76, strand="+"),))


if st.session_state.get("made_of") != address:
    st.session_state.made = (known(), Feed(address), {})
    st.session_state.made_of = address
evidence, feed, wished = st.session_state.made


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
    if wish:
        st.session_state.log = [*st.session_state.get("log", []), (wish.name, dict(wish.values))]
    if wish and wish.name == "pair":
        pair = (wish.whole("changed"), wish.whole("read"))
        wished["chosen"] = Chosen(pair, samples.pair(*pair, given))
    elif wish and wish.name == "base":
        wished["chosen"] = Chosen((wish.whole("at"),))
    elif wish and wish.name == "window":
        wished["window"] = (wish.whole("start"), wish.whole("end"))
    elif wish and wish.name == "display":
        st.session_state.display = dict(wish.values)
    elif wish and wish.name == "picture":
        data = picture(address, evidence, wish.values, "sample", dark=dark)
        if data:
            feed.picture(data)
    style = style_of(st.session_state.get("display", {}), dark=dark)
    states = {"dependency": f"partial, {rows} of {length} rows"} if rows else {}
    with st.container(key="wires"):
        for kind, data in feed.envelopes(evidence, style, states=states, **wished).items():
            figure_view.send("test", kind, data)
    st.code(str(st.session_state.get("log", [])), language=None)
    if wish and wish.name == "reverse":
        st.session_state.reverse = not st.session_state.get("reverse")
        st.rerun()


view()
if st.button("Other model"):
    st.session_state.generation = "h"
    st.rerun()
