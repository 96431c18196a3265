"""What stands out in a result, worked out by rules: strongest pairs, stems, repeats, losses and gains, and how sure a model is.

The words of the results and the sentence above the figure both come from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.core.arithmetic import entropy, strongest_pairs
from engine.core.results import base_at, place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.band import DependencyBand
    from engine.analyses.dependency import DependencyMap
    from engine.core.sequence import NucleotideSequence

UNSURE_BITS = 1.5
"""A base with this entropy or more is one the model is unsure of: the likeliest of the four has a probability of about 0.6 at most."""
MOSTLY = 0.9
APART = 4
FAR = f"at least {APART} bases apart"
"""What every pair that is named is; nearer ones hang together in any map."""
SHORTEST_RUN = 3
"""Pairs in a row that make a stem or a repeat worth naming."""
RUNS_NAMED = 2
FEWEST_PAIRS = 40
MOST_RANKED = 200
"""Pairs of a whole map that are ranked at once; as many stand in the table beside it."""
_COMPLEMENTARY = frozenset(("AT", "TA", "CG", "GC", "GT", "TG"))


def rows_done(found: DependencyMap) -> NDArray[np.bool_]:
    """bool (W,): rows of the map that are computed."""
    return np.ones(len(found.values), bool) if found.rows_done is None else found.rows_done


def signed(found: DependencyMap | DependencyBand) -> bool:
    """Whether the map has values of both signs, as a difference has."""
    return bool(np.nanmin(found.values, initial=0.0) < 0)


def stronger(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """For each pair the direction of larger magnitude, float32 (W, W) symmetric; NaN where neither is known."""
    if not np.nanmin(values, initial=0.0) < 0:
        return np.fmax(values, values.T)
    other = values.T
    take = np.isnan(values) | (np.abs(other) > np.abs(values))
    found: NDArray[np.float32] = np.where(take & ~np.isnan(other), other, values)
    return found


@dataclass(frozen=True)
class Pairs:
    """The strongest pairs of a map: int64 (n, 2) 0-based indices into the sequence, i < j, and their values, strongest first."""

    places: NDArray[np.int64]
    values: NDArray[np.float32]


def pairs_of(found: DependencyMap, count: int, minimum_distance: int, threshold: float = 0.0) -> Pairs:
    """The strongest pairs by their stronger direction.

    Of a map that is not finished only pairs of two computed rows count, and as many of ``count`` as the share of all pairs that these are:
    the strongest of a few rows are no finding.
    """
    if found.complete:
        return _above(_ranked(found, count, minimum_distance), count, threshold)
    done = np.flatnonzero(rows_done(found))
    wanted = int(count * (len(done) / len(found.values)) ** 2)
    if not wanted:
        return Pairs(np.empty((0, 2), np.int64), np.empty(0, np.float32))
    best = stronger(found.values[np.ix_(done, done)])
    places = strongest_pairs(best, len(done) ** 2)
    strength = best[places[:, 0], places[:, 1]]
    places = done[places]
    apart = places[:, 1] - places[:, 0] >= minimum_distance
    return _above(Pairs(places[apart] + found.offset, strength[apart]), wanted, threshold)


def _ranked(found: DependencyMap, count: int, minimum_distance: int) -> Pairs:
    """At least ``count`` of the strongest pairs of a whole map; its figure, tables and words ask again and again, so they are kept with it."""
    if found.ranked.get(minimum_distance, (-1,))[0] < count:
        most = max(count, MOST_RANKED, len(found.values) // 2)
        best = stronger(found.values)
        places = strongest_pairs(best, most, minimum_distance)
        found.ranked[minimum_distance] = most, Pairs(places + found.offset, best[places[:, 0], places[:, 1]])
    pairs: Pairs = found.ranked[minimum_distance][1]
    return pairs


def _above(pairs: Pairs, count: int, threshold: float) -> Pairs:
    keep = np.abs(pairs.values) >= max(threshold, 1e-9)
    return Pairs(pairs.places[keep][:count], pairs.values[keep][:count])


def share_unsure(values: NDArray[np.float32]) -> float:
    """Part of the bases the model is unsure of, of P(base) (L, 4)."""
    return float((entropy(values) >= UNSURE_BITS).mean())


def trust(values: NDArray[np.float32]) -> str:
    """How sure the model is of the bases, of P(base) (L, 4); no full stop."""
    bits = entropy(values)
    count, unsure = len(bits), int((bits >= UNSURE_BITS).sum())
    median = f"median {np.median(bits):.2f} of 2 bits"
    if unsure == count:
        return f"the model is unsure at all {count:,} bases ({median})"
    if unsure >= MOSTLY * count:
        return f"the model is unsure at {unsure:,} of {count:,} bases ({median})"
    return f"the model is sure of {count - unsure:,} of {count:,} bases (uncertainty: {median})"


def finding(found: DependencyMap) -> str:
    """What stands out in a map: stems or repeats among its strongest pairs, else the strongest pair; no full stop."""
    if not found.complete:
        return f"{int(rows_done(found).sum()):,} of {len(found.values):,} rows of the map are computed, so nothing is said of its pairs yet"
    if runs := named_runs(found):
        return runs
    pairs = pairs_of(found, 1, APART)
    if not len(pairs.places):
        return f"no pair {FAR} has a value"
    i, j = (int(index) for index in pairs.places[0])
    return f"its strongest pair {FAR} is {base_at(found.sequence, i)} with {base_at(found.sequence, j)}: {abs(pairs.values[0]):.2f} {found.unit}"


def named_runs(found: DependencyMap) -> str:
    """The longest stems, else repeats, among the strongest pairs of a map, half as many as it has bases; empty without any."""
    pairs = pairs_of(found, max(FEWEST_PAIRS, len(found.values) // 2), APART)
    for kind, words in (("stem", "as the two sides of a stem would"), ("repeat", "as repeats would")):
        runs = [run for run in runs_among(pairs.places, found.sequence.as_dna(), kind) if run.size >= SHORTEST_RUN]
        if runs:
            named = " and ".join(run.words(found.sequence) for run in runs[:RUNS_NAMED])
            more = f" (and {len(runs) - RUNS_NAMED} more)" if len(runs) > RUNS_NAMED else ""
            return f"its strongest pairs {FAR} join {named}{more}, {words}"
    return ""


def changes(found: DependencyMap, cause: str = "") -> str:
    """The largest loss and the largest gain in a difference of two maps, of pairs at least `APART`."""
    pairs = pairs_of(found, len(found.values) ** 2, APART)
    parts = []
    for name, sign in (("loss", -1), ("gain", 1)):
        of_this_sign = np.flatnonzero(np.sign(pairs.values) == sign)
        if len(of_this_sign):
            i, j = (int(index) for index in pairs.places[of_this_sign[0]])
            value = abs(float(pairs.values[of_this_sign[0]]))
            parts.append(f"the largest {name} is {base_at(found.sequence, i)} with {base_at(found.sequence, j)} ({value:.2f} {found.unit})")
    if not parts:
        same = not np.nan_to_num(found.values).any()
        return "The two maps are the same." if same else f"No pair {FAR} changes."
    text = f"of pairs {FAR}, {', '.join(parts)}"
    return f"{cause}: {text}." if cause else f"{text[0].upper()}{text[1:]}."


def lost_and_gained(first: DependencyMap, second: DependencyMap) -> tuple[str, str]:
    """One sentence about the relations of ``first`` that ``second`` loses, and one about those that it gains; positions are those of ``first``.

    Relations are the strongest pairs of a map, half as many as it has bases; lost is one that is less than half as strong in the other.
    """
    return _missing_in("lost", first, second, first.sequence), _missing_in("gained", second, first, first.sequence)


def lost_pairs(here: DependencyMap, there: DependencyMap) -> Pairs:
    """The relations of ``here`` that are less than half as strong in ``there``, as `lost_and_gained` has them, strongest first."""
    pairs, gone, _ = _gone(here, there)
    return Pairs(pairs.places[gone], pairs.values[gone])


def _gone(here: DependencyMap, there: DependencyMap) -> tuple[Pairs, NDArray[np.int64], NDArray[np.float32]]:
    """The relations of ``here``, the indices of those that are less than half as strong in ``there``, and its values as a matrix."""
    pairs = pairs_of(here, max(FEWEST_PAIRS, len(here.values) // 2), APART)
    other = np.nan_to_num(stronger(there.values))
    rows, columns = (pairs.places - here.offset).T if len(pairs.places) else (np.zeros(0, int), np.zeros(0, int))
    return pairs, np.flatnonzero(other[rows, columns] < pairs.values / 2), other


def _missing_in(word: str, here: DependencyMap, there: DependencyMap, letters: NucleotideSequence) -> str:
    pairs, gone, other = _gone(here, there)
    owner = "reference" if word == "lost" else "alternate"
    among = f"the {len(pairs.values):,} strongest relations of the {owner} {FAR}"
    if not len(gone):
        return f"None of {among} is {word}."
    i, j = (int(index) for index in pairs.places[gone[0]])
    values = float(other[i - here.offset, j - here.offset]), float(pairs.values[gone[0]])
    before, after = reversed(values) if word == "lost" else values
    strongest = f"{base_at(letters, i)} with {base_at(letters, j)} ({before:.2f} → {after:.2f} {here.unit})"
    text = f"Of {among}, {len(gone):,} {'is' if len(gone) == 1 else 'are'} {word}, the strongest {strongest}"
    runs = [run for run in runs_among(pairs.places[gone], here.sequence.as_dna(), "stem") if run.size >= SHORTEST_RUN]
    return f"{text}; among them the stem {runs[0].words(letters)}." if runs else f"{text}."


@dataclass(frozen=True)
class Run:
    """Pairs in a row: the first base of each side (0-based) and how many; ``step`` of the second side is −1 in a stem, 1 in a repeat."""

    i: int
    j: int
    size: int
    step: int

    def words(self, sequence: NucleotideSequence) -> str:
        """Both sides, each from its 5′ end."""
        other = sorted((self.j, self.j + self.step * (self.size - 1)))
        sides = ((self.i, self.i + self.size - 1), other)
        return " with ".join(f"{place(sequence, first)}–{place(sequence, last)}" for first, last in sides)


def runs_among(places: NDArray[np.int64], letters: str, kind: str) -> list[Run]:
    """Stems (complementary, against each other) or repeats (equal letters, side by side) among pairs, longest first."""
    step = -1 if kind == "stem" else 1
    fits = {
        (int(i), int(j))
        for i, j in places
        if (f"{letters[i]}{letters[j]}" in _COMPLEMENTARY if kind == "stem" else letters[i] == letters[j])
    }
    found = []
    for i, j in fits:
        if (i - 1, j - step) in fits:
            continue
        size = 1
        while (i + size, j + step * size) in fits:
            size += 1
        found.append(Run(i, j, size, step))
    return sorted(found, key=lambda run: (-run.size, run.i, run.j))
