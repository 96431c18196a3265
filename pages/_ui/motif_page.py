"""The page Motif: start codons, stops, splice sites or BED places of a genome laid over each other, expected logo over their own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.core.card import Capability, ModelCard
from engine.core.errors import LocuscopeError, ParameterError
from engine.core.motif import KINDS, MATRIX, MOST_PLACES, AlignedPlaces, Motif, MotifParameters
from engine.core.quoting import file_name
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
from pages._ui import choices, downloads, explorer, motif_address, polling, reading, search, state, turning
from pages._ui.address import AddressState
from pages._ui.buttons import button
from pages._ui.genome_source import CHOSEN, Source, offered, source, write_address
from pages._ui.grid import CHOOSE, decimals, grid
from pages._ui.kept_file import kept_file
from pages._ui.motif_address import Wanted
from pages._ui.question import Question
from pages._ui.text import show_caption, show_error, show_info

SLOT, CHOOSING, FILE, OWN = "motif-work", "motif-places", "motif-file", "motif-own-kinds"
WANTED, AGAIN = "motif-wanted", "motif-as-before"
MOST_SHOWN_BP = 600
"""Bases around a place that open in the explorer."""
WIDTH = 1000
"""Pixels of a picture in a file."""


@dataclass(eq=False)
class MotifWork(polling.Work):
    """One visitor's places, and the job that reads them."""

    source: Source
    request: MotifRequest
    visitor: str
    passes: int
    wanted: Wanted
    jobs: dict[str, Job] = field(default_factory=dict)

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
    wanted = _wanted(shared)
    explorer.begin_beside(shared, session, *wanted.problems)
    given = source(shared, session, wanted.genome)
    if given is not None:
        wanted = _asked(shared, session, given, wanted)
    reading.show(shared.engine, CHOOSING)
    work: MotifWork | None = st.session_state.get(SLOT)
    if work is not None:
        wanted = replace(work.wanted, aligned=True)
    st.session_state[WANTED] = wanted
    write_address("motif", wanted.genome, wanted.texts())
    if work is not None:
        _followed(shared, session, work)


def _followed(shared: state.Shared, session: state.Session, work: MotifWork) -> None:
    """The computation, and what there is of its answer."""
    if not work.jobs:
        _cost(shared, work)
        return
    polling.follow(shared.engine, work.running, polling.progress, work, "motif")
    job = work.jobs["motif"]
    if job.finished and isinstance(job.result, Motif):
        _shown(shared, session, work, job.result)
    elif job.finished:
        if job.error is not None:
            show_error(str(job.error))
        _cost(shared, work, work.cancelled)


def _wanted(shared: state.Shared) -> Wanted:
    """What the page showed last, at first what the address asks for."""
    if WANTED not in st.session_state:
        found = motif_address.read(
            st.query_params.to_dict(), offered(shared), {name: shared.engine.model(name).card.species for name in _usable(shared)}
        )
        st.session_state[WANTED] = found
        if found.aligned:
            st.session_state[AGAIN] = True
    wanted: Wanted = st.session_state[WANTED]
    return wanted


def _usable(shared: state.Shared) -> tuple[str, ...]:
    return tuple(row.card.id for row in shared.engine.models_that_can(Capability.PROBABILITIES))


def _asked(shared: state.Shared, session: state.Session, given: Source, wanted: Wanted) -> Wanted:
    """Which places, by which model, and the button that starts it. What the widgets say now."""
    usable = _usable(shared)
    if not usable:
        show_info("No model that predicts bases is here; the page Models has them.")
        return wanted
    usual = wanted.parameters
    with st.container(border=True, key="motif-asked"):
        genome, own = _own_places(shared, given.genome, expected=wanted.own)
        first, second, third, fourth = st.columns([3, 3, 2, 2], vertical_alignment="bottom")
        at = first.selectbox(
            "Places", list(KINDS), list(KINDS).index(usual.at), format_func=lambda kind: KINDS[kind].capitalize(), key="motif-at"
        )
        feature, anchor = (
            _feature(third, fourth, list(own if own is not None else given.kinds), usual) if at == "feature" else ("", "first")
        )
        likely = next((name for name in (wanted.model, session.question.model) if name in usable), usable[0])
        model = second.selectbox("Model", usable, usable.index(likely), format_func=choices.titles(shared.engine), key="motif-model")
        card = shared.engine.model(model).card
        columns = st.columns([2, 2, 2, 2, 3], vertical_alignment="bottom")
        before = columns[0].number_input("Bases before", 0, 500, usual.before, key="motif-before")
        after = columns[1].number_input("Bases from +1 on", 1, 500, usual.after, key="motif-after")
        context = columns[2].number_input(
            "The model reads, bases", 1, card.max_length, min(usual.context_bp, card.max_length), step=64, key=f"motif-context-{model}"
        )
        most = columns[3].number_input("At most so many", 0, MOST_PLACES, usual.most, key="motif-most", help="Drawn at random; 0 = all.")
        species = _species(columns[4], session, given, card, wanted) if card.species else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            go = button("Align", type="primary", key="motif-go")
            unmasked = st.checkbox(
                "Unmasked",
                usual.unmasked,
                key="motif-unmasked",
                help="One pass a place in which the model sees each base itself: far faster, and largely a copy.",
            )
        try:
            parameters = MotifParameters(at, feature, anchor, int(before), int(after), int(context), int(most), 1, unmasked)  # type: ignore[arg-type]
        except ParameterError as error:
            show_error(str(error))
            return wanted
        now = Wanted(st.session_state[CHOSEN], parameters, model, species, own is not None, problems=() if go else wanted.problems)
        if go or (st.session_state.get(AGAIN) and (own is not None or not wanted.own)):
            st.session_state.pop(AGAIN, None)
            _begin(shared, session, replace(given, genome=genome), now)
    return replace(now, own=now.own or (wanted.own and not go))


def _feature(first: DeltaGenerator, second: DeltaGenerator, kinds: list[str], usual: MotifParameters) -> tuple[str, str]:
    """The kind of features and their base that is aligned."""
    named = [name for name in kinds if name != "intergenic"]
    if not named:
        return "", "first"
    if usual.feature and usual.feature not in named:
        show_error(f"There is no {usual.feature} among the features; choose a kind of them.")
    at = named.index(usual.feature) if usual.feature in named else 0
    anchors = ["first", "middle", "last"]
    feature = first.selectbox("Kind", named, at, key=f"motif-kind-{len(named)}")
    return feature, second.selectbox("Aligned at its base", anchors, anchors.index(usual.anchor), key="motif-anchor")


def _species(column: DeltaGenerator, session: state.Session, given: Source, card: ModelCard, wanted: Wanted) -> str:
    """The species or domain that the model is told, empty where it chooses."""
    known = wanted.species if card.id == wanted.model else ""
    known = known or (session.question.species if card.id == session.question.model else "")
    known = known or species_of(given.assembly, card.species)
    return column.selectbox(
        "Species or domain",
        ["", *card.species],
        index=card.species.index(known) + 1 if known in card.species else 0,
        format_func=lambda name: name or "as the model chooses",
        key=f"motif-species-{card.id}",
    )


def _own_places(shared: state.Shared, genome: Genome, *, expected: bool) -> tuple[Genome, tuple[str, ...] | None]:
    """The genome with the places of a file and their kinds, where one is given; ``expected``: the address had some, which it cannot carry."""
    with st.expander("Places of my own, instead of the annotation", expanded=expected):
        kept = kept_file(
            shared,
            "BED, GFF3, GTF or GenBank with places on this genome",
            FILE,
            lambda name, data, monitor: apart.read_whole_annotation(name, data, shared.settings, monitor),
        )
        if kept is None and expected:
            show_info("The address is of places in a file of its own, which no address carries; give the file here.")
    if kept is None or kept.found is None:
        return genome, None
    found: FeatureIndex = kept.found
    show_caption(f"Places by {file_name(kept.name)}. {found.note}")
    placed = Annotated(genome, found)
    if st.session_state.get(OWN, (None,))[0] is not found or st.session_state[OWN][1] is not genome:
        st.session_state[OWN] = (found, genome, tuple(kinds_of(placed)))
    return placed, st.session_state[OWN][2]


def _begin(shared: state.Shared, session: state.Session, given: Source, wanted: Wanted) -> None:
    before: MotifWork | None = st.session_state.pop(SLOT, None)
    if before is not None:
        before.cancel()
    parameters, card = wanted.parameters, shared.engine.model(wanted.model).card

    def then(found: AlignedPlaces) -> None:
        request = MotifRequest(given.genome, found, parameters, wanted.model, wanted.species)
        work = MotifWork(given, request, session.visitor, passes(shared.engine, request), wanted)
        st.session_state[SLOT] = work
        read = as_if_shipped(work.passes * parameters.context_bp, shared.engine.model(wanted.model).size_bytes)
        if is_small(read, seconds_of(shared.engine, request)):
            work.start(shared)

    reading.begin(
        CHOOSING, "the places", lambda monitor: choose_aligned(given.genome, parameters, card.max_length, monitor), then, show_error
    )


def _cost(shared: state.Shared, work: MotifWork, words: str = "") -> None:
    """What it will take, after ``words``, and the button that starts it."""
    chosen, parameters = work.request.aligned, work.request.parameters
    with st.container(horizontal=True, vertical_alignment="center"):
        if button("Start", type="primary", key="motif-start"):
            work.start(shared)
            st.rerun()
        memory = len(chosen.places) * parameters.width * 16 / 1e6
        show_caption(
            f"{words} {len(chosen.places):,} of {chosen.found:,} places, {work.passes:,} passes of {parameters.context_bp:,} bases, "
            f"{time_in_words(seconds_of(shared.engine, work.request))}; {f'{memory:,.0f} MB' if memory >= 1 else 'under 1 MB'} of memory."
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
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**What a base costs**")
        show_caption(f"−log2 P of the bases that stand there; a model that knows the motif is below the {MATRIX}.")
        bits = pd.DataFrame(bits_rows(found))
        grid(bits, hide_index=True, key="motif-bits", column_config=decimals(bits, 4))
        with st.expander("Numbers by position"):
            grid(pd.DataFrame(rows_of(found)), hide_index=True, key="motif-rows")
    with right:
        _list(shared, session, work, found)


def _list(shared: state.Shared, session: state.Session, work: MotifWork, found: Motif) -> None:
    """The places; one opens in the explorer."""
    st.markdown("**Places**")
    show_caption(f"{CHOOSE}: a button below opens its place in the explorer.")
    frame = pd.DataFrame(
        {
            "name": [place.name for place in found.aligned.places],
            "place": [place.locus for place in found.aligned.places],
            "letters": ["".join("ACGT"[code] for code in row) for row in found.letters.tolist()],
        }
    )
    picked = grid(frame, hide_index=True, height=280, on_select="rerun", selection_mode="single-row", key=f"motif-list-{id(work)}")
    rows = picked["selection"]["rows"]
    if not rows:
        return
    place, model = found.aligned.places[rows[0]], work.request.model
    if button(f"Open {place.locus} in the explorer", key="motif-open"):
        session.exchange = replace(session.exchange, asked=session.exchange.asked or AddressState())
        most = min(MOST_SHOWN_BP, shared.engine.model(model).card.max_length)
        search.ask(shared, session, Question(work.source.question(place, most), model, species=work.request.species))
        turning.turn_to("pages/explorer.py")


def _exports(found: Motif) -> None:
    files = {end: (title, partial(downloads.written, end, partial(write, found))) for end, (title, write) in FORMATS.items()}
    downloads.chart_menu("motif", "Both logos, every number, matrices for MEME", files, partial(motif_logo, found), found.provenance, WIDTH)
