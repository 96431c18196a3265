"""Predicted tracks of a hosted model: an npz of arrays, or bedGraph with one track line each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.card import ModelCard
from engine.core.errors import ParameterError
from engine.core.quoting import file_name
from engine.core.results import PredictedTracks

SUFFIXES = (".npz", ".bedgraph", ".bg")


def check_suffix(path: Path) -> None:
    """Raise `ParameterError` when the name of ``path`` names no format for tracks."""
    if path.suffix.casefold() not in SUFFIXES:
        raise ParameterError(f"The file name {file_name(path.name)} names no format for tracks; end it with one of {', '.join(SUFFIXES)}.")


def write_predicted_tracks(found: Sequence[PredictedTracks], card: ModelCard, assembly: str, path: Path) -> None:
    """Write tracks to ``path`` in the format of its name.

    npz: for each output ``OUTPUT_values`` float32 (bins, tracks), ``OUTPUT_names``, ``OUTPUT_strands``, ``OUTPUT_biosamples`` and
    ``OUTPUT_place`` int64 (start, end, resolution_bp), 0-based half-open; ``contig`` and ``provenance``. bedGraph: 0-based half-open bins.
    """
    check_suffix(path)
    origin = {"model": card.id, "revision": card.revision, "source": card.source, "licence": card.licence, "assembly": assembly}
    provenance = json.dumps(origin, sort_keys=True)
    if path.suffix.casefold() == ".npz":
        with path.open("wb") as handle:
            np.savez_compressed(handle, provenance=np.array(provenance), **_arrays(found))
        return
    with path.open("w", encoding="utf-8") as handle:
        handle.write(f"# locuscope tracks\n# provenance: {provenance}\n")
        for tracks in found:
            handle.writelines(_bedgraph(tracks))


def _arrays(found: Sequence[PredictedTracks]) -> dict[str, Any]:
    arrays: dict[str, Any] = {"outputs": np.array([tracks.output for tracks in found])}
    for tracks in found:
        arrays |= {
            "contig": np.array(tracks.contig),
            f"{tracks.output}_values": tracks.values,
            f"{tracks.output}_names": np.array(tracks.names),
            f"{tracks.output}_strands": np.array(tracks.strands),
            f"{tracks.output}_biosamples": np.array(tracks.biosamples),
            f"{tracks.output}_place": np.array([tracks.start, tracks.end, tracks.resolution_bp], dtype=np.int64),
        }
    return arrays


def _bedgraph(tracks: PredictedTracks) -> Iterator[str]:
    starts = range(tracks.start, tracks.end, tracks.resolution_bp)
    for index, (name, strand, sample) in enumerate(zip(tracks.names, tracks.strands, tracks.biosamples, strict=True)):
        label = " ".join(f"{tracks.output} {name} {strand} {sample}".replace('"', "'").split())
        yield f'track type=bedGraph name="{label}" visibility=full\n'
        for start, value in zip(starts, tracks.values[:, index], strict=True):
            if np.isfinite(value):
                yield f"{tracks.contig}\t{start}\t{start + tracks.resolution_bp}\t{value}\n"
