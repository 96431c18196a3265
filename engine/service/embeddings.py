"""Questions about many places of a genome: their hidden states by a model, the map of these, and what they predict."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.card import Capability
from engine.core.embedding import (
    Agreement,
    EmbeddingParameters,
    EmbeddingTable,
    Probe,
    ProbeScore,
    Projection,
    ProjectionParameters,
)
from engine.core.errors import ParameterError
from engine.service.aside import aside
from engine.service.embedding_places import Chosen, Genome, read_places
from engine.service.estimate import pace_of
from engine.service.jobs import waited_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.cluster_logos import ClusterLogo
    from engine.core.progress import Monitor
    from engine.service.engine import Engine
    from engine.service.jobs import Job, JobMonitor
    from engine.sources.labelled import Labelled

STATES, KMERS, GC = "hidden states", "4-mers", "GC content and length"
KEYS = ("name", "locus", "gene", "id", "locus_tag")
"""Usual names of the column that says which place a row of labels is about."""


@dataclass(frozen=True, eq=False)
class EmbeddingRequest:
    """Chosen places of a genome, and the model that reads them, as in `engine.service.requests.Request`."""

    genome: Genome
    chosen: Chosen
    parameters: EmbeddingParameters = field(default_factory=EmbeddingParameters)
    model: str = ""
    species: str = ""
    weights: Path | None = None
    device: str = ""
    dtype: str = ""

    @property
    def mean_bp(self) -> int:
        """Bases of a place, on average."""
        return max(1, self.chosen.bases // max(1, len(self.chosen.places)))


def seconds_of(engine: Engine, request: EmbeddingRequest) -> float | None:
    """Expected seconds by earlier runs of the model here; None before the first."""
    return engine.timings.seconds(pace_of("embeddings", request, engine.settings), request.mean_bp, len(request.chosen.places))


def submit_embeddings(engine: Engine, request: EmbeddingRequest, visitor: str = "") -> Job:
    """Start reading the places; the result is an `EmbeddingTable`, kept with the job only. Raises `CapabilityMissing`, `WeightsMissing`."""

    def work(model: Any, monitor: JobMonitor) -> EmbeddingTable:
        from engine.analyses.embedding import embed

        places = request.chosen.places
        began = time.perf_counter()
        found = embed(model, read_places(request.genome, places), len(places), request.parameters, monitor)
        engine.timings.note(pace_of("embeddings", request, engine.settings), request.mean_bp, len(places), time.perf_counter() - began)
        return found

    return engine.submit_on_model("embeddings", request, Capability.EMBEDDINGS, work, visitor)


def run_embeddings(engine: Engine, request: EmbeddingRequest, monitor: Monitor | None = None) -> EmbeddingTable:
    """`submit_embeddings`, after waiting for it."""
    found: EmbeddingTable = waited_for(partial(submit_embeddings, engine, request), monitor)
    return found


def baselines_of(table: EmbeddingTable) -> dict[str, NDArray[np.float32]]:
    """Features that need no model: k-mers, GC content with the logarithm of the length."""
    lengths = np.log([max(1, place.end - place.start) for place in table.places])
    return {KMERS: table.kmers, GC: np.stack((table.gc, lengths), axis=1).astype(np.float32)}


def submit_projection(engine: Engine, table: EmbeddingTable, parameters: ProjectionParameters, visitor: str = "") -> Job:
    """Start putting places on a map; the result is a `Projection`."""

    def work(monitor: JobMonitor) -> Projection:
        monitor.start(1, "maps")
        return project_table(table, parameters, monitor)

    return engine.jobs.start(f"projection-{uuid.uuid4().hex}", parameters, work, visitor)


def project_table(table: EmbeddingTable, parameters: ProjectionParameters, monitor: Monitor) -> Projection:
    """The map of a table, computed in a process of its own."""
    baselines = baselines_of(table)
    arrays = {"vectors": table.vectors, "classes": np.array(table.classes, dtype=np.str_)}
    arrays |= {f"baseline {name}": values for name, values in baselines.items()}
    settings = {"baselines": list(baselines), "parameters": asdict(parameters)}
    found, told = aside("project", arrays, settings, lambda: monitor.advance(0))
    agreements = tuple(Agreement(**row) for row in told["agreements"])
    return Projection(
        found["pca"],
        found["explained"],
        found.get("umap"),
        found["clusters"],
        told["method"],
        agreements,
        tuple(told["missing"]),
        parameters,
        told["software"],
    )


def cluster_logos(genome: Genome, table: EmbeddingTable, projection: Projection, monitor: Monitor) -> tuple[ClusterLogo, ...]:
    """A logo of the places nearest to the mean of each of the largest clusters, among the components that the clusters were found in."""
    from engine.analyses.cluster_logos import logo, nearest

    chosen = nearest(projection.pca, projection.clusters)
    monitor.start(len(chosen), "logos")
    found = []
    for cluster, rows in chosen.items():
        letters = [record.letters for _, record in read_places(genome, [table.places[row] for row in rows])]
        found.append(logo(cluster, int((projection.clusters == cluster).sum()), rows, letters))
        monitor.advance(1)
    return tuple(found)


def key_column(columns: Iterable[str]) -> str:
    """The column that names places by its usual name, empty where none does."""
    names = {name.casefold(): name for name in columns}
    return next((names[name] for name in KEYS if name in names), "")


def labels_of_places(table: EmbeddingTable, rows: Labelled, label: str, key: str = "", group: str = "") -> tuple[list[str], list[str]]:
    """For each place its label (empty for none) and its group, from a table whose column ``key`` holds names or loci of places.

    ``key`` empty: the first of `KEYS` that is a column; ``label`` empty: the classes of the annotation; ``group`` empty: stretches of 100 kb of
    each contig. A place whose group is not named is left out.

    Raises `ParameterError` for columns that are not there, and when no row is about a place.
    """
    column = key or key_column(rows.columns)
    if not column:
        raise ParameterError(f"The table has no column {' or '.join(KEYS)}; say which one names the places.")
    keys = rows.column(column)
    texts = rows.column(label) if label else keys
    groups = rows.column(group) if group else keys
    by_name = {name: number for number, name in enumerate(keys) if name}
    own, blocks, found = [], table.blocks(), 0
    for number, place in enumerate(table.places):
        row = next((by_name[name] for name in (place.name, place.locus, place.locus[:-2], place.contig) if name and name in by_name), None)
        named = row is not None and (not group or bool(groups[row].strip()))
        text = place.kind if not label else texts[row].strip() if row is not None else ""
        own.append(text if named or not group else "")
        found += row is not None
        if group and row is not None:
            blocks[number] = groups[row].strip()
    if not found:
        raise ParameterError(
            f"No row of the table is about a place: its column {column[:40]!r} holds {', '.join(keys[:3])[:80]}; places are called "
            f"{table.places[0].name or table.places[0].locus}."
        )
    return own, blocks


def submit_probe(
    engine: Engine, table: EmbeddingTable, label: str, texts: Sequence[str], groups: Sequence[str], visitor: str = "", seed: int = 1
) -> Job:
    """Start the regression of a label; the result is a `Probe`."""

    def work(monitor: JobMonitor) -> Probe:
        monitor.start(1, "regressions")
        return probe_table(table, label, texts, groups, monitor, seed)

    return engine.jobs.start(f"probe-{uuid.uuid4().hex}", label, work, visitor)


def probe_table(table: EmbeddingTable, label: str, texts: Sequence[str], groups: Sequence[str], monitor: Monitor, seed: int = 1) -> Probe:
    """Ridge or logistic regression of a label on the states and the baselines, in a process of its own."""
    features = {STATES: table.vectors, **baselines_of(table)}
    arrays: dict[str, Any] = {"texts": np.array(list(texts), dtype=np.str_), "groups": np.array(list(groups), dtype=np.str_)}
    arrays |= {f"features {name}": values for name, values in features.items()}
    settings = {"label": label, "features": list(features), "seed": seed}
    found, told = aside("probe", arrays, settings, lambda: monitor.advance(0))
    scores = tuple(ProbeScore(**row) for row in told["scores"])
    facts = (told["label"], told["kind"], told["rows"], told["groups"], told["folds"])
    return Probe(*facts, scores, found["indices"], found["predicted"], found["truth"])
