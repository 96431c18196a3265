"""Bits per base of the language model on what it never saw, next to tables of one and of both sides learned from the same corpus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.models.locuscope.tokens import DOMAINS, MASK
from engine.training.alignments import Alignments
from engine.training.both_sides import ORDERS, WIDEST, BothSides
from engine.training.corpus import HELD_OUT_FAMILY, TRAIN, Corpus
from engine.training.letters import UNKNOWN, Codes
from engine.training.metrics import intervals
from engine.training.near_copies import NEAR, NearCopies
from engine.training.pieces import Pieces
from engine.training.scoring import Scorer
from engine.training.sketch import sketch

MASKED = 0.15
APART = 50  # bases from one masked base to the next: all that the language model reads nearby is shown, as it is to the Markov models


@dataclass(frozen=True)
class Sample:
    """Sequences of one domain, or part of RNA, that training never saw."""

    title: str
    domain: str
    sequences: list[Codes]


def dna_samples(corpus: Corpus, windows: int, length: int, seed: int) -> list[Sample]:
    """Windows at random places of the held-out genomes, one sample a domain; genomes get equal shares."""
    rng = np.random.default_rng(seed)
    out = []
    for number, domain in enumerate(DOMAINS):
        pieces = np.flatnonzero((corpus.domain == number) & corpus.held_out & (np.diff(corpus.start) >= length))
        genomes = np.unique(corpus.genome[pieces])
        if not genomes.size:
            continue
        rows = []
        for k in range(windows):
            own = pieces[corpus.genome[pieces] == genomes[k % genomes.size]]
            sizes = np.diff(corpus.start)[own]
            codes = corpus.piece(int(rng.choice(own, p=sizes / sizes.sum())))
            low = int(rng.integers(0, codes.size - length + 1))
            rows.append(codes[low : low + length])
        out.append(Sample(f"{domain} (held-out genomes)", domain, rows))
    return out


ONE_IN = 16  # of 21-mers are compared
GROUPS = 3  # of held-out RNAs: near, far, unseen


def rna_samples(corpus: Corpus, most: int, seed: int) -> list[Sample]:
    """Held-out sequences of seen families, apart by their identity to the nearest training sequence, and families never seen."""
    rng = np.random.default_rng(seed)
    sizes = np.diff(corpus.rna_start)
    alignments = Alignments(corpus)
    groups: dict[str, list[Codes]] = {}
    near, far, unseen = f"over {NEAR:.0%} identical to one in training", f"at most {NEAR:.0%} identical", "rna (families never seen)"
    for index in rng.permutation(np.flatnonzero((corpus.split != TRAIN) & (sizes >= 30) & (sizes <= 500))):
        codes = corpus.rna_sequence(int(index))[0]
        if corpus.split[index] == HELD_OUT_FAMILY:
            title = unseen
        elif alignments.identity(int(index)) > NEAR:
            title = f"rna (held-out sequences, {near})"
        else:
            title = f"rna (held-out sequences, {far})"
        rows = groups.setdefault(title, [])
        if len(rows) < most and (codes < UNKNOWN).all():
            rows.append(codes)
            if len(groups) == GROUPS and all(len(group) >= most for group in groups.values()):
                break
    return [Sample(title, "rna", groups[title]) for title in sorted(groups)]


def masked_bits(scorer: Scorer, codes: Codes, domain: str, chosen: NDArray[np.bool_], apart: int) -> NDArray[np.float64]:
    """-log2 p of the true letters at the chosen positions, in as many passes as keep masked bases at least `apart` from each other."""
    place = np.flatnonzero(chosen)
    turn = np.zeros(place.size, dtype=np.int64)
    last: list[int] = []
    for number, position in enumerate(place.tolist()):
        free = next((k for k, taken in enumerate(last) if position - taken >= apart), len(last))
        last[free : free + 1] = [position]
        turn[number] = free
    ids = scorer.ids(codes, domain).repeat(max(1, len(last)), 1)
    ids[torch.from_numpy(turn), torch.from_numpy(place) + 1] = MASK
    logp = torch.log_softmax(scorer.logits(ids), dim=-1).numpy()
    out: NDArray[np.float64] = -logp[turn, place, codes[place]].astype(np.float64) / np.log(2)
    return out


READINGS = ("locuscope", "locuscope_domain_unknown", "locuscope_without_memory", "locuscope_all_masked_at_once")
BASELINES = ("markov", "left_right", "look_up")
"""Kinds of `both_sides`; of each the order or width that is best on the sample itself is reported, which favours the baseline."""
COPIED = 0.1
"""Share of the 21-mers of a window that stand in a training genome from which it counts as a near copy: about 90 % identity."""


def without_copies(corpus: Corpus, samples: list[Sample]) -> list[Sample]:
    """The samples without near copies of what was trained on: windows by shared 21-mers (`COPIED`), RNAs by alignment (`near_copies.NEAR`)."""
    trained = np.unique(np.concatenate([sketch(corpus.piece(int(p)), ONE_IN) for p in np.flatnonzero(~corpus.held_out)]))
    rnas = NearCopies.of(corpus) if any(sample.domain == "rna" for sample in samples) else None

    def own(sample: Sample, codes: Codes) -> bool:
        if sample.domain == "rna":
            return rnas is not None and rnas.identity(codes) <= NEAR
        words = sketch(codes, ONE_IN)
        return not words.size or float(np.isin(words, trained, assume_unique=True).mean()) < COPIED

    return [replace(sample, sequences=[codes for codes in sample.sequences if own(sample, codes)]) for sample in samples]


def bits_per_base(scorer: Scorer, corpus: Corpus, windows: int, kept: Pieces, seed: int = 11) -> list[dict[str, Any]]:
    """One row a sample without near copies: bits of the language model and of each baseline at the same masked positions, with intervals."""
    drawn = [*dna_samples(corpus, 2 * windows, 511, seed), *(s for s in rna_samples(corpus, 3 * windows, seed) if "over" not in s.title)]
    titles = [sample.title for sample in drawn]
    samples: list[Sample] = []
    learned: dict[str, BothSides] = {}

    def row(number: int) -> dict[str, Any]:
        if not samples:
            samples.extend(without_copies(corpus, drawn))
        sample = samples[number]
        if sample.domain not in learned:
            learned.clear()
            learned[sample.domain] = both_sides(corpus, sample.domain)
        most = windows if sample.domain != "rna" else 2 * windows
        rng = np.random.default_rng((seed, number))
        return measured_bits(scorer, learned[sample.domain], replace(sample, sequences=sample.sequences[:most]), rng)

    return [kept(f"bits: {title}", partial(row, number)) for number, title in enumerate(titles)]


def both_sides(corpus: Corpus, domain: str, orders: tuple[int, ...] = ORDERS, width: int = WIDEST) -> BothSides:
    """The baselines, from the training part of one domain."""

    def sequences() -> Iterator[Codes]:
        if domain == "rna":
            rows = (corpus.rna_sequence(int(i))[0] for i in np.flatnonzero(corpus.split == TRAIN))
            yield from (codes for codes in rows if (codes < UNKNOWN).all())
        else:
            pieces = np.flatnonzero((corpus.domain == DOMAINS.index(domain)) & ~corpus.held_out)
            yield from (corpus.piece(int(p)) for p in pieces)

    return BothSides.learn(sequences, both_strands=domain != "rna", orders=orders, width=width)


def measured_bits(scorer: Scorer, baselines: BothSides, sample: Sample, rng: np.random.Generator) -> dict[str, Any]:
    """Bits of every reading and of the best baseline of each kind, each with the 95 % interval over sequences, and the differences."""
    plain = replace(scorer, net=scorer.net.without_memory())
    asked = ((sample.domain, APART, scorer), ("unknown", APART, scorer), (sample.domain, APART, plain), (sample.domain, 1, scorer))
    bits: dict[str, list[NDArray[np.float64]]] = {}
    for codes in sample.sequences:
        chosen = rng.random(codes.size) < MASKED
        if not chosen.any():
            continue
        for name, (domain, apart, reader) in zip(READINGS, asked, strict=True):
            bits.setdefault(name, []).append(masked_bits(reader, codes, domain, chosen, apart))
        place = np.flatnonzero(chosen)
        for name, p in baselines.probabilities(codes).items():
            bits.setdefault(name, []).append(-np.log2(p[place, codes[place]]))
    best = {kind: min((name for name in bits if name.startswith(kind)), key=lambda name: _mean(bits[name])) for kind in BASELINES}
    read = {name: bits[name] for name in (*READINGS, *best.values())}
    strongest = min(best.values(), key=lambda name: _mean(bits[name]))

    def draw(picks: NDArray[np.intp]) -> dict[str, float]:
        means = {name: _mean([rows[int(k)] for k in picks]) for name, rows in read.items()}
        return means | {"gain": means[strongest] - means["locuscope"]}

    sizes = {"sequences": len(bits["locuscope"]), "masked_bases": int(sum(part.size for part in bits["locuscope"]))}
    return {"sample": sample.title, **sizes, "strongest": strongest, "best": best, "bits": intervals(draw, sizes["sequences"], 11)}


def _mean(parts: list[NDArray[np.float64]]) -> float:
    return float(np.concatenate(parts).mean())
