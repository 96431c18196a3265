"""A token model's vocabulary in a sequence: length, GC content and frequency of its tokens, and how alike a token is to itself across layers.

Self-similarity (Ethayarajh, EMNLP 2019; for GROVER Sanabria et al., 2024): the mean cosine of the hidden states of a token at every two places
where it stands, layer by layer. 1 = the layer says the same of it everywhere, so it does not look at what is around.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.declared import Declared
from engine.analyses.embedding import gc_share
from engine.analyses.provenance import stamp
from engine.core.card import Capability
from engine.core.errors import CapabilityMissing
from engine.core.parameters import Parameters, option
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import Model, TokenModel
from engine.core.results import Result, Table, Track, frozen_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.provenance import Provenance
    from engine.core.sequence import NucleotideSequence

VERSION = "1"
PAIRS = 20_000
"""Pairs of different tokens that are compared for the background."""
LEAST = 2
"""Places that a token needs to be compared with itself."""


@dataclass(frozen=True)
class VocabularyParameters(Parameters):
    """``unused``: list tokens that do not stand in the sequence, too. ``seed``: of the pairs for the background."""

    unused: bool = option(False, "--unused", "List tokens that do not stand in the sequence, too.")
    seed: int = option(1, "--seed", "Start of the random numbers.", metavar="N", low=0, high=2**31)


@dataclass(frozen=True, eq=False)
class Vocabulary(Result):
    """``tokens``, ``counts`` int64 (V,): distinct tokens, the most frequent first; ``gc`` float32 (V,).

    ``similarity`` float32 (N + 1, V): mean cosine of a token's hidden states with themselves, of what enters the layers and of what leaves
    each; NaN below `LEAST` places. ``background`` float32 (N + 1,): the same of random pairs of different tokens. ``spans`` int64 (T, 2),
    ``numbers`` int64 (T,): where the tokens stand, and which they are.
    """

    sequence: NucleotideSequence
    tokens: tuple[str, ...]
    counts: NDArray[np.int64]
    gc: NDArray[np.float32]
    similarity: NDArray[np.float32]
    background: NDArray[np.float32]
    spans: NDArray[np.int64]
    numbers: NDArray[np.int64]
    provenance: Provenance

    def __post_init__(self) -> None:
        size, layers = len(self.tokens), len(self.background)
        shapes: dict[str, tuple[Any, tuple[int | None, ...]]] = {
            "counts": (np.int64, (size,)),
            "gc": (np.float32, (size,)),
            "similarity": (np.float32, (layers, size)),
            "background": (np.float32, (layers,)),
            "spans": (np.int64, (None, 2)),
            "numbers": (np.int64, (len(self.spans),)),
        }
        for name, (kind, shape) in shapes.items():
            object.__setattr__(self, name, frozen_array(getattr(self, name), kind, shape, f"{name} of a vocabulary"))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything."""
        names = ("counts", "gc", "similarity", "background", "spans", "numbers")
        return {"tokens": np.array(self.tokens, dtype=np.str_), **{name: getattr(self, name) for name in names}}

    def rows(self) -> Table:
        """One row a token; of those that do not stand in the sequence no base is told."""
        first = np.full(len(self.tokens), -1, dtype=np.int64)
        first[self.numbers[::-1]] = self.spans[::-1, 0]
        columns: dict[str, Any] = {
            "token": list(self.tokens),
            "length": [len(token) for token in self.tokens],
            "gc": self.gc,
            "count": self.counts,
            "frequency": self.counts / max(1, int(self.counts.sum())),
        }
        columns |= {f"self_similarity_{layer}": row for layer, row in enumerate(self.similarity)}
        return Table(columns, first)

    def by_base(self) -> NDArray[np.float32]:
        """Self-similarity of the token that holds each base, float32 (N + 1, L)."""
        values = np.full((len(self.background), len(self.sequence)), np.nan, dtype=np.float32)
        for (start, end), number in zip(self.spans.tolist(), self.numbers.tolist(), strict=True):
            values[:, start:end] = self.similarity[:, number, None]
        return values

    def tracks(self) -> tuple[Track, ...]:
        """Self-similarity in the last layer, then in each, then how often the token stands here."""
        values = self.by_base()
        often = np.zeros(len(self.sequence), dtype=np.float32)
        for (start, end), number in zip(self.spans.tolist(), self.numbers.tolist(), strict=True):
            often[start:end] = self.counts[number]
        layers = (
            Track(f"self_similarity_{layer}", f"self-similarity of each word, layer {layer}", row) for layer, row in enumerate(values)
        )
        main = Track("self_similarity", "self-similarity of each word in the last layer", values[-1])
        return (main, *layers, Track("word_count", "how often the word stands in the sequence", often))

    def at(self, base: int) -> tuple[tuple[str, str], ...]:
        """The token that holds a base: its frequency and its self-similarity by layer."""
        inside = np.flatnonzero((self.spans[:, 0] <= base) & (self.spans[:, 1] > base))
        if not len(inside):
            return ()
        number = int(self.numbers[inside[0]])
        told = f"{len(self.tokens[number])} bases, GC {self.gc[number]:.0%}, {self.counts[number]:,} of {len(self.spans):,} words here"
        layers = " ".join("–" if np.isnan(value) else f"{value:.2f}" for value in self.similarity[:, number].tolist())
        return (("Word in the vocabulary", told), ("Self-similarity by layer", layers))

    def words(self) -> str:
        """How many tokens there are, which is the most frequent, and how self-similarity changes with the layers."""
        if not len(self.spans):
            return f"{self.provenance.card.title} reads no word here."
        used = int((self.counts > 0).sum())
        text = (
            f"{self.provenance.card.title} reads {len(self.spans):,} words, {used:,} different ones, of {np.diff(self.spans).mean():.1f} bases on "
            f"average; most frequent is {self.tokens[0]} ({self.counts[0]:,} times)."
        )
        means = [float(np.nanmean(row)) if np.isfinite(row).any() else np.nan for row in self.similarity]
        if np.isnan(means[-1]):
            return f"{text} No word stands twice, so there is no self-similarity."
        repeated = int(np.isfinite(self.similarity[-1]).sum())
        return (
            f"{text} Mean self-similarity of the {repeated:,} that stand twice or more: {means[0]:.2f} where they enter, {means[-1]:.2f} in the last "
            f"of {len(means) - 1} layers (different words: {self.background[0]:.2f} and {self.background[-1]:.2f})."
        )


def vocabulary(
    model: Model, sequence: NucleotideSequence, parameters: VocabularyParameters | None = None, monitor: Monitor | None = None
) -> Vocabulary:
    """Tokens of a sequence with their self-similarity by layer.

    Raises
    ------
    CapabilityMissing
        The model's tokens are single bases.
    SequenceError
        The model cannot read the sequence.
    """
    if not isinstance(model, TokenModel):
        raise CapabilityMissing(f"{model.card.title} has no token track; choose a byte-pair or k-mer model.")
    chosen, watcher, began = parameters or VocabularyParameters(), monitor or SilentMonitor(), time.perf_counter()
    watcher.start(1)
    spans, texts = model.tokenised(sequence)
    states = model.layer_states(sequence)
    watcher.advance(1)
    found, inverse, counts = np.unique(np.array(texts, dtype=np.str_), return_inverse=True, return_counts=True)
    order = np.lexsort((found, -counts))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    tokens = [str(token) for token in found[order]]
    numbers = place[inverse.reshape(-1)]
    there = set(tokens)
    unused = [text for text in model.vocabulary_letters if text not in there] if chosen.unused else []
    units = states / np.maximum(np.linalg.norm(states, axis=2, keepdims=True), np.finfo(np.float32).tiny)
    similarity = np.full((len(states), len(tokens) + len(unused)), np.nan, dtype=np.float32)
    similarity[:, : len(tokens)] = _with_itself(units, numbers, len(tokens))
    return Vocabulary(
        sequence=sequence,
        tokens=(*tokens, *unused),
        counts=np.concatenate((counts[order], np.zeros(len(unused), np.int64))),
        gc=np.array([gc_share(token) for token in (*tokens, *unused)], dtype=np.float32),
        similarity=similarity,
        background=_between(units, numbers, np.random.default_rng(chosen.seed)),
        spans=spans,
        numbers=numbers,
        provenance=stamp("vocabulary", VERSION, model, chosen, sequence, time.perf_counter() - began),
    )


def _with_itself(units: NDArray[np.float32], numbers: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Mean cosine over every two places of a token, float64 (layers, size): from the norm of the sum of unit vectors, without the pairs."""
    counts = np.bincount(numbers, minlength=size).astype(np.float64)
    sums = np.zeros((len(units), size, units.shape[2]))
    for layer, own in enumerate(units):
        np.add.at(sums[layer], numbers, own.astype(np.float64))
    lengths = np.zeros((len(units), size))
    for layer, own in enumerate(units):
        np.add.at(lengths[layer], numbers, (own.astype(np.float64) ** 2).sum(axis=1))
    both = (sums**2).sum(axis=2) - lengths
    pairs = counts * (counts - 1)
    return np.asarray(np.divide(both, pairs, out=np.full_like(both, np.nan), where=(counts >= LEAST) & (pairs > 0)))


def _between(units: NDArray[np.float32], numbers: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.float32]:
    """Mean cosine of random pairs of different tokens, float32 (layers,); NaN where there are none."""
    count = len(numbers)
    one, other = generator.integers(0, max(1, count), (2, min(PAIRS, 20 * count)))
    apart = numbers[one] != numbers[other] if count else np.zeros(0, dtype=bool)
    if not apart.any():
        return np.full(len(units), np.nan, dtype=np.float32)
    one, other = one[apart], other[apart]
    return np.array([float((own[one] * own[other]).sum(axis=1).mean()) for own in units], dtype=np.float32)


DECLARED = (
    Declared(
        name="vocabulary",
        command="vocabulary",
        version=VERSION,
        title="Vocabulary",
        summary="Words of a token model: length, GC content, frequency, and how alike each is to itself across the layers.",
        capability=Capability.TOKENS,
        parameters=VocabularyParameters,
        result=Vocabulary,
        passes=lambda sequence, parameters, card, offer: 1,
        run=lambda model, sequence, parameters, monitor, answers: vocabulary(model, sequence, parameters, monitor),
        out="vocabulary.tsv",
        default_model="grover",
        lends=False,
        memory=lambda sequence, parameters: len(sequence) * 50_000,
        shown="asked",
        order=61,
        windows=False,
    ),
)
