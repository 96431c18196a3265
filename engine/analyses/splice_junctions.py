"""Splice junctions that a hosted model predicts for a place: which exons are joined, tissue by tissue."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.place_questions import PlaceParameters, along, hosted, is_reverse, place_of, waited, width
from engine.analyses.provenance import stamp
from engine.core.card import Capability
from engine.core.places import width_of
from engine.core.results import Pairs, Result, Table, Track, frozen_array, place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.progress import Monitor
    from engine.core.provenance import Provenance
    from engine.core.sequence import NucleotideSequence

VERSION = "1"


@dataclass(frozen=True)
class JunctionParameters(PlaceParameters):
    """Both ends of a junction lie in what is read: the service's authors advise the widest interval."""

    width: int = width(1_048_576)

    def check(self, length: int) -> None:
        """Raise `ParameterError` where the width does not hold the sequence."""
        width_of(length, self.width)


@dataclass(frozen=True, eq=False)
class SpliceJunctions(Result):
    """``introns`` int64 (n, 2): first and last base of each intron, 0-based in the letters, most reads first; ``values`` float32 (n, K): predicted
    reads in each of K tracks; ``strands``: of each junction, as seen from the letters; ``names``, ``biosamples``: one a track."""

    faces = frozenset({"pairs"})
    repeatable = False
    of_place = True
    sequence: NucleotideSequence
    introns: NDArray[np.int64]
    values: NDArray[np.float32]
    strands: tuple[str, ...]
    names: tuple[str, ...]
    biosamples: tuple[str, ...]
    provenance: Provenance

    def __post_init__(self) -> None:
        count = len(self.strands)
        object.__setattr__(self, "introns", frozen_array(self.introns, np.int64, (count, 2), "introns"))
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (count, len(self.names)), "junction reads"))

    @property
    def reads(self) -> NDArray[np.float32]:
        """Of each junction the mean over the tracks, float32 (n,)."""
        return self.values.mean(axis=1) if len(self.names) else np.zeros(len(self.strands), np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``introns``, ``values``, ``strands``, ``names``, ``biosamples``."""
        words = {"strands": self.strands, "names": self.names, "biosamples": self.biosamples}
        return {"introns": self.introns, "values": self.values, **{name: np.array(value, str) for name, value in words.items()}}

    def rows(self) -> Table:
        """One row a junction, one column a track."""
        first, last = self.introns.T
        columns: dict[str, Any] = {
            "intron_first": first + 1,
            "intron_last": last + 1,
            "strand": list(self.strands),
            "mean_reads": self.reads,
        }
        for track, (name, sample) in enumerate(zip(self.names, self.biosamples, strict=True)):
            columns[f"{track + 1} {name} {sample}".strip()] = self.values[:, track]
        return Table(columns, first, last)

    def readable(self) -> Table:
        """One row a junction with the tissue that has most reads of it."""
        first, last = self.introns.T
        best = self.values.argmax(axis=1) if len(self.names) else np.zeros(0, np.int64)
        columns: dict[str, Any] = {"position_1": first + 1, "position_2": last + 1, "intron_bases": last - first + 1}
        columns |= {"strand": list(self.strands), "mean_reads": self.reads}
        return Table({**columns, "most_in": [self.biosamples[k] or self.names[k] for k in best]}, first)

    def tracks(self) -> tuple[Track, ...]:
        """None: junctions are pairs of bases."""
        return ()

    def pairs_of_bases(self) -> Pairs:
        """First and last base of every intron."""
        return Pairs(self.introns, self.reads, "first and last base of each intron, score = mean predicted reads over the tracks")

    def words(self) -> str:
        """How many junctions, and the one with most reads."""
        card = self.provenance.card.title
        if not len(self.strands):
            return f"{card} predicts no splice junction with both ends in view."
        first, last = self.introns[0]
        return (
            f"{len(self.strands):,} splice junctions with both ends in view by {card} ({len(self.names):,} tracks); most reads "
            f"({self.reads[0]:.3g}) join the bases before {place(self.sequence, first)} and behind {place(self.sequence, last)} on the {self.strands[0]} strand."
        )


def splice_junctions(model: Any, sequence: NucleotideSequence, parameters: JunctionParameters, monitor: Monitor) -> SpliceJunctions:
    """The junctions inside the place of ``sequence``. Raises what `engine.core.protocols.PlaceModel` does."""
    asked, place = place_of(model, sequence)
    began = time.perf_counter()
    monitor.start(1, "questions")
    found = waited(
        lambda: asked.junctions(place.assembly, place.contig, place.start, place.end, parameters.tissue, parameters.width), monitor
    )
    monitor.advance(1)
    introns = np.stack([found.introns[:, 0] - place.start, found.introns[:, 1] - 1 - place.start], axis=1)
    if is_reverse(sequence):
        introns = len(sequence) - 1 - introns[:, ::-1]
    reads = found.values.mean(axis=1) if len(found.names) else np.zeros(len(introns))
    order = np.lexsort((introns[:, 1], introns[:, 0], -reads))
    return SpliceJunctions(
        sequence,
        introns[order],
        found.values[order],
        tuple(along(found.strands[k], sequence) for k in order),
        found.names,
        found.biosamples,
        stamp("splice_junctions", VERSION, model, parameters, sequence, time.perf_counter() - began),
    )


DECLARED = (
    hosted(
        splice_junctions,
        name="splice_junctions",
        command="junctions",
        version=VERSION,
        title="Predicted splice junctions",
        summary="Splice junctions that AlphaGenome predicts inside a locus, with reads tissue by tissue.",
        capability=Capability.JUNCTIONS,
        parameters=JunctionParameters,
        result=SpliceJunctions,
        out="junctions.tsv",
        memory=lambda sequence, parameters: 64_000_000,
        order=81,
    ),
)
