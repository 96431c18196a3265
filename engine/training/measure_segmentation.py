"""Segmentation of held-out genomes, next to open reading frames from ATG to stop."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.analyses.ranking import auprc
from engine.models.locuscope.segmenter_network import LocuscopeSegmenter
from engine.models.locuscope.tokens import BASE, DOMAIN, DOMAINS
from engine.training.annotation import ELEMENTS, MIRROR, Contig
from engine.training.letters import Codes, reverse_complement
from engine.training.metrics import Confusion
from engine.training.orf_finder import predict

WINDOW, MARGIN = 1023, 128
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


def stretch(contig: Contig, most: int, rng: np.random.Generator) -> Contig:
    """A random stretch of at most `most` bases of a contig."""
    low = int(rng.integers(0, max(1, contig.codes.size - most + 1)))
    part = slice(low, low + most)
    return Contig(contig.genome, contig.name, contig.domain, contig.codes[part], contig.labels[part], contig.known, contig.held_out)


def _row(probability: NDArray[np.float32], called: NDArray[np.bool_], truth: NDArray[np.bool_]) -> dict[str, float]:
    counts = Confusion.of(called, truth)
    return {"mcc": counts.mcc, "auprc": auprc(probability, truth), "f1": counts.f1, "jaccard": counts.jaccard}


def segmentation(net: LocuscopeSegmenter, training: list[Contig], held_out: list[Contig], most: int, seed: int = 14) -> dict[str, Any]:
    """Per element and set: MCC, auPRC, F1, Jaccard; thresholds are the best ones on stretches of training genomes."""
    rng = np.random.default_rng(seed)
    tuning = [stretch(c, most // 4, rng) for c in training if c.codes.size > 200_000][::3]
    read = [both_strands(net, c.codes, c.domain) for c in tuning]
    thresholds = best_thresholds(np.concatenate(read), truth_of(tuning))
    rows = []
    for domain in ("bacteria", "phage", "yeast"):
        own = [stretch(c, most, rng) for c in held_out if c.domain == domain]
        probability = np.concatenate([both_strands(net, c.codes, c.domain) for c in own])
        frames = ((np.concatenate([predict(c.codes) for c in own])[:, None] >> np.arange(len(ELEMENTS))) & 1).astype(np.bool_)
        truth = truth_of(own)
        for element, name in enumerate(ELEMENTS):
            if not truth[:, element].any() or not all((c.known >> element) & 1 for c in own):
                continue
            row: dict[str, Any] = {"domain": domain, "element": name, "bases": len(truth), "positives": int(truth[:, element].sum())}
            row["locuscope"] = _row(probability[:, element], probability[:, element] >= thresholds[element], truth[:, element])
            if element < 6:
                row["orf_finder"] = _row(frames[:, element].astype(np.float32), frames[:, element], truth[:, element])
            rows.append(row)
    return {"thresholds": dict(zip(ELEMENTS, (round(float(t), 3) for t in thresholds), strict=True)), "rows": rows}
