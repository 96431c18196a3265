from __future__ import annotations

import itertools

import numpy as np
import pytest

from engine.core.base_pairs import crosses
from engine.core.stems import pair_weights, run_sums, runs, strongest_stems


def stem_counter(letters: str) -> np.ndarray:
    weights = pair_weights(letters)
    return run_sums(weights, weights > 0)


def random_letters(seed: int, length: int) -> str:
    return "".join("ACGT"[code] for code in np.random.default_rng(seed).integers(0, 4, length))


def slow_sum(values: np.ndarray, paired: np.ndarray, i: int, j: int) -> float:
    """The run through a cell, walked outwards and inwards one cell at a time."""
    total = 0.0
    a, b = i, j
    while a >= 0 and b < len(values) and paired[a, b]:
        total, a, b = total + values[a, b], a - 1, b + 1
    a, b = i + 1, j - 1
    while a < len(values) and b >= 0 and paired[a, b]:
        total, a, b = total + values[a, b], a + 1, b - 1
    return total


def test_a_stem_of_three_by_hand() -> None:
    """G1-C10, G2-C9 (3 each) and A3-U8 (2) make 8; G1-C9 with the wobble G2-U8 inside makes 3.8."""
    counts = stem_counter("GGAAAAATCC")
    assert counts[0, 9] == counts[1, 8] == counts[2, 7] == counts[7, 2] == 8
    assert counts[0, 8] == pytest.approx(3.8)
    assert counts[3, 6] == 0


def test_a_wobble_counts_a_little_and_bases_too_near_nothing() -> None:
    weights = pair_weights("GAAAT", minimum_loop=3)
    assert weights[0, 4] == weights[4, 0] == np.float32(0.8)
    assert not pair_weights("GAAAT", minimum_loop=4).any()


def test_sums_along_runs_are_those_of_a_walk_from_cell_to_cell() -> None:
    letters = random_letters(3, 40)
    paired = pair_weights(letters) > 0
    values = np.random.default_rng(4).normal(size=(40, 40)).astype(np.float32)
    values = values + values.T
    found = run_sums(values, paired)
    for i in range(40):
        for j in range(40):
            assert found[i, j] == pytest.approx(slow_sum(values, paired, i, j) if paired[i, j] else 0.0, abs=1e-4)


def test_runs_are_every_paired_cell_once_in_order() -> None:
    paired = pair_weights(random_letters(5, 30)) > 0
    found = runs(paired.astype(np.float32), paired)
    cells = [cell for run, _ in found for cell in run]
    assert sorted(map(list, cells)) == np.argwhere(np.triu(paired)).tolist()
    assert all(total == len(run) for run, total in found)
    assert all(b == (a[0] + 1, a[1] - 1) for run, _ in found for a, b in itertools.pairwise(run))


def test_the_strongest_stem_is_taken_whole_and_what_is_left_of_others_is_summed_anew() -> None:
    """GGGG pairs with CCCC in two ways: the longer one leaves nothing of the shifted run but what stays under the threshold."""
    weights = pair_weights("GGGGAAAACCCC")
    pairs, scores = strongest_stems(weights, weights > 0, 5.0)
    assert pairs.tolist() == [[0, 11], [1, 10], [2, 9], [3, 8]]
    assert scores.tolist() == [12, 12, 12, 12]
    assert len(strongest_stems(weights, weights > 0, 12.0)[0]) == 0


def test_of_a_run_that_meets_a_taken_base_the_rest_can_still_be_taken() -> None:
    values = np.zeros((12, 12), dtype=np.float32)
    paired = np.zeros((12, 12), dtype=bool)
    for i, j, value in ((0, 11, 1), (1, 10, 1), (2, 9, 1), (1, 8, 9)):
        values[i, j] = values[j, i] = value
        paired[i, j] = paired[j, i] = True
    pairs, scores = strongest_stems(values, paired, 0.0)
    assert pairs.tolist() == [[1, 8], [0, 11], [2, 9]]
    assert scores.tolist() == [9, 1, 1]


def test_crossing_stems_need_a_threshold_of_their_own() -> None:
    """A stem of 6 is crossed by one of 3, which is taken where it exceeds the threshold for what crosses: that times ``crossing``."""
    values = np.zeros((14, 14), dtype=np.float32)
    paired = np.zeros((14, 14), dtype=bool)
    for i, j in ((0, 8), (1, 7), (4, 12)):
        values[i, j] = values[j, i] = 3
        paired[i, j] = paired[j, i] = True
    free, _ = strongest_stems(values, paired, 2.0, crossing=1)
    assert free.tolist() == [[0, 8], [1, 7], [4, 12]]
    assert crosses(free[0], free[2])
    assert strongest_stems(values, paired, 2.0, crossing=1.5)[0].tolist() == [[0, 8], [1, 7]]
    assert strongest_stems(values, paired, 2.0, crossing=1.49)[0].tolist() == free.tolist()


def test_letters_that_pair_with_nothing_have_no_stems() -> None:
    weights = pair_weights("AAAAAAAAAA")
    assert strongest_stems(weights, weights > 0, 0.0)[0].shape == (0, 2)
