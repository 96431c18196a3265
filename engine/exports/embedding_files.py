"""Embedded places as files: npz, a table, or an AnnData file (.h5ad) that Scanpy opens; provenance in every one."""

from __future__ import annotations

import csv
import hashlib
import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.embedding import EmbeddingTable, Probe, Projection
from engine.core.errors import ParameterError
from engine.core.quoting import file_name
from engine.exports.provenance import KEY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.cluster_logos import ClusterLogo

PLACE = ("contig", "start", "end", "strand", "name", "class", "gc")
"""First columns of a table; start and end are 1-based inclusive."""

PLACES = "start and end are 0-based, half-open: letters [start, end) of the contig; in tables they are 1-based inclusive"
"""What an archive says of its places."""


def arrays_of(table: EmbeddingTable, projection: Projection | None) -> dict[str, NDArray[Any]]:
    """Every number under its name."""
    places = table.places
    found: dict[str, Any] = {
        "vectors": table.vectors,
        "contig": np.array([place.contig for place in places]),
        "start": np.array([place.start for place in places], dtype=np.int64),
        "end": np.array([place.end for place in places], dtype=np.int64),
        "strand": np.array([place.strand for place in places]),
        "name": np.array([place.name for place in places]),
        "class": np.array(table.classes),
        "gc": table.gc,
        "kmers": table.kmers,
        "provenance": np.array(provenance_of(table, projection)),
        "places": np.array(PLACES),
    }
    if projection is not None:
        found |= {"pca": projection.pca, "explained_variance": projection.explained, "clusters": projection.clusters}
        found |= {} if projection.umap is None else {"umap": projection.umap}
    return found


def provenance_of(table: EmbeddingTable, projection: Projection | None) -> str:
    """JSON of the model's provenance, with a hash of the places, their names and classes, and of the map's where there is one."""
    told = table.provenance.as_dict()
    total = hashlib.sha256()
    for place in table.places:
        total.update(f"{place.locus}\t{place.name}\t{place.kind}\n".encode())
    told["places_sha256"] = total.hexdigest()
    if projection is not None:
        told["projection"] = {
            "method": projection.method,
            "parameters": projection.parameters.as_dict(),
            "software": dict(projection.software),
            "agreement": [asdict(row) for row in projection.agreements],
        }
    return json.dumps(told, sort_keys=True)


def _npz(table: EmbeddingTable, projection: Projection | None, path: Path) -> None:
    arrays: dict[str, Any] = arrays_of(table, projection)
    with path.open("wb") as handle:
        np.savez_compressed(handle, **arrays)


def _tsv(table: EmbeddingTable, projection: Projection | None, path: Path) -> None:
    columns = [] if projection is None else ["cluster", *(f"{name.lower()}_{axis}" for name in projection.maps() for axis in (1, 2))]
    with path.open("w", encoding="utf-8", newline="") as handle:
        handle.write(f"# locuscope embeddings\n# {KEY}: {provenance_of(table, projection)}\n")
        writer = csv.writer(handle, delimiter="\t", lineterminator="\n")
        writer.writerow([*PLACE, *columns, *(f"state_{number + 1}" for number in range(table.vectors.shape[1]))])
        for number, place in enumerate(table.places):
            name = " ".join(place.name.split())
            cells: list[Any] = [place.contig, place.start + 1, place.end, place.strand, name, place.kind, f"{table.gc[number]:.4f}"]
            if projection is not None:
                cells += [int(projection.clusters[number])]
                cells += [f"{value:.5g}" for points in projection.maps().values() for value in points[number]]
            writer.writerow([*cells, *(f"{value:.6g}" for value in table.vectors[number])])


def _h5ad(table: EmbeddingTable, projection: Projection | None, path: Path) -> None:
    """``X`` states, ``obs`` places, ``obsm`` X_pca and X_umap, ``uns`` provenance."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own imports warn
        import anndata
        import pandas as pd

        frame: dict[str, Any] = {
            "contig": [place.contig for place in table.places],
            "start": [place.start + 1 for place in table.places],
            "end": [place.end for place in table.places],
            "strand": [place.strand for place in table.places],
            "name": [place.name for place in table.places],
            "class": pd.Categorical(table.classes),
            "gc": table.gc,
        }
        if projection is not None:
            frame["cluster"] = pd.Categorical([str(number) for number in projection.clusters])
        index = pd.Index([f"{number}_{place.locus}" for number, place in enumerate(table.places)], dtype=object)
        data = anndata.AnnData(table.vectors, obs=pd.DataFrame(frame, index=index))
        data.uns[KEY] = provenance_of(table, projection)
        if projection is not None:
            data.obsm["X_pca"] = projection.pca
            if projection.umap is not None:
                data.obsm["X_umap"] = projection.umap
        data.write_h5ad(path, compression="gzip")


Write = Callable[[EmbeddingTable, "Projection | None", Path], None]
FORMATS: dict[str, tuple[str, Write]] = {
    ".npz": ("NumPy archive with every number", _npz),
    ".tsv": ("table, tab-separated", _tsv),
    ".h5ad": ("AnnData, for Scanpy", _h5ad),
}
"""End of a file's name → what it is, and what writes it."""


def write_embeddings(table: EmbeddingTable, projection: Projection | None, path: Path) -> None:
    """Write places and states in the format of the end of ``path``. Raises `ParameterError` for another end."""
    found = FORMATS.get(path.suffix.casefold())
    if found is None:
        raise ParameterError(
            f"The file name {file_name(path.name)} names no format for embeddings; end it with one of {', '.join(FORMATS)}."
        )
    found[1](table, projection, path)


def agreement_rows(projection: Projection) -> list[dict[str, Any]]:
    """Clusters against classes, one row a kind of features."""
    return [
        {
            "features": row.features,
            "clusters by": row.method,
            "clusters": row.clusters,
            "ARI": round(row.value, 4),
            "shuffled classes": f"{row.shuffled:.4f} ({row.low:.4f} to {row.high:.4f})",
        }
        for row in projection.agreements
    ]


def probe_rows(probe: Probe) -> list[dict[str, Any]]:
    """What each kind of features predicts, one row a measure."""
    return [
        {
            "features": row.features + (" (baseline)" if row.baseline else ""),
            "columns": row.columns,
            "measure": row.measure,
            "value": round(row.value, 4),
            "95 %": f"{row.low:.4f} to {row.high:.4f}",
        }
        for row in probe.scores
    ]


def logo_table(logos: Sequence[ClusterLogo], table: EmbeddingTable, projection: Projection) -> str:
    """Logos of clusters as a table with their provenance: one row a column of a logo, counts of the four bases and bits."""
    lines = ["# locuscope logos of clusters", f"# {KEY}: {provenance_of(table, projection)}"]
    lines.append("cluster\tplaces\tin_logo\tposition\tA\tC\tG\tT\tbits")
    for one in logos:
        for at, (counts, bits) in enumerate(zip(one.counts.tolist(), one.bits, strict=True), start=1):
            lines.append("\t".join(map(str, (one.cluster, one.size, len(one.rows), at, *counts, f"{bits:.4f}"))))
    return "\n".join(lines) + "\n"
