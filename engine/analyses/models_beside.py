"""Two to six models on one sequence: their influence beside each other, where their maps agree, and what none of them was trained for."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.ranking import middle_ranks, spearman
from engine.core.arithmetic import mean_of_known
from engine.core.errors import ParameterError
from engine.core.sequence import BASES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.dependency import DependencyMap
    from engine.core.card import ModelCard
    from engine.core.provenance import Provenance
    from engine.core.sequence import NucleotideSequence

FEWEST, MOST = 2, 6
EDGE_BP = 50
"""Bases at an end of the letters that have less than this much context on one side."""
LEAST_CELLS = 8
"""Cells that two maps must both have at a base for their correlation."""
FINE, EDGE, UNKNOWN, LONG, ORGANISM = range(5)
REASONS = ("as it was trained", "little context", "unknown letter", "longer than it was trained on", "another group of organisms")
"""What a code of the strip "trained for this?" means; of several the last counts."""


@dataclass(frozen=True, eq=False)
class Beside:
    """One model: ``influence`` float32 (L,), the mean over a base's three substitutions by the variant ``name``; ``trained`` int8 (L,), codes of
    `REASONS`; ``notes`` sentences on how the sequence departs from what it was trained on."""

    found: DependencyMap
    influence: NDArray[np.float32]
    name: str
    trained: NDArray[np.int8]
    notes: tuple[str, ...] = ()

    @property
    def provenance(self) -> Provenance:
        """Of its map."""
        return self.found.provenance

    @property
    def title(self) -> str:
        """The model's."""
        return self.found.provenance.card.title


@dataclass(frozen=True, eq=False)
class ModelsBeside:
    """``models``; ``agreement`` float32 (L,): at each base the mean over pairs of models of Spearman's correlation of their maps' row and column
    there, NaN where they have too few cells in common; ``correlations`` float32 (n, n): of whole maps."""

    sequence: NucleotideSequence
    models: tuple[Beside, ...]
    agreement: NDArray[np.float32]
    correlations: NDArray[np.float32]

    @property
    def titles(self) -> tuple[str, ...]:
        """Of the models; those of one title have their id behind it."""
        names = [model.title for model in self.models]
        return tuple(
            name if names.count(name) == 1 else f"{name} ({model.provenance.card.id})"
            for name, model in zip(names, self.models, strict=True)
        )

    def words(self) -> str:
        """How much the maps agree, where most and least, and what a model was not trained for."""
        text = self._agreed()
        for title, model in zip(self.titles, self.models, strict=True):
            codes, counts = np.unique(model.trained, return_counts=True)
            told = [f"{REASONS[code]} at {count:,} bases" for code, count in zip(codes.tolist(), counts.tolist(), strict=True) if code]
            text += f" {title}: {', '.join(told)}." if told else ""
        return text

    def _agreed(self) -> str:
        pairs = [(self.correlations[a, b], a, b) for a, b in itertools.combinations(range(len(self.models)), 2)]
        best = max(pairs, key=lambda pair: np.nan_to_num(pair[0], nan=-2.0))
        if not np.isfinite(best[0]):
            return "No two of the maps can be correlated: one of each two says the same at every base."
        text = f"Spearman's correlation of whole maps is {best[0]:.2f} for {self.titles[best[1]]} and {self.titles[best[2]]}"
        text += f", {np.nanmean([pair[0] for pair in pairs]):.2f} on average of {len(pairs)} pairs." if len(pairs) > 1 else "."
        if np.isfinite(self.agreement).any():
            high, low = int(np.nanargmax(self.agreement)), int(np.nanargmin(self.agreement))
            most, least = (f"{at + 1:,} ({self.agreement[at]:.2f})" for at in (high, low))
            text += f" They agree most at {most}, least at {least}; 0 is chance."
        return text

    def rows(self) -> list[dict[str, Any]]:
        """One row a base."""
        found = []
        for index, letter in enumerate(self.sequence.letters):
            row: dict[str, Any] = {"position": index + 1, "base": letter, "agreement": round(float(self.agreement[index]), 5)}
            for title, model in zip(self.titles, self.models, strict=True):
                row[f"influence {title}"] = round(float(model.influence[index]), 6)
                row[f"trained for {title}"] = REASONS[model.trained[index]]
            found.append(row)
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything: maps, influences and codes by model, agreement, correlations."""
        found: dict[str, Any] = {"agreement": self.agreement, "correlations": self.correlations, "reasons": np.array(REASONS)}
        found["models"] = np.array([model.provenance.card.id for model in self.models])
        for number, model in enumerate(self.models, start=1):
            found |= {f"map_{number}": model.found.values, f"influence_{number}": model.influence, f"trained_{number}": model.trained}
            found[f"provenance_{number}"] = np.array(model.provenance.to_json())
        return found


def influence_of(found: DependencyMap, by_substitution: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Influence float32 (L,), the mean over a base's substitutions, float32 (L, 4); of a model that has none the mean of its map's row, which is
    its definition over the largest substitution."""
    if by_substitution is not None:
        return mean_of_known(by_substitution)
    values = found.values.copy()
    np.fill_diagonal(values, np.nan)
    return mean_of_known(values)


def trained_for(card: ModelCard, sequence: NucleotideSequence, made_for: str = "", group: str = "") -> NDArray[np.int8]:
    """Codes of `REASONS`, int8 (L,): what at each base a model was not trained for.

    ``made_for``: the only group of organisms it was made for; ``group``: that of the sequence; empty where it is not known.
    """
    length = len(sequence)
    found = np.full(length, FINE, dtype=np.int8)
    found[:EDGE_BP] = EDGE
    if not card.causal:
        found[max(0, length - EDGE_BP) :] = EDGE
    if length > (card.trained_bp or card.max_length):
        found[:] = LONG
    if made_for and group and made_for != group:
        found[:] = ORGANISM
    found[[letter not in BASES for letter in sequence.as_dna()]] = UNKNOWN
    return found


def models_beside(models: tuple[Beside, ...]) -> ModelsBeside:
    """Put answers about one sequence beside each other. Raises `ParameterError` for too few or many, or for maps that do not match."""
    check_count(len(models))
    first = models[0].found
    for model in models:
        if model.found.values.shape != first.values.shape or model.found.sequence.sha256 != first.sequence.sha256:
            raise ParameterError("The models' maps are of different letters; ask all of them about one sequence.")
    maps = [model.found.values.astype(np.float64) for model in models]
    return ModelsBeside(first.sequence, models, _agreement(maps), _correlations(maps))


def check_count(count: int) -> None:
    """Raise `ParameterError` unless there are two to six."""
    if not FEWEST <= count <= MOST:
        raise ParameterError(f"There {'is 1 model' if count == 1 else f'are {count} models'}; name {FEWEST} to {MOST} different ones.")


def _agreement(maps: list[NDArray[np.float64]]) -> NDArray[np.float32]:
    length = len(maps[0])
    found = np.full(length, np.nan, dtype=np.float32)
    for base in range(length):
        others = np.arange(length) != base
        profiles = [np.concatenate((values[base, others], values[others, base])) for values in maps]
        values = [_known(one, other) for one, other in itertools.combinations(profiles, 2)]
        kept = [value for value in values if np.isfinite(value)]
        found[base] = np.mean(kept) if kept else np.nan
    return found


def _known(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    both = np.isfinite(one) & np.isfinite(other)
    return spearman(one[both], other[both]) if both.sum() >= LEAST_CELLS else float("nan")


def _correlations(maps: list[NDArray[np.float64]]) -> NDArray[np.float32]:
    """Spearman's of all cells off the diagonal."""
    off = ~np.eye(len(maps[0]), dtype=bool)
    found = np.ones((len(maps), len(maps)), dtype=np.float32)
    flat = [values[off] for values in maps]
    whole = all(np.isfinite(values).all() for values in flat)
    ranks = [middle_ranks(values) for values in flat] if whole else flat
    for a, b in itertools.combinations(range(len(maps)), 2):
        value = _pearson(ranks[a], ranks[b]) if whole else _known(flat[a], flat[b])
        found[a, b] = found[b, a] = value
    return found


def _pearson(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    a, b = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale else float("nan")
