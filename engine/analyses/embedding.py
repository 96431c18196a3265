"""Mean hidden states of many places: what a model makes of windows or annotated features."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.provenance import stamp
from engine.core.embedding import KMER, EmbeddingParameters, EmbeddingTable
from engine.core.errors import CapabilityMissing
from engine.core.genome_place import GenomePlace
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import EmbeddingModel
from engine.core.sequence import NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = "1"
_CODES = np.full(256, -1, dtype=np.int64)
_CODES[[ord(letter) for letter in "ACGT"]] = range(4)


def embed(
    model: Any,
    places: Iterable[tuple[GenomePlace, NucleotideSequence]],
    count: int,
    parameters: EmbeddingParameters | None = None,
    monitor: Monitor | None = None,
) -> EmbeddingTable:
    """Mean over its bases of the model's last hidden states, for each of ``count`` places with their letters on their strand.

    A place longer than the model reads is read in pieces of nearly equal length that meet without overlap; all of its bases count alike.

    Raises
    ------
    CapabilityMissing
        The model gives no hidden states.
    Cancelled
        Through ``monitor.advance``.
    """
    if not isinstance(model, EmbeddingModel):
        raise CapabilityMissing(f"{model.card.title} gives no hidden states; choose a nucleotide language model.")
    watcher, chosen = monitor or SilentMonitor(), parameters or EmbeddingParameters()
    began = time.perf_counter()
    watcher.start(count, "places")
    kept: list[GenomePlace] = []
    vectors: list[NDArray[np.float32]] = []
    kmers = np.zeros((count, 4**KMER), dtype=np.float32)
    gc = np.zeros(count, dtype=np.float32)
    digest, bases = hashlib.sha256(), 0
    for number, (place, sequence) in enumerate(places):
        letters = sequence.as_dna()
        vectors.append(mean_state(model, sequence))
        kmers[number], gc[number] = kmer_shares(letters), gc_share(letters)
        digest.update(f"{place.locus}\n{letters}\n".encode())
        bases += len(letters)
        kept.append(place)
        watcher.advance(1)
    provenance = stamp("embeddings", VERSION, model, chosen, NucleotideSequence("N"), time.perf_counter() - began)
    provenance = replace(provenance, sequence_sha256=digest.hexdigest(), sequence_length=bases)
    return EmbeddingTable(tuple(kept), np.stack(vectors), gc, kmers, provenance)


def mean_state(model: EmbeddingModel, sequence: NucleotideSequence) -> NDArray[np.float32]:
    """Mean last hidden state float32 (D,) of all bases of a sequence of any length."""
    pieces = -(-len(sequence) // model.card.max_length)
    edges = np.linspace(0, len(sequence), pieces + 1).astype(int).tolist()
    total: Any = 0.0
    for start, end in itertools.pairwise(edges):
        part = sequence if pieces == 1 else sequence.window(start, end)
        total = total + model.embeddings(part).sum(axis=0, dtype=np.float64)
    return np.asarray(total / len(sequence), dtype=np.float32)


def kmer_shares(letters: str, k: int = KMER) -> NDArray[np.float32]:
    """Share of each k-mer of upper-case DNA, float32 (4^k,); those with another letter do not count."""
    codes = _CODES[np.frombuffer(letters.encode("ascii", "replace"), dtype=np.uint8)]
    if len(codes) < k:
        return np.zeros(4**k, dtype=np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(codes, k)
    known = windows[(windows >= 0).all(axis=1)]
    counts = np.bincount(known @ (4 ** np.arange(k - 1, -1, -1)), minlength=4**k)
    return np.asarray(counts / max(1, counts.sum()), dtype=np.float32)


def gc_share(letters: str) -> float:
    """Share of G and C among A, C, G and T; 0 without any."""
    known = sum(letters.count(base) for base in "ACGT")
    return (letters.count("G") + letters.count("C")) / known if known else 0.0
