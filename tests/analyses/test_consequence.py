"""Consequences by hand on one small gene in each direction."""

from __future__ import annotations

import pytest

from engine.analyses.consequence import GeneModels, genetic_code
from engine.core.transcripts import Transcript
from engine.core.variants import Variant

#         0         1         2         3
#         0123456789012345678901234567890123456789
CONTIG = "TTTTTATGGCATGTAAGTTTTCAGGATTAACCCCCCCCCC" + "A" * 2000
# exon 1: 3..12 (UTR 3,4; ATG GCA T), intron 12..24 (GTAAGT...CAG), exon 2: 24..34 (GA TTA ... reads TGA TTA A?)
FORWARD = Transcript("t1", "FWD", "c", "+", ((3, 12), (24, 34)), ((5, 12), (24, 29)))
COMPLEMENT = str.maketrans("ACGT", "TGCA")
MIRROR = CONTIG.translate(COMPLEMENT)[::-1]


def mirrored(start: int, end: int) -> tuple[int, int]:
    return len(CONTIG) - end, len(CONTIG) - start


REVERSE = Transcript(
    "t2", "REV", "c", "-", tuple(sorted(mirrored(*i) for i in FORWARD.exons)), tuple(sorted(mirrored(*i) for i in FORWARD.coding))
)


def call(start: int, reference: str, alternate: str, *, reverse: bool) -> tuple[str, str]:
    """The same change of the transcript, on the forward gene or on its mirror image."""
    assert CONTIG[start : start + len(reference)] == reference
    if reverse:
        models = GeneModels([REVERSE], lambda contig, s, e: MIRROR[s:e])
        position = len(CONTIG) - start - len(reference) + 1
        complement = Variant("c", position, reference.translate(COMPLEMENT)[::-1], alternate.translate(COMPLEMENT)[::-1])
        return models.consequence("c", complement)
    return GeneModels([FORWARD], lambda contig, s, e: CONTIG[s:e]).consequence("c", Variant("c", start + 1, reference, alternate))


# coding letters: ATG GCA T|GA TTA → Met Ala stop Leu; the stop codon is split by the intron
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize(
    ("start", "reference", "alternate", "term"),
    [
        (5, "A", "G", "start_lost"),
        (8, "G", "T", "missense_variant"),  # GCA → TCA, Ala → Ser
        (10, "A", "T", "synonymous_variant"),  # GCA → GCT
        (11, "T", "C", "stop_lost"),  # TGA → CGA, across the intron
        (25, "A", "G", "stop_lost"),  # TGA → TGG
        (24, "G", "A", "stop_retained_variant"),  # TGA → TAA
        (27, "T", "A", "stop_gained"),  # TTA → TAA
        (12, "G", "A", "splice_donor_variant"),
        (13, "T", "A", "splice_donor_variant"),
        (14, "A", "T", "intron_variant"),
        (22, "A", "T", "splice_acceptor_variant"),
        (23, "G", "T", "splice_acceptor_variant"),
        (4, "T", "A", "5_prime_UTR_variant"),
        (30, "C", "A", "3_prime_UTR_variant"),
        (1, "T", "A", "upstream_gene_variant"),
        (40, "A", "C", "downstream_gene_variant"),
        (1100, "A", "C", "intergenic_variant"),
        (8, "GC", "TT", "coding_sequence_variant"),
    ],
)
def test_each_term_by_hand_on_both_strands(start: int, reference: str, alternate: str, term: str, reverse: bool) -> None:
    found, gene = call(start, reference, alternate, reverse=reverse)
    assert found == term
    assert gene == ("" if term == "intergenic_variant" else "REV" if reverse else "FWD")


@pytest.mark.parametrize(
    ("reference", "alternate", "term"),
    [
        ("G", "GA", "frameshift_variant"),
        ("G", "GAAA", "inframe_insertion"),
        ("GC", "G", "frameshift_variant"),
        ("GCAT", "G", "inframe_deletion"),
    ],
)
def test_lengths_decide_what_indels_in_coding_parts_are(reference: str, alternate: str, term: str) -> None:
    assert call(8, reference, alternate, reverse=False)[0] == term


def test_the_most_severe_of_several_genes_is_named_with_the_genes_it_holds_for() -> None:
    silent = Transcript("t3", "RNA", "c", "+", ((0, 40),))
    models = GeneModels([silent, FORWARD], lambda contig, s, e: CONTIG[s:e])
    assert models.consequence("c", Variant("c", 9, "G", "T")) == ("missense_variant", "FWD")
    assert models.consequence("c", Variant("c", 15, "A", "T")) == ("non_coding_transcript_exon_variant", "RNA")


def test_a_contig_without_genes_is_intergenic() -> None:
    assert GeneModels([FORWARD], lambda contig, s, e: "")._near("other", 0, 1) == []


def test_the_standard_code_has_three_stops_and_the_mitochondrial_ones_differ() -> None:
    assert sorted(codon for codon, letter in genetic_code(1).items() if letter == "*") == ["TAA", "TAG", "TGA"]
    assert genetic_code(1)["ATG"] == "M"
    assert (genetic_code(1)["TGG"], genetic_code(1)["GGA"], genetic_code(1)["AGA"]) == ("W", "G", "R")
    assert genetic_code(2)["TGA"] == "W"
    assert genetic_code(3)["CTG"] == "T"
    assert genetic_code(12)["CTG"] == "S"


def test_the_standard_code_is_that_of_biopython() -> None:
    from Bio.Data import CodonTable

    for table in (1, 2, 3, 4, 5, 11, 12):
        other = CodonTable.unambiguous_dna_by_id[table]
        ours = genetic_code(table)
        for codon, letter in ours.items():
            if codon in other.stop_codons:
                assert letter == "*", (table, codon)
            elif codon in other.forward_table:
                assert letter == other.forward_table[codon], (table, codon)
