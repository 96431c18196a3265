"""What the results say in one sentence, worked out by rules: above the figure, in its exports, and in the words of each result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.views.measures import UNITS, pairs_of, rows_done, signed
from engine.views.tables import entropy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.results import DependencyMap
    from engine.core.sequence import NucleotideSequence
    from engine.views.evidence import LocusEvidence

UNSURE_BITS = 1.5
"""A base with this entropy or more is one the model is unsure of: the likeliest of the four has a probability of about 0.6 at most."""
MOSTLY = 0.9
APART = 4
SHORTEST_RUN = 3
"""Pairs in a row that make a stem or a repeat worth naming."""
RUNS_NAMED = 2
_COMPLEMENTARY = frozenset(("AT", "TA", "CG", "GC", "GT", "TG"))


def heading(evidence: LocusEvidence) -> str:
    """What is shown, and by which models."""
    sequence = evidence.sequence
    named = evidence.title or sequence.name
    place = " · ".join(str(part) for part in (named, sequence.locus) if part) or f"{len(sequence):,} bases"
    models = dict.fromkeys(result.provenance.card.title for result in evidence.results.values())
    return f"{place} · {' and '.join(models)}" if models else place


def sentence(evidence: LocusEvidence) -> str:
    """What the map says about this locus and how sure the model is; empty where there is neither."""
    found, probabilities = evidence.results.get("dependency"), evidence.results.get("probabilities")
    if found is not None and signed(found):
        return changes(found, evidence.marks[0].label if evidence.marks else "")
    parts = []
    if probabilities is not None:
        parts.append(trust(probabilities.values))
    if found is not None:
        unsure = probabilities is not None and share_unsure(probabilities.values) >= MOSTLY
        parts.append("pairs below may be chance" if unsure and found.complete else finding(found))
    text = "; ".join(part for part in parts if part)
    return f"{text[0].upper()}{text[1:]}." if text else ""


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
    pairs = pairs_of(found, max(40, len(found.values) // 2), APART)
    if not len(pairs.places):
        return f"no pair at least {APART} bases apart has a value"
    letters = found.sequence.as_dna()
    for kind, words in (("stem", "as the two sides of a stem would"), ("repeat", "as repeats would")):
        runs = [run for run in runs_among(pairs.places, letters, kind) if run.size >= SHORTEST_RUN]
        if runs:
            named = " and ".join(run.words(found.sequence) for run in runs[:RUNS_NAMED])
            more = f" (and {len(runs) - RUNS_NAMED} more)" if len(runs) > RUNS_NAMED else ""
            return f"its strongest pairs join {named}{more}, {words}"
    i, j = (int(index) for index in pairs.places[0])
    unit = UNITS.get(found.metric, "")
    return f"its strongest pair is {base(found.sequence, i)} with {base(found.sequence, j)}: {abs(pairs.values[0]):.2f} {unit}"


def changes(found: DependencyMap, cause: str = "") -> str:
    """The largest loss and the largest gain in a difference of two maps."""
    pairs = pairs_of(found, len(found.values) ** 2, APART)
    unit = UNITS.get(found.metric, "")
    parts = []
    for name, sign in (("loss", -1), ("gain", 1)):
        of_this_sign = np.flatnonzero(np.sign(pairs.values) == sign)
        if len(of_this_sign):
            i, j = (int(index) for index in pairs.places[of_this_sign[0]])
            value = abs(float(pairs.values[of_this_sign[0]]))
            parts.append(f"the largest {name} is {base(found.sequence, i)} with {base(found.sequence, j)} ({value:.2f} {unit})")
    if not parts:
        same = not np.nan_to_num(found.values).any()
        return "The two maps are the same." if same else f"No pair at least {APART} bases apart changes."
    text = ", ".join(parts)
    return f"{cause}: {text}." if cause else f"{text[0].upper()}{text[1:]}."


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


def place(sequence: NucleotideSequence, index: int) -> str:
    """Position of a base as the ruler has it: its coordinate where there is a locus, else its 1-based position."""
    return f"{index + 1:,}" if sequence.locus is None else f"{sequence.locus.position_of(index):,}"


def base(sequence: NucleotideSequence, index: int) -> str:
    """A base and where it is."""
    return f"{sequence.letters[index]} at {place(sequence, index)}"
