"""Tracks that a hosted model predicts for a place: expression, accessibility, binding, histone marks, splicing; a value a base."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engine.analyses.place_questions import PlaceParameters, along, hosted, is_reverse, place_of, waited
from engine.analyses.provenance import stamp
from engine.core.card import Capability
from engine.core.errors import ParameterError
from engine.core.parameters import option
from engine.core.places import COARSE, TRACK_COUNTS, TRACKS_OF_A_TISSUE, width_of
from engine.core.results import Result, Table, Track, frozen_array, place, slug

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.progress import Monitor
    from engine.core.provenance import Provenance
    from engine.core.results import PredictedTracks
    from engine.core.sequence import NucleotideSequence

VERSION = "1"
Output = Literal["RNA_SEQ", "CAGE", "PROCAP", "DNASE", "ATAC", "CHIP_HISTONE", "CHIP_TF", "SPLICE_SITES", "SPLICE_SITE_USAGE"]


@dataclass(frozen=True)
class TrackParameters(PlaceParameters):
    """``output``: which kind of tracks."""

    output: Output = option("RNA_SEQ", "--output", "Kind of tracks.", address="output", title="Predicted tracks: kind")

    def check(self, length: int) -> None:
        """Raise `ParameterError` where the width does not hold the sequence."""
        width_of(length, self.width)


@dataclass(frozen=True, eq=False)
class PlaceTracks(Result):
    """``values`` float32 (L, K): K tracks of one ``output``, a value a base of the sequence; where the model has bins of ``resolution_bp`` bases, that
    of the bin. ``names``, ``strands`` (of the letters: ``+``, ``-``, ``.``), ``biosamples``: one a track."""

    repeatable = False
    of_place = True
    sequence: NucleotideSequence
    values: NDArray[np.float32]
    output: str
    resolution_bp: int
    names: tuple[str, ...]
    strands: tuple[str, ...]
    biosamples: tuple[str, ...]
    provenance: Provenance

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (len(self.sequence), len(self.names)), "predicted tracks"))

    def called(self, track: int) -> str:
        """Name, tissue and strand of a track."""
        name, sample, strand = self.names[track], self.biosamples[track], self.strands[track]
        parts = [name, sample if sample.casefold() not in name.casefold() else "", strand.replace(".", "")]
        return " ".join(part for part in parts if part)

    def strongest(self, most: int) -> list[int]:
        """The tracks that get highest here, highest first, ``most`` at most."""
        tops = np.nan_to_num(self.values, nan=0.0).max(axis=0, initial=0)
        return [int(track) for track in np.argsort(-tops, kind="stable")[:most]]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``values``, ``names``, ``strands``, ``biosamples``, ``output``, ``resolution_bp``."""
        words: dict[str, Any] = {"names": self.names, "strands": self.strands, "biosamples": self.biosamples, "output": self.output}
        return {
            "values": self.values,
            **{name: np.array(value) for name, value in words.items()},
            "resolution_bp": np.array(self.resolution_bp),
        }

    def rows(self) -> Table:
        """One row a base, one column a track."""
        columns: dict[str, Any] = {"position": np.arange(1, len(self.values) + 1)}
        for track in range(len(self.names)):
            columns[f"{track + 1} {self.called(track)}"] = self.values[:, track]
        return Table(columns, np.arange(len(self.values)))

    def readable(self) -> Table:
        """One row a track: its highest base and the mean, the track that gets highest first."""
        order = self.strongest(len(self.names))
        at = np.nan_to_num(self.values, nan=-np.inf).argmax(axis=0)[order] if order else np.zeros(0, np.int64)
        columns: dict[str, Any] = {"track": [self.names[k] for k in order], "tissue": [self.biosamples[k] for k in order]}
        columns |= {"strand": [self.strands[k] for k in order], "position": at + 1, "highest": self.values[at, order]}
        return Table({**columns, "mean": self.values.mean(axis=0)[order]}, at)

    def tracks(self) -> tuple[Track, ...]:
        """The track that gets highest here first."""
        order = self.strongest(len(self.names))
        return tuple(Track(f"{slug(self.output)}_{k + 1}", f"{self.output} {self.called(k)}", self.values[:, k]) for k in order)

    def words(self) -> str:
        """How many tracks, and where the highest is."""
        card = self.provenance.card.title
        track, *_ = self.strongest(1)
        at = int(np.nan_to_num(self.values[:, track], nan=-np.inf).argmax())
        share = f", in bins of {self.resolution_bp} bases" if self.resolution_bp > 1 else ""
        return (
            f"{len(self.names):,} {self.output} tracks predicted by {card}{share}; the highest value is {self.values[at, track]:.3g} at base "
            f"{place(self.sequence, at)} ({self.called(track)})."
        )


def predicted_tracks(model: Any, sequence: NucleotideSequence, parameters: TrackParameters, monitor: Monitor) -> PlaceTracks:
    """The tracks of the place of ``sequence``. Raises what `engine.core.protocols.PlaceModel` does, and `ParameterError` where there are none."""
    asked, place = place_of(model, sequence)
    began = time.perf_counter()
    monitor.start(1, "questions")
    found = waited(
        lambda: asked.tracks(
            place.assembly, place.contig, place.start, place.end, (parameters.output,), parameters.tissue, parameters.width
        ),
        monitor,
    )
    monitor.advance(1)
    if not found or not found[0].names:
        raise ParameterError(
            f"{model.card.title} has no {parameters.output} track of {', '.join(parameters.tissue) or place.assembly}; "
            "leave the tissue out, or choose another kind."
        )
    return _of_letters(found[0], sequence, stamp("predicted_tracks", VERSION, model, parameters, sequence, time.perf_counter() - began))


def _of_letters(found: PredictedTracks, sequence: NucleotideSequence, provenance: Provenance) -> PlaceTracks:
    start = sequence.locus.start - found.start if sequence.locus is not None else 0
    values = np.repeat(found.values, found.resolution_bp, axis=0)[start : start + len(sequence)]
    if is_reverse(sequence):
        values = values[::-1]
    strands = tuple(along(strand, sequence) for strand in found.strands)
    return PlaceTracks(sequence, values, found.output, found.resolution_bp, found.names, strands, found.biosamples, provenance)


def _memory(sequence: NucleotideSequence, parameters: TrackParameters) -> int:
    """Bytes of all that the service answers, and of what is kept."""
    published = TRACK_COUNTS[parameters.output]
    count = min(published, TRACKS_OF_A_TISSUE * len(parameters.tissue)) if parameters.tissue else published
    read = width_of(len(sequence), parameters.width) // COARSE.get(parameters.output, 1)
    return (read + len(sequence)) * count * 4


DECLARED = (
    hosted(
        predicted_tracks,
        name="predicted_tracks",
        command="tracks",
        version=VERSION,
        title="Predicted tracks",
        summary="Expression, accessibility, binding, histone marks and splicing that AlphaGenome predicts for a locus, tissue by tissue.",
        capability=Capability.TRACKS,
        parameters=TrackParameters,
        result=PlaceTracks,
        memory=_memory,
        order=80,
    ),
)
