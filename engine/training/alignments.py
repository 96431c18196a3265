"""Training sequences of RNA families in the columns of their alignment: new members by recombination, and identity to the nearest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.training.corpus import TRAIN, Corpus
from engine.training.letters import Codes

GAP = 255


def structural_units(partner: NDArray[np.int32]) -> NDArray[np.intp]:
    """Number (L,) of the unit each position belongs to: both bases of a pair are one unit, as is a run of unpaired bases."""
    paired = partner >= 0
    begins = paired.copy()
    begins[0] = True
    begins[1:] |= paired[:-1]
    units = np.cumsum(begins) - 1
    right = np.flatnonzero(paired & (partner < np.arange(partner.size)))
    units[right] = units[partner[right]]
    return units


class Alignments:
    """The aligned training sequences of every family of a corpus, read when first needed."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        train = np.flatnonzero(corpus.split == TRAIN)
        train = train[np.argsort(corpus.family[train], kind="stable")]
        families, first = np.unique(corpus.family[train], return_index=True)
        self._members = dict(zip(families.tolist(), np.split(train, first[1:]), strict=True))
        self._held: dict[int, Codes] = {}

    def _span(self, index: int) -> slice:
        return slice(int(self._corpus.rna_start[index]), int(self._corpus.rna_start[index + 1]))

    def letters(self, family: int) -> Codes:
        """Letters (members, columns) of the training sequences of a family, GAP where one has none; (0, 1) without such sequences."""
        held = self._held.get(family)
        if held is None:
            spans = [self._span(int(i)) for i in self._members.get(family, ())]
            columns = 1 + max((int(self._corpus.column[s].max()) for s in spans), default=0)
            held = np.full((len(spans), columns), GAP, dtype=np.uint8)
            for row, span in zip(held, spans, strict=True):
                row[self._corpus.column[span]] = self._corpus.rna[span]
            self._held[family] = held
        return held

    def _columns(self, index: int) -> tuple[Codes, NDArray[np.intp], NDArray[np.bool_]]:
        """The family's letters, the columns of sequence `index` in them, and which of those columns they have."""
        aligned = self.letters(int(self._corpus.family[index]))
        columns = self._corpus.column[self._span(index)].astype(np.intp)
        return aligned, np.minimum(columns, aligned.shape[1] - 1), columns < aligned.shape[1]

    def recombine(self, index: int, share: float, rng: np.random.Generator) -> Codes:
        """Sequence `index` with about `share` of its units taken from random training sequences that have those letters.

        A unit is a pair or an unpaired run. Pairs stay pairs and conserved columns stay conserved, but what two positions share only
        by descent is broken up: what still goes together is what the structure holds together.
        """
        codes, partner = self._corpus.rna_sequence(index)
        aligned, columns, within = self._columns(index)
        units = structural_units(partner)
        donor = rng.integers(0, len(aligned), size=int(units.max()) + 1)
        taken = rng.random(donor.size) < share
        letters = aligned[donor[units], columns]
        usable = taken[units] & (letters != GAP) & within
        usable &= usable[np.where(partner >= 0, partner, np.arange(partner.size))]
        return np.where(usable, letters, codes)

    def identity(self, index: int) -> float:
        """Largest share of the letters of sequence `index` that an aligned training sequence of its family has in the same columns."""
        codes, _ = self._corpus.rna_sequence(index)
        aligned, columns, within = self._columns(index)
        if not len(aligned):
            return 0.0
        return float(((aligned[:, columns] == codes) & within).mean(axis=1).max())
