"""A corpus small enough to reason about, and networks small enough to train in a test."""

from __future__ import annotations

import numpy as np

from engine.models.locuscope.network import NetConfig
from engine.training.augment import invented_rna
from engine.training.corpus import HELD_OUT_FAMILY, HELD_OUT_SEQUENCE, TRAIN, Corpus

TINY = NetConfig(width=16, layers=1, heads=2, hidden=32, kernel=3, stem_heads=6, stem_radius=6, max_length=128)


def toy_corpus(rnas: int = 30) -> Corpus:
    """Three DNA pieces (bacteria in training, bacteria held out, yeast in training) and RNAs of two families."""
    rng = np.random.default_rng(5)
    pieces = [
        np.tile(np.array([0, 1, 2, 3], dtype=np.uint8), 600),
        np.zeros(2400, dtype=np.uint8),
        np.tile(np.array([3, 3, 0], dtype=np.uint8), 800),
    ]
    drawn = [invented_rna(30 + i % 5, rng) for i in range(rnas)]
    split = np.array([HELD_OUT_FAMILY if i % 10 == 0 else HELD_OUT_SEQUENCE if i % 10 == 1 else TRAIN for i in range(rnas)], dtype=np.uint8)
    return Corpus(
        dna=np.concatenate(pieces),
        start=np.array([0, 2400, 4800, 7200]),
        domain=np.array([1, 1, 3], dtype=np.uint8),
        held_out=np.array([False, True, False]),
        genome=np.array([0, 1, 2], dtype=np.int32),
        rna=np.concatenate([codes for codes, _ in drawn]),
        rna_start=np.concatenate(([0], np.cumsum([codes.size for codes, _ in drawn]))),
        partner=np.concatenate([partner for _, partner in drawn]),
        column=np.concatenate([np.arange(codes.size, dtype=np.uint16) for codes, _ in drawn]),
        family=np.array([0 if i % 10 else 1 for i in range(rnas)], dtype=np.int32),
        split=split,
        names={
            "genomes": ["a", "b", "c"],
            "families": ["RF00005", "RF99999"],
            "titles": ["tRNA", "other"],
            "rna": [f"r{i}" for i in range(rnas)],
        },
    )
