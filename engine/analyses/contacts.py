"""RNA contacts read from a dependency map: cell by cell as published, or along stems.

``cells`` and ``published``: S = max(D, Dᵀ), a band around the diagonal removed, then the best pair is taken and both its bases leave, again
and again. Source: Tomaz da Silva et al., Nature Genetics 2025; gagneurlab/dependencies_DNALM,
manuscript_code/fig4_RINALMo_benchmark_ncRNAs.ipynb (``process_ci_matrix``, ``find_best_pairs``). Their ``mask_diag`` of width 2m + 1 is
``minimum_loop = m`` here: bases m or fewer apart are no pair.

``stems``: S is corrected for its background (APC), granted a little for the letters alone, and weighed by them (G-C 3, A-U 2, G-U 0.8); each
cell scores the sum over the uninterrupted run of pairs through it, and whole runs are taken instead of cells. The same on a constant map is
the stem counter (`engine.core.stems`), so that what the model adds is the difference between the two.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from engine.analyses import dependency
from engine.analyses.declared import Declared, Needed, square_bytes
from engine.analyses.dependency import DependencyMap, DependencyParameters
from engine.core.arithmetic import largest_of_known
from engine.core.base_pairs import dot_bracket
from engine.core.card import Capability, ModelCard, Offer
from engine.core.errors import ParameterError
from engine.core.parameters import Parameters, Precision, option
from engine.core.results import Matrix, Pairs, Result, Table, Track, frozen_array
from engine.core.sequence import NucleotideSequence
from engine.core.stems import pair_weights, run_sums, stem_threshold, strongest_stems

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.provenance import Provenance

VERSION = "4"
Symmetry = Literal["none", "max", "mean"]
Recipe = Literal["auto", "stems", "stems_rna", "cells", "published"]
RECIPES = (
    ("auto", "as measured best for the model"),
    ("stems", "along stems"),
    ("stems_rna", "along stems, letters read as RNA"),
    ("cells", "pair by pair, by their letters, above the map's background"),
    ("published", "pair by pair, any letters (published recipe)"),
)


@dataclass(frozen=True)
class ContactParameters(Parameters):
    """RNA contacts read from a dependency map.

    ``recipe``: ``stems`` reads the corrected map along runs of pairs that can form, ``stems_rna`` the map of the same letters read as RNA
    (a model that tells RNA by its U); ``cells`` reads each pair by itself, ``published`` does so for any letters and every positive score;
    ``auto`` is the recipe of the model's card, or ``cells`` where an option is given that only it has.
    ``threshold``: the score a pair, or the stem it is in, must exceed; None = for stems the card's, which grows with the length, otherwise what
    background cells of this map rarely reach; 0 = every positive score.
    ``apc``, ``any_letters``, ``partners``: of ``cells`` and ``published`` only: average product correction, pairs of any two letters, and how
    many partners a base may have (more than one for tertiary contacts, which the dot-bracket leaves out).
    ``precision``, ``tau``: those of the map (`engine.analyses.dependency.DependencyParameters`).
    """

    recipe: Recipe = option(
        "auto",
        "--recipe",
        "auto (as measured best for the model), stems, stems_rna, cells or published.",
        metavar="NAME",
        address="recipe",
        title="Possible base pairs",
        words=RECIPES,
    )
    symmetry: Symmetry = option("max", "--symmetry", "max, mean or none.", metavar="NAME")
    apc: bool = option(False, "--apc", "Average product correction; always part of the recipes along stems.")
    minimum_loop: int = option(3, "--minimum-loop", "Fewest bases between two that pair.", metavar="N", low=0, high=100, unit="bases")
    threshold: float | None = option(None, "--threshold", "Score a pair must exceed; by default above the map's background.", metavar="T")
    any_letters: bool = option(False, "--any-letters", "Also pairs that are neither Watson-Crick nor wobble.")
    partners: int = option(1, "--partners", "Most partners of a base; more than 1 for tertiary contacts.", metavar="N", low=1, high=5)
    precision: Precision = option("auto", "--precision", "Of the map, as for the command map.", metavar="NAME")
    tau: float = option(0.05, "--tau", "Threshold of --precision sparse.", metavar="T", low=0, high=1, open_ends=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        own = self._of_cells()
        if own and self.recipe in STEMS:
            raise ParameterError(f"The recipe {self.recipe} has no {own[0]}; choose cells or published with it.")

    def _of_cells(self) -> list[str]:
        """Options given that only ``cells`` and ``published`` have."""
        given = {"--apc": self.apc, "--any-letters": self.any_letters, "--partners": self.partners > 1}
        return [flag for flag, is_given in given.items() if is_given]

    def settled(self, card: ModelCard) -> ContactParameters:
        """The same with everything decided that hangs on the model: its recipe, and what ``published`` stands for."""
        recipe = cast("Recipe", "cells" if self._of_cells() else card.contact_recipe) if self.recipe == "auto" else self.recipe
        threshold = self.threshold
        if recipe == "published":
            return replace(self, recipe=recipe, any_letters=True, threshold=0.0 if threshold is None else threshold)
        return replace(self, recipe=recipe, threshold=threshold)

    def threshold_for(self, card: ModelCard, scores: NDArray[np.float32]) -> float:
        """What a pair, or the stem it is in, must exceed: as given, else of stems by the card and the length, else by the background."""
        if self.threshold is not None:
            return self.threshold
        if self.recipe in STEMS and card.contact_growth is not None:
            return stem_threshold(card.contact_growth, len(scores))
        return suggested_threshold(scores)


STEMS = ("stems", "stems_rna")
GRANTED = 0.3
"""Bits that each pair of fitting letters is granted in the recipes along stems, so that stems of which the map says nothing rank by letters."""


@dataclass(frozen=True, eq=False)
class ContactMap(Result):
    """RNA contacts: ``values`` float32 (L, L) symmetric scores; ``pairs`` int64 (n, 2), i < j, strongest first; ``dot_bracket`` with pseudoknots."""

    faces = frozenset({"tracks", "main track", "pairs", "structure", "matrix"})
    sequence: NucleotideSequence
    values: NDArray[np.float32]
    pairs: NDArray[np.int64]
    scores: NDArray[np.float32]
    dot_bracket: str
    provenance: Provenance

    def __post_init__(self) -> None:
        length = len(self.sequence)
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (length, length), "contact map"))
        object.__setattr__(self, "pairs", frozen_array(np.asarray(self.pairs).reshape(-1, 2), np.int64, (None, 2), "pairs"))
        object.__setattr__(self, "scores", frozen_array(self.scores, np.float32, (len(self.pairs),), "pair scores"))
        if len(self.dot_bracket) != length:
            raise ParameterError(f"The dot-bracket has {len(self.dot_bracket)} symbols; {length} are needed.")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``values``, ``pairs``, ``scores``, ``dot_bracket``."""
        return {"values": self.values, "pairs": self.pairs, "scores": self.scores, "dot_bracket": np.array(self.dot_bracket)}

    def rows(self) -> Table:
        """One row a pair, strongest first."""
        letters, (i, j) = self.sequence.letters, self.pairs.T
        bases = {"base_i": [letters[k] for k in i], "base_j": [letters[k] for k in j]}
        return Table({"i": i + 1, "j": j + 1, **bases, "score": self.scores}, i, j)

    def readable(self) -> Table:
        """The same with positions by the names that a page links to the view."""
        found, (i, j) = self.rows(), self.pairs.T
        names = {"i": "position_1", "j": "position_2", "base_i": "base_1", "base_j": "base_2"}
        columns = {names[name]: found.columns[name] for name in ("i", "base_i", "j", "base_j")}
        return Table({**columns, "distance": j - i, "score": self.scores}, i)

    def tracks(self) -> tuple[Track, ...]:
        """The score of the pair each base takes part in, and its strongest score with any base."""
        paired = np.full(len(self.sequence), np.nan, np.float32)
        paired[self.pairs.ravel()] = np.repeat(self.scores, 2)
        return (
            Track("paired", "score of the pair a base takes part in", paired),
            Track("strongest_contact", "strongest score of a base with any other", largest_of_known(self.values)),
        )

    def pairs_of_bases(self) -> Pairs:
        """All pairs of the predicted structure."""
        return Pairs(self.pairs, self.scores, f"all {len(self.pairs)} pairs of the predicted structure")

    def structure(self) -> str:
        """The dot-bracket."""
        return self.dot_bracket

    def matrix(self) -> Matrix:
        """The scores."""
        return Matrix(self.values, symmetric=True)

    def words(self) -> str:
        """How many pairs, and the dot-bracket."""
        return f"{len(self.pairs):,} base pairs read from the dependency map; dot-bracket {self.dot_bracket}."


def contacts(
    dependency_map: DependencyMap, parameters: ContactParameters | None = None, sequence: NucleotideSequence | None = None
) -> ContactMap:
    """Contact scores, pairs and the dot-bracket of a map of the whole sequence, by the recipe of ``parameters``.

    ``sequence``: the letters as they were asked about, where the map read them as RNA; None = those of the map.
    Without a ``threshold`` that of the model's card or of `suggested_threshold` holds. Cells that could not be compared count as no contact.

    Raises `ParameterError` for a map of a window or one that is not finished.
    """
    origin = dependency_map.provenance
    chosen = (parameters or ContactParameters()).settled(origin.card)
    began = time.perf_counter()
    about = dependency_map.sequence if sequence is None else sequence
    if len(dependency_map.values) != len(about) or not dependency_map.complete:
        raise ParameterError("Contacts need the finished map of the whole sequence; compute it without a window first.")
    read = _along_stems if chosen.recipe in STEMS else _by_cells
    values, pairs, scores, threshold = read(dependency_map.values, about.as_dna(), chosen, origin.card)
    precision = origin.parameters.get("precision", "exact")
    used = {"threshold": float(threshold), "threshold_given": chosen.threshold, "precision": precision}
    described = {**chosen.as_dict(), **used, "dependency": origin.parameters, "dependency_version": origin.version}
    seconds = round(origin.seconds + time.perf_counter() - began, 6)
    provenance = replace(origin, analysis="contacts", version=VERSION, parameters=described, seconds=seconds)
    return ContactMap(about, values, pairs, scores, dot_bracket(len(about), pairs), provenance)


Reading = tuple["NDArray[np.float32]", "NDArray[np.int64]", "NDArray[np.float32]", float]
"""Scores (L, L), pairs (n, 2), the score of each pair, and the threshold."""


def _by_cells(values: NDArray[np.float32], letters: str, chosen: ContactParameters, card: ModelCard) -> Reading:
    scores = contact_scores(values, chosen)
    threshold = chosen.threshold_for(card, scores)
    allowed = None if chosen.any_letters else pair_weights(letters, 0) > 0
    return (scores, *best_pairs(scores, threshold, allowed, chosen.partners), threshold)


def _along_stems(values: NDArray[np.float32], letters: str, chosen: ContactParameters, card: ModelCard) -> Reading:
    scores = stem_scores(values, letters, chosen)
    threshold = chosen.threshold_for(card, scores)
    paired = pair_weights(letters, chosen.minimum_loop) > 0
    return (scores, *strongest_stems(weighed(values, letters, chosen), paired, threshold), threshold)


def weighed(values: NDArray[np.float32], letters: str, chosen: ContactParameters) -> NDArray[np.float32]:
    """What the recipes along stems sum, float32 (L, L): the symmetric map, corrected (APC), and `GRANTED`, times the weight of the letters."""
    corrected = average_product_corrected(symmetric(values, chosen.symmetry))
    return (corrected + np.float32(GRANTED)) * pair_weights(letters, chosen.minimum_loop)


def stem_scores(values: NDArray[np.float32], letters: str, parameters: ContactParameters) -> NDArray[np.float32]:
    """Scores float32 (L, L) of the recipes along stems: the sum of `weighed` cells over the run of pairs through each; 0 without a pair."""
    return run_sums(weighed(values, letters, parameters), pair_weights(letters, parameters.minimum_loop) > 0)


def contact_scores(values: NDArray[np.float32], parameters: ContactParameters) -> NDArray[np.float32]:
    """Scores float32 (L, L) from a map: symmetrised, corrected, the band of the minimum loop set to 0."""
    scores = symmetric(values, parameters.symmetry)
    if parameters.apc:
        scores = average_product_corrected(scores)
    length = len(scores)
    apart = np.abs(np.subtract.outer(np.arange(length), np.arange(length)))
    scores[apart <= parameters.minimum_loop] = 0.0
    return scores


def symmetric(values: NDArray[np.float32], how: Symmetry) -> NDArray[np.float32]:
    """Both directions of each pair put together, float32 (L, L); NaN becomes 0."""
    scores = np.nan_to_num(values, nan=0.0).astype(np.float32)
    if how == "max":
        return np.maximum(scores, scores.T)
    return scores if how == "none" else ((scores + scores.T) / 2).astype(np.float32)


def average_product_corrected(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """S_ij − S_i· S_·j / S_··, means over the off-diagonal cells (Dunn, Wahl and Gloor, Bioinformatics 2008); diagonal 0."""
    length = len(scores)
    if length < 2:
        return np.zeros_like(scores)
    outside = scores.astype(np.float64)
    np.fill_diagonal(outside, 0.0)
    rows, columns = outside.sum(axis=1) / (length - 1), outside.sum(axis=0) / (length - 1)
    overall = outside.sum() / (length * (length - 1))
    corrected = outside - (np.outer(rows, columns) / overall if overall > 0 else 0.0)
    np.fill_diagonal(corrected, 0.0)
    return corrected.astype(np.float32)


def suggested_threshold(values: NDArray[np.float32]) -> float:
    """A score that background cells of symmetric ``values`` rarely reach: median + 6 × 1.4826 × median absolute deviation of the nonzero ones."""
    above = values[np.triu_indices(len(values), k=1)]
    present = above[above != 0]
    if not len(present):
        return 0.0
    middle = float(np.median(present))
    return max(0.0, middle + 6 * 1.4826 * float(np.median(np.abs(present - middle))))


def best_pairs(
    scores: NDArray[np.float32], threshold: float = 0.0, allowed: NDArray[np.bool_] | None = None, partners: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Greedy pairs, at most ``partners`` of each base: int64 (n, 2) with i < j, and their scores float32 (n,), strongest first.

    Of equal scores the pair with the smaller i, then the smaller j, goes first. Of an unsymmetrical matrix the upper triangle is read.
    """
    length = len(scores)
    rows, columns = np.triu_indices(length, k=1)
    candidates = scores[rows, columns]
    keep = candidates > threshold
    if allowed is not None:
        keep &= allowed[rows, columns]
    rows, columns, candidates = rows[keep], columns[keep], candidates[keep]
    order = np.argsort(-candidates, kind="stable")
    free = np.full(length, partners)
    chosen: list[int] = []
    for piece in np.array_split(order, max(1, len(order) // 4096)):
        for index in piece[(free[rows[piece]] > 0) & (free[columns[piece]] > 0)]:
            i, j = rows[index], columns[index]
            if free[i] and free[j]:
                free[[i, j]] -= 1
                chosen.append(int(index))
    picked = np.array(chosen, dtype=np.int64)
    pairs = np.stack([rows[picked], columns[picked]], axis=1).astype(np.int64)
    return pairs, candidates[picked].astype(np.float32)


def _after(parameters: ContactParameters, card: ModelCard) -> Mapping[str, Needed]:
    needed = DependencyParameters(precision=parameters.precision, tau=parameters.tau)
    return {"dependency": Needed(needed, as_rna=parameters.recipe == "stems_rna")}


def _passes(sequence: NucleotideSequence, parameters: ContactParameters, card: ModelCard, offer: Offer) -> int:
    return dependency.passes(sequence, DependencyParameters())


DECLARED = (
    Declared(
        name="contacts",
        command="contacts",
        version=VERSION,
        title="Contacts",
        summary="Bases of an RNA that touch, read from its dependency map.",
        capability=Capability.CONTACTS,
        parameters=ContactParameters,
        result=ContactMap,
        passes=_passes,
        run=lambda model, sequence, parameters, monitor, answers: contacts(answers["dependency"], parameters, sequence),
        settled=ContactParameters.settled,
        after=_after,
        reads_model=False,
        memory=square_bytes,
        growth="quadratic",
        pace="mutants",
        one_core=True,
        shown="always",
        order=30,
        windows=False,
    ),
)
