"""RNA contacts read from a dependency map: symmetrised, optionally background-corrected, paired one to one.

Source: Tomaz da Silva et al., Nature Genetics 2025; gagneurlab/dependencies_DNALM, manuscript_code/fig4_RINALMo_benchmark_ncRNAs.ipynb
(``process_ci_matrix``, ``find_best_pairs``): S = max(D, Dᵀ), a band around the diagonal removed, then the best pair is taken and both its
bases leave, again and again. Their ``mask_diag`` of width 2m + 1 is ``minimum_loop = m`` here: bases m or fewer apart are no pair.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engine.analyses import dependency
from engine.analyses.declared import Declared, Needed, square_bytes
from engine.analyses.dependency import DependencyMap, DependencyParameters
from engine.core.arithmetic import largest_of_known
from engine.core.card import Capability, ModelCard, Offer
from engine.core.errors import ParameterError
from engine.core.parameters import Parameters, Precision, option
from engine.core.results import Matrix, Pairs, Result, Table, Track, frozen_array
from engine.core.sequence import NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.provenance import Provenance

VERSION = "2"
Symmetry = Literal["none", "max", "mean"]


@dataclass(frozen=True)
class ContactParameters(Parameters):
    """RNA contacts read from a dependency map: symmetrise, optional APC, minimum loop, greedy one-partner pairs.

    ``threshold``: the score a pair must exceed; None = what background cells of this map rarely reach, 0 = every positive score.
    ``any_letters``: pairs of any two letters; otherwise A-U, C-G and G-U. The published recipe is ``threshold=0, any_letters=True``.
    ``precision``, ``tau``: those of the map (`engine.analyses.dependency.DependencyParameters`).
    """

    symmetry: Symmetry = option("max", "--symmetry", "max, mean or none.", metavar="NAME")
    apc: bool = option(False, "--apc", "Average product correction.")
    minimum_loop: int = option(3, "--minimum-loop", "Fewest bases between two that pair.", metavar="N", low=0, high=100, unit="bases")
    threshold: float | None = option(None, "--threshold", "Score a pair must exceed; by default above the map's background.", metavar="T")
    any_letters: bool = option(False, "--any-letters", "Also pairs that are neither Watson-Crick nor wobble.")
    precision: Precision = option("auto", "--precision", "Of the map, as for the command map.", metavar="NAME")
    tau: float = option(0.05, "--tau", "Threshold of --precision sparse.", metavar="T", low=0, high=1, open_ends=True)


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
        return Table({"i": i + 1, "j": j + 1, **bases, "score": self.scores}, i)

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


BRACKETS = ("()", "[]", "{}", "<>", *(f"{chr(code)}{chr(code + 32)}" for code in range(ord("A"), ord("Z") + 1)))
"""Pairs of symbols of a dot-bracket, in the order they are used; crossing helices take the next."""

_CANONICAL = frozenset(("AT", "TA", "CG", "GC", "GT", "TG"))


def contacts(dependency_map: DependencyMap, parameters: ContactParameters | None = None) -> ContactMap:
    """Contact scores, one-partner pairs and the dot-bracket of a map of the whole sequence.

    Without a ``threshold`` that of `suggested_threshold` holds. Cells that could not be compared count as no contact.

    Raises `ParameterError` for a map of a window or one that is not finished.
    """
    chosen = parameters or ContactParameters()
    began = time.perf_counter()
    sequence = dependency_map.sequence
    if len(dependency_map.values) != len(sequence) or not dependency_map.complete:
        raise ParameterError("Contacts need the finished map of the whole sequence; compute it without a window first.")
    values = contact_scores(dependency_map.values, chosen)
    threshold = suggested_threshold(values) if chosen.threshold is None else chosen.threshold
    pairs, scores = best_pairs(values, threshold, None if chosen.any_letters else _allowed(sequence.as_dna()))
    origin = dependency_map.provenance
    provenance = replace(
        origin,
        analysis="contacts",
        version=VERSION,
        parameters={
            **chosen.as_dict(),
            "precision": origin.parameters.get("precision", "exact"),
            "dependency": origin.parameters,
            "dependency_version": origin.version,
        },
        seconds=round(origin.seconds + time.perf_counter() - began, 6),
    )
    return ContactMap(
        sequence=sequence,
        values=values,
        pairs=pairs,
        scores=scores,
        dot_bracket=dot_bracket(len(sequence), pairs),
        provenance=provenance,
    )


def contact_scores(values: NDArray[np.float32], parameters: ContactParameters) -> NDArray[np.float32]:
    """Scores float32 (L, L) from a map: symmetrised, corrected, the band of the minimum loop set to 0."""
    scores = np.nan_to_num(values, nan=0.0).astype(np.float32)
    if parameters.symmetry == "max":
        scores = np.maximum(scores, scores.T)
    elif parameters.symmetry == "mean":
        scores = ((scores + scores.T) / 2).astype(np.float32)
    if parameters.apc:
        scores = average_product_corrected(scores)
    length = len(scores)
    apart = np.abs(np.subtract.outer(np.arange(length), np.arange(length)))
    scores[apart <= parameters.minimum_loop] = 0.0
    return scores


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


def _allowed(letters: str) -> NDArray[np.bool_]:
    """bool (L, L): whether two letters can pair as A-U, C-G or G-U."""
    array = np.array(list(letters))
    joined = np.char.add(array[:, None], array[None, :])
    return np.isin(joined, sorted(_CANONICAL))


def best_pairs(
    scores: NDArray[np.float32], threshold: float = 0.0, allowed: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Greedy one-partner pairs: int64 (n, 2) with i < j, and their scores float32 (n,), strongest first.

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
    free = np.ones(length, dtype=bool)
    chosen: list[int] = []
    for piece in np.array_split(order, max(1, len(order) // 4096)):
        for index in piece[free[rows[piece]] & free[columns[piece]]]:
            i, j = rows[index], columns[index]
            if free[i] and free[j]:
                free[i] = free[j] = False
                chosen.append(int(index))
    picked = np.array(chosen, dtype=np.int64)
    pairs = np.stack([rows[picked], columns[picked]], axis=1).astype(np.int64)
    return pairs, candidates[picked].astype(np.float32)


def helices(pairs: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Stacks of pairs (i, j), (i + 1, j − 1), ... ; longest first, of equal length the one that starts first."""
    left = set(pairs)
    found: list[list[tuple[int, int]]] = []
    for pair in sorted(pairs):
        if pair not in left:
            continue
        stack = [pair]
        left.discard(pair)
        while (following := (stack[-1][0] + 1, stack[-1][1] - 1)) in left:
            stack.append(following)
            left.discard(following)
        found.append(stack)
    return sorted(found, key=lambda stack: (-len(stack), stack[0]))


def dot_bracket(length: int, pairs: NDArray[np.int64]) -> str:
    """Dot-bracket of ``length`` symbols; helices that cross longer ones take the next of `BRACKETS`.

    There are 30 kinds of brackets; pairs that would need more stay dots.
    """
    symbols = ["."] * length
    levels: list[list[tuple[int, int]]] = [[] for _ in BRACKETS]
    for stack in helices([(int(i), int(j)) for i, j in pairs]):
        for level, brackets in zip(levels, BRACKETS, strict=True):
            if not any(_cross(pair, other) for pair in stack for other in level):
                level.extend(stack)
                for i, j in stack:
                    symbols[i], symbols[j] = brackets[0], brackets[1]
                break
    return "".join(symbols)


def _cross(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[0] < one[1] < other[1] or other[0] < one[0] < other[1] < one[1]


def _after(parameters: ContactParameters, card: ModelCard) -> Mapping[str, Needed]:
    return {"dependency": Needed(DependencyParameters(precision=parameters.precision, tau=parameters.tau))}


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
        run=lambda model, sequence, parameters, monitor, answers: contacts(answers["dependency"], parameters),
        after=_after,
        reads_model=False,
        memory=square_bytes,
        growth="quadratic",
        pace="mutants",
        shown="always",
        order=30,
        windows=False,
    ),
)
