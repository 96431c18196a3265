"""What the page Embeddings shows of places that were read: the map, the agreement of clusters and classes, a regression, the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from engine.analyses.cluster_logos import NEAREST, ClusterLogo
from engine.core.embedding import EmbeddingTable, Probe, Projection
from engine.core.errors import LocuscopeError
from engine.core.progress import SilentMonitor
from engine.exports.embedding_files import FORMATS, Write, agreement_rows, logo_table, probe_rows
from engine.service.embeddings import EmbeddingRequest, cluster_logos, key_column, labels_of_places, submit_probe, submit_projection
from engine.service.jobs import Job
from engine.views.cluster_logos import logo_figure
from engine.views.embedding_map import COLOURS, embedding_map
from pages._ui import downloads, polling, search, state, turning
from pages._ui.address import AddressState
from pages._ui.buttons import button
from pages._ui.embeddings_address import Wanted
from pages._ui.genome_source import Source
from pages._ui.grid import decimals, grid
from pages._ui.labelled_file import labelled_file
from pages._ui.question import Question
from pages._ui.text import plain, show_caption, show_error

PLACES, MAP, REGRESSION = "places", "map", "regression"
LABELLED = "embeddings-label-columns"
MOST_SHOWN_BP = 1_000
"""Bases of a place that open in the explorer."""
WIDTH = 1000
"""Pixels of a picture in a file."""
OWN_LABEL, OWN_GROUPS = "class (of the annotation)", "100 kb of a contig"
GROUPS_HELP = (
    "Whole groups are held out. Without a column, stretches of 100 kb of a contig are groups, so that neighbours are on one side; with one, "
    "places that it says nothing of are left out."
)
_BYTES_OF_A_PLACE = 600
"""Of the place itself, beside its numbers; measured."""


@dataclass(eq=False)
class EmbeddingWork(polling.Work):
    """One visitor's places: the jobs by what they are, ``wanted`` what the page asked for.

    ``picked``: the row of a point that was clicked; ``drawn``: the figure, with the key of its widget; ``regressed``: label, groups,
    column of names and file of the regression.
    """

    source: Source
    request: EmbeddingRequest
    visitor: str
    wanted: Wanted
    jobs: dict[str, Job] = field(default_factory=dict)
    picked: int | None = None
    drawn: tuple[str, Any] | None = None
    regressed: tuple[str, ...] = ()
    logos: tuple[Projection, tuple[ClusterLogo, ...]] | None = None

    def put(self, name: str, job: Job) -> None:
        """Start something in the place of what was there, which is given up."""
        before = self.jobs.get(name)
        if before is not None and not before.finished:
            before.cancel(self.visitor)
        self.jobs[name] = job

    def result(self, name: str, kind: type[Any]) -> Any:
        """The answer of a job; None before it is there."""
        job = self.jobs.get(name)
        return job.result if job is not None and job.finished and isinstance(job.result, kind) else None

    def problem(self, name: str) -> str:
        """What went wrong with a job, or that it was cancelled; empty while all is well."""
        job = self.jobs.get(name)
        if job is None or not job.finished:
            return ""
        return polling.CANCELLED if job.state == "cancelled" else str(job.error) if job.error is not None else ""

    @property
    def held_bytes(self) -> int:
        """Bytes of what is kept here and nowhere else."""
        table, projection = self.result(PLACES, EmbeddingTable), self.result(MAP, Projection)
        held = 0
        if table is not None:
            held += table.vectors.nbytes + table.kmers.nbytes + table.gc.nbytes + _BYTES_OF_A_PLACE * len(table)
        if projection is not None:
            umap = projection.umap.nbytes if projection.umap is not None else 0
            held += projection.pca.nbytes + projection.clusters.nbytes + umap
        return held


def shown(shared: state.Shared, session: state.Session, work: EmbeddingWork, table: EmbeddingTable, wanted: Wanted) -> None:
    """Everything below the table of states; ``wanted``: as the widgets stand now."""
    if MAP not in work.jobs:
        work.put(MAP, submit_projection(shared.engine, table, work.wanted.projecting, session.visitor))
        st.rerun()
    problem = work.problem(MAP)
    if not work.running and (problem or wanted.projecting != work.wanted.projecting):
        _again(shared, work, table, wanted, problem)
    projection = work.result(MAP, Projection)
    if projection is not None:
        _shown(shared, session, work, table, projection)


def _again(shared: state.Shared, work: EmbeddingWork, table: EmbeddingTable, wanted: Wanted, problem: str) -> None:
    """The way to a map of the states that are here, with the settings that are chosen now."""
    with st.container(horizontal=True, vertical_alignment="center"):
        show_caption(f"There is no map. {problem}" if problem else "The settings of map and clusters were changed.")
        if button("Draw the map again", type="primary", key="embeddings-redraw"):
            work.wanted = replace(work.wanted, projecting=wanted.projecting)
            work.put(MAP, submit_projection(shared.engine, table, wanted.projecting, work.visitor))
            work.drawn = None
            st.rerun()


def _shown(shared: state.Shared, session: state.Session, work: EmbeddingWork, table: EmbeddingTable, projection: Projection) -> None:
    """The map, the agreement, the regression, the files."""
    chosen = work.request.chosen
    unknown = f", {chosen.unknown:,} with mostly unknown letters left out" if chosen.unknown else ""
    show_caption(f"{len(table):,} places of {work.source.label}, {chosen.bases:,} bases{unknown}; states of {table.vectors.shape[1]:,} numbers by {table.provenance.read_by}.")  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        maps = list(projection.maps())
        usual = work.wanted.layout if work.wanted.layout in maps else maps[0]
        name = st.segmented_control("Map", maps, default=usual, required=True, key=f"embeddings-map-{len(maps)}")
        colours = [item for item in COLOURS if item != COLOURS[0] or table.class_names()]
        usual = work.wanted.colour if work.wanted.colour in colours else colours[0]
        colour = st.segmented_control("Colour", colours, default=usual, required=True, key=f"embeddings-colour-{len(colours)}")
        work.wanted = replace(work.wanted, layout=name if name != maps[0] else "", colour=colour if colour != colours[0] else "")
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
    """The points. A click leaves the figure as it is, for a changed one would lose the zoom: the browser marks the point. A figure that was not on
    the page before is drawn with the mark: who comes back from the explorer finds the point again."""
    dark = bool(st.context.theme.type == "dark")
    key = f"embeddings-figure-{name}-{colour}-{dark}-{id(projection)}"
    if work.drawn is None or work.drawn[0] != key or key not in st.session_state:
        work.drawn = (key, embedding_map(table, projection, name, colour, selected=work.picked, dark=dark))
    st.plotly_chart(
        work.drawn[1],
        theme=None,
        on_select=partial(_picked, work, key),
        selection_mode="points",
        key=key,
        alt=f"{len(table):,} places on a {name} map of hidden states, coloured by {colour}",
        config={"displaylogo": False, "scrollZoom": True},
    )


def _picked(work: EmbeddingWork, key: str) -> None:
    """A click on a point, or beside all of them."""
    points = st.session_state[key].selection.points
    rows = [int(_first(point["customdata"])) for point in points if point.get("customdata") is not None]
    work.picked = rows[0] if rows else None


def _first(value: Any) -> Any:
    """What a point carries: a number, alone or in a list, or by its place in one."""
    if isinstance(value, Mapping):
        return next(iter(value.values()))
    return value[0] if isinstance(value, (list, tuple)) else value


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
        if button("Open in the explorer", key="embeddings-open"):
            session.exchange = replace(session.exchange, asked=session.exchange.asked or AddressState())
            model = work.request.model or shared.settings.model
            most = min(MOST_SHOWN_BP, shared.engine.model(model).card.max_length)
            search.ask(shared, session, Question(work.source.question(place, most), model))
            turning.turn_to("pages/explorer.py")


def _agreement(table: EmbeddingTable, projection: Projection) -> None:
    """Clusters against classes."""
    if not projection.agreements:
        show_caption("The places have no classes to hold the clusters against.")
        return
    st.markdown("**Clusters against classes**")
    show_caption("Adjusted Rand index: 1 = the same grouping, 0 = what shuffled classes give. Baselines need no model.")
    rows = pd.DataFrame(agreement_rows(projection))
    order = ("features", "ARI", "shuffled classes", "clusters by", "clusters")
    grid(rows, column_order=order, hide_index=True, key="embeddings-ari", column_config=decimals(rows, 4))
    names, counts = projection.crossed([name or "no class" for name in table.classes])
    with st.expander(f"Places by cluster ({projection.method}) and class"):
        frame = pd.DataFrame(counts, columns=names)
        frame.insert(0, "cluster", range(len(frame)))
        grid(frame, hide_index=True, key="embeddings-crossed")


def _probe(shared: state.Shared, work: EmbeddingWork, table: EmbeddingTable) -> None:
    """A regression of a label that the visitor brings, or of the classes."""
    with st.expander("What the states predict"):
        title = "A table with a column that names the places (name or locus) and a label"
        rows, identity = labelled_file(shared, title, "embeddings-labels")
        columns = list(rows.columns) if rows is not None else []
        key, label, group = _columns(columns, identity)
        asked = (label, group, key, identity)
        if button("Regress", key="embeddings-probe"):
            own, column = label == OWN_LABEL, "" if group == OWN_GROUPS else group
            try:
                if rows is None or (own and not column):
                    texts, groups = table.classes, table.blocks()
                else:
                    texts, groups = labels_of_places(table, rows, "" if own else label, key, column)
                work.put(REGRESSION, submit_probe(shared.engine, table, label, texts, groups, work.visitor))
            except LocuscopeError as error:
                show_error(str(error))
                return
            work.regressed = asked
            st.rerun()
        if work.regressed != asked:
            return
        if work.problem(REGRESSION):
            show_error(work.problem(REGRESSION))
        found: Probe | None = work.result(REGRESSION, Probe)
        if found is not None:
            show_caption(f"{found.words()} Groups: {group}.")
            grid(pd.DataFrame(probe_rows(found)), hide_index=True, key="embeddings-scores")


def _columns(columns: list[str], identity: str) -> tuple[str, str, str]:
    """The columns that name the places, hold the label and the groups; at first as they were chosen for this file before another page was open."""
    labels, groups = [OWN_LABEL, *columns], [OWN_GROUPS, *columns]
    usual = (key_column(columns) or columns[0], columns[-1], OWN_GROUPS) if columns else ("", OWN_LABEL, OWN_GROUPS)
    whose = (identity, *columns)
    known = st.session_state.get(LABELLED, (None, usual))
    key, label, group = known[1] if known[0] == whose else usual
    if columns:
        key = st.selectbox("Column that names the places", columns, columns.index(key), key=f"embeddings-names-{len(columns)}")
    label = st.selectbox("Label", labels, labels.index(label), key=f"embeddings-label-{len(columns)}")
    group = st.selectbox("Groups", groups, groups.index(group), key=f"embeddings-group-{len(columns)}", help=GROUPS_HELP)
    st.session_state[LABELLED] = (whose, (key, label, group))
    return key, label, group


def _exports(table: EmbeddingTable, projection: Projection, name: str, colour: str) -> None:
    files = {end: (title, partial(_file, table, projection, end, write)) for end, (title, write) in FORMATS.items()}
    draw = partial(embedding_map, table, projection, name, colour)
    downloads.chart_menu("embeddings", "Places, states and maps; the picture", files, draw, table.provenance, WIDTH)


def _file(table: EmbeddingTable, projection: Projection, end: str, write: Write) -> bytes:
    return downloads.written(end, partial(write, table, projection))


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
