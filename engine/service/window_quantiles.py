"""Where a substitution stands among all those of its surroundings that do the same to a gene, by the full scan of its window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.core.sequence import BASES
from engine.service.requests import Request

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.alleles import Change
    from engine.core.results import Result
    from engine.core.sequence import NucleotideSequence

FEWEST = 10
"""Substitutions of a class in the window that are needed to compare with."""


@dataclass(frozen=True)
class WindowQuantiles:
    """Shares of the ``count`` substitutions of class ``group`` (empty: all there are) in a window of ``bases`` that are as little expected or less.

    ``llr``: as low or lower; ``influence``: as high or higher; None where the model has no such score. The substitution itself counts.
    """

    group: str
    count: int
    bases: int
    llr: float | None
    influence: float | None

    def words(self) -> str:
        """One sentence."""
        name = f"{self.group.replace('_', ' ')} substitutions" if self.group else "substitutions"
        parts = [] if self.llr is None else [f"{self.llr:.1%} have an llr as low or lower"]
        parts += [] if self.influence is None else [f"{self.influence:.1%} an influence as high or higher"]
        return f"Among the {self.count:,} {name} of the {self.bases:,} bases shown, {', '.join(parts)}."


def scan_of(sequence: NucleotideSequence, model: str, species: str) -> Request:
    """The question for the scores of every substitution of a window."""
    return Request("effects", sequence, model, species=species)


def window_quantiles(scored: Result, change: Change, group_of: Callable[[int, str], str] | None = None) -> WindowQuantiles | None:
    """The place of a substitution (index and letters of the sequence) in the scan of that sequence, the answer to `scan_of`.

    ``group_of(index, alternate)``: class of each substitution; without it, or where fewer than `FEWEST` are of the class, all are compared.
    None for a change of more than one base.
    """
    if not len(change.reference) == len(change.alternate) == 1:
        return None
    letters, alternate = scored.sequence.as_dna(), BASES.index(change.alternate.replace("U", "T"))
    there = np.array([[letter in BASES and letter != base for base in BASES] for letter in letters])
    group = group_of(change.start, BASES[alternate]) if group_of is not None else ""
    chosen = there
    if group_of is not None and group:
        same = np.array([[there[i, k] and group_of(i, BASES[k]) == group for k in range(4)] for i in range(len(letters))])
        chosen, group = (same, group) if same.sum() >= FEWEST else (there, "")
    scores = scored.substitutions()
    llr = _share(scores.get("llr"), chosen, change.start, alternate, sign=1)
    influence = _share(scores.get("influence"), chosen, change.start, alternate, sign=-1)
    return WindowQuantiles(group, int(chosen.sum()), len(letters), llr, influence)


def _share(values: NDArray[np.float32] | None, chosen: NDArray[np.bool_], index: int, alternate: int, *, sign: int) -> float | None:
    if values is None or not np.isfinite(values[index, alternate]):
        return None
    known = values[chosen & np.isfinite(values)]
    return float((sign * known <= sign * values[index, alternate]).mean()) if known.size else None
