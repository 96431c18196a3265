"""The contact map of chromatin that a hosted model predicts for a place: which bins of two kilobases meet in the nucleus."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.place_questions import PlaceParameters, hosted, is_reverse, place_of, waited, width
from engine.analyses.provenance import stamp
from engine.core.card import Capability
from engine.core.errors import ParameterError
from engine.core.places import CONTACT_BP, CONTACT_MAPS, width_of
from engine.core.results import Matrix, Result, Table, Track, frozen_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.progress import Monitor
    from engine.core.provenance import Provenance
    from engine.core.sequence import NucleotideSequence

VERSION = "1"
LEAST_BP = 4 * CONTACT_BP
MOST_TOLD = 200


@dataclass(frozen=True)
class ChromatinParameters(PlaceParameters):
    """What a bin meets may lie far off: the service's authors advise the widest interval."""

    width: int = width(1_048_576)

    def check(self, length: int) -> None:
        """Raise `ParameterError` for a sequence with fewer than four bins, or one that the width does not hold."""
        if length < LEAST_BP:
            raise ParameterError(
                f"The sequence has {length:,} bases; contacts of chromatin come in bins of {CONTACT_BP:,}: show at least {LEAST_BP:,}."
            )
        width_of(length, self.width)


@dataclass(frozen=True, eq=False)
class ChromatinContacts(Result):
    """``values`` float32 (B, B), symmetric: mean over the ``names`` of the predicted contact of two bins, on the scale of the model; bin 0 begins at base ``offset`` of the letters, 0 or less, each has ``bin_bp`` bases."""

    faces = frozenset({"matrix"})
    repeatable = False
    of_place = True
    sequence: NucleotideSequence
    values: NDArray[np.float32]
    offset: int
    bin_bp: int
    names: tuple[str, ...]
    biosamples: tuple[str, ...]
    provenance: Provenance

    def __post_init__(self) -> None:
        bins = len(self.values)
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (bins, bins), "chromatin contacts"))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``values``, ``offset``, ``bin_bp``, ``names``, ``biosamples``."""
        places = {"offset": np.array(self.offset), "bin_bp": np.array(self.bin_bp)}
        return {"values": self.values, **places, "names": np.array(self.names, str), "biosamples": np.array(self.biosamples, str)}

    def rows(self) -> Table:
        """One row a pair of bins: the first and last base of each and the value."""
        i, j = np.triu_indices(len(self.values), 1)
        return self._table(i, j)

    def readable(self) -> Table:
        """The pairs of bins with the highest values."""
        i, j = np.triu_indices(len(self.values), 2)
        order = np.argsort(-np.nan_to_num(self.values[i, j], nan=-np.inf), kind="stable")[:MOST_TOLD]
        return self._table(i[order], j[order])

    def _table(self, i: NDArray[np.int64], j: NDArray[np.int64]) -> Table:
        length = len(self.sequence)
        columns: dict[str, Any] = {}
        for side, bins in (("1", i), ("2", j)):
            first = self.offset + bins * self.bin_bp
            columns[f"position_{side}"] = np.clip(first, 0, length - 1) + 1
            columns[f"last_{side}"] = np.clip(first + self.bin_bp, 1, length)
        return Table({**columns, "contact": self.values[i, j]}, columns["position_1"] - 1, columns["position_2"] - 1)

    def tracks(self) -> tuple[Track, ...]:
        """None: contacts are between two bins."""
        return ()

    def matrix(self) -> Matrix:
        """The values, in bins."""
        return Matrix(self.values, self.offset, symmetric=True, bin_bp=self.bin_bp)

    def words(self) -> str:
        """How many bins, and the strongest contact of two that are no neighbours."""
        found = self.readable().columns
        start = f"Contacts between {len(self.values):,} bins of {self.bin_bp:,} bases, mean of {len(self.names):,} cell types, by "
        start += self.provenance.card.title
        if not len(found["contact"]):
            return f"{start}."
        return f"{start}; the highest ({found['contact'][0]:+.2f}) is between the bins at {found['position_1'][0]:,} and {found['position_2'][0]:,}."


def chromatin_contacts(model: Any, sequence: NucleotideSequence, parameters: ChromatinParameters, monitor: Monitor) -> ChromatinContacts:
    """The contacts inside the place of ``sequence``. Raises what `engine.core.protocols.PlaceModel` does."""
    asked, place = place_of(model, sequence)
    began = time.perf_counter()
    monitor.start(1, "questions")
    found = waited(
        lambda: asked.contacts(place.assembly, place.contig, place.start, place.end, parameters.tissue, parameters.width), monitor
    )
    monitor.advance(1)
    values = found.values.astype(np.float64).mean(axis=2)
    offset = found.start - place.start
    if is_reverse(sequence):
        values = values[::-1, ::-1]
        offset = len(sequence) - (offset + len(values) * found.resolution_bp)
    return ChromatinContacts(
        sequence,
        values,
        offset,
        found.resolution_bp,
        found.names,
        found.biosamples,
        stamp("chromatin_contacts", VERSION, model, parameters, sequence, time.perf_counter() - began),
    )


def _memory(sequence: NucleotideSequence, parameters: ChromatinParameters) -> int:
    bins = width_of(len(sequence), parameters.width) // CONTACT_BP
    return bins * bins * CONTACT_MAPS * 4


DECLARED = (
    hosted(
        chromatin_contacts,
        name="chromatin_contacts",
        command="chromatin-contacts",
        version=VERSION,
        title="Predicted chromatin contacts",
        summary="The contact map of chromatin that AlphaGenome predicts for a locus, in bins of 2,048 bases.",
        capability=Capability.CHROMATIN,
        parameters=ChromatinParameters,
        result=ChromatinContacts,
        memory=_memory,
        order=82,
    ),
)
