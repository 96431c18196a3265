"""AlphaGenome's answers in our types: scores, tracks, junctions, contacts, in-silico mutagenesis; cropped to what was asked about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.protocols import VariantScore
from engine.core.results import PredictedContacts, PredictedJunctions, PredictedTracks
from engine.core.sequence import BASES

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def scores(answer: Any) -> Iterator[VariantScore]:
    """One score for each scorer, gene and track of a scored variant."""
    from alphagenome.models import variant_scorers

    table: pd.DataFrame | None = variant_scorers.tidy_scores(answer)
    if table is None:
        return
    for row in table.to_dict("records"):
        quantile = row.get("quantile_score")
        place = float(quantile) if quantile is not None and np.isfinite(quantile) else None
        label = f"quantile {place:.5f}" if place is not None else ""
        parts = [row.get(name) for name in ("gene_name", "gene_id", "track_name", "track_strand", "biosample_name", "gtex_tissue")]
        context = " ".join(str(part) for part in parts if isinstance(part, str) and part)
        yield VariantScore(str(row["output_type"]), float(row["raw_score"]), label, context, place)


def cropped_tracks(name: str, data: Any, origin: int, contig: str, start: int, end: int) -> PredictedTracks:
    """The bins that touch ``start:end``; the interval grows to whole bins."""
    resolution = int(data.resolution)
    first, last = (start - origin) // resolution, -(-(end - origin) // resolution)
    metadata = data.metadata
    return PredictedTracks(
        output=name,
        contig=contig,
        start=origin + first * resolution,
        end=origin + last * resolution,
        resolution_bp=resolution,
        values=np.asarray(data.values[first:last], dtype=np.float32),
        names=tuple(map(str, metadata["name"])),
        strands=tuple(map(str, metadata["strand"])),
        biosamples=_biosamples(metadata),
    )


def cropped_junctions(data: Any, contig: str, start: int, end: int) -> PredictedJunctions:
    """The junctions with both ends inside ``start:end``; none where the service has no track of what was asked for."""
    if data is None or not len(data.junctions):
        return PredictedJunctions(contig, np.zeros((0, 2), np.int64), np.zeros((0, 0), np.float32), (), (), ())
    introns = np.array([[junction.start, junction.end] for junction in data.junctions], np.int64)
    kept = np.flatnonzero((introns[:, 0] >= start) & (introns[:, 1] <= end))
    return PredictedJunctions(
        contig=contig,
        introns=introns[kept],
        values=np.asarray(data.values, np.float32)[kept],
        strands=tuple(str(data.junctions[row].strand) for row in kept),
        names=tuple(map(str, data.metadata["name"])),
        biosamples=_biosamples(data.metadata),
    )


def cropped_contacts(data: Any, origin: int, contig: str, start: int, end: int) -> PredictedContacts:
    """The bins that touch ``start:end``."""
    resolution = int(data.resolution)
    first, last = (start - origin) // resolution, -(-(end - origin) // resolution)
    return PredictedContacts(
        contig=contig,
        start=origin + first * resolution,
        resolution_bp=resolution,
        values=np.asarray(data.values[first:last, first:last], dtype=np.float32),
        names=tuple(map(str, data.metadata["name"])),
        biosamples=_biosamples(data.metadata),
    )


def mutagenesis(answer: Any, start: int, end: int, terms: tuple[str, ...]) -> tuple[NDArray[np.float32], str] | None:
    """Mean raw score over the tracks of ``terms``, float32 (end - start, 4), NaN where nothing was changed, and the reference letters, N where
    none was; None where there is no such track.

    Raises `ValueError` for a variant outside ``start:end``.
    """
    values = np.full((end - start, 4), np.nan, np.float32)
    letters = ["N"] * (end - start)
    for of_one in answer:
        for scored in of_one:
            variant = scored.uns["variant"]
            at = variant.position - 1 - start
            if not 0 <= at < end - start:
                raise ValueError(f"a score of position {variant.position}")
            known = [str(term) for term in scored.var["ontology_curie"]] if "ontology_curie" in scored.var else []
            columns = [k for k, term in enumerate(known) if term in terms] if terms else list(range(scored.n_vars))
            if not columns:
                return None
            letters[at] = variant.reference_bases
            values[at, BASES.index(variant.alternate_bases)] = float(np.nanmean(np.asarray(scored.X, np.float64)[:, columns]))
    return values, "".join(letters)


def _biosamples(metadata: Any) -> tuple[str, ...]:
    samples = metadata["biosample_name"] if "biosample_name" in metadata else [""] * len(metadata)
    return tuple(sample if isinstance(sample, str) else "" for sample in samples)
