"""Where the places of the pages Embeddings and Motif come from: the explorer, a registered assembly, or an uploaded genome."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import streamlit as st

from engine.core.errors import InputError
from engine.core.genome_place import GenomePlace
from engine.core.quoting import file_name
from engine.service.embedding_places import Annotated, Genome, GenomeOfRecords, GenomeOfReference
from engine.service.triage import ReferenceLetters
from engine.sources import apart
from engine.sources.understood import Understood
from pages._ui import reading, state
from pages._ui.text import show_error

READING, GIVEN = "places-file", "places-given"
EXPLORER, UPLOAD = "what the explorer shows", "a file of mine"
CONTEXT_BP = 100


@dataclass(frozen=True, eq=False)
class Source:
    """A genome, what it is called, and the registered assembly it is (empty for none)."""

    genome: Genome
    label: str
    assembly: str = ""

    def question(self, place: GenomePlace, most: int) -> str:
        """What the box takes to show a place with some bases around it; of one longer than ``most`` bases its middle."""
        length = self.genome.contigs()[place.contig]
        start, end = max(0, place.start - CONTEXT_BP), min(length, place.end + CONTEXT_BP)
        spare = max(0, end - start - most)
        start, end = start + spare // 2, end - (spare - spare // 2)
        if self.assembly:
            return f"{self.assembly}:{place.contig}:{start + 1}-{end}:{place.strand}"
        return f">{place.contig}:{start + 1}-{end}\n{self.genome.letters(place.contig, start, end)}"


def source(shared: state.Shared, session: state.Session) -> Source | None:
    """The genome that is chosen; None before there is one."""
    names = [EXPLORER, *shared.genomes.names(), UPLOAD]
    usual = 0 if session.screen.shown is not None else len(names) - 1
    left, right = st.columns([2, 5], vertical_alignment="bottom")
    name = left.selectbox("Genome", names, index=usual, key=f"places-genome-{usual}")
    if name == EXPLORER:
        shown = session.screen.shown
        if shown is None:
            right.caption("The explorer shows nothing yet; open a locus there, or give a file.")
            return None
        return Source(GenomeOfRecords((shown.sequence,), (shown.features,)), shown.title)
    if name != UPLOAD:
        return _registered(shared, name)
    file = right.file_uploader("GenBank with its features, or FASTA", key="places-file")
    if file is None:
        st.session_state.pop(GIVEN, None)
        return None
    return _uploaded(shared, file.name, state.uploaded(file, "places-file"))


def _registered(shared: state.Shared, name: str) -> Source | None:
    known: Source | None = st.session_state.get(GIVEN)
    if known is not None and known.assembly == name:
        return known
    annotation = next((found for _, found in shared.genomes.annotations(name)), None)
    whole = GenomeOfReference(ReferenceLetters(shared.genomes, name))
    made = Source(Annotated(whole, annotation) if annotation is not None else whole, name, name)
    st.session_state[GIVEN] = made
    return made


def _uploaded(shared: state.Shared, name: str, data: bytes) -> Source | None:
    identity = hashlib.sha256(data).hexdigest()
    known: tuple[str, Source | None] = st.session_state.get("places-upload", ("", None))
    if known[0] != identity:
        st.session_state["places-upload"] = (identity, None)

        def then(found: Understood) -> None:
            if not found.records:
                raise InputError("The file holds no sequence.")
            made = Source(GenomeOfRecords(found.records, found.record_features), name)
            st.session_state["places-upload"] = (identity, made)

        reading.begin(READING, file_name(name), lambda monitor: apart.read_file(name, data, shared.settings, monitor), then, show_error)
    reading.show(shared.engine, READING)
    found: tuple[str, Source | None] = st.session_state["places-upload"]
    return found[1]
