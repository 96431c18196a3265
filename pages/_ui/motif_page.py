"""The page Motif: start codons, stops, splice sites or BED places of a genome laid over each other, expected logo over their own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from engine.core.card import Capability
from engine.core.errors import LocuscopeError, ParameterError
from engine.core.motif import KINDS, MOST_PLACES, AlignedPlaces, Motif, MotifParameters
from engine.core.quoting import file_name
from engine.exports import figure as figures
from engine.exports.motif_files import FORMATS, bits_rows, rows_of
from engine.service.embedding_places import Annotated, Genome, kinds_of
from engine.service.estimate import as_if_shipped, is_small, time_in_words
from engine.service.jobs import Job
from engine.service.motif_places import choose_aligned
from engine.service.motifs import MotifRequest, passes, seconds_of, submit_motif
from engine.sources import apart
from engine.sources.annotation_index import FeatureIndex
from engine.sources.upstream import species_of
from engine.views.motif_logo import motif_logo
from pages._ui import choices, downloads, explorer, polling, reading, search, state
from pages._ui.address import AddressState
from pages._ui.genome_source import Source, source
from pages._ui.question import Question
from pages._ui.text import show_caption, show_error, show_info

SLOT, CHOOSING, FILE, OWN = "motif-work", "motif-places", "motif-file", "motif-own"
MOST_SHOWN_BP = 600
"""Bases around a place that open in the explorer."""


@dataclass(eq=False)
class MotifWork:
    """One visitor's places, and the job that reads them."""

    source: Source
    request: MotifRequest
    visitor: str
    passes: int
    jobs: dict[str, Job] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether it is still being computed."""
        return any(not job.finished for job in self.jobs.values())

    def cancel(self) -> None:
        """Stop it."""
        for job in self.jobs.values():
            job.cancel(self.visitor)

    def start(self, shared: state.Shared) -> None:
        """Ask for the predictions."""
        try:
            self.jobs["motif"] = submit_motif(shared.engine, self.request, self.visitor)
        except LocuscopeError as error:
            show_error(str(error))


def page() -> None:
    """Draw the page."""
    shared, session = state.shared(), state.session()
    st.subheader("Motif", anchor=False)
    show_caption(
        "All start codons, stop codons, splice sites or BED places of a genome laid over each other on their strand: what a model expects there on "
        "average, as a logo, over the logo of what stands there."
    )
    if session.exchange.asked is None:
        explorer.begin(shared, session)
    if session.screen.problem:
        show_error(session.screen.problem)
    reading.show(shared.engine, search.READING)
    given = source(shared, session)
    if given is not None:
        _asked(shared, session, given)
    reading.show(shared.engine, CHOOSING)
    work: MotifWork | None = st.session_state.get(SLOT)
    if work is None:
        return
    if not work.jobs:
        _cost(shared, work)
        return
    polling.follow(shared.engine, work.running, polling.progress, work, "motif")
    job = work.jobs["motif"]
    if job.finished and job.error is not None:
        show_error(str(job.error))
    elif job.finished and isinstance(job.result, Motif):
        _shown(shared, session, work, job.result)


def _asked(shared: state.Shared, session: state.Session, given: Source) -> None:
    """Which places, by which model."""
    usable = [row.card.id for row in shared.engine.models_that_can(Capability.PROBABILITIES)]
    if not usable:
        show_info("No model that predicts bases is here; the page Models has them.")
        return
    with st.container(border=True, key="motif-asked"):
        genome, own = _own_places(shared, given.genome)
        first, second, third, fourth = st.columns([3, 3, 2, 2], vertical_alignment="bottom")
        at = first.selectbox("Places", list(KINDS), format_func=lambda kind: KINDS[kind].capitalize(), key="motif-at")
        kinds = list(own if own is not None else given.kinds) if at == "feature" else []
        feature, anchor = "", "first"
        if kinds:
            kinds = [name for name in kinds if name != "intergenic"]
            feature = third.selectbox("Kind", kinds, key=f"motif-kind-{len(kinds)}")
            anchor = fourth.selectbox("Aligned at its base", ["first", "middle", "last"], key="motif-anchor")
        usual = usable.index(session.question.model) if session.question.model in usable else 0
        model = second.selectbox("Model", usable, index=usual, format_func=choices.titles(shared.engine), key="motif-model")
        card = shared.engine.model(model).card
        columns = st.columns([2, 2, 2, 2, 3], vertical_alignment="bottom")
        before = columns[0].number_input("Bases before", 0, 500, 20, key="motif-before")
        after = columns[1].number_input("Bases from +1 on", 1, 500, 20, key="motif-after")
        context = columns[2].number_input(
            "The model reads, bases", 1, card.max_length, min(512, card.max_length), step=64, key=f"motif-context-{model}"
        )
        most = columns[3].number_input("At most so many", 0, MOST_PLACES, 200, key="motif-most", help="Drawn at random; 0 = all.")
        known = session.question.species if model == session.question.model else ""
        known = known or species_of(given.assembly, card.species)
        species = (
            columns[4].selectbox(
                "Species or domain",
                ["", *card.species],
                index=card.species.index(known) + 1 if known in card.species else 0,
                format_func=lambda name: name or "as the model chooses",
                key=f"motif-species-{model}",
            )
            if card.species
            else ""
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            go = st.button("Align", type="primary", key="motif-go")
            unmasked = st.checkbox(
                "Unmasked",
                key="motif-unmasked",
                help="One pass a place in which the model sees each base itself: far faster, and largely a copy.",
            )
        if go:
            try:
                parameters = MotifParameters(at, feature, anchor, int(before), int(after), int(context), int(most), 1, unmasked)  # type: ignore[arg-type]
            except ParameterError as error:
                show_error(str(error))
                return
            _begin(shared, session, replace(given, genome=genome), parameters, model, species)


def _own_places(shared: state.Shared, genome: Genome) -> tuple[Genome, tuple[str, ...] | None]:
    """The genome with the places of a file and their kinds, where one is given."""
    with st.expander("Places of my own, instead of the annotation"):
        file = st.file_uploader("BED, GFF3, GTF or GenBank with places on this genome", key=FILE)
    if file is None:
        st.session_state.pop(OWN, None)
        return genome, None
    known: tuple[str, FeatureIndex | None] = st.session_state.get(OWN, ("", None))
    if known[0] != file.file_id:
        data = reading.received(file, FILE)
        if data is None:
            return genome, None
        st.session_state[OWN] = (file.file_id, None)

        def then(found: FeatureIndex) -> None:
            st.session_state[OWN] = (file.file_id, found)

        reading.begin(
            FILE,
            file_name(file.name),
            lambda monitor: apart.read_whole_annotation(file.name, data, shared.settings, monitor),
            then,
            show_error,
        )
    reading.show(shared.engine, FILE)
    found: FeatureIndex | None = st.session_state[OWN][1]
    if found is None:
        return genome, None
    show_caption(f"Places by {file_name(file.name)}. {found.note}")
    placed = Annotated(genome, found)
    slot = f"{OWN}-kinds"
    if st.session_state.get(slot, (None,))[0] is not found or st.session_state[slot][1] is not genome:
        st.session_state[slot] = (found, genome, tuple(kinds_of(placed)))
    return placed, st.session_state[slot][2]


def _begin(shared: state.Shared, session: state.Session, given: Source, parameters: MotifParameters, model: str, species: str) -> None:
    before: MotifWork | None = st.session_state.pop(SLOT, None)
    if before is not None:
        before.cancel()
    card = shared.engine.model(model).card

    def then(found: AlignedPlaces) -> None:
        request = MotifRequest(given.genome, found, parameters, model, species)
        work = MotifWork(given, request, session.visitor, passes(shared.engine, request))
        st.session_state[SLOT] = work
        read = as_if_shipped(work.passes * parameters.context_bp, shared.engine.model(model).size_bytes)
        if is_small(read, seconds_of(shared.engine, request)):
            work.start(shared)

    reading.begin(
        CHOOSING, "the places", lambda monitor: choose_aligned(given.genome, parameters, card.max_length, monitor), then, show_error
    )


def _cost(shared: state.Shared, work: MotifWork) -> None:
    """What it will take, and the button that starts it."""
    chosen, parameters = work.request.aligned, work.request.parameters
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Start", type="primary", key="motif-start"):
            work.start(shared)
            st.rerun()
        memory = len(chosen.places) * parameters.width * 16 / 1e6
        show_caption(
            f"{len(chosen.places):,} of {chosen.found:,} places, {work.passes:,} passes of {parameters.context_bp:,} bases, "
            f"{time_in_words(seconds_of(shared.engine, work.request))}; {memory:,.1f} MB."
        )


def _shown(shared: state.Shared, session: state.Session, work: MotifWork, found: Motif) -> None:
    """Both logos, what they say, the numbers, the places."""
    said, files = st.columns([8, 1], vertical_alignment="center")
    with said:
        show_caption(f"{work.source.label}: {found.words()}")
    with files:
        _exports(found)
    drawn = motif_logo(found, dark=bool(st.context.theme.type == "dark"))
    st.plotly_chart(
        drawn,
        theme=None,
        key=f"motif-figure-{id(work)}",
        alt=f"Logo of {len(found):,} places as the model expects them, over their own",
        config={"displaylogo": False},
    )
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.markdown("**What a base costs**")
        show_caption("−log2 P of the bases that stand there; a model that knows the motif is below the matrix of the other places.")
        st.dataframe(pd.DataFrame(bits_rows(found)), hide_index=True, key="motif-bits")
        with st.expander("Numbers by position"):
            st.dataframe(pd.DataFrame(rows_of(found)), hide_index=True, key="motif-rows")
    with right:
        _list(shared, session, work, found)


def _list(shared: state.Shared, session: state.Session, work: MotifWork, found: Motif) -> None:
    """The places; one opens in the explorer."""
    st.markdown("**Places**")
    show_caption("A click on a row opens the place in the explorer.")
    frame = pd.DataFrame(
        {
            "name": [place.name for place in found.aligned.places],
            "place": [place.locus for place in found.aligned.places],
            "letters": ["".join("ACGT"[code] for code in row) for row in found.letters.tolist()],
        }
    )
    picked = st.dataframe(frame, hide_index=True, height=280, on_select="rerun", selection_mode="single-row", key=f"motif-list-{id(work)}")
    rows = picked["selection"]["rows"]
    if not rows:
        return
    place, model = found.aligned.places[rows[0]], work.request.model
    if st.button(f"Open {place.locus} in the explorer", key="motif-open"):
        session.exchange = replace(session.exchange, asked=session.exchange.asked or AddressState())
        most = min(MOST_SHOWN_BP, shared.engine.model(model).card.max_length)
        search.ask(shared, session, Question(work.source.question(place, most), model, species=work.request.species))
        st.switch_page("pages/explorer.py")


def _exports(found: Motif) -> None:
    with st.popover("Export", help="Both logos, every number, matrices for MEME"):
        columns = st.columns(2)
        made: list[tuple[str, str, Callable[[], bytes]]] = [
            (end, f"{end} · {title}", partial(_file, found, end)) for end, (title, _) in FORMATS.items()
        ]
        made += [(f".{kind}", f".{kind} · {title}", partial(_picture, found, kind)) for kind, title in downloads.FIGURES.items()]
        for index, (end, label, content) in enumerate(made):
            columns[index % 2].download_button(label, content, f"motif{end}", on_click="ignore", type="tertiary", key=f"motif{end}")


def _file(found: Motif, end: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"motif{end}"
        FORMATS[end][1](found, path)
        return path.read_bytes()


def _picture(found: Motif, kind: figures.Kind) -> bytes:
    drawn = motif_logo(found)
    return figures.figure_bytes(drawn, kind, found.provenance, width=1000, height=int(drawn.layout.height))
