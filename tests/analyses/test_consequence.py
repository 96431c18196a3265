"""Consequences by hand on one small gene, read forward and as its mirror image."""

from __future__ import annotations

import pytest

from engine.core.consequences import IMPACTS, SEVERITY
from engine.core.transcripts import Part, Transcript
from engine.core.variants import Variant
from tests.analyses.gene_models import COMPLEMENT, Genome, first, mirror_of, mirrored, models

UPSTREAM = "TGTCTGTCTG"
EXON_1 = "CCACCATGGCATGGAA"  # 5' untranslated CCACC, then ATG GCA TGG AA
INTRON = "GTAAGTCCTTTTACTAACAG"
EXON_2 = "ACTTGATTAAGCATAGGCC"  # A CTT GAT TAA, then 3' untranslated GCATAGGCC
CONTIG = UPSTREAM + EXON_1 + INTRON + EXON_2 + "ACGTCGTATC" * 150
# ATG GCA TGG AA|A CTT GAT TAA: Met Ala Trp Lys Leu Asp stop. c.1 is base 15, c.11 base 25, c.12 base 46, the stop codon bases 53 to 55.
GENE = Transcript(
    "t1",
    "GENE",
    (Part(10, 26, True, "c"), Part(46, 65, True, "c")),
    (Part(15, 26, True, "c"), Part(46, 56, True, "c")),
)
FORWARD = models([GENE], c=CONTIG)
REVERSE = models([mirror_of(GENE, len(CONTIG))], c=mirrored(CONTIG))

SUBSTITUTIONS = [
    (15, "A", "G", "start_lost", "c.1A>G", "p.(Met1?)"),
    (16, "T", "C", "start_lost", "c.2T>C", "p.(Met1?)"),
    (15, "A", "C", "start_lost", "c.1A>C", "p.(Met1?)"),  # CTG, which NCBI's table 1 lists: lost nearly always in a nucleus
    (18, "G", "T", "missense_variant", "c.4G>T", "p.(Ala2Ser)"),  # GCA to TCA
    (20, "A", "T", "synonymous_variant", "c.6A>T", "p.(Ala2=)"),  # GCA to GCT
    (22, "G", "A", "stop_gained", "c.8G>A", "p.(Trp3Ter)"),  # TGG to TAG
    (24, "A", "G", "missense_variant&splice_region_variant", "c.10A>G", "p.(Lys4Glu)"),  # the last three bases of an exon
    (46, "A", "C", "missense_variant&splice_region_variant", "c.12A>C", "p.(Lys4Asn)"),  # AA|A to AA|C, across the intron
    (46, "A", "G", "splice_region_variant&synonymous_variant", "c.12A>G", "p.(Lys4=)"),
    (53, "T", "C", "stop_lost", "c.19T>C", "p.(Ter7GlnextTer2)"),  # CAA GCA TAG
    (55, "A", "G", "stop_retained_variant", "c.21A>G", "p.(Ter7=)"),  # TAA to TAG
    (26, "G", "A", "splice_donor_variant", "c.11+1G>A", "p.?"),
    (27, "T", "A", "splice_donor_variant", "c.11+2T>A", "p.?"),
    (28, "A", "G", "splice_region_variant&intron_variant", "c.11+3A>G", ""),
    (33, "C", "G", "splice_region_variant&intron_variant", "c.11+8C>G", ""),
    (34, "T", "C", "intron_variant", "c.11+9T>C", ""),
    (37, "T", "C", "intron_variant", "c.12-9T>C", ""),
    (38, "A", "G", "splice_region_variant&intron_variant", "c.12-8A>G", ""),
    (44, "A", "G", "splice_acceptor_variant", "c.12-2A>G", "p.?"),
    (45, "G", "C", "splice_acceptor_variant", "c.12-1G>C", "p.?"),
    (12, "A", "T", "5_prime_UTR_variant", "c.-3A>T", ""),
    (58, "A", "T", "3_prime_UTR_variant", "c.*3A>T", ""),
    (5, "G", "A", "upstream_gene_variant", "", ""),
    (70, "G", "A", "downstream_gene_variant", "", ""),
]
SEVERAL_BASES = [
    (21, "TGG", "CAA", "missense_variant&splice_region_variant", "c.7_9delinsCAA", "p.(Trp3Gln)"),
    (18, "GCA", "TAA", "stop_gained", "c.4_5delinsTA", "p.(Ala2Ter)"),  # bases make a stop that none makes alone
    (19, "CAT", "ATG", "missense_variant", "c.5_7inv", "p.(Ala2_Trp3delinsAspGly)"),  # GCA TGG to GAT GGG
    (52, "TTA", "CCA", "stop_lost", "c.18_19delinsCC", "p.(Ter7GlnextTer2)"),  # GAT TAA to GAC CAA
    (51, "ATT", "GTT", "missense_variant", "c.17A>G", "p.(Asp6Gly)"),  # padded at the right
    (25, "AG", "TT", "splice_donor_variant&coding_sequence_variant", "c.11_11+1delinsTT", "p.?"),
]
INDELS = [
    (20, "A", "AC", "frameshift_variant", "c.6_7insC", "p.(Trp3LeufsTer4)"),  # ATG GCA CTG GAA ACT TGA
    (22, "GG", "G", "frameshift_variant", "c.9del", "p.(Trp3Ter)"),  # ATG GCA TGA; the 3' one of two G
    (18, "GCAT", "T", "inframe_deletion", "c.4_6del", "p.(Ala2del)"),
    (20, "A", "AGCA", "inframe_insertion", "c.4_6dup", "p.(Ala2dup)"),
    (20, "A", "ATAA", "stop_gained&inframe_insertion", "c.7_8insAAT", "p.(Trp3Ter)"),
    (19, "C", "CTTC", "inframe_insertion", "c.5_6insTTC", "p.(Ala2_Trp3insSer)"),  # GCT TCA
    (14, "CATG", "C", "start_lost", "c.1_3del", "p.(Met1?)"),
    (14, "C", "CG", "5_prime_UTR_variant", "c.-1_1insG", ""),  # in front of the start codon
    (15, "A", "AATGA", "5_prime_UTR_variant", "c.1_2insATGA", ""),  # A|ATGA|TG is AATG in front of ATG
    (52, "TTAA", "T", "stop_lost&inframe_deletion", "c.19_21del", "p.(Ter7AlaextTer1)"),  # GAT GCA TAG
    (52, "T", "TGGC", "inframe_insertion", "c.18_19insGGC", "p.(Asp6_Ter7insGly)"),
    (52, "T", "TTGA", "stop_retained_variant", "c.19_20insGAT", "p.(Ter7=)"),  # GAT TGA TAA
    (54, "AA", "A", "stop_retained_variant", "c.21del", "p.(Ter7=)"),  # TAA GCA to TAG CA
    (55, "A", "AC", "3_prime_UTR_variant", "c.21_*1insC", ""),  # behind the stop codon
    (25, "A", "AC", "frameshift_variant&splice_region_variant", "c.11_11+1insC", "p.(Lys4AsnfsTer3)"),  # AAC ACT TGA; GT stays
    (22, "GGAAGT", "G", "splice_donor_variant&coding_sequence_variant", "c.9_11+2del", "p.?"),
    (24, "AAGT", "A", "splice_donor_variant&intron_variant", "c.11+1_11+3del", "p.?"),  # AGT of the exon or GTA of the intron
    (23, "GAAGT", "G", "splice_region_variant&intron_variant", "c.11+3_11+6del", ""),  # AA|GTAAGT to AA|GT: the site stands again
    (43, "CAG", "C", "splice_acceptor_variant", "c.12-1_12del", "p.?"),  # AG of the intron, or its G with the A of the exon
    (30, "G", "GAA", "splice_region_variant&intron_variant", "c.11+5_11+6insAA", ""),
    (9, "GCCACCATGG", "G", "start_lost&5_prime_UTR_variant", "c.-4_5del", "p.(Met1?)"),
    (0, CONTIG[:70], "T", "transcript_ablation", "", ""),
]


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize(
    ("start", "reference", "alternate", "terms", "on_transcript", "in_protein"), SUBSTITUTIONS + SEVERAL_BASES + INDELS
)
def test_each_consequence_by_hand_on_both_strands(
    start: int, reference: str, alternate: str, terms: str, on_transcript: str, in_protein: str, reverse: bool
) -> None:
    assert CONTIG[start : start + len(reference)] == reference
    if reverse:
        start = len(CONTIG) - start - len(reference)
        reference, alternate = mirrored(reference), mirrored(alternate)
    found = first(REVERSE if reverse else FORWARD, "c", start + 1, reference, alternate)
    assert ("&".join(found.terms), found.hgvs_c, found.hgvs_p) == (terms, on_transcript, in_protein)
    assert (found.gene, found.transcript, found.note) == ("GENE", "t1", "")


def test_bases_that_pad_the_alleles_change_nothing() -> None:
    plain = first(FORWARD, "c", 23, "G", "A")
    assert first(FORWARD, "c", 20, CONTIG[19:30], CONTIG[19:22] + "A" + CONTIG[23:30]) == plain


def test_far_from_every_gene_is_intergenic() -> None:
    assert first(FORWARD, "c", 1000, CONTIG[999], "A" if CONTIG[999] != "A" else "C").term == "downstream_gene_variant"
    far = first(FORWARD, "c", 1100, CONTIG[1099], "A" if CONTIG[1099] != "A" else "C")
    assert (far.terms, far.gene, far.transcript) == (("intergenic_variant",), "", "")


def test_the_same_letters_and_symbolic_alleles_have_no_consequence() -> None:
    assert FORWARD.consequences("c", Variant("c", 23, "G", "G")) == ()
    assert FORWARD.consequences("c", Variant("c", 23, "G", "<DEL>")) == ()


def test_isoforms_are_told_apart_and_the_most_severe_comes_first() -> None:
    """The second isoform skips nothing and is not translated; the third begins behind the change."""
    silent = Transcript("t2", "GENE", (Part(10, 65, True, "c"),))
    late = Transcript("t3", "GENE", (Part(46, 65, True, "c"),), (Part(47, 56, True, "c"),), start_known=False)
    found = models([silent, late, GENE], c=CONTIG).consequences("c", Variant("c", 23, "G", "A"))
    assert [(item.transcript, item.term, item.hgvs_c) for item in found] == [
        ("t1", "stop_gained", "c.8G>A"),
        ("t2", "non_coding_transcript_exon_variant", "n.13G>A"),
        ("t3", "upstream_gene_variant", ""),
    ]


def test_of_equally_severe_isoforms_the_one_that_the_annotation_prefers_comes_first() -> None:
    preferred = Transcript("t2", "GENE", GENE.exons, GENE.coding, preferred=True)
    found = models([GENE, preferred], c=CONTIG).consequences("c", Variant("c", 23, "G", "A"))
    assert [item.transcript for item in found] == ["t2", "t1"]


def test_a_gap_of_twelve_bases_is_no_intron_and_one_of_thirteen_is() -> None:
    for gap, term in ((12, "coding_sequence_variant"), (13, "splice_donor_variant")):
        contig = "CCCCCCCCCC" + "ATGGCA" + "T" * gap + "TGGTAA" + "C" * 30
        parts = (Part(10, 16, True, "c"), Part(16 + gap, 22 + gap, True, "c"))
        assert first(models([Transcript("t", "g", parts, parts)], c=contig), "c", 17, "T", "A").term == term


def test_a_short_gap_between_exons_that_are_not_coding_is_an_intron_without_splice_sites() -> None:
    contig = "C" * 60
    exons = (Part(10, 20, True, "c"), Part(24, 30, True, "c"), Part(40, 50, True, "c"))
    silent = models([Transcript("t", "g", exons)], c=contig)
    leader = models([Transcript("t", "g", exons, (Part(40, 49, True, "c"),))], c=contig)
    for found in (silent, leader):
        assert first(found, "c", 22, "C", "A").terms == ("intron_variant",)


def test_an_unknown_base_in_a_codon_leaves_its_amino_acid_open_unless_all_readings_agree() -> None:
    contig = "CCCCCATGGCNTGNTAACCCCC"
    part = (Part(5, 17, True, "c"),)
    found = models([Transcript("t", "g", part, part)], c=contig)
    assert first(found, "c", 9, "G", "T").hgvs_p == "p.(Ala2Ser)"  # GCN is Ala, TCN is Ser
    assert first(found, "c", 12, "T", "C").term == "coding_sequence_variant"  # TGN is Cys, Trp or a stop


def test_a_change_over_two_contig_ends_is_read_as_far_as_there_are_letters() -> None:
    part = (Part(0, 9, True, "c"),)
    found = models([Transcript("t", "g", part, part)], c="ATGGCATAA")
    assert first(found, "c", 7, "T", "C").hgvs_p == "p.(Ter3GlnextTer?)"
    assert first(found, "c", 1, "AT", "T").term == "start_lost"


def test_every_term_has_an_impact_class_and_the_high_ones_come_first() -> None:
    assert [IMPACTS[term] for term in SEVERITY] == sorted(IMPACTS.values(), key=["HIGH", "MODERATE", "LOW", "MODIFIER"].index)


def test_a_contig_without_genes_is_intergenic() -> None:
    found = models([GENE], c=CONTIG, d=CONTIG)
    assert first(found, "d", 23, "G", "A").term == "intergenic_variant"
    assert Genome({"c": CONTIG}).extent("c", 5) == (0, len(CONTIG))
    assert mirrored("ACG") == "ACG".translate(COMPLEMENT)[::-1]
