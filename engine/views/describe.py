"""Results in words, by rules: for readers who cannot see the figure, and as its caption."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.results import BaseProbabilities, ContactMap, DependencyMap, Segmentation, VariantEffects
from engine.core.sequence import BASES, NucleotideSequence
from engine.views.measures import rows_done, signed
from engine.views.tables import entropy, strongest_pairs
from engine.views.words import changes, finding, trust


def describe(found: Any) -> str:
    """One short paragraph about any result; empty for what is no result."""
    for kind, words in _WORDS.items():
        if isinstance(found, kind):
            text: str = words(found)
            return text
    return ""


def _place(sequence: NucleotideSequence, index: int) -> str:
    return f"{sequence.letters[index]}{index + 1:,}"


def _dependency(found: DependencyMap) -> str:
    unit = "bits of log2 odds" if found.metric == "log2_odds" else "nats"
    width = len(found.values)
    state = "" if found.complete else f", partial: {int(rows_done(found).sum()):,} of {width:,} rows are computed"
    start = f"Dependency map of {width:,} bases by {found.provenance.card.title}{state}; rows are the changed base, columns the base read."
    if not found.complete:
        return start
    if signed(found):
        return f"{start} {changes(found)}"
    pairs = strongest_pairs(found.values, 1, 4)
    if not len(pairs):
        return f"{start} No pair at least 4 bases apart has a value."
    i, j = (int(index) for index in pairs[0])
    value = np.nanmax([found.values[i, j], found.values[j, i]])
    first, second = _place(found.sequence, i + found.offset), _place(found.sequence, j + found.offset)
    strongest = f"The strongest pair at least 4 bases apart is {first} with {second}: {value:.2f} {unit}."
    more = finding(found)
    return f"{start} {strongest}" + (f" {more[0].upper()}{more[1:]}." if " join " in more else "")


def _effects(found: VariantEffects) -> str:
    values = found.llr if found.llr is not None else found.delta_log_likelihood
    if values is None or not np.isfinite(values).any():
        return "No substitution was scored."
    i, k = np.unravel_index(int(np.nanargmin(values)), values.shape)
    name = "log-likelihood ratio" if found.llr is not None else "change of the log-likelihood"
    unlikely = int((values < -2).sum())
    return (
        f"Effects of {int(np.isfinite(values).sum()):,} substitutions by {found.provenance.card.title}, natural {name}: the least expected is "
        f"{_place(found.sequence, int(i))}{BASES[int(k)]} with {values[i, k]:.2f}; {unlikely:,} are under −2."
    )


def _probabilities(found: BaseProbabilities) -> str:
    bits = entropy(found.values)
    codes = np.array([BASES.find(letter) for letter in found.sequence.as_dna()])
    known = codes >= 0
    right = int((found.values[known].argmax(axis=1) == codes[known]).sum())
    return (
        f"{found.provenance.card.title} would choose the reference at {right:,} of {int(known.sum()):,} bases; "
        f"mean entropy {bits.mean():.2f} bits, lowest {bits.min():.2f} at {_place(found.sequence, int(bits.argmin()))}: "
        f"{trust(found.values)}."
    )


def _segmentation(found: Segmentation) -> str:
    parts = []
    for index, name in enumerate(found.elements):
        column = found.values[:, index]
        if np.nanmax(column) >= 0.5:
            parts.append(f"{name} reaches {np.nanmax(column):.2f} at {int(np.nanargmax(column)) + 1:,}")
    return f"Element probabilities by {found.provenance.card.title}: {'; '.join(parts) or 'no element reaches 0.5'}."


def _contacts(found: ContactMap) -> str:
    return f"{len(found.pairs):,} base pairs read from the dependency map; dot-bracket {found.dot_bracket}."


_WORDS: dict[type, Any] = {
    DependencyMap: _dependency,
    VariantEffects: _effects,
    BaseProbabilities: _probabilities,
    Segmentation: _segmentation,
    ContactMap: _contacts,
}
