"""Coordinates: worked out by hand on the ten bases 11-20 of a contig."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import LocusError
from engine.core.locus import Locus, Strand

FORWARD = Locus("R64", "chrIV", 10, 20)
REVERSE = FORWARD.flipped()


def test_a_locus_is_printed_1_based_inclusive() -> None:
    assert str(FORWARD) == "R64:chrIV:11-20"
    assert str(REVERSE) == "R64:chrIV:11-20:-"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R64:chrIV:11-20", FORWARD),
        ("R64:chrIV:11..20", FORWARD),
        (" R64:chrIV:11-20:- ", REVERSE),
        ("R64:chrIV:11-20 [rev]", REVERSE),
        ("R64:chrIV:1,011-2,020", Locus("R64", "chrIV", 1010, 2020)),
        ("chrIV:11-20", Locus("", "chrIV", 10, 20)),
    ],
)
def test_the_usual_spellings_are_read(text: str, expected: Locus) -> None:
    assert Locus.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "chrIV", "chrIV:20", "chrIV:20-11", "chrIV:0-5", "R64:chr IV:1-5", ":1-5", "chrIV:,-,", "chrIV:1_000-2_000"]
)
def test_what_is_not_a_locus_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(LocusError, match=r"[.]$"):
        Locus.parse(text)


def test_positions_run_backwards_on_the_reverse_strand() -> None:
    assert [FORWARD.position_of(i) for i in (0, 9)] == [11, 20]
    assert [REVERSE.position_of(i) for i in (0, 9)] == [20, 11]


def test_a_window_of_the_reverse_strand_counts_from_the_right_end() -> None:
    assert str(REVERSE.window(0, 3)) == "R64:chrIV:18-20:-"
    assert str(FORWARD.window(0, 3)) == "R64:chrIV:11-13"


@pytest.mark.parametrize("locus", [FORWARD, REVERSE])
def test_what_lies_inside_is_the_window_it_was_cut_from(locus: Locus) -> None:
    for start in range(9):
        part = locus.window(start, start + 2)
        assert locus.inside(part.start, part.end) == (start, start + 2)
    assert locus.inside(0, 12) == ((0, 2) if locus is FORWARD else (8, 10))
    assert locus.inside(5, 50) == (0, 10)
    assert locus.inside(0, 10) is locus.inside(20, 30) is None


def test_a_position_outside_names_what_is_allowed() -> None:
    with pytest.raises(LocusError, match="11 to 20"):
        FORWARD.index_of(21)


@given(st.integers(0, 10**9), st.integers(1, 10**6), st.sampled_from(Strand), st.data())
def test_printing_and_parsing_are_inverse_and_so_are_index_and_position(
    start: int, width: int, strand: Strand, data: st.DataObject
) -> None:
    locus = Locus("hg38", "chr1", start, start + width, strand)
    assert Locus.parse(str(locus)) == locus
    index = data.draw(st.integers(0, width - 1))
    assert locus.index_of(locus.position_of(index)) == index
