"""Two dependency maps of the same positions: their difference, and the pairs that changed most."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine.analyses.dependency import DependencyMap
from engine.core.arithmetic import strongest_pairs
from engine.core.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from engine.core.alleles import Change
    from engine.core.sequence import NucleotideSequence


def on_reference(found: DependencyMap, reference: NucleotideSequence, change: Change) -> DependencyMap:
    """The map of a changed sequence on the positions of ``reference``, so that the two can be compared cell by cell.

    Replaced bases are paired from the left; those of the reference without a partner are NaN, inserted bases without one are left out. The map
    is given back as it is where the change keeps the length. Raises `ParameterError` for a map of a part, or of another change.
    """
    longer = len(change.alternate) - len(change.reference)
    if found.offset or len(found.values) != len(reference) + longer:
        raise ParameterError(f"The map has {len(found.values):,} positions; that of the whole changed sequence is needed.")
    if not longer:
        return found
    kept = min(len(change.reference), len(change.alternate))
    source = np.arange(len(reference))
    source[change.end :] += longer
    source[change.start + kept : change.end] = -1
    values = np.where((source < 0)[:, None] | (source < 0)[None, :], np.float32(np.nan), found.values[np.ix_(source, source)])
    return DependencyMap(reference, values, found.provenance, found.metric)


def difference(first: DependencyMap, second: DependencyMap) -> DependencyMap:
    """``second`` − ``first``, cell by cell; positive = a gain, stronger in ``second``; negative = a loss. Placed on the first's sequence.

    Raises `ParameterError` for maps of different positions, metrics, or unfinished ones.
    """
    if first.values.shape != second.values.shape or first.offset != second.offset:
        raise ParameterError(
            f"The maps have {len(first.values):,} and {len(second.values):,} positions; only maps of the same positions can be compared."
        )
    if first.metric != second.metric:
        raise ParameterError(f"The maps are in {first.metric} and {second.metric}; compute both with one metric.")
    if not (first.complete and second.complete):
        raise ParameterError("One of the maps is not finished; wait for it, or compute it again.")
    parameters = {
        "first": {"model": first.provenance.card.id, "sequence_sha256": first.provenance.sequence_sha256},
        "second": {"model": second.provenance.card.id, "sequence_sha256": second.provenance.sequence_sha256},
        "dependency": first.provenance.parameters,
    }
    seconds = first.provenance.seconds + second.provenance.seconds
    provenance = replace(first.provenance, analysis="difference of dependency maps", parameters=parameters, seconds=seconds)
    return DependencyMap(first.sequence, second.values - first.values, provenance, first.metric, first.offset)


def changed_pairs(first: DependencyMap, second: DependencyMap, count: int = 200, minimum_distance: int = 4) -> pd.DataFrame:
    """The pairs whose stronger direction changed most: one row a pair with its value in both maps; positions 1-based."""
    import pandas as pd

    def stronger(found: DependencyMap) -> np.ndarray:
        finite = np.nan_to_num(found.values)
        return np.asarray(np.maximum(finite, finite.T))

    one, two = stronger(first), stronger(second)
    change = two - one
    pairs = strongest_pairs(change, count, minimum_distance)
    i, j = pairs[:, 0], pairs[:, 1]
    letters, others = np.array(list(first.sequence.letters)), np.array(list(second.sequence.letters))
    return pd.DataFrame(
        {
            "position_1": i + first.offset + 1,
            "position_2": j + first.offset + 1,
            "bases_first": [f"{a}{b}" for a, b in zip(letters[i + first.offset], letters[j + first.offset], strict=True)],
            "bases_second": [f"{a}{b}" for a, b in zip(others[i + first.offset], others[j + first.offset], strict=True)],
            "distance": j - i,
            "first": one[i, j],
            "second": two[i, j],
            "change": change[i, j],
        }
    )
