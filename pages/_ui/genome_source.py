"""Where the places of the pages Embeddings and Motif come from: the explorer, a registered assembly, or an uploaded genome."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from engine.core.errors import InputError
from engine.core.genome_place import GenomePlace
from engine.core.locus import contig_in_text
from engine.service.embedding_places import Annotated, Genome, GenomeOfRecords, GenomeOfReference, kinds_of
from engine.service.triage import ReferenceLetters
from engine.sources import apart
from engine.sources.assemblies import canonical
from pages._ui import address_bar, reading, state
from pages._ui.address_values import AddressValues
from pages._ui.buttons import button
from pages._ui.kept_file import kept_file
from pages._ui.question import Shown, part_for_box
from pages._ui.text import show_error

READING, GIVEN, CHOSEN = "places-file", "places-given", "places-chosen"
EXPLORER, UPLOAD = "what the explorer shows", "a file of mine"
CONTEXT_BP = 100


@dataclass(frozen=True, eq=False)
class Source:
    """A genome, what it is called, the registered assembly it is (empty for none), and the kinds of features that it has.

    ``records``: the genome where it is one of records; ``by_locus``: whether the box finds them by their locus.
    """

    genome: Genome
    label: str
    assembly: str = ""
    kinds: tuple[str, ...] = ()
    records: GenomeOfRecords | None = None
    by_locus: bool = False

    def question(self, place: GenomePlace, most: int) -> str:
        """What the box takes to show a place with some bases around it; of one longer than ``most`` bases its middle."""
        length = self.genome.contigs()[place.contig]
        start, end = max(0, place.start - CONTEXT_BP), min(length, place.end + CONTEXT_BP)
        spare = max(0, end - start - most)
        start, end = start + spare // 2, end - (spare - spare // 2)
        if self.records is None:
            return f"{self.assembly}:{contig_in_text(place.contig)}:{start + 1}-{end}:{place.strand}"
        return part_for_box(self.records.record(place.contig), start, end, place.strand, by_locus=self.by_locus)


def offered(shared: state.Shared) -> tuple[str, ...]:
    """What a page about a genome can be about: the explorer's, the registered ones, a file."""
    return (EXPLORER, *shared.genomes.names(), UPLOAD)


def source(shared: state.Shared, session: state.Session, wanted: str = "") -> Source | None:
    """The genome that is chosen, at first the one that is ``wanted``; None before there is one."""
    names = offered(shared)
    usual = wanted if wanted in names else _usual(names, session.screen.shown)
    left, right = st.columns([2, 5], vertical_alignment="bottom")
    known = session.screen.shown is not None  # what the explorer shows may still be read at the first run
    name = left.selectbox("Genome", names, index=names.index(usual), key=f"places-genome-{known}", format_func=partial(_title, shared))
    st.session_state[CHOSEN] = name
    if name == EXPLORER:
        shown = session.screen.shown
        if shown is None:
            right.caption("The explorer shows nothing yet; open a locus there, or give a file.")
            return None
        return _kept(shared, shown, "the explorer", lambda _: _of_shown(shown))
    if name != UPLOAD:
        return _kept(shared, name, name, lambda monitor: _registered(shared, name, monitor))
    with right:
        kept = kept_file(
            shared, "GenBank with its features, or FASTA", "places-file", lambda name, data, monitor: _of_file(shared, name, data, monitor)
        )
    return kept.found if kept is not None else None


def _title(shared: state.Shared, name: str) -> str:
    """A genome as the page offers it."""
    return name if name in (EXPLORER, UPLOAD) else shared.genomes.words_for(name)


def _usual(names: Sequence[str], shown: Shown | None) -> str:
    """The registered assembly that the explorer shows a locus of, for that locus alone has few places; else what it shows, else a file."""
    if shown is None:
        return UPLOAD
    locus = shown.sequence.locus
    return locus.assembly if locus is not None and locus.assembly in names else EXPLORER


def genome_of(values: AddressValues, genomes: Sequence[str], names: Collection[str]) -> str:
    """The genome of an address, empty where it says nothing of the page: with one of the page's ``names`` it is what the explorer shows.
    An assembly may be called by any of its names."""
    named = canonical(values.text("genome"))
    return (named if named in genomes else values.choice("genome", genomes)) or (
        EXPLORER if any(values.text(name) for name in names) else ""
    )


def write_address(page: str, genome: str, texts: Mapping[str, str]) -> None:
    """What a page says of its places, in the address bar, beside what the explorer shows."""
    told = {name: text for name, text in texts.items() if (name, text) != ("genome", EXPLORER)}
    (address_bar.write_about if genome == EXPLORER else address_bar.write)(page, told)


def _kept(shared: state.Shared, key: Any, what: str, make: Callable[[reading.Reading], Source]) -> Source | None:
    """The source of ``key``, made once and outside the page's own thread; None while it is made, and where that was refused or cancelled."""
    known: tuple[Any, Source | None] | None = st.session_state.get(GIVEN)
    if known is None or (known[0] is not key and known[0] != key):
        st.session_state[GIVEN] = (key, None)

        def then(made: Source) -> None:
            st.session_state[GIVEN] = (key, made)

        reading.begin(READING, what, make, then, show_error)
    reading.show(shared.engine, READING)
    found: Source | None = st.session_state[GIVEN][1]
    if found is None and not reading.under_way(READING) and button("Read it again", key="places-again"):
        del st.session_state[GIVEN]
        st.rerun()
    return found


def _of_shown(shown: Shown) -> Source:
    genome = GenomeOfRecords((shown.sequence,), (shown.features,))
    by_locus = shown.kind == "locus" and shown.sequence.locus is not None
    return Source(genome, shown.title, "", tuple(kinds_of(genome)), genome, by_locus)


def _registered(shared: state.Shared, name: str, monitor: reading.Reading) -> Source:
    annotation = next((found for _, found in shared.genomes.annotations(name)), None)
    whole = GenomeOfReference(ReferenceLetters(shared.genomes, name))
    genome = Annotated(whole, annotation) if annotation is not None else whole
    return Source(genome, name, name, tuple(kinds_of(genome, lambda: monitor.advance(0))))


def _of_file(shared: state.Shared, name: str, data: bytes, monitor: reading.Reading) -> Source:
    found = apart.read_file(name, data, shared.settings, monitor)
    if not found.records:
        raise InputError("The file holds no sequence.")
    genome = GenomeOfRecords(found.records, found.record_features)
    return Source(genome, name, "", tuple(kinds_of(genome)), genome)
