"""Shuffles keep the counts of neighbours and draw every order equally often."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, permutations

import numpy as np
import pytest

from engine.core.shuffle import dinucleotide_shuffle


def pairs(letters: str) -> Counter[tuple[str, str]]:
    return Counter(pairwise(letters))


@pytest.mark.parametrize("letters", ["ACGTTGCAAGGTCATNNACGTGGGCATCA", "AAAAAAAAC", "CAAAAAAAA", "ACACACAC", "GATTACA" * 30])
def test_neighbours_and_ends_stay(letters: str) -> None:
    for seed in range(20):
        found = dinucleotide_shuffle(letters, np.random.default_rng(seed))
        assert pairs(found) == pairs(letters)
        assert (found[0], found[-1]) == (letters[0], letters[-1])


@pytest.mark.parametrize("letters", ["A", "AC", "ACG", "AAAAA"])
def test_what_has_one_order_only_stays(letters: str) -> None:
    assert dinucleotide_shuffle(letters, np.random.default_rng(0)) == letters


@pytest.mark.parametrize("letters", ["ACAGATCA", "AACAAGA", "ACGTACTTAC"])
def test_every_order_is_drawn_equally_often(letters: str) -> None:
    """Against all permutations: those with the same neighbours and the same first letter (the last one follows)."""
    every = {"".join(order) for order in permutations(letters)}
    allowed = {order for order in every if pairs(order) == pairs(letters) and order[0] == letters[0]}
    generator = np.random.default_rng(5)
    draws = 500 * len(allowed)
    seen = Counter(dinucleotide_shuffle(letters, generator) for _ in range(draws))
    assert set(seen) == allowed
    assert len(allowed) > 3
    chi_square = sum((count - 500) ** 2 / 500 for count in seen.values())
    assert chi_square < len(allowed) - 1 + 5 * np.sqrt(2 * (len(allowed) - 1))


def test_a_long_repeat_is_shuffled_and_a_seed_repeats_it() -> None:
    letters = "GGGGCTATAGCTCAGCTGGGAGAGCGCTTGCATGGCATGCAAGAGGTCAGCGGTTCGATCCCGCTTAGCTCCACCA"
    one, other = (dinucleotide_shuffle(letters, np.random.default_rng([7, index])) for index in (0, 1))
    assert len({one, other, letters}) == 3
    assert dinucleotide_shuffle(letters, np.random.default_rng([7, 0])) == one
