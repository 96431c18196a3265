"""Codons in the frame of the annotation, on both strands and in windows that cut them."""

from __future__ import annotations

import pytest

from engine.analyses.genetic_code import genetic_code
from engine.core.features import Feature
from engine.core.locus import Locus
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.sources.genetic_codes import organism_of, with_usual_codes
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.figure import locus_figure
from engine.views.panels.codons import belongs, code_of, codons

GENE = "ATGGCCAAATAA"  # M A K stop


def coding(start: int, end: int, strand: str = "+", phase: str = "0", **more: str) -> Feature:
    return Feature("CDS", "g", start, end, strand, "c", {"phase": phase, **more})


def test_codons_are_read_in_the_stated_frame_on_either_strand() -> None:
    assert codons(coding(2, 14), f"CC{GENE}CC") == [(2, "M"), (5, "A"), (8, "K"), (11, "*")]
    assert codons(coding(2, 12, phase="1"), f"CCA{GENE}") == [(3, "M"), (6, "A"), (9, "K")]
    reverse = NucleotideSequence(GENE).reverse_complement().letters
    assert codons(coding(1, 13, "-"), f"C{reverse}C") == [(10, "M"), (7, "A"), (4, "K"), (1, "*")]
    assert codons(coding(0, 3, transl_table="4"), "TGA") == [(0, "W")]
    assert codons(coding(0, 3), "NTG") == [(0, "X")]


def test_a_part_that_a_window_cuts_keeps_its_frame() -> None:
    for low in range(10):
        for strand in "+-":
            whole = coding(0, 12, strand)
            letters = GENE if strand == "+" else NucleotideSequence(GENE).reverse_complement().letters
            part = whole.relative_to(Locus("toy", "c", low, 12))
            assert part is not None
            expected = [(at - low, acid) for at, acid in codons(whole, letters) if at >= low]
            assert codons(part, letters[low:]) == expected
            turned = whole.relative_to(Locus("toy", "c", low, 12, "-"))  # type: ignore[arg-type]
            assert turned is not None
            back = NucleotideSequence(letters[low:]).reverse_complement().letters
            assert [acid for _, acid in codons(turned, back)] == [acid for _, acid in expected]


def test_the_panel_stands_where_the_frame_is_known_and_says_the_amino_acids() -> None:
    given = NucleotideSequence(f"CC{GENE}CC", Alphabet.DNA, Locus("toy", "c", 0, 16))
    evidence = LocusEvidence(given, {}, (coding(2, 14),))
    panel = next(one for one in locus_figure(evidence, FigureStyle(live=True)).layout.meta["panels"] if one["id"] == "codons")
    assert [label["text"] for label in panel["labels"]] == ["M", "A", "K", "*"]
    assert panel["near"][1] - panel["far"][1] == pytest.approx(12)  # letters, and boxes alone further down
    assert not belongs(LocusEvidence(given, {}, (Feature("CDS", "g", 2, 14, "+"),)))
    for name in ("NC_001224.1", "NC_012920.1", "dmel_mitochondrion_genome", "mitochondrion", "chrMT"):
        part = Feature("CDS", "g", 2, 14, "+", name, {"phase": "0"})
        assert not belongs(LocusEvidence(NucleotideSequence(given.letters), {}, (part,))), name
    assert code_of(Feature("CDS", "g", 0, 3, "+", "chrPt")) is genetic_code(11)
    yeast = organism_of(["Saccharomyces cerevisiae S288C"])
    (known,) = with_usual_codes([Feature("CDS", "g", 0, 3, "+", "chrM", {"phase": "0"})], "chrM", yeast)
    assert code_of(known) is genetic_code(3)
    (nuclear,) = with_usual_codes([Feature("CDS", "g", 0, 3, "+", "c", {"phase": "0"})], "Ca22chr1A", organism_of(["Candida albicans"]))
    assert codons(nuclear, "CTG") == [(0, "S")]
    mitochondrion = NucleotideSequence(given.letters, Alphabet.DNA, Locus("toy", "chrM", 0, 16))
    assert not belongs(LocusEvidence(mitochondrion, {}, (coding(2, 14),)))
    assert belongs(LocusEvidence(mitochondrion, {}, (coding(2, 14, transl_table="3"),)))


@pytest.mark.parametrize("table", ["²", "9" * 5000, "99", "-1", "١", "1.0"])
def test_a_table_that_there_is_not_hides_the_panel(table: str) -> None:
    given = NucleotideSequence(f"CC{GENE}CC")
    assert not belongs(LocusEvidence(given, {}, (coding(2, 14, transl_table=table),)))
    assert codons(coding(2, 14, transl_table=table), given.letters) == []
