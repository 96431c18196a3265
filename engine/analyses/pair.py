"""The 4 × 4 substitution table of two bases: what each change at one does to each base at the other."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.declared import Declared
from engine.analyses.log_odds import Scale
from engine.analyses.provenance import stamp
from engine.analyses.substitutions import Scan, letter_codes, numbers_of_mutants
from engine.core.card import Capability
from engine.core.errors import ParameterError, SequenceError
from engine.core.parameters import Parameters, position
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import NucleotideModel
from engine.core.results import Result, Table, Track, base_at, frozen_array
from engine.core.sequence import BASES, NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.provenance import Provenance

VERSION = "2"


@dataclass(frozen=True)
class PairParameters(Parameters):
    """``changed`` and ``read``: two different 0-based positions."""

    changed: int = position(0, "--changed", "Base that is substituted, 1-based.")
    read: int = position(1, "--read", "Base that is read, 1-based.")

    def __post_init__(self) -> None:
        if self.changed < 0 or self.read < 0 or self.changed == self.read:
            raise ParameterError(f"The pair is {self.changed + 1}, {self.read + 1}; two different positions of at least 1 are needed.")

    def check(self, length: int) -> None:
        """Raise `ParameterError` for a position outside the sequence."""
        for index in (self.changed, self.read):
            if index >= length:
                raise ParameterError(f"Position {index + 1:,} is outside the sequence; positions 1 to {length:,} exist.")


@dataclass(frozen=True, eq=False)
class PairTable(Result):
    """``values[a, n]`` float32 (4, 4): Δ log2 odds of base n at ``read`` when ``changed`` becomes a; NaN in the reference row."""

    faces = frozenset()
    sequence: NucleotideSequence
    changed: int
    read: int
    values: NDArray[np.float32]
    provenance: Provenance

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (4, 4), "substitution table"))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``values``, ``changed``, ``read``."""
        return {"values": self.values, "changed": np.array(self.changed), "read": np.array(self.read)}

    def rows(self) -> Table:
        """One row an alternate."""
        columns: dict[str, Any] = {"changed": [self.changed + 1] * 4, "alt": list(BASES), "read": [self.read + 1] * 4}
        columns |= {base: self.values[:, column] for column, base in enumerate(BASES)}
        return Table(columns, np.full(4, self.changed))

    def tracks(self) -> tuple[Track, ...]:
        """None: the table is about two bases."""
        return ()

    def words(self) -> str:
        """The strongest of the twelve changes."""
        if not np.isfinite(self.values).any():
            return "No change of this pair was scored."
        a, n = np.unravel_index(int(np.nanargmax(np.abs(self.values))), (4, 4))
        changed, read = base_at(self.sequence, self.changed), base_at(self.sequence, self.read)
        return (
            f"By {self.provenance.card.title}, changing {changed} to {BASES[int(a)]} moves the log2 odds of {BASES[int(n)]} at {read} by "
            f"{self.values[a, n]:+.2f}, the most of the twelve."
        )


def pair_table(
    model: NucleotideModel,
    sequence: NucleotideSequence,
    parameters: PairParameters | None = None,
    monitor: Monitor | None = None,
) -> PairTable:
    """Δ log2 odds of each base at ``read`` for each substitution at ``changed``: float32 (4, 4), row = alternate, NaN in the reference's row.

    Raises
    ------
    ParameterError
        A position outside the sequence.
    SequenceError
        The changed base is an ambiguous letter.
    """
    import torch

    chosen = parameters or PairParameters()
    chosen.check(len(sequence))
    began = time.perf_counter()
    watcher = monitor or SilentMonitor()
    scan = Scan.of(model, sequence)
    code = int(letter_codes(scan.reference.letters)[chosen.changed])
    if code < 0:
        raise SequenceError(
            f"Position {chosen.changed + 1:,} is {sequence.letters[chosen.changed]}, which is not one of A, C, G and T; choose another base."
        )
    watcher.start(4)
    alternates = np.array([base for base in range(4) if base != code], dtype=np.int64)
    values = np.full((4, 4), np.nan, dtype=np.float32)
    scale = Scale()
    with torch.inference_mode():
        reference = scale(scan.reference_logits(normalised=False)[chosen.read])
        watcher.advance(1)
        positions = scan.tensor(np.full(3, chosen.changed, dtype=np.int64))
        mutants = numbers_of_mutants(model, scan.mutant_logits(positions, scan.tensor(alternates), normalised=False))
        values[alternates] = (scale(mutants[:, chosen.read]) - reference).float().cpu().numpy()
        watcher.advance(3)
    provenance = stamp("pair", VERSION, model, chosen, sequence, time.perf_counter() - began)
    return PairTable(sequence=sequence, changed=chosen.changed, read=chosen.read, values=values, provenance=provenance)


DECLARED = (
    Declared(
        name="pair",
        command="pair",
        version=VERSION,
        title="Pair",
        summary="The 4 x 4 substitution table of two bases: change of the log2 odds of each base at one for each base at the other.",
        capability=Capability.DEPENDENCY,
        parameters=PairParameters,
        result=PairTable,
        passes=lambda sequence, parameters, card, offer: 4,
        run=lambda model, sequence, parameters, monitor, answers: pair_table(model, sequence, parameters, monitor),
        out="pair.tsv",
        pace="mutants",
        shown="clicked",
        order=90,
        windows=False,
    ),
)
