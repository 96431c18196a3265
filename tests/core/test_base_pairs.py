from __future__ import annotations

import math

import numpy as np
import pytest

from engine.core.base_pairs import Agreement, crosses, dot_bracket, helices, levels, pairs_of_dot_bracket, partners
from engine.core.errors import FileFormatError


def test_a_dot_bracket_is_read_as_its_pairs() -> None:
    assert pairs_of_dot_bracket("((.[.)).]").tolist() == [[0, 6], [1, 5], [3, 8]]
    assert pairs_of_dot_bracket("<A.>a").tolist() == [[0, 3], [1, 4]]
    assert pairs_of_dot_bracket("").shape == (0, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [("(.]", "closes a pair with ']' at position 3"), ("(()", "position 1 that is never closed"), ("(1)", "'1' at position 2")],
)
def test_a_dot_bracket_that_is_none_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(FileFormatError) as caught:
        pairs_of_dot_bracket(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_pseudoknots_take_the_next_brackets() -> None:
    pairs = np.array([(15, 35), (0, 20), (1, 19), (2, 18), (10, 30), (11, 29), (12, 26)])
    assert dot_bracket(38, pairs) == "(((.......[[[..{..))).....]..]]....}.."


def test_nested_and_neighbouring_helices_share_brackets() -> None:
    assert dot_bracket(14, np.array([(0, 13), (1, 5), (7, 12)])) == "((...).(....))"


def test_a_second_partner_stays_out_of_the_dot_bracket() -> None:
    assert dot_bracket(8, [(0, 7), (1, 6), (0, 4)]) == "((....))"


def test_levels_hold_nothing_that_crosses_and_the_longest_helix_is_in_the_first() -> None:
    first, second = levels([(0, 9), (1, 8), (5, 12)])
    assert (first, second) == ([(0, 9), (1, 8)], [(5, 12)])
    assert crosses((0, 9), (5, 12))
    assert not crosses((0, 9), (1, 8))


def test_a_bulge_ends_a_helix() -> None:
    assert helices([(0, 9), (1, 8), (3, 7)]) == [[(0, 9), (1, 8)], [(3, 7)]]


def test_dot_brackets_read_back_as_the_pairs_they_were_made_from() -> None:
    order = np.random.default_rng(7).permutation(60)
    pairs = np.sort(order[:40].reshape(-1, 2), axis=1)
    assert pairs_of_dot_bracket(dot_bracket(60, pairs)).tolist() == sorted(pairs.tolist())


def test_partners_keep_the_first_of_several() -> None:
    assert partners(5, [(0, 4), (0, 3), (1, 3)]).tolist() == [4, 3, -1, 1, 0]


def test_agreement_by_hand() -> None:
    """Two of three found pairs are known, of four known ones two are found."""
    both = Agreement.of([(0, 9), (1, 8), (2, 6)], [(0, 9), (1, 8), (2, 7), (3, 5)])
    assert (both.sensitivity, both.ppv, both.f1) == (2 / 4, 2 / 3, 4 / 7)
    nothing = Agreement.of([], [])
    assert all(math.isnan(value) for value in (nothing.sensitivity, nothing.ppv, nothing.f1))
