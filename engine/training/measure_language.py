"""Bits per base of the language model on what it never saw, next to Markov models trained on the same corpus."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.models.locuscope.tokens import DOMAINS, MASK
from engine.training.alignments import Alignments
from engine.training.corpus import HELD_OUT_FAMILY, TRAIN, Corpus
from engine.training.letters import UNKNOWN, Codes
from engine.training.markov import Markov, ladder, ladder_bits
from engine.training.scoring import Scorer

ORDERS = (3, 5, 8, 11)
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


GROUPS = 3  # of held-out RNAs: near, far, unseen
NEAR = 0.8
"""Identity to a training sequence above which a held-out RNA counts as a near relative: the customary threshold of RNA benchmarks."""


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


def markov_models(corpus: Corpus, domain: str) -> list[Markov]:
    """Orders 3, 5, 8 and 11 from the training part of one domain (both strands of DNA)."""
    if domain == "rna":
        rows = (corpus.rna_sequence(int(i))[0] for i in np.flatnonzero(corpus.split == TRAIN))
        highest = Markov.learn(max(ORDERS), (codes for codes in rows if (codes < UNKNOWN).all()), both_strands=False)
    else:
        pieces = np.flatnonzero((corpus.domain == DOMAINS.index(domain)) & ~corpus.held_out)
        highest = Markov.learn(max(ORDERS), (corpus.piece(int(p)) for p in pieces), both_strands=True)
    return ladder(highest, ORDERS)


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


def bits_per_base(scorer: Scorer, corpus: Corpus, windows: int, seed: int = 11) -> list[dict[str, Any]]:
    """One row a sample: bits of the language model and of each Markov model at the same masked positions."""
    rng = np.random.default_rng(seed)
    plain = replace(scorer, net=scorer.net.without_memory())
    rows = []
    models: dict[str, list[Markov]] = {}
    for sample in [*dna_samples(corpus, windows, 511, seed), *rna_samples(corpus, 4 * windows, seed)]:
        if sample.domain not in models:
            models = {sample.domain: markov_models(corpus, sample.domain)}
        readings: dict[str, tuple[str, int, Scorer]] = {
            "locuscope": (sample.domain, APART, scorer),
            "locuscope_domain_unknown": ("unknown", APART, scorer),
            "locuscope_without_memory": (sample.domain, APART, plain),
            "locuscope_all_masked_at_once": (sample.domain, 1, scorer),
        }
        own: dict[str, list[NDArray[np.float64]]] = {name: [] for name in readings}
        chains: dict[int, list[NDArray[np.float64]]] = {order: [] for order in ORDERS}
        for codes in sample.sequences:
            chosen = rng.random(codes.size) < MASKED
            for name, (domain, apart, reader) in readings.items():
                own[name].append(masked_bits(reader, codes, domain, chosen, apart))
            for order, bits in ladder_bits(models[sample.domain], codes).items():
                chains[order].append(bits[chosen])
        bases = int(sum(bits.size for bits in own["locuscope"]))
        row: dict[str, Any] = {"sample": sample.title, "sequences": len(sample.sequences), "masked_bases": bases}
        row |= {name: float(np.concatenate(bits).mean()) for name, bits in own.items()}
        row |= {f"markov_{order}": float(np.concatenate(bits).mean()) for order, bits in chains.items()}
        rows.append(row)
    return rows
