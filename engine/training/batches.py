"""Training batches of the language model, each a function of (seed, rank, step) only, so that a resumed run sees the same ones.

Rows of a batch have one length: no padding. Kinds: `rna` (seed RNAs of similar length, short ones with random flanks), `invented`
(random stem-loops), `embedded` (a seed RNA inside genomic DNA, either strand) and `dna` (genome windows, either strand).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.models.locuscope.tokens import ANY, BASE, DOMAIN, DOMAINS, MASK
from engine.training.alignments import Alignments
from engine.training.augment import compensate, invented_rna, is_canonical, random_letters
from engine.training.codons import amino_acids
from engine.training.corpus import TRAIN, Corpus
from engine.training.holdout import NAMED_FAMILIES
from engine.training.labels import REVERSE, Marks, frames, mirrored
from engine.training.labels import UNSURE as UNLABELLED
from engine.training.letters import UNKNOWN, Codes, reverse_complement

Ids = NDArray[np.int64]
IGNORE = -100
UNSURE = -2
PARTNERED = 0.75  # share of the substitutions that fall on bases with a known partner, in rows that have some
KINDS = ("rna", "invented", "embedded", "dna")
_LONGEST_RNA = 480
LENGTHS = (255, 511, 1023)
"""Bases of genome windows."""


@dataclass(frozen=True)
class Mixture:
    """Shares of the kinds of batches (sum 1), of the named families among seed RNAs, and of recombined and of compensated RNAs.

    ``lengths``: shares of genome windows of `LENGTHS` bases.
    """

    rna: float = 0.50
    invented: float = 0.03
    embedded: float = 0.07
    dna: float = 0.40
    named: float = 0.65
    recombined: float = 0.25
    compensated: float = 0.6
    lengths: tuple[float, ...] = (0.6, 0.3, 0.1)


@dataclass(frozen=True)
class Batch:
    """ids (B, T) with masks in place; targets (B, T) token ids where a prediction counts, IGNORE elsewhere.

    partners (B, T): the place in the row of the base that the annotation pairs each one with, 0 for an unpaired base of an annotated
    RNA, IGNORE where nothing is known or the two letters make no canonical pair. marks (B, T): as `engine.training.labels` has them, UNLABELLED
    where nothing is known; None in a run without labels.
    """

    ids: Ids
    targets: Ids
    partners: Ids
    kind: str
    marks: Marks | None = None


class Row(NamedTuple):
    """Letters and the index of each one's partner, -1 unpaired, UNSURE where nothing is known."""

    codes: Codes
    partner: NDArray[np.int32]

    @classmethod
    def unsure(cls, codes: Codes) -> Row:
        """Letters about whose pairs nothing is known."""
        return cls(codes, np.full(codes.size, UNSURE, dtype=np.int32))

    def cut(self, low: int, size: int) -> Row:
        """`size` letters from `low` on; pairs that lose a base become unsure."""
        partner = self.partner[low : low + size]
        kept = np.where((partner >= low) & (partner < low + size), partner - low, UNSURE)
        return Row(self.codes[low : low + size], np.where(partner < 0, partner, kept).astype(np.int32))

    def inside(self, around: Codes, low: int) -> Row:
        """These letters from `low` on in place of those of `around`."""
        out = Row.unsure(around.copy())
        part = slice(low, low + self.codes.size)
        out.codes[part] = self.codes
        out.partner[part] = np.where(self.partner >= 0, self.partner + low, self.partner)
        return out


class Cut(NamedTuple):
    """Bases ``low`` to ``high`` of a corpus' genomes, read on the other strand where ``reverse``."""

    low: int
    high: int
    reverse: bool


class Batches:
    """Draws batches of about `tokens` tokens from the training part of a corpus.

    `bucket`: rows have a multiple of so many tokens, filled with flanks and genome, not with padding; fewer shapes suit a GPU.
    """

    def __init__(
        self,
        corpus: Corpus,
        seed: int,
        tokens: int = 4096,
        mixture: Mixture | None = None,
        bucket: int = 1,
        marks: Marks | None = None,
    ) -> None:
        """``marks``: of every base of ``corpus.dna``, for batches of genome windows."""
        self.corpus, self.seed, self.tokens, self.bucket, self.marks = corpus, seed, tokens, bucket, marks
        self.mixture = mixture or Mixture()
        self._alignments = Alignments(corpus)
        sizes = np.diff(corpus.rna_start)
        train = np.flatnonzero((corpus.split == TRAIN) & (sizes >= 24))
        order = train[np.argsort(sizes[train], kind="stable")]
        self._order, self._size = order, np.minimum(sizes[order], _LONGEST_RNA)
        self._weight = np.cumsum(self._rna_weights(order))
        self._pieces = {d: np.flatnonzero((corpus.domain == d) & ~corpus.held_out) for d in range(1, 4)}
        self._pieces = {d: p for d, p in self._pieces.items() if p.size}
        self._piece_weight = {d: np.cumsum(np.diff(corpus.start)[p]).astype(float) for d, p in self._pieces.items()}

    def _rna_weights(self, order: NDArray[np.intp]) -> NDArray[np.float64]:
        """Square root of family size, shared within the family; the named families together get their share."""
        family = self.corpus.family[order]
        count = np.bincount(family, minlength=len(self.corpus.names["families"]))
        weight = 1.0 / np.sqrt(count[family])
        named = np.isin(np.array(self.corpus.names["families"])[family], list(NAMED_FAMILIES))
        for group, share in ((named, self.mixture.named), (~named, 1 - self.mixture.named)):
            if group.any():
                weight[group] *= share / weight[group].sum()
        return weight

    def draw(self, rank: int, step: int, micro: int, dna_share: float | None = None) -> Batch:
        """The batch of this rank, step and micro-step."""
        rng = np.random.default_rng((self.seed, rank, step, micro))
        mixture = self.mixture
        shares = np.array([mixture.rna, mixture.invented, mixture.embedded, mixture.dna])
        if dna_share is not None and mixture.dna < 1:
            shares[:3] *= (1 - dna_share) / shares[:3].sum()
            shares[3] = dna_share
        kind = KINDS[int(rng.choice(4, p=shares / shares.sum()))]
        if kind == "dna":
            rows, domains, marks = self._make_dna(rng)
            return replace(self._masked(rows, domains, kind, rng), marks=marks)
        rows, domains = getattr(self, "_make_" + kind)(rng)
        return self._masked(rows, domains, kind, rng)

    def _rows(self, length: int) -> int:
        return max(1, self.tokens // (length + 1))

    def _seed_rna(self, pick: int, rng: np.random.Generator) -> Row:
        index = int(self._order[pick])
        codes, partner = self.corpus.rna_sequence(index)
        fate = rng.random()
        if fate < self.mixture.recombined:
            codes = self._alignments.recombine(index, float(rng.uniform(0.2, 1.0)), rng)
        elif fate < self.mixture.recombined + self.mixture.compensated:
            codes = compensate(codes, partner, float(rng.uniform(0.3, 1.0)), rng)
        row = Row(codes, partner)
        if codes.size > _LONGEST_RNA:
            row = row.cut(int(rng.integers(0, codes.size - _LONGEST_RNA + 1)), _LONGEST_RNA)
        return row

    def _flanked(self, row: Row, length: int, rng: np.random.Generator) -> Row:
        """`row` somewhere inside `length` letters of genome or of random composition."""
        spare = length - row.codes.size
        if spare <= 0:
            return row.cut(0, length)
        low = int(rng.integers(0, spare + 1))
        around = self._window(self._domain(rng), length, rng) if self._pieces and rng.random() < 0.5 else random_letters(length, rng)
        return row.inside(around, low)

    def _rna_rows(self, rng: np.random.Generator) -> NDArray[np.intp]:
        """Sorted positions of RNAs of similar length, drawn by weight."""
        anchor = int(np.searchsorted(self._weight, rng.random() * self._weight[-1]))
        length = int(self._size[anchor])
        low = int(np.searchsorted(self._size, int(0.88 * length)))
        high = int(np.searchsorted(self._size, length, side="right"))
        base = self._weight[low - 1] if low else 0.0
        drawn = base + rng.random(self._rows(length)) * (self._weight[high - 1] - base)
        picks: NDArray[np.intp] = np.minimum(np.searchsorted(self._weight, drawn), high - 1)
        return picks

    def _rna_batch_length(self, picks: NDArray[np.intp], rng: np.random.Generator) -> int:
        longest = int(self._size[picks].max())
        return self._bucketed(longest + int(rng.integers(0, longest // 3)) if rng.random() < 0.3 else longest)

    def _bucketed(self, length: int) -> int:
        """The next length whose row, the domain token included, fills its buckets."""
        return -(-(length + 1) // self.bucket) * self.bucket - 1

    def _make_rna(self, rng: np.random.Generator) -> tuple[list[Row], Ids]:
        picks = self._rna_rows(rng)
        length = self._rna_batch_length(picks, rng)
        if self.bucket > 1:
            picks = picks[: self._rows(length)]
        rows = [self._flanked(self._seed_rna(int(pick), rng), length, rng) for pick in picks]
        return rows, np.full(len(rows), DOMAINS.index("rna"))

    def _make_invented(self, rng: np.random.Generator) -> tuple[list[Row], Ids]:
        length = self._bucketed(int(rng.integers(40, 160)))
        rows = [Row(*invented_rna(length, rng)) for _ in range(self._rows(length))]
        return rows, np.full(len(rows), DOMAINS.index("rna"))

    def _make_embedded(self, rng: np.random.Generator) -> tuple[list[Row], Ids]:
        length = self._bucketed(int(rng.choice((160, 256, 384))))
        rows, domains = [], []
        for _ in range(self._rows(length)):
            pick = int(np.searchsorted(self._weight, rng.random() * self._weight[-1]))
            row = self._seed_rna(pick, rng).cut(0, length)
            domain = self._domain(rng)
            low = int(rng.integers(0, length - row.codes.size + 1))
            around = self._window(domain, length, rng)
            row = Row.unsure(reverse_complement(row.codes)) if rng.random() < 0.5 else row
            rows.append(row.inside(around, low))
            domains.append(domain)
        return rows, np.array(domains)

    def _make_dna(self, rng: np.random.Generator) -> tuple[list[Row], Ids, Marks | None]:
        length = self._bucketed(int(rng.choice(LENGTHS, p=self.mixture.lengths)))
        domains = [self._domain(rng) for _ in range(self._rows(length))]
        cuts = [self._cut(domain, length, rng) for domain in domains]
        rows = [Row.unsure(self._letters(cut, length)) for cut in cuts]
        if self.marks is None:
            return rows, np.array(domains), None
        marks = np.full((len(rows), length + 1), UNLABELLED, dtype=np.uint8)
        for row, cut in zip(marks, cuts, strict=True):
            own = self.marks[cut.low : cut.high]
            row[1 : 1 + own.size] = mirrored(own) if cut.reverse else own
        return rows, np.array(domains), marks

    def _domain(self, rng: np.random.Generator) -> int:
        """Bacteria half of the time, phages a quarter, yeasts a quarter (of those that the corpus has)."""
        have = sorted(self._pieces)
        share = np.array([{1: 0.5, 2: 0.25, 3: 0.25}[d] for d in have])
        return int(rng.choice(have, p=share / share.sum()))

    def _cut(self, domain: int, length: int, rng: np.random.Generator) -> Cut:
        cumulative, pieces = self._piece_weight[domain], self._pieces[domain]
        piece = int(pieces[np.searchsorted(cumulative, rng.random() * cumulative[-1])])
        begin, end = int(self.corpus.start[piece]), int(self.corpus.start[piece + 1])
        low = begin + int(rng.integers(0, max(1, end - begin - length + 1)))
        return Cut(low, min(low + length, end), bool(rng.random() < 0.5))

    def _letters(self, cut: Cut, length: int) -> Codes:
        codes = self.corpus.dna[cut.low : cut.high]
        codes = reverse_complement(codes) if cut.reverse else codes
        return codes if codes.size == length else np.pad(codes, (0, length - codes.size), constant_values=UNKNOWN)

    def _window(self, domain: int, length: int, rng: np.random.Generator) -> Codes:
        return self._letters(self._cut(domain, length, rng), length)

    def _masked(self, rows: list[Row], domains: NDArray[np.int64], kind: str, rng: np.random.Generator) -> Batch:
        codes = np.stack([row.codes for row in rows]).astype(np.int64)
        domains = np.where(rng.random(len(rows)) < 0.15, 0, domains)
        ids = np.concatenate((domains[:, None] + DOMAIN, codes + BASE), axis=1)
        targets = mask(ids, rng)
        return Batch(ids, targets, _partners(rows), kind)


def _partners(rows: list[Row]) -> Ids:
    out = np.full((len(rows), rows[0].codes.size + 1), IGNORE)
    for given, row in zip(out, rows, strict=True):
        given[1:][row.partner == -1] = 0
        paired = np.flatnonzero(row.partner >= 0)
        paired = paired[is_canonical(row.codes, paired, row.partner[paired])]
        given[paired + 1] = row.partner[paired] + 1
    return out


def substituted(batch: Batch, rows: int, rng: np.random.Generator) -> tuple[Ids, NDArray[np.intp]]:
    """The first `rows` rows of a batch without masks, then the same rows with one base substituted each: ids (2 rows, T), places (rows,).

    Bases with a known partner are preferred. The place is 0, the domain token, in a row without a known base; nothing is substituted there.
    """
    clean = np.where(batch.targets == IGNORE, batch.ids, batch.targets)[:rows]
    known = (clean >= BASE) & (clean < ANY)
    preferred = rng.random(clean.shape) + (batch.partners[: len(clean)] > 0) * (rng.random((len(clean), 1)) < PARTNERED)
    places = np.argmax(preferred * known, axis=1) * known.any(axis=1)
    clean[:, 0], domain = BASE, clean[:, 0].copy()
    changed, row = clean.copy(), np.arange(len(clean))
    changed[row, places] = BASE + (clean[row, places] - BASE + rng.integers(1, 4, size=len(clean))) % 4
    clean[:, 0] = changed[:, 0] = domain
    return np.concatenate((clean, changed)), places


def mask(ids: Ids, rng: np.random.Generator) -> Ids:
    """Corrupt `ids` in place and return the targets.

    A share of 10 to 30 % of each row's nucleotides is chosen; of these 80 % become the mask token, 10 % a random other base, 10 % stay.
    One row in four gets no mask token at all (only wrong and right bases): dependency maps read the model in that regime.
    """
    batch, length = ids.shape
    share = rng.uniform(0.1, 0.3, size=(batch, 1))
    known = (ids >= BASE) & (ids < ANY)
    chosen = known & (rng.random((batch, length)) < share)
    targets = np.where(chosen, ids, IGNORE)
    fate = rng.random((batch, length))
    bare = rng.random((batch, 1)) < 0.25
    masked = chosen & (fate < 0.80) & ~bare
    wrong = chosen & ~masked & (fate >= np.where(bare, 0.50, 0.80)) & (fate < np.where(bare, 1.0, 0.90))
    shift = rng.integers(1, 4, size=(batch, length))
    ids[wrong] = BASE + (ids[wrong] - BASE + shift[wrong]) % 4
    ids[masked] = MASK
    return targets


def mask_codons(batch: Batch, share: float, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Mask about `share` of the codons that the marks tell, all three bases of each, in place, in rows that have masks at all.

    Returns the places of their middle bases in the flattened ids, and the places of their amino acids in `AMINO_ACIDS`.
    """
    ids, targets, marks = batch.ids, batch.targets, batch.marks
    if marks is None:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    clean = np.where(targets == IGNORE, ids, targets)
    frame, known = frames(marks), (clean >= BASE) & (clean < ANY)
    whole = known[:, :-2] & known[:, 1:-1] & known[:, 2:] & (ids == MASK).any(axis=1, keepdims=True)
    chosen = whole & (rng.random(whole.shape) < share)
    found = []
    for first, step in ((1, 1), (REVERSE + 2, -1)):
        row, low = np.nonzero(chosen & (frame[:, :-2] == first) & (frame[:, 1:-1] == first + step) & (frame[:, 2:] == first + 2 * step))
        codon = clean[row[:, None], low[:, None] + np.arange(3)] - BASE
        found.append((row * ids.shape[1] + low + 1, amino_acids(codon if step > 0 else 3 - codon[:, ::-1])))
        for offset in range(3):
            targets[row, low + offset] = clean[row, low + offset]
            ids[row, low + offset] = MASK
    return np.concatenate([middle for middle, _ in found]), np.concatenate([amino for _, amino in found])
