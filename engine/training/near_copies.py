"""How much of a sequence stands in the most similar training RNA: near copies of what was trained on measure memory, not knowledge.

Candidates are the training RNAs that share most words with the sequence; each is aligned over all of the sequence, with free ends of the
candidate (Biopython's pairwise aligner), so that a fragment of a training RNA counts as the copy it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.training.corpus import TRAIN, Corpus
from engine.training.letters import UNKNOWN, Codes, decode

WORD = 8
CANDIDATES = 12
NEAR = 0.8
"""Identity above which a sequence counts as a near copy: the customary threshold of RNA benchmarks."""


class NearCopies:
    """Identity of sequences to the nearest of the given RNAs."""

    def __init__(self, rnas: Iterable[Codes]) -> None:
        self._rnas = list(rnas)
        parts = [_words(codes) for codes in self._rnas]
        words = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
        owners = np.repeat(np.arange(len(parts)), [part.size for part in parts])
        order = np.argsort(words, kind="stable")
        self._words, self._owners = words[order], owners[order]

    @classmethod
    def of(cls, corpus: Corpus) -> NearCopies:
        """The training RNAs of a corpus."""
        return cls(corpus.rna_sequence(int(index))[0] for index in np.flatnonzero(corpus.split == TRAIN))

    def identity(self, codes: Codes) -> float:
        """Share of the letters of a sequence (0 to 1) that the best aligned of the nearest RNAs has, too; 0 where none shares a word."""
        low, high = (np.searchsorted(self._words, _words(codes), side) for side in ("left", "right"))
        spans = [self._owners[a:b] for a, b in zip(low, high, strict=True)]
        shared = np.bincount(np.concatenate(spans), minlength=len(self._rnas)) if spans else np.empty(0, dtype=np.int64)
        best = np.argsort(-shared, kind="stable")[:CANDIDATES]
        return max((self._aligned(codes, self._rnas[int(k)]) for k in best if shared[k]), default=0.0)

    @cached_property
    def _aligner(self) -> Any:
        from Bio.Align import PairwiseAligner

        return PairwiseAligner(
            mode="global", match_score=1.0, mismatch_score=-1.0, open_gap_score=-2.0, extend_gap_score=-0.5, end_deletion_score=0.0
        )

    def _aligned(self, codes: Codes, other: Codes) -> float:
        best = self._aligner.align(decode(other), decode(codes))[0]
        return float(best.counts().identities / codes.size)


def _words(codes: Codes) -> NDArray[np.int64]:
    """The distinct words of a sequence, as numbers; those with unknown letters are left out."""
    if codes.size < WORD:
        return np.empty(0, dtype=np.int64)
    known = np.convolve(codes >= UNKNOWN, np.ones(WORD, dtype=np.int64), "valid") == 0
    places = np.flatnonzero(known)
    digits = 4 ** np.arange(WORD - 1, -1, -1)
    return np.unique((np.minimum(codes, 3)[places[:, None] + np.arange(WORD)].astype(np.int64) * digits).sum(axis=1))
