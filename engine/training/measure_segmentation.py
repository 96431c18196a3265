"""Segmentation of held-out genomes, next to open reading frames and to pyrodigal."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.analyses.ranking import auprc
from engine.core.confusion import Confusion
from engine.models.locuscope.segmenter_network import LocuscopeSegmenter
from engine.models.locuscope.tokens import BASE, DOMAIN, DOMAINS
from engine.training.annotation import ELEMENTS, MIRROR, Contig, Labels, bit
from engine.training.letters import Codes, decode, reverse_complement
from engine.training.metrics import intervals
from engine.training.orf_finder import STARTS, labelled, predict
from engine.training.pieces import Pieces

WINDOW, MARGIN = 1023, 128
BLOCK = 5000
LENGTHS = tuple(range(60, 481, 30))
"""Least bases of an open reading frame that are tried."""
TRAINS_ON = 100_000
"""Bases from which on pyrodigal is trained on the contig, as it advises."""
DOMAINS_READ = ("bacteria", "phage", "yeast")
Probabilities = NDArray[np.float32]


def _windows(length: int) -> list[tuple[int, int, int]]:
    """(window start, first kept, last kept + 1) that tile a contig; inner edges lose the margin."""
    if length <= WINDOW:
        return [(0, 0, length)]
    out, kept = [], 0
    while kept < length:
        low = min(max(0, kept - MARGIN), length - WINDOW)
        end = length if low + WINDOW == length else low + WINDOW - MARGIN
        out.append((low, kept, end))
        kept = end
    return out


def segment(net: LocuscopeSegmenter, codes: Codes, domain: str, rows: int = 4, low_precision: bool = True) -> Probabilities:
    """Probabilities (L, elements) of one strand's reading."""
    device = next(net.parameters()).device
    tiles = _windows(codes.size)
    first = DOMAIN + DOMAINS.index(domain)
    out = np.zeros((codes.size, len(ELEMENTS)), dtype=np.float32)
    for begin in range(0, len(tiles), rows):
        some = tiles[begin : begin + rows]
        ids = np.stack([np.concatenate(([first], codes[low : low + WINDOW].astype(np.int64) + BASE)) for low, _, _ in some])
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=low_precision):
            logits = net(torch.from_numpy(ids).to(device))
        probability = torch.sigmoid(logits.float()).cpu().numpy()
        for (low, kept, end), block in zip(some, probability, strict=True):
            out[kept:end] = block[kept - low : end - low]
    return out


def both_strands(net: LocuscopeSegmenter, codes: Codes, domain: str) -> Probabilities:
    """Mean of the reading of the sequence and of its reverse complement."""
    other = segment(net, reverse_complement(codes), domain)[::-1][:, list(MIRROR)]
    return ((segment(net, codes, domain) + other) / 2).astype(np.float32)


def best_thresholds(probability: Probabilities, truth: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Per element the threshold (of 0.02 to 0.98) with the largest F1; 0.5 where the element never occurs."""
    grid = np.linspace(0.02, 0.98, 49)
    out = np.full(truth.shape[1], 0.5, dtype=np.float32)
    for element in range(truth.shape[1]):
        if truth[:, element].any():
            scores = [Confusion.of(probability[:, element] >= t, truth[:, element]).f1 for t in grid]
            out[element] = grid[int(np.argmax(scores))]
    return out


def truth_of(contigs: list[Contig]) -> NDArray[np.bool_]:
    """Labels of contigs one after another, (bases, elements)."""
    labels = np.concatenate([c.labels for c in contigs])
    return ((labels[:, None] >> np.arange(len(ELEMENTS))) & 1).astype(np.bool_)


@dataclass(frozen=True)
class Stretch:
    """Part of a contig, and what pyrodigal finds there."""

    contig: Contig
    pyrodigal: Labels


def stretch(contig: Contig, most: int, rng: np.random.Generator) -> tuple[Contig, slice]:
    """A random stretch of at most `most` bases of a contig, and where it lies."""
    low = int(rng.integers(0, max(1, contig.codes.size - most + 1)))
    part = slice(low, low + most)
    return replace(contig, codes=contig.codes[part], labels=contig.labels[part]), part


def with_pyrodigal(contig: Contig, most: int, rng: np.random.Generator) -> Stretch:
    """A random stretch with what pyrodigal finds there, which reads the whole contig."""
    cut, part = stretch(contig, most, rng)
    return Stretch(cut, prodigal(contig.codes)[part])


def prodigal(codes: Codes) -> Labels:
    """Labels of the genes that pyrodigal finds: trained on the contig itself, of one shorter than `TRAINS_ON` by its ready-made models."""
    import pyrodigal

    letters = decode(codes).encode("ascii")
    finder = pyrodigal.GeneFinder(meta=codes.size < TRAINS_ON)
    if codes.size >= TRAINS_ON:
        finder.train(letters)
    found = [(gene.begin - 1, gene.end, gene.strand) for gene in finder.find_genes(letters)]
    return labelled(codes.size, found)


def best_orf_finder(tuning: list[Contig]) -> tuple[str, int]:
    """The start codons and the least length, of both of which the open reading frames of the tuning stretches are best (F1 of coding bases)."""
    coding = bit("CDS_forward") | bit("CDS_reverse")
    truth = np.concatenate([(contig.labels & coding) > 0 for contig in tuning])

    def f1(choice: tuple[str, int]) -> float:
        called = [(predict(contig.codes, choice[1], STARTS[choice[0]]) & coding) > 0 for contig in tuning]
        return Confusion.of(np.concatenate(called), truth).f1

    return max(itertools.product(STARTS, LENGTHS), key=f1)


def spread(called: NDArray[np.bool_], truth: NDArray[np.bool_], seed: int) -> dict[str, list[float]]:
    """MCC and F1 with 95 % intervals over blocks of `BLOCK` bases, which are drawn whole."""
    edges = np.arange(0, len(truth), BLOCK)
    parts = [np.add.reduceat(mask, edges) for mask in (called & truth, called & ~truth, ~called & truth, ~called & ~truth)]
    counts = np.stack(parts, axis=1)

    def draw(picks: NDArray[np.intp]) -> dict[str, float]:
        held = Confusion(*(int(value) for value in counts[picks].sum(axis=0)))
        return {"mcc": held.mcc, "f1": held.f1}

    return intervals(draw, len(counts), seed)


def _unpacked(labels: list[Labels]) -> NDArray[np.bool_]:
    return ((np.concatenate(labels)[:, None] >> np.arange(len(ELEMENTS))) & 1).astype(np.bool_)


FRAMED = 6
"""The first elements, which open reading frames have: coding sequence, start and stop codon on both strands."""


def segmentation(
    net: Callable[[], LocuscopeSegmenter], contigs: Callable[[bool], list[Contig]], most: int, kept: Pieces, seed: int = 14
) -> dict[str, Any]:
    """Thresholds and the length of the ORF finder from stretches of training genomes, then one piece a domain. ``contigs``: held out or not."""

    def tuned() -> dict[str, Any]:
        rng = np.random.default_rng(seed)
        tuning = [stretch(c, most // 4, rng)[0] for c in contigs(False) if c.codes.size > 200_000][::3]
        read = [both_strands(net(), c.codes, c.domain) for c in tuning]
        found = best_thresholds(np.concatenate(read), truth_of(tuning))
        finders = {domain: best_orf_finder([c for c in tuning if (c.domain == "yeast") == (domain == "yeast")]) for domain in DOMAINS_READ}
        return {"thresholds": [round(float(t), 3) for t in found], "orf_finder": finders}

    at = kept("segmentation: thresholds", tuned)

    def rows(domain: str) -> list[dict[str, Any]]:
        rng = np.random.default_rng((seed, DOMAINS_READ.index(domain)))
        own = [with_pyrodigal(c, most, rng) for c in contigs(True) if c.domain == domain]
        starts, shortest = at["orf_finder"][domain]
        frames = _unpacked([predict(s.contig.codes, shortest, STARTS[starts]) for s in own])
        genes = _unpacked([s.pyrodigal for s in own])
        probability = np.concatenate([both_strands(net(), s.contig.codes, domain) for s in own])
        truth = truth_of([s.contig for s in own])
        known = [
            element for element in range(len(ELEMENTS)) if truth[:, element].any() and all((s.contig.known >> element) & 1 for s in own)
        ]
        found = []
        for element in known:
            right = truth[:, element]
            row: dict[str, Any] = {"domain": domain, "element": ELEMENTS[element], "bases": len(right), "positives": int(right.sum())}
            row["stretches"] = int((np.diff(right.astype(np.int8), prepend=0) == 1).sum())
            row["locuscope"] = spread(probability[:, element] >= at["thresholds"][element], right, seed)
            row["auprc"] = auprc(probability[:, element], right)
            if element < FRAMED:
                row["orf_finder"] = spread(frames[:, element], right, seed)
                row["pyrodigal"] = spread(genes[:, element], right, seed)
            found.append(row)
        return found

    return {
        "thresholds": dict(zip(ELEMENTS, at["thresholds"], strict=True)),
        "orf_finder": at["orf_finder"],
        "rows": [row for domain in DOMAINS_READ for row in kept(f"segmentation: {domain}", partial(rows, domain))],
    }
