"""Results as tables: the twin of every figure for readers and spreadsheets. Positions are 1-based."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.results import BaseProbabilities, ContactMap, DependencyMap, Segmentation, TokenTrack, VariantEffects
from engine.core.sequence import BASES, Alphabet, NucleotideSequence

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

MOST_PAIRS = 5000


def table(found: Any) -> pd.DataFrame:
    """The table of any result type; raises `TypeError` for what is no result."""
    for kind, build in _BUILDERS.items():
        if isinstance(found, kind):
            built: pd.DataFrame = build(found)
            return built
    raise TypeError(f"There is no table for {type(found).__name__}; results of the engine have one.")


def strongest_pairs(values: NDArray[np.float32], count: int, minimum_distance: int = 1) -> NDArray[np.int64]:
    """int64 (n, 2), i < j: pairs at least ``minimum_distance`` apart by the larger of their two directions, strongest first, n <= ``count``."""
    finite = np.nan_to_num(np.abs(values))
    both = np.maximum(finite, finite.T)
    rows, columns = np.triu_indices(len(values), k=max(1, minimum_distance))
    strength = both[rows, columns]
    if len(strength) > count:
        keep = np.argpartition(-strength, count - 1)[:count]
        rows, columns, strength = rows[keep], columns[keep], strength[keep]
    order = np.lexsort((columns, rows, -strength))
    present = order[strength[order] > 0]
    return np.stack([rows[present], columns[present]], axis=1).astype(np.int64)


def dependency_table(found: DependencyMap, count: int = MOST_PAIRS, minimum_distance: int = 1) -> pd.DataFrame:
    """One row a pair, strongest first: both positions and bases, the effect each way, the distance."""
    import pandas as pd

    pairs = strongest_pairs(found.values, count, minimum_distance)
    i, j = pairs[:, 0], pairs[:, 1]
    letters = np.array(list(found.sequence.letters))
    unit = "bits" if found.metric == "log2_odds" else "nats"
    frame = pd.DataFrame(
        {
            "position_1": i + found.offset + 1,
            "base_1": letters[i + found.offset],
            "position_2": j + found.offset + 1,
            "base_2": letters[j + found.offset],
            "distance": j - i,
            f"change_1_reads_2_{unit}": found.values[i, j],
            f"change_2_reads_1_{unit}": found.values[j, i],
        }
    )
    return _with_places(frame, found.sequence, ("position_1", "position_2"))


def effects_table(found: VariantEffects) -> pd.DataFrame:
    """One row a substitution: position, reference, alternate, its scores."""
    import pandas as pd

    sequence = found.sequence
    scores = {"llr": found.llr, "influence": found.influence, "delta_log_likelihood": found.delta_log_likelihood}
    present = {name: values for name, values in scores.items() if values is not None}
    known = np.any([np.isfinite(values) for values in present.values()], axis=0) if present else np.zeros((len(sequence), 4), bool)
    rows, columns = np.nonzero(known)
    letters = np.array(list(sequence.letters))
    names = np.array(list(_bases(sequence)))
    frame = pd.DataFrame({"position": rows + 1, "ref": letters[rows], "alt": names[columns]})
    for name, values in present.items():
        frame[name] = values[rows, columns]
    return _with_places(frame, sequence, ("position",))


def probabilities_table(found: BaseProbabilities) -> pd.DataFrame:
    """One row a base: P of the four bases and the entropy in bits."""
    import pandas as pd

    frame = pd.DataFrame({"position": np.arange(1, len(found.values) + 1), "base": list(found.sequence.letters)})
    for index, name in enumerate(_bases(found.sequence)):
        frame[f"P_{name}"] = found.values[:, index]
    frame["entropy_bits"] = entropy(found.values)
    return _with_places(frame, found.sequence, ("position",))


def entropy(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Shannon entropy in bits, float64 (L,), of P(base) (L, 4); 0 log 0 is 0."""
    exact = values.astype(np.float64)
    logs = np.log2(exact, out=np.zeros_like(exact), where=exact > 0)
    return np.asarray(-(exact * logs).sum(axis=1) + 0.0)


def segmentation_table(found: Segmentation) -> pd.DataFrame:
    """One row a base: the probability of each element."""
    import pandas as pd

    frame = pd.DataFrame({"position": np.arange(1, len(found.values) + 1), "base": list(found.sequence.letters)})
    for index, name in enumerate(found.elements):
        frame[name] = found.values[:, index]
    return _with_places(frame, found.sequence, ("position",))


def contacts_table(found: ContactMap) -> pd.DataFrame:
    """One row a pair, strongest first."""
    import pandas as pd

    letters = np.array(list(found.sequence.letters))
    i, j = found.pairs[:, 0], found.pairs[:, 1]
    frame = pd.DataFrame(
        {"position_1": i + 1, "base_1": letters[i], "position_2": j + 1, "base_2": letters[j], "distance": j - i, "score": found.scores}
    )
    return _with_places(frame, found.sequence, ("position_1", "position_2"))


def tokens_table(found: TokenTrack) -> pd.DataFrame:
    """One row a token: its first and last base and its probability."""
    import pandas as pd

    return pd.DataFrame(
        {"start": found.spans[:, 0] + 1, "end": found.spans[:, 1], "token": list(found.tokens), "probability": found.probabilities}
    )


def _bases(sequence: NucleotideSequence) -> str:
    return BASES.replace("T", "U") if sequence.alphabet is Alphabet.RNA else BASES


def _with_places(frame: pd.DataFrame, sequence: NucleotideSequence, columns: tuple[str, ...]) -> pd.DataFrame:
    """Beside each position its coordinate on the contig, when the sequence has a locus."""
    if sequence.locus is None:
        return frame
    for column in columns:
        place = [sequence.locus.position_of(int(position) - 1) for position in frame[column]]
        frame.insert(list(frame.columns).index(column) + 1, column.replace("position", sequence.locus.contig), place)
    return frame


_BUILDERS: dict[type, Any] = {
    DependencyMap: dependency_table,
    VariantEffects: effects_table,
    BaseProbabilities: probabilities_table,
    Segmentation: segmentation_table,
    ContactMap: contacts_table,
    TokenTrack: tokens_table,
}
