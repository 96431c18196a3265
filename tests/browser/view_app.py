"""A page with the locus view alone, fed with the samples of the tests; ``?length=``, ``?rows=``, ``?locus=1`` choose what it shows."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import streamlit as st

from engine.views import payload
from pages._ui import locus_view
from tests.views import samples

st.set_page_config(page_title="Locus view", layout="wide")
st.html("<style>.block-container{padding:1rem 2rem!important} .st-key-wires{display:none}</style>")
length = int(st.query_params.get("length", "76"))
given = samples.sequence(length, locus="locus" in st.query_params)
if st.session_state.get("reverse"):
    given = given.reverse_complement()
rows = st.query_params.get("rows")
found = samples.dependency(given, int(rows) if rows else None)
address = payload.Address("test", given.sha256[:16], st.session_state.get("generation", "g"))
locus = given.locus


@st.fragment
def view() -> None:
    meta = {
        "target": "test",
        "view": address.view,
        "generation": address.generation,
        "letters": given.letters,
        "alphabet": str(given.alphabet),
        "title": "Sample",
        "locus": {"contig": locus.contig, "start": locus.start, "end": locus.end, "strand": str(locus.strand)} if locus else None,
        "features": [{"kind": "tRNA", "name": "alaW", "start": 0, "end": 76, "strand": "+"}],
        "expected": ["map", "effects", "probabilities", "segmentation"],
        "elements": ["gene", "CDS", "tRNA"],
        "problems": {},
        "address": f"length={length}",
        "initial": {},
        "reverse_of": given.reverse_complement().sha256[:16],
    }
    wish = locus_view.mount(meta)
    with st.container(key="wires"):
        locus_view.send("test", "map", payload.map_envelope(address, found))
        locus_view.send("test", "effects", payload.effects_envelope(address, samples.effects(given)))
        locus_view.send("test", "probabilities", payload.probabilities_envelope(address, samples.probabilities(given)))
        locus_view.send("test", "segmentation", payload.segmentation_envelope(address, samples.segmentation(given)))
        if length == 76:
            locus_view.send("test", "contacts", payload.contacts_envelope(address, samples.contacts(given)))
        if wish and wish.name == "pair":
            table = samples.pair(wish.whole("changed"), wish.whole("read"), given)
            st.session_state.pair = payload.pair_envelope(address, table)
        if wish and wish.name == "window":
            st.session_state.window = payload.window_envelope(address, found, wish.whole("start"), wish.whole("end"))
        for kind in ("pair", "window"):
            if kind in st.session_state:
                locus_view.send("test", kind, st.session_state[kind])
    st.session_state.log = [*st.session_state.get("log", []), (wish.name, dict(wish.values))] if wish else st.session_state.get("log", [])
    st.code(str(st.session_state.log), language=None)
    if wish and wish.name == "reverse":
        st.session_state.reverse = not st.session_state.get("reverse")
        st.rerun()


view()
if st.button("Other model"):
    st.session_state.generation = "h"
    st.rerun()
