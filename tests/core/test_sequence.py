"""Sequences check themselves and know their complement."""

from __future__ import annotations

import hashlib

import pytest

from engine.core.errors import SequenceError
from engine.core.locus import Locus, Strand
from engine.core.sequence import Alphabet, NucleotideSequence


def test_the_reverse_complement_of_iupac_letters_follows_the_table() -> None:
    assert NucleotideSequence("AACGTRYKMN").reverse_complement().letters == "NKMRYACGTT"
    assert NucleotideSequence("GGAUC", Alphabet.RNA).reverse_complement().letters == "GAUCC"


def test_what_is_called_by_its_place_is_called_by_that_of_its_other_strand_and_of_its_parts() -> None:
    place = Locus("R64", "chrI", 4, 9, Strand.REVERSE)
    for name in ("R64:chrI:5-9:-", "R64:chrI:5-9(-)", "R64:chrI:5..9:-"):
        sequence = NucleotideSequence("AACGT", locus=place, name=name)
        assert sequence.reverse_complement().name == "R64:chrI:5-9"
        assert sequence.window(0, 2).name == "R64:chrI:8-9:-"
        assert sequence.window(0, 5).reverse_complement().reverse_complement().name == "R64:chrI:5-9:-"
    for name in ("UBC4", "", "R64:chrI:50-99:-", "chrI:5-9"):  # not its place
        assert NucleotideSequence("AACGT", locus=place, name=name).reverse_complement().name == name


def test_the_reverse_complement_keeps_its_place_on_the_other_strand() -> None:
    sequence = NucleotideSequence("AACG", locus=Locus("R64", "chrI", 4, 8))
    assert str(sequence.reverse_complement().locus) == "R64:chrI:5-8:-"


def test_a_window_takes_letters_and_locus_together() -> None:
    sequence = NucleotideSequence("AACGT", locus=Locus("R64", "chrI", 4, 9)).reverse_complement()
    window = sequence.window(0, 2)
    assert (window.letters, str(window.locus)) == ("AC", "R64:chrI:8-9:-")


def test_rna_and_its_dna_share_a_hash() -> None:
    assert NucleotideSequence("ACGU", Alphabet.RNA).sha256 == NucleotideSequence("ACGT").sha256 == hashlib.sha256(b"ACGT").hexdigest()


@pytest.mark.parametrize(
    ("letters", "words"), [("", "empty"), ("ACGJ", "'J' at position 4"), ("acgt", "'a' at position 1"), ("ACGU", "'U' at position 4")]
)
def test_letters_outside_the_alphabet_are_named_with_their_place(letters: str, words: str) -> None:
    with pytest.raises(SequenceError, match=words):
        NucleotideSequence(letters)


def test_a_locus_of_another_width_is_refused() -> None:
    with pytest.raises(SequenceError, match="spans 9 bp"):
        NucleotideSequence("ACGT", locus=Locus("", "c", 0, 9))


def test_letters_stay_out_of_the_representation() -> None:
    assert "ACGT" not in repr(NucleotideSequence("ACGT"))


def test_ambiguous_letters_are_counted() -> None:
    assert NucleotideSequence("ACGTNRN").ambiguous_count == 3
