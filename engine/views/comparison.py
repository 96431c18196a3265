"""Two answers about the same positions: the difference of their maps and tracks, and the pairs that changed most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.dependency import DependencyMap
from engine.analyses.substitutions import letter_codes
from engine.core.arithmetic import entropy, mean_of_known, strongest_pairs
from engine.core.errors import ParameterError
from engine.core.results import Result, Table, Track, place, slug

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from engine.core.alleles import Change
    from engine.core.provenance import Provenance
    from engine.core.sequence import NucleotideSequence

COMPARED = ("probabilities", "effects", "segmentation")
"""Analyses whose tracks are compared between alleles: reconstruction and entropy, influence, elements."""
LEAST_CHANGE = 0.1
"""Change of an element's probability from which on it is named in words."""


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
    source = _sources(len(reference), change)
    values = np.where((source < 0)[:, None] | (source < 0)[None, :], np.float32(np.nan), found.values[np.ix_(source, source)])
    return DependencyMap(reference, values, found.provenance, found.metric)


def _sources(length: int, change: Change) -> NDArray[np.int64]:
    """Which base of the changed sequence stands for each of the reference's ``length``; −1 for one without a partner."""
    kept = min(len(change.reference), len(change.alternate))
    source = np.arange(length)
    source[change.end :] += len(change.alternate) - len(change.reference)
    source[change.start + kept : change.end] = -1
    return source


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
    one, other = first.provenance.card, second.provenance.card
    parameters = {
        name: {
            "model": card.id,
            "revision": card.revision,
            "weights_sha256": card.weights_sha256,
            "sequence_sha256": found.provenance.sequence_sha256,
        }
        for name, card, found in (("first", one, first), ("second", other, second))
    } | {"dependency": first.provenance.parameters}
    card = one if one == other else replace(one, title=f"{other.title} − {one.title}")
    seconds = first.provenance.seconds + second.provenance.seconds
    provenance = replace(first.provenance, card=card, analysis="difference of dependency maps", parameters=parameters, seconds=seconds)
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


@dataclass(frozen=True, eq=False)
class TrackDifferences(Result):
    """What a change does to the tracks of a model and to elements, alternate − reference, on the bases of the reference; NaN where a base has no
    partner in the alternate.

    ``expected`` float32 (L,): change of P(the reference's base); ``entropy`` (L,) in bits; ``influence`` (L,), mean over a base's three
    substitutions, in bits; ``elements`` (L, E): change of each element's probability, in the order of ``names``. None: not asked, or the model has none.
    """

    sequence: NucleotideSequence
    provenance: Provenance
    expected: NDArray[np.float32] | None = None
    entropy: NDArray[np.float32] | None = None
    influence: NDArray[np.float32] | None = None
    elements: NDArray[np.float32] | None = None
    names: tuple[str, ...] = ()
    by: str = ""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those there are, by the names of the fields, and ``names`` of the elements."""
        found: dict[str, Any] = {name: getattr(self, name) for name in ("expected", "entropy", "influence", "elements")}
        return {name: values for name, values in found.items() if values is not None} | (
            {"names": np.array(self.names)} if self.elements is not None else {}
        )

    def rows(self) -> Table:
        """One row a base of the reference."""
        bases = np.arange(len(self.sequence))
        return Table(
            {"position": bases + 1, "base": list(self.sequence.letters), **{track.name: track.values for track in self.tracks()}}, bases
        )

    def tracks(self) -> tuple[Track, ...]:
        """Those there are, then one an element."""
        found = [
            Track(f"delta_{name}", title, values)
            for name, title, values in (
                ("expected", "change of P(reference base)", self.expected),
                ("entropy", "change of the entropy, bits", self.entropy),
                ("influence", "change of the influence, mean over the three substitutions, bits", self.influence),
            )
            if values is not None
        ]
        if self.elements is not None:
            found += [
                Track(slug(f"delta {name}"), f"change of P({name})", np.ascontiguousarray(self.elements[:, k]))
                for k, name in enumerate(self.names)
            ]
        return tuple(found)

    def words(self) -> str:
        """Where each track changes most, and the elements that gain or lose a tenth."""
        told = []
        for title, values, unit in (
            ("P(reference base)", self.expected, ""),
            ("entropy", self.entropy, " bits"),
            ("influence", self.influence, " bits"),
        ):
            if values is not None and np.isfinite(values).any():
                at = int(np.nanargmax(np.abs(values)))
                told.append(f"{title} changes most at {place(self.sequence, at)}: {_signed(values[at])}{unit}")
        moved = self.moved()
        told += [f"{name.replace('_', ' ')} {_signed(value)} at {place(self.sequence, at)}" for name, value, at in moved]
        if self.elements is not None and not moved:
            told.append(f"no element of {self.by} changes by {LEAST_CHANGE:g}")
        return f"{'; '.join(told)}." if told else ""

    def moved(self) -> tuple[tuple[str, float, int], ...]:
        """Elements that change by `LEAST_CHANGE` or more somewhere, with their largest change and its base, the largest first."""
        if self.elements is None or not np.isfinite(self.elements).any():
            return ()
        known = np.nan_to_num(self.elements)
        places = np.abs(known).argmax(axis=0)
        found = [(name, float(known[at, k]), int(at)) for k, (name, at) in enumerate(zip(self.names, places, strict=True))]
        return tuple(sorted((item for item in found if abs(item[1]) >= LEAST_CHANGE), key=lambda item: -abs(item[1])))


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def track_differences(
    reference: NucleotideSequence, change: Change, first: Mapping[str, Any], second: Mapping[str, Any]
) -> TrackDifferences | None:
    """What differs between answers about ``reference`` and about the changed sequence, by the names of their analyses, those of
    `COMPARED`; None where both have none of them."""
    source = _sources(len(reference), change)
    both = {name: (first[name], second[name]) for name in COMPARED if name in first and name in second}
    if not both:
        return None

    def changed(before: NDArray[Any], after: NDArray[Any]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = (after[source] - before).astype(np.float32)
        found[source < 0] = np.nan
        return found

    made: dict[str, Any] = {}
    if "probabilities" in both:
        before, after = (found.values for found in both["probabilities"])
        codes = letter_codes(reference.letters)
        own = changed(before, after)[np.arange(len(codes)), codes]
        made["expected"] = np.where(codes >= 0, own, np.float32(np.nan))
        made["entropy"] = changed(entropy(before), entropy(after))
    if "effects" in both and all(found.influence is not None for found in both["effects"]):
        made["influence"] = changed(*(mean_of_known(found.influence) for found in both["effects"]))
    if "segmentation" in both:
        made["elements"] = changed(*(found.values for found in both["segmentation"]))
        made |= {"names": both["segmentation"][0].elements, "by": both["segmentation"][0].provenance.card.title}
    origin = next(iter(both.values()))[0].provenance
    return TrackDifferences(reference, replace(origin, analysis="differences of tracks"), **made)
