"""Proteins and their substitutions in the spellings that biologists use."""

from __future__ import annotations

import pytest

from engine.core.errors import InputError
from engine.core.proteins import Substitution
from engine.sources.protein_text import read_protein_line

V2M = Substitution("P13569", 2, "V", "M")


@pytest.mark.parametrize("line", ["P13569:V2M", "p13569:v2m", "P13569:p.Val2Met", "P13569:p.(Val2Met)", "P13569 V2M", " P13569 : V2M "])
def test_a_substitution_is_read_in_every_usual_spelling(line: str) -> None:
    assert read_protein_line(line) == ("P13569", V2M)


def test_a_protein_alone_and_an_isoform_are_read() -> None:
    assert read_protein_line("A0A024R1R8") == ("A0A024R1R8", None)
    found = read_protein_line("Q8NH21-2:M1A")
    assert found is not None
    assert str(found[1]) == "Q8NH21-2:M1A"


@pytest.mark.parametrize("line", ["chr7:117480098 G>A", "BRCA1", "chr17-43094464-A-G", "rs699", "", "ACGTACGT"])
def test_what_names_no_protein_is_left_to_others(line: str) -> None:
    assert read_protein_line(line) is None


@pytest.mark.parametrize("change", ["V2", "V2V", "p.Val2Ter", "V0M", "B2M", "Val2fs", "c.3G>A"])
def test_a_change_that_is_no_substitution_of_one_amino_acid_is_one_sentence(change: str) -> None:
    with pytest.raises(InputError, match="no substitution of one amino acid; write it such as P13569:G551D"):
        read_protein_line(f"P13569:{change}")
