from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import FileFormatError
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.sources.structures import known_pairs, parse_structure, reactivities

HAIRPIN = NucleotideSequence("GGAAAACC")
PAIRS = [[0, 7], [1, 6]]
CT = "8 hairpin\n" + "\n".join(
    f"{i} {letter} {i - 1} {i + 1} {partner} {i}"
    for i, (letter, partner) in enumerate(zip("GGAAAACC", (8, 7, 0, 0, 0, 0, 2, 1), strict=True), 1)
)
BPSEQ = "# made by hand\n" + "\n".join(
    f"{i} {letter} {partner}" for i, (letter, partner) in enumerate(zip("GGAAAACC", (8, 7, 0, 0, 0, 0, 2, 1), strict=True), 1)
)


@pytest.mark.parametrize(
    "text",
    [
        "((....))",
        "((....)) (-1.20)",
        ">name\nGGAAAACC\n((....))\n",
        ">name\r\nggaaaacc\r\n((....)) -1.2\r\n",
        ">one\nGGAAAACC\n((....))\n>two\nGGAAAACC\n........\n",
        "GGAA\nAACC\n((..\n..))",
        CT,
        BPSEQ,
    ],
)
def test_the_same_structure_in_every_notation(text: str) -> None:
    assert known_pairs(text, HAIRPIN).tolist() == PAIRS
    assert known_pairs(text, NucleotideSequence("GGAAAACC", Alphabet.RNA)).tolist() == PAIRS


def test_a_pseudoknot_is_read_from_brackets() -> None:
    assert parse_structure("(.[.).]").pairs.tolist() == [[0, 4], [2, 6]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no structure"),
        ("hello there", "'hello there' is no structure"),
        ("((....)", "position 1 that is never closed"),
        ("((.....))", "of 9 bases, the sequence shown has 8"),
        ("GGAAAACG\n((....))", "has G at position 8, the sequence shown has C"),
        ("GGAAA\n((....))", "8 symbols for 5 letters"),
        (CT.replace("8 hairpin", "9 hairpin"), "names 9 bases and has lines of 8"),
        (CT.replace("99999", "").replace("8 hairpin", "99999999999 x"), "99999999999 bases"),
        (BPSEQ.replace("8 C 1", "8 C 3"), "Base 1 of the BPSEQ pairs with 8, which does not pair with it"),
        (BPSEQ.replace("3 A 0", "3 A x"), "Base 3 of the BPSEQ is '3 A x'"),
        (BPSEQ.replace("3 A 0", "5 A 0"), "Base 3"),
    ],
)
def test_what_is_no_structure_of_the_sequence_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(FileFormatError) as caught:
        known_pairs(text, HAIRPIN)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 220


def test_reactivities_by_position_and_one_a_base() -> None:
    by_position = reactivities("# SHAPE\n1 0.5\n3\t-999\n4,1.5\n5 NA\n", 5)
    np.testing.assert_array_equal(by_position, np.array([0.5, np.nan, np.nan, 1.5, np.nan], np.float32))
    np.testing.assert_array_equal(reactivities("0.5\n1\n-0.1\n", 3), np.array([0.5, 1, -0.1], np.float32))
    np.testing.assert_array_equal(reactivities("position,reactivity\n2,0.25\n", 2), np.array([np.nan, 0.25], np.float32))
    np.testing.assert_array_equal(reactivities("1 G 0.5\n2 C 0.25\n", 2), np.array([0.5, 0.25], np.float32))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no reactivities"),
        ("0.1\n0.2", "2 reactivities for 3 bases"),
        ("9 0.1", "'9 0.1' names no position of 1 to 3"),
        ("1 0.1\n2 high", "'2 high' has no number"),
        ("1 -999\n2 -999", "None of the reactivities"),
        ("1 inf\n2 1", "no number"),
    ],
)
def test_what_is_no_reactivity_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(FileFormatError) as caught:
        reactivities(text, 3)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
