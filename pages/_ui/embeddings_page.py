"""The page Embeddings: places of a genome as points of a map, clusters against the annotation, and what the hidden states predict."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from engine.core.card import Capability
from engine.core.embedding import MOST_PLACES, EmbeddingTable, ProjectionParameters
from engine.core.errors import LocuscopeError
from engine.service.embedding_places import Chosen, choose_places
from engine.service.embeddings import EmbeddingRequest, seconds_of, submit_embeddings
from engine.service.estimate import as_if_shipped, is_small, time_in_words
from pages._ui import choices, embeddings_address, embeddings_results, explorer, polling, reading, state
from pages._ui.buttons import button
from pages._ui.embeddings_address import FEATURES, LONGEST_BP, SHORTEST_BP, WINDOWS, Wanted
from pages._ui.embeddings_results import PLACES, EmbeddingWork
from pages._ui.genome_source import CHOSEN, Source, offered, source, write_address
from pages._ui.text import show_caption, show_error, show_info

SLOT, CHOOSING, WANTED, AGAIN = "embeddings-work", "embeddings-places", "embeddings-wanted", "embeddings-as-before"


def page() -> None:
    """Draw the page."""
    shared, session = state.shared(), state.session()
    st.subheader("Embeddings", anchor=False)
    show_caption(
        "Windows or annotated features of a genome, each as the mean of a model's last hidden states over its bases: a map, clusters beside the "
        "annotation, and what the states predict beside GC content and k-mers."
    )
    wanted = _wanted(shared)
    explorer.begin_beside(shared, session, *wanted.problems)
    given = source(shared, session, wanted.genome)
    if given is not None:
        wanted = _asked(shared, session, given, wanted)
    reading.show(shared.engine, CHOOSING)
    work: EmbeddingWork | None = st.session_state.get(SLOT)
    if work is not None:
        _followed(shared, session, work, wanted)
        wanted = replace(work.wanted, embedded=True)
    st.session_state[WANTED] = wanted
    write_address("embeddings", wanted.genome, wanted.texts())


def _wanted(shared: state.Shared) -> Wanted:
    """What the page showed last, at first what the address asks for."""
    if WANTED not in st.session_state:
        found = embeddings_address.read(st.query_params.to_dict(), offered(shared), _usable(shared))
        st.session_state[WANTED] = found
        if found.embedded:
            st.session_state[AGAIN] = True
    wanted: Wanted = st.session_state[WANTED]
    return wanted


def _usable(shared: state.Shared) -> tuple[str, ...]:
    return tuple(row.card.id for row in shared.engine.models_that_can(Capability.EMBEDDINGS))


def _asked(shared: state.Shared, session: state.Session, given: Source, wanted: Wanted) -> Wanted:
    """Which places, by which model; its cost, and the button that starts it. What the widgets say now."""
    usable = _usable(shared)
    if not usable:
        show_info("No model that gives hidden states is here; the page Models has them.")
        return wanted
    kinds_key = f"embeddings-kinds-{given.label}"
    absent = [kind for kind in wanted.kinds if kind not in given.kinds]
    if absent and kinds_key not in st.session_state and wanted.places != WINDOWS:
        wanted = replace(wanted, problems=(*wanted.problems, f"{given.label} has no {', '.join(absent)}, so it was left out of the kinds."))
        show_error(wanted.problems[-1])
    with st.container(border=True, key="embeddings-asked"):
        first, second, third, fourth = st.columns([3, 3, 2, 2])
        usual = wanted.places or (FEATURES if given.kinds else WINDOWS)
        what = first.segmented_control(
            "Places", [FEATURES, WINDOWS], default=usual, required=True, key=f"embeddings-what-{bool(given.kinds)}"
        )
        now = replace(wanted, places=what if given.kinds else WINDOWS)
        if now.places == FEATURES:
            kept = [kind for kind in wanted.kinds if kind in given.kinds]
            placeholder = "the usual ones, and what lies between genes"
            kinds = second.multiselect("Kinds", given.kinds, default=kept, key=kinds_key, placeholder=placeholder)
            now = replace(now, kinds=tuple(kinds))
        else:
            left, right = second.columns(2)
            width = int(left.number_input("Window, bases", SHORTEST_BP, LONGEST_BP, wanted.window_bp, step=100, key="embeddings-width"))
            usual_step = wanted.step_bp if wanted.window_bp == width else width
            step = int(right.number_input("Step", SHORTEST_BP, LONGEST_BP, usual_step, step=100, key=f"embeddings-step-{width}"))
            now = replace(now, window_bp=width, step_bp=step)
        most = third.number_input(
            "At most of each class", 0, MOST_PLACES, wanted.most, key="embeddings-most", help="Drawn at random; 0 = all."
        )
        likely = next((name for name in (wanted.model, session.question.model) if name in usable), usable[0])
        model = fourth.selectbox("Model", usable, usable.index(likely), format_func=choices.titles(shared.engine), key="embeddings-model")
        genome = st.session_state[CHOSEN]
        now = replace(now, genome=genome, most=int(most), model=model)
        with st.container(horizontal=True, vertical_alignment="center"):
            go = button("Embed", type="primary", key="embeddings-go")
            now = replace(now, projecting=_projecting(wanted.projecting))
        if go or st.session_state.pop(AGAIN, False):
            now = replace(now, problems=() if go else now.problems)
            _begin(shared, session, given, now)
    return now


def _projecting(usual: ProjectionParameters) -> ProjectionParameters:
    with st.popover("Map and clusters"):
        neighbours = st.number_input("Neighbours (UMAP, Leiden)", 2, 200, usual.neighbours, key="embeddings-neighbours")
        clusters = st.number_input("Clusters of k-means (0 = number of classes)", 0, 200, usual.clusters, key="embeddings-clusters")
        resolution = st.number_input("Resolution of Leiden", 0.01, 50.0, usual.resolution, key="embeddings-resolution")
    return ProjectionParameters(int(neighbours), int(clusters), float(resolution))


def _begin(shared: state.Shared, session: state.Session, given: Source, wanted: Wanted) -> None:
    before: EmbeddingWork | None = st.session_state.pop(SLOT, None)
    if before is not None:
        before.cancel()

    def then(found: Chosen) -> None:
        species = session.question.species if wanted.model == session.question.model else ""
        request = EmbeddingRequest(given.genome, found, wanted.parameters(), wanted.model, species)
        work = EmbeddingWork(given, request, session.visitor, wanted)
        st.session_state[SLOT] = work
        read = as_if_shipped(found.bases, shared.engine.model(wanted.model).size_bytes)
        if is_small(read, seconds_of(shared.engine, request)):
            _start(shared, work)

    parameters = wanted.parameters()
    reading.begin(CHOOSING, "the places", lambda monitor: choose_places(given.genome, parameters, monitor), then, show_error)


def _start(shared: state.Shared, work: EmbeddingWork) -> None:
    """Ask for the states."""
    try:
        work.put(PLACES, submit_embeddings(shared.engine, work.request, work.visitor))
    except LocuscopeError as error:
        show_error(str(error))


def _cost(shared: state.Shared, work: EmbeddingWork, words: str = "") -> None:
    """What it will take, and the button that starts it."""
    chosen = work.request.chosen
    longest = shared.engine.model(work.request.model).card.max_length
    passes = sum(-(-(place.end - place.start) // longest) for place in chosen.places)
    time = time_in_words(seconds_of(shared.engine, work.request))
    with st.container(horizontal=True, vertical_alignment="center"):
        if button("Start", type="primary", key="embeddings-start"):
            _start(shared, work)
            st.rerun()
        show_caption(f"{words} {len(chosen.places):,} places, {chosen.bases:,} bases in {passes:,} passes, {time}.".strip())


def _followed(shared: state.Shared, session: state.Session, work: EmbeddingWork, wanted: Wanted) -> None:
    """The computations, and what there is of their answers."""
    if PLACES not in work.jobs:
        _cost(shared, work)
        return
    polling.follow(shared.engine, work.running, polling.progress, work, "embeddings")
    table = work.result(PLACES, EmbeddingTable)
    if table is not None:
        embeddings_results.shown(shared, session, work, table, wanted)
    elif work.problem(PLACES):
        _cost(shared, work, work.problem(PLACES))
    session.kept["embeddings"] = work.held_bytes
