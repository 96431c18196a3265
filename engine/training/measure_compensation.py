"""How often the compensation test calls a pair: of annotated pairs, and of bases that do not pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.analyses.compensation import CompensationParameters, compensation
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.training.kept_maps import KeptMaps
from engine.training.letters import decode
from engine.training.structures import Structure

PAIRS_OF_AN_RNA = 2
FEWEST_APART = 4
KINDS = ("annotated pairs", "bases that do not pair", "a paired base and the neighbour of its partner")


def compensated(maps: KeptMaps, structures: Sequence[Structure], seed: int = 13) -> list[dict[str, Any]]:
    """One row a kind of pair: how many were tested, and the share that came first of 24, with a 95 % interval (Wilson)."""
    rng = np.random.default_rng(seed)
    first: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for structure in structures:
        sequence = NucleotideSequence(decode(structure.codes).replace("T", "U"), Alphabet.RNA)
        for kind, i, j in _chosen(structure, rng):
            first[kind].append(compensation(maps.model, sequence, CompensationParameters(i, j)).behaves_like_a_pair)
    return [{"bases": kind, "tested": len(hits), "first": wilson(sum(hits), len(hits))} for kind, hits in first.items() if hits]


def _chosen(structure: Structure, rng: np.random.Generator) -> list[tuple[str, int, int]]:
    """Some pairs of an RNA, as many that are none, and one whose second base is the neighbour of the partner."""
    partner = structure.partner
    pairs = [(i, int(j)) for i, j in enumerate(partner) if j > i]
    kept = [pairs[int(k)] for k in rng.permutation(len(pairs))[:PAIRS_OF_AN_RNA]]
    found = [(KINDS[0], i, j) for i, j in kept]
    for _ in kept:
        i, j = sorted(rng.integers(0, partner.size, 2).tolist())
        while j - i < FEWEST_APART or partner[i] == j:
            i, j = sorted(rng.integers(0, partner.size, 2).tolist())
        found.append((KINDS[1], i, j))
    shifted = [(i, j + 1) for i, j in kept if j + 1 < partner.size and partner[i] != j + 1]
    return found + [(KINDS[2], i, j) for i, j in shifted[:1]]


def wilson(hits: int, count: int, z: float = 1.96) -> list[float]:
    """A share and its 95 % interval (Wilson 1927)."""
    share = hits / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    spread = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return [round(share, 4), round(float(max(0.0, middle - spread)), 4), round(float(min(1.0, middle + spread)), 4)]
