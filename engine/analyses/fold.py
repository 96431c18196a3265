"""Secondary structure of an RNA by energies or letters alone, to hold the contacts of a language model against."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.declared import Declared, square_bytes
from engine.analyses.provenance import stamp
from engine.core.base_pairs import dot_bracket
from engine.core.card import Capability, ModelCard
from engine.core.errors import CapabilityMissing, ParameterError, SequenceError
from engine.core.parameters import Parameters, option
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import FoldingModel, Model
from engine.core.results import Matrix, Pairs, Result, Table, Track, frozen_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.provenance import Provenance
    from engine.core.sequence import NucleotideSequence

VERSION = "1"


@dataclass(frozen=True)
class FoldParameters(Parameters):
    """``temperature``: in °C, of the energies; None = the model's own (`ModelCard.folds_at`), which is none for one that counts letters."""

    temperature: float | None = option(
        None,
        "--temperature",
        "Of the energies, in degrees Celsius; 37 when none is given. Of ViennaRNA only.",
        metavar="T",
        low=0,
        high=100,
        unit="°C",
    )

    def settled(self, card: ModelCard) -> FoldParameters:
        """The same with the model's own temperature where none is given. Raises `ParameterError` for one given to a model that knows none."""
        if self.temperature is not None and card.folds_at is None:
            raise ParameterError(
                f"{card.title} knows no temperature, and {self.temperature:g} °C was given; leave --temperature out, or choose viennarna."
            )
        return replace(self, temperature=card.folds_at if self.temperature is None else self.temperature)


@dataclass(frozen=True, eq=False)
class SecondaryStructure(Result):
    """``values`` float32 (L, L), symmetric: probability of each pair (or the stem counter's sums); ``pairs`` int64 (n, 2), i < j, of the
    structure, their ``scores`` float32 (n,); ``energy`` in kcal/mol, NaN where none is known."""

    faces = frozenset({"tracks", "main track", "pairs", "structure", "matrix"})
    sequence: NucleotideSequence
    values: NDArray[np.float32]
    pairs: NDArray[np.int64]
    scores: NDArray[np.float32]
    energy: float
    provenance: Provenance

    def __post_init__(self) -> None:
        length = len(self.sequence)
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (length, length), "pair values"))
        object.__setattr__(self, "pairs", frozen_array(np.asarray(self.pairs).reshape(-1, 2), np.int64, (None, 2), "pairs"))
        object.__setattr__(self, "scores", frozen_array(self.scores, np.float32, (len(self.pairs),), "pair scores"))

    @property
    def dot_bracket(self) -> str:
        """The structure in symbols."""
        return dot_bracket(len(self.sequence), self.pairs)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``values``, ``pairs``, ``scores``, ``energy``, ``dot_bracket``."""
        found: dict[str, Any] = {"values": self.values, "pairs": self.pairs, "scores": self.scores}
        return {**found, "energy": np.float64(self.energy), "dot_bracket": np.array(self.dot_bracket)}

    def rows(self) -> Table:
        """One row a pair of the structure."""
        letters, (i, j) = self.sequence.letters, self.pairs.T
        bases = {"base_i": [letters[k] for k in i], "base_j": [letters[k] for k in j]}
        return Table({"i": i + 1, "j": j + 1, **bases, "score": self.scores}, i, j)

    def tracks(self) -> tuple[Track, ...]:
        """Where values are probabilities, that a base pairs at all; else its strongest value."""
        if math.isnan(self.energy):
            return (Track("strongest_stem", "strongest stem of a base", self.values.max(axis=1, initial=0)),)
        return (Track("paired", "probability that a base pairs", np.minimum(self.values.sum(axis=1), 1.0).astype(np.float32)),)

    def pairs_of_bases(self) -> Pairs:
        """All pairs of the structure."""
        return Pairs(self.pairs, self.scores, f"all {len(self.pairs)} pairs of the structure")

    def structure(self) -> str:
        """The dot-bracket."""
        return self.dot_bracket

    def matrix(self) -> Matrix:
        """The values."""
        return Matrix(self.values, symmetric=True)

    def words(self) -> str:
        """How many pairs, the energy where there is one, and the dot-bracket."""
        energy = "" if math.isnan(self.energy) else f" with a free energy of {self.energy:.1f} kcal/mol"
        return f"{len(self.pairs):,} base pairs by {self.provenance.card.title}{energy}; dot-bracket {self.dot_bracket}."


def secondary_structure(
    model: Model, sequence: NucleotideSequence, parameters: FoldParameters | None = None, monitor: Monitor | None = None
) -> SecondaryStructure:
    """The structure of the letters read as RNA.

    Raises
    ------
    CapabilityMissing
        The model does not fold.
    SequenceError
        A letter that is not one of the four bases: no energy is known for it.
    ParameterError
        A temperature for a model that knows none.
    """
    if not isinstance(model, FoldingModel):
        raise CapabilityMissing(f"{model.card.title} does not fold an RNA; choose viennarna or stem-counter.")
    if sequence.ambiguous_count:
        raise SequenceError(
            f"{sequence.ambiguous_count:,} letters are not one of A, C, G and U; {model.card.title} folds known bases only."
        )
    chosen, watcher = (parameters or FoldParameters()).settled(model.card), monitor or SilentMonitor()
    began = time.perf_counter()
    watcher.start(1, "structures")
    found = model.fold(sequence.as_rna(), chosen.temperature, lambda: watcher.advance(0))
    watcher.advance(1)
    provenance = stamp("fold", VERSION, model, chosen, sequence, time.perf_counter() - began)
    return SecondaryStructure(sequence, found.values, found.pairs, found.scores, found.energy, provenance)


DECLARED = (
    Declared(
        name="fold",
        command="fold",
        version=VERSION,
        title="Secondary structure by energies",
        summary="Minimum free energy structure and pair probabilities of an RNA (ViennaRNA), or the stems that a counter finds.",
        capability=Capability.FOLDING,
        parameters=FoldParameters,
        result=SecondaryStructure,
        passes=lambda sequence, parameters, card, offer: 1,
        run=lambda model, sequence, parameters, monitor, answers: secondary_structure(model, sequence, parameters, monitor),
        settled=FoldParameters.settled,
        default_model="viennarna",
        memory=square_bytes,
        growth="quadratic",
        shown="asked",
        order=35,
        windows=False,
    ),
)
