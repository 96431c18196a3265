"""The page Embeddings: places of a genome as points of a map, clusters against the annotation, and what the hidden states predict."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from engine.analyses.cluster_logos import NEAREST, ClusterLogo
from engine.core.embedding import MOST_PLACES, EmbeddingParameters, EmbeddingTable, Probe, Projection, ProjectionParameters
from engine.core.errors import LocuscopeError
from engine.core.progress import SilentMonitor
from engine.exports.embedding_files import FORMATS, Write, agreement_rows, logo_table, probe_rows
from engine.service.embedding_places import Chosen, choose_places, kinds_of
from engine.service.embeddings import (
    EmbeddingRequest,
    cannot_embed,
    cluster_logos,
    labels_of_places,
    submit_embeddings,
    submit_probe,
    submit_projection,
)
from engine.service.jobs import Job
from engine.sources.labelled import read_labelled_bytes
from engine.views.cluster_logos import logo_figure
from engine.views.embedding_map import COLOURS, embedding_map
from pages._ui import downloads, explorer, polling, reading, search, state
from pages._ui.address import AddressState
from pages._ui.genome_source import Source, source
from pages._ui.question import Question
from pages._ui.text import plain, show_caption, show_error, show_info

SLOT, CHOOSING = "embeddings-work", "embeddings-places"
AUTOMATIC_BP = 500_000
"""Bases that are read without being asked again; half a minute on two quiet cores."""
MOST_SHOWN_BP = 1_000
"""Bases of a place that open in the explorer."""
WIDTH = 1000
"""Pixels of a picture in a file."""
WINDOWS, FEATURES = "windows", "annotated features"
GROUPS_HELP = "Whole groups are held out. Without a column, stretches of 100 kb of a contig are groups, so that neighbours are on one side."


@dataclass(eq=False)
class EmbeddingWork:
    """One visitor's places: the jobs by what they are, ``picked`` the row of a point that was clicked."""

    source: Source
    request: EmbeddingRequest
    visitor: str
    projecting: ProjectionParameters
    jobs: dict[str, Job] = field(default_factory=dict)
    picked: int | None = None
    logos: tuple[Projection, tuple[ClusterLogo, ...]] | None = None

    @property
    def running(self) -> bool:
        """Whether anything is still being computed."""
        return any(not job.finished for job in self.jobs.values())

    def cancel(self) -> None:
        """Stop all of it."""
        for job in self.jobs.values():
            job.cancel(self.visitor)

    def result(self, name: str, kind: type[Any]) -> Any:
        """The answer of a job; None before it is there."""
        job = self.jobs.get(name)
        return job.result if job is not None and job.finished and isinstance(job.result, kind) else None

    def problems(self) -> list[str]:
        """What went wrong, one sentence each."""
        return [str(job.error) for job in self.jobs.values() if job.finished and job.error is not None]


def page() -> None:
    """Draw the page."""
    shared, session = state.shared(), state.session()
    st.subheader("Embeddings", anchor=False)
    show_caption(
        "Windows or annotated features of a genome, each as the mean of a model's last hidden states over its bases: a map, clusters beside the "
        "annotation, and what the states predict beside GC content and k-mers."
    )
    if session.exchange.asked is None:
        explorer.begin(shared, session)
    reading.show(shared.engine, search.READING)
    given = source(shared, session)
    if given is not None:
        _asked(shared, session, given)
    reading.show(shared.engine, CHOOSING)
    work: EmbeddingWork | None = st.session_state.get(SLOT)
    if work is None:
        return
    if not work.jobs:
        _cost(shared, work)
        return
    polling.follow(shared.engine, work.running, polling.progress, work, "embeddings")
    for problem in work.problems():
        show_error(problem)
    table = work.result("places", EmbeddingTable)
    if table is None:
        return
    if "map" not in work.jobs:
        work.jobs["map"] = submit_projection(shared.engine, table, work.projecting, session.visitor)
        st.rerun()
    projection = work.result("map", Projection)
    if projection is not None:
        _shown(shared, session, work, table, projection)


def _asked(shared: state.Shared, session: state.Session, given: Source) -> None:
    """Which places, by which model; its cost, and the button that starts it."""
    usable = [row.card.id for row in shared.engine.models() if row.installed and not cannot_embed(row.card)]
    if not usable:
        show_info("No model that gives hidden states is here; the page Models has them.")
        return
    kinds = kinds_of(given.genome) if len(given.genome.contigs()) <= 1_000 else []
    with st.container(border=True, key="embeddings-asked"):
        first, second, third, fourth = st.columns([3, 3, 2, 2], vertical_alignment="bottom")
        what = first.segmented_control(
            "Places", [FEATURES, WINDOWS], default=FEATURES if kinds else WINDOWS, key=f"embeddings-what-{bool(kinds)}"
        )
        width, step, chosen = 0, 0, []
        if what == FEATURES and kinds:
            chosen = second.multiselect("Kinds", kinds, key="embeddings-kinds", placeholder="the usual ones, and what lies between genes")
        else:
            left, right = second.columns(2)
            width = int(left.number_input("Window, bases", 20, 1_000_000, 500, step=100, key="embeddings-width"))
            step = int(right.number_input("Step", 20, 1_000_000, width, step=100, key=f"embeddings-step-{width}"))
        most = third.number_input("At most of each class", 0, MOST_PLACES, 500, key="embeddings-most", help="Drawn at random; 0 = all.")
        usual = usable.index(session.question.model) if session.question.model in usable else 0
        model = fourth.selectbox(
            "Model", usable, index=usual, format_func=lambda key: shared.engine.model(key).card.title, key="embeddings-model"
        )
        parameters = EmbeddingParameters(width, step, ",".join(chosen), int(most))
        with st.container(horizontal=True, vertical_alignment="center"):
            go = st.button("Embed", type="primary", key="embeddings-go")
            projecting = _projecting()
        if go:
            _begin(shared, session, given, parameters, model, projecting)


def _projecting() -> ProjectionParameters:
    with st.popover("Map and clusters"):
        neighbours = st.number_input("Neighbours (UMAP, Leiden)", 2, 200, 15, key="embeddings-neighbours")
        clusters = st.number_input("Clusters of k-means (0 = number of classes)", 0, 200, 0, key="embeddings-clusters")
        resolution = st.number_input("Resolution of Leiden", 0.01, 50.0, 1.0, key="embeddings-resolution")
    return ProjectionParameters(int(neighbours), int(clusters), float(resolution))


def _begin(
    shared: state.Shared,
    session: state.Session,
    given: Source,
    parameters: EmbeddingParameters,
    model: str,
    projecting: ProjectionParameters,
) -> None:
    before: EmbeddingWork | None = st.session_state.pop(SLOT, None)
    if before is not None:
        before.cancel()

    def then(found: Chosen) -> None:
        species = session.question.species if model == session.question.model else ""
        request = EmbeddingRequest(given.genome, found, parameters, model, species)
        work = EmbeddingWork(given, request, session.visitor, projecting)
        st.session_state[SLOT] = work
        if found.bases <= AUTOMATIC_BP:
            _start(shared, work)

    reading.begin(CHOOSING, "the places", lambda monitor: choose_places(given.genome, parameters, monitor), then, show_error)


def _start(shared: state.Shared, work: EmbeddingWork) -> None:
    """Ask for the states."""
    try:
        work.jobs["places"] = submit_embeddings(shared.engine, work.request, work.visitor)
    except LocuscopeError as error:
        show_error(str(error))


def _cost(shared: state.Shared, work: EmbeddingWork) -> None:
    """What it will take, and the button that starts it."""
    chosen = work.request.chosen
    numbers = len(chosen.places)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Start", type="primary", key="embeddings-start"):
            _start(shared, work)
            st.rerun()
        show_caption(
            f"{numbers:,} places, {chosen.bases:,} bases, one pass each; {numbers * 2_000 / 1e6:,.0f} MB for states of 250 numbers and the k-mers beside them."
        )


def _shown(shared: state.Shared, session: state.Session, work: EmbeddingWork, table: EmbeddingTable, projection: Projection) -> None:
    """The map, the agreement, the regression, the files."""
    chosen = work.request.chosen
    unknown = f", {chosen.unknown:,} with mostly unknown letters left out" if chosen.unknown else ""
    show_caption(f"{len(table):,} places of {work.source.label}, {chosen.bases:,} bases{unknown}; states of {table.vectors.shape[1]:,} numbers by {table.provenance.card.title}.")  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        maps = list(projection.maps())
        name = st.segmented_control("Map", maps, default=maps[0], key=f"embeddings-map-{len(maps)}") or maps[0]
        colours = [item for item in COLOURS if item != COLOURS[0] or table.class_names()]
        colour = st.segmented_control("Colour", colours, default=colours[0], key=f"embeddings-colour-{len(colours)}") or colours[0]
        _exports(table, projection, name, colour)
    if projection.missing:
        show_caption(" ".join(projection.missing))
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _map(work, table, projection, name, colour)
        _logos(work, table, projection)
    with right:
        _place(shared, session, work, table, projection)
        _agreement(table, projection)
        _probe(shared, work, table)


def _map(work: EmbeddingWork, table: EmbeddingTable, projection: Projection, name: str, colour: str) -> None:
    drawn = embedding_map(table, projection, name, colour, selected=work.picked, dark=bool(st.context.theme.type == "dark"))
    picked = st.plotly_chart(
        drawn,
        theme=None,
        on_select="rerun",
        selection_mode="points",
        key=f"embeddings-figure-{name}-{colour}-{id(work)}",
        alt=f"{len(table):,} places on a {name} map of hidden states, coloured by {colour}",
        config={"displaylogo": False, "scrollZoom": True},
    )
    rows = [int(_number(point["customdata"])) for point in picked.selection.points if point.get("customdata") is not None]
    if rows and rows[0] != work.picked:
        work.picked = rows[0]
        st.rerun()


def _number(value: Any) -> Any:
    return value[0] if isinstance(value, (list, tuple, Mapping)) else value


def _place(shared: state.Shared, session: state.Session, work: EmbeddingWork, table: EmbeddingTable, projection: Projection) -> None:
    """The point that was clicked, and the way to its locus."""
    if work.picked is None:
        show_caption("Click a point: its locus opens from here.")
        return
    place = table.places[work.picked]
    with st.container(border=True):
        st.markdown(f"**{plain(place.name or place.locus)}** · {plain(place.kind or 'no class')}")
        show_caption(
            f"{place.locus}, {place.end - place.start:,} bases, GC {table.gc[work.picked]:.0%}, cluster {projection.clusters[work.picked]}"
        )
        if st.button("Open in the explorer", key="embeddings-open"):
            session.exchange = replace(session.exchange, asked=session.exchange.asked or AddressState())
            model = work.request.model or shared.settings.model
            most = min(MOST_SHOWN_BP, shared.engine.model(model).card.max_length)
            search.ask(shared, session, Question(work.source.question(place, most), model))
            st.switch_page("pages/explorer.py")


def _agreement(table: EmbeddingTable, projection: Projection) -> None:
    """Clusters against classes."""
    if not projection.agreements:
        show_caption("The places have no classes to hold the clusters against.")
        return
    st.markdown("**Clusters against classes**")
    show_caption("Adjusted Rand index: 1 = the same grouping, 0 = what shuffled classes give. Baselines need no model.")
    st.dataframe(pd.DataFrame(agreement_rows(projection)), hide_index=True, key="embeddings-ari")
    names, counts = projection.crossed([name or "no class" for name in table.classes])
    with st.expander(f"Places by cluster ({projection.method}) and class"):
        frame = pd.DataFrame(counts, columns=names)
        frame.insert(0, "cluster", range(len(frame)))
        st.dataframe(frame, hide_index=True, key="embeddings-crossed")


def _probe(shared: state.Shared, work: EmbeddingWork, table: EmbeddingTable) -> None:
    """A regression of a label that the visitor brings, or of the classes."""
    with st.expander("What the states predict"):
        file = st.file_uploader("A table with a column that names the places (name or locus) and a label", key="embeddings-labels")
        own = "class (of the annotation)"
        try:
            rows = read_labelled_bytes(file.name, state.uploaded(file, "embeddings-labels"), shared.settings) if file is not None else None
        except LocuscopeError as error:
            show_error(str(error))
            return
        for note in rows.notes if rows is not None else ():
            show_caption(note)
        columns = [own, *(rows.columns if rows is not None else ())]
        label = st.selectbox("Label", columns, index=len(columns) - 1, key=f"embeddings-label-{len(columns)}")
        group = st.selectbox("Groups", ["100 kb of a contig", *columns[1:]], key=f"embeddings-group-{len(columns)}", help=GROUPS_HELP)
        if st.button("Regress", key="embeddings-probe"):
            try:
                if rows is None or label == own:
                    texts, groups = table.classes, table.blocks()
                else:
                    texts, groups = labels_of_places(table, rows, label, "", group if group in columns else "")
                work.jobs["regression"] = submit_probe(shared.engine, table, label, texts, groups, work.visitor)
            except LocuscopeError as error:
                show_error(str(error))
                return
            st.rerun()
        found: Probe | None = work.result("regression", Probe)
        if found is not None:
            show_caption(found.words())
            st.dataframe(pd.DataFrame(probe_rows(found)), hide_index=True, key="embeddings-scores")


def _exports(table: EmbeddingTable, projection: Projection, name: str, colour: str) -> None:
    files = {end: (title, partial(_file, table, projection, end, write)) for end, (title, write) in FORMATS.items()}
    draw = partial(embedding_map, table, projection, name, colour)
    downloads.chart_menu("embeddings", "Places, states and maps; the picture", files, draw, table.provenance, WIDTH)


def _file(table: EmbeddingTable, projection: Projection, end: str, write: Write) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"embeddings{end}"
        write(table, projection, path)
        return path.read_bytes()


def _logos(work: EmbeddingWork, table: EmbeddingTable, projection: Projection) -> None:
    """Letters of the places in the middle of each cluster."""
    box = st.expander("Logos of the clusters", on_change="rerun", key="embeddings-logos-open")
    with box:
        if not box.open:
            return
        if work.logos is None or work.logos[0] is not projection:
            work.logos = (projection, cluster_logos(work.request.genome, table, projection, SilentMonitor()))
        logos = work.logos[1]
        show_caption(
            f"Letters of up to {NEAREST} places nearest to the middle of each cluster, from their 5′ end on their strand, as high as their "
            "information (bits, corrected for few sequences). Only the largest clusters have one; places that do not start alike have none to show."
        )
        draw = partial(logo_figure, logos)
        st.plotly_chart(draw(dark=bool(st.context.theme.type == "dark")), theme=None, key=f"embeddings-logos-{id(projection)}")
        files = {".tsv": ("counts and bits, tab-separated", partial(logo_table, logos, table, projection))}
        downloads.chart_menu("cluster-logos", "The logos as a table and a picture", files, draw, table.provenance, WIDTH)
