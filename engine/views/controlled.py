"""What two alleles' shuffled controls say of the relations that a change loses and gains: their q-values, and the places the change lies in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from engine.analyses.findings import lost_pairs
from engine.analyses.pattern_scores import KINDS, WIDTHS
from engine.core.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.dependency import DependencyMap
    from engine.analyses.patterns import Patterns
    from engine.core.alleles import Change

MOST_NAMED = 3
"""Places of an allele that a sentence names."""


@dataclass(frozen=True, eq=False)
class ControlledChange:
    """Patterns of the reference and of the alternate, each with its own shuffled sequences, and both maps on the reference's positions.

    Raises `ParameterError` for patterns without controls.
    """

    patterns: tuple[Patterns, Patterns]
    maps: tuple[DependencyMap, DependencyMap]
    change: Change

    def __post_init__(self) -> None:
        if not all(found.shuffles for found in self.patterns):
            raise ParameterError("There are no q-values without shuffled controls; set Patterns: shuffled controls to 1 or more.")

    @property
    def words(self) -> tuple[str, ...]:
        """How many of the lost and gained relations stand above the shuffled sequences, and the places across the change."""
        first, second = self.patterns
        told = [
            f"By {first.shuffles:,} dinucleotide-shuffled {'sequence' if first.shuffles == 1 else 'sequences'} of each allele: {self._counted('lost')}; {self._counted('gained')}."
        ]
        places = [self._across(found, name) for found, name in ((first, "reference"), (second, "alternate"))]
        return (*told, f"Places across the change with a q-value up to {first.rate:g}: {'; '.join(places)}.")

    def q_values(self, first: NDArray[np.float32], second: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """q-values float32 (n,) of values (n,) of the reference's map and of the alternate's."""
        return self.patterns[0].q_of_cells(first), self.patterns[1].q_of_cells(second)

    def _counted(self, word: str) -> str:
        here, there = self.maps if word == "lost" else self.maps[::-1]
        found, name = (self.patterns[0], "reference") if word == "lost" else (self.patterns[1], "alternate")
        q = found.q_of_cells(lost_pairs(here, there).values)
        if not len(q):
            return f"no relation is {word}"
        kept = int((q <= found.rate).sum())
        best = f", the smallest {np.nanmin(q):.2g}" if np.isfinite(q).any() else ""
        return f"{kept:,} of {len(q):,} relations {word} have a q-value up to {found.rate:g} in the {name}{best}"

    def _across(self, found: Patterns, name: str) -> str:
        """The places of an allele up to the rate one of whose sides holds a changed base; positions are those of the reference where the
        change keeps the length."""
        size = len(self.change.reference if name == "reference" else self.change.alternate)
        first, last = self.change.start, max(self.change.start, self.change.start + size - 1)
        rows = [int(row) for row in found.kept if _holds(found, int(row), first, last)]
        if not rows:
            return f"{name}, none"
        reference = self.patterns[0].sequence
        told = replace(found, sequence=reference) if len(reference) == len(found.sequence) else found
        own = "" if told.sequence is reference else " by its own positions"
        named = ", ".join(f"{told.described(row)} (q {found.q[row]:.2g})" for row in rows[:MOST_NAMED])
        return f"{name}{own}, {named}{f' and {len(rows) - MOST_NAMED:,} more' if len(rows) > MOST_NAMED else ''}"


def _holds(found: Patterns, row: int, first: int, last: int) -> bool:
    width = WIDTHS[KINDS[found.kinds[row]]]
    return any(int(at) <= last and first < int(at) + width for at in found.places[row])
