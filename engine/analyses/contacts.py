"""RNA contacts read from a dependency map: symmetrised, optionally background-corrected, paired one to one.

Source: Tomaz da Silva et al., Nature Genetics 2025; gagneurlab/dependencies_DNALM, manuscript_code/fig4_RINALMo_benchmark_ncRNAs.ipynb
(``process_ci_matrix``, ``find_best_pairs``): S = max(D, Dᵀ), a band around the diagonal removed, then the best pair is taken and both its
bases leave, again and again. Their ``mask_diag`` of width 2m + 1 is ``minimum_loop = m`` here: bases m or fewer apart are no pair.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine.core.errors import ParameterError
from engine.core.parameters import ContactParameters
from engine.core.results import ContactMap, DependencyMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = "2"

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
        parameters={**chosen.as_dict(), "dependency": origin.parameters, "dependency_version": origin.version},
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
