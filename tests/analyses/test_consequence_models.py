"""Consequences by hand where the gene model is not a plain one: phase, order, strand, circle, frameshift, code, recoded codons."""

from __future__ import annotations

import pytest

from engine.analyses.genetic_code import genetic_code
from engine.core.transcripts import Transcripts
from engine.sources.transcripts import transcripts_of
from tests.analyses.gene_models import first, mirrored, models_of

FLANK = "CCTCTCCTCT"  # no start, no stop, ten bases


def test_the_phase_of_the_first_part_says_where_the_first_codon_begins() -> None:
    """Phase 2: GC, then TAC GAA TAA. C of TAC to A is a stop; by phase 0 it would be GCT ACG, Thr to Lys."""
    contig = FLANK + "GCTACGAATAA" + FLANK
    found = models_of("c x CDS 11 21 . + 2 ID=a;Parent=g", {"c": contig})
    assert first(found, "c", 15, "C", "A").hgvs_p == "p.(Tyr1Ter)"
    assert first(found, "c", 11, "G", "A").terms == ("coding_sequence_variant",)  # of the codon that is not all there
    reverse = models_of("c x CDS 11 21 . - 2 ID=a;Parent=g", {"c": mirrored(contig)})
    assert first(reverse, "c", 17, "G", "T").hgvs_p == "p.(Tyr1Ter)"


def test_a_sequence_without_its_start_loses_none() -> None:
    found = models_of("c x CDS 11 16 . + 0 ID=a;Parent=g;partial=true;start_range=.,11", {"c": FLANK + "ATGTAA" + FLANK})
    assert first(found, "c", 11, "A", "G").hgvs_p == "p.(Met1Val)"


def test_parts_are_read_in_the_order_of_the_strand_whatever_the_order_of_the_lines() -> None:
    contig = FLANK + "TTACAT" + "C" * 20 + "ACCCAT" + FLANK  # read in reverse: ATG GGT | ATG TAA
    lines = ["c x CDS 11 16 . - 0 ID=a;Parent=t", "c x CDS 37 42 . - 0 ID=a;Parent=t", "c x mRNA 11 42 . - . ID=t;Parent=g"]
    for order in (lines, lines[::-1]):
        found = models_of("\n".join(order), {"c": contig})
        assert first(found, "c", 38, "C", "A").hgvs_p == "p.(Gly2Val)"
        assert first(found, "c", 11, "T", "G").hgvs_p == "p.(Ter4TyrextTer?)"


def test_a_base_that_is_read_twice_changes_both_codons() -> None:
    """Slippage by one base back: ATG GCA | AAA TAA with the second A of GCA|A read twice. GCA AAA becomes GCT TAA."""
    contig = FLANK + "ATGGCAAATAA" + FLANK
    lines = "c x CDS 11 16 . + 0 ID=a;Parent=g;exception=ribosomal slippage\nc x CDS 16 21 . + 0 ID=a;Parent=g;exception=ribosomal slippage"
    found = models_of(lines, {"c": contig})
    assert first(found, "c", 16, "A", "T").hgvs_p == "p.(Lys3Ter)"
    assert first(found, "c", 16, "A", "T").term == "stop_gained"
    assert first(found, "c", 19, "T", "C").term == "stop_lost"


def test_a_base_that_the_ribosome_skips_is_neither_an_intron_nor_a_codon() -> None:
    """Slippage by one base on: ATG GCA (T) AAA TAA."""
    lines = "c x CDS 11 16 . + 0 ID=a;Parent=g\nc x CDS 18 23 . + 0 ID=a;Parent=g"
    found = models_of(lines, {"c": FLANK + "ATGGCATAAATAA" + FLANK})
    skipped = first(found, "c", 17, "T", "C")
    assert (skipped.terms, skipped.note) == (("coding_sequence_variant",), "a leaves this out between two coding parts.")
    assert first(found, "c", 18, "A", "T").hgvs_p == "p.(Lys3Ter)"
    assert first(found, "c", 17, "TA", "CC").hgvs_p == "p.(Lys3Gln)"  # the skipped base and the first of AAA


def test_parts_on_both_strands_are_joined_as_they_are_numbered() -> None:
    """Trans-splicing: ATG GCA from the reverse strand, then TGG TAA from the forward one."""
    contig = FLANK + "TGGTAA" + FLANK + FLANK + FLANK + "TGCCAT" + FLANK
    lines = "c x CDS 47 52 . - 0 ID=a;Parent=g;exception=trans-splicing;part=1\nc x CDS 11 16 . + 0 ID=a;Parent=g;exception=trans-splicing;part=2"
    for text in (lines, "\n".join(lines.splitlines()[::-1])):
        found = models_of(text, {"c": contig})
        assert first(found, "c", 12, "G", "A").hgvs_p == "p.(Trp3Ter)"
        assert first(found, "c", 52, "T", "C").term == "start_lost"
        assert first(found, "c", 46, "T", "A").term == "splice_donor_variant"  # behind the part that is read in reverse


def test_trans_spliced_parts_on_two_contigs_are_one_gene() -> None:
    lines = "c x CDS 11 16 . + 0 ID=a;Parent=g;exception=trans-splicing;part=1\nd x CDS 11 16 . - 0 ID=a;Parent=g;exception=trans-splicing;part=2"
    found = models_of(lines, {"c": FLANK + "ATGGCA" + FLANK, "d": FLANK + "TTACCA" + FLANK})
    assert first(found, "d", 15, "C", "T").hgvs_p == "p.(Trp3Ter)"


def test_one_name_on_two_contigs_is_two_transcripts() -> None:
    lines = "\n".join(f'{c} x CDS 11 16 . + 0 gene_id "g"; transcript_id "t";' for c in ("X", "Y"))
    found = models_of(lines, {"X": FLANK + "ATGTGGTAA" + FLANK, "Y": FLANK + "ATGTGGTAA" + FLANK})
    for contig in ("X", "Y"):
        assert first(found, contig, 15, "G", "A").hgvs_p == "p.(Trp2Ter)"


@pytest.mark.parametrize(
    "lines",
    [
        "c x CDS 10 18 . + 0 ID=a;Parent=g",  # as GFF3 has it: the end goes on beyond the contig
        "c x CDS 10 12 . + 0 ID=a;Parent=g\nc x CDS 1 6 . + 0 ID=a;Parent=g",
        "c x CDS 1 6 . + 0 ID=a;Parent=g\nc x CDS 10 12 . + 0 ID=a;Parent=g",
    ],
)
def test_a_gene_over_the_origin_of_a_circle_is_read_through(lines: str) -> None:
    found = models_of("c x region 1 12 . + . ID=c;Is_circular=true\n" + lines, {"c": "TGGTAACCCATG"})
    assert first(found, "c", 2, "G", "A").hgvs_p == "p.(Trp2Ter)"
    assert first(found, "c", 12, "G", "A").term == "start_lost"
    assert first(found, "c", 1, "T", "C").terms == ("missense_variant",)  # no intron, no splice site at the origin
    assert first(found, "c", 12, "G", "GTAA").hgvs_p == "p.(Trp2Ter)"  # letters that come in right at the origin


def test_a_gene_over_the_origin_is_read_in_reverse() -> None:
    """The circle of the test before, turned over: 1 becomes 12. The gene then begins at 1 and goes down over the origin."""
    lines = "c x region 1 12 . + . ID=c;Is_circular=true\nc x CDS 7 15 . - 0 ID=a;Parent=g"
    found = models_of(lines, {"c": mirrored("TGGTAACCCATG")})
    assert first(found, "c", 11, "C", "T").hgvs_p == "p.(Trp2Ter)"
    assert first(found, "c", 1, "C", "T").term == "start_lost"


def test_a_coding_part_beyond_the_end_of_the_contig_is_said_and_not_guessed() -> None:
    found = models_of("c x CDS 11 30 . + 0 ID=a;Parent=g", {"c": FLANK + "ATGGCATGG"})
    lost = first(found, "c", 15, "C", "A")
    assert lost.terms == ("coding_sequence_variant",)
    assert "cannot be read" in lost.note
    assert "c:11-30" in lost.note


def test_the_stop_codon_that_gtf_leaves_out_belongs_to_the_coding_sequence() -> None:
    contig = FLANK + "ATGTGGTAA" + "GCATAG" + FLANK
    lines = [
        f'c x {kind} {start} {end} . + 0 gene_id "g"; transcript_id "t";'
        for kind, start, end in (("exon", 11, 25), ("CDS", 11, 16), ("stop_codon", 17, 19))
    ]
    for text in (lines, lines[:2]):  # with its own line, and found in the letters
        found = models_of("\n".join(text), {"c": contig})
        assert first(found, "c", 17, "T", "C").hgvs_p == "p.(Ter3GlnextTer2)"
        assert first(found, "c", 20, "G", "A").terms == ("3_prime_UTR_variant",)
    bare = models_of(lines[1], {"c": contig})  # neither exons nor a stop codon: the next three letters are one
    assert first(bare, "c", 17, "T", "C").hgvs_p == "p.(Ter3GlnextTer2)"
    assert first(bare, "c", 20, "G", "A").terms == ("downstream_gene_variant",)


def test_a_stop_codon_that_an_intron_splits_is_put_together() -> None:
    contig = FLANK + "ATGTGGT" + "GT" + "C" * 20 + "AG" + "AA" + FLANK
    lines = [
        f'c x {kind} {start} {end} . + 0 gene_id "g"; transcript_id "t";'
        for kind, start, end in (("exon", 11, 17), ("exon", 42, 43), ("CDS", 11, 16), ("stop_codon", 17, 17), ("stop_codon", 42, 43))
    ]
    found = models_of("\n".join(lines), {"c": contig})
    assert first(found, "c", 43, "A", "G").term == "splice_region_variant"
    assert first(found, "c", 43, "A", "G").terms[-1] == "stop_retained_variant"
    assert first(found, "c", 17, "T", "C").term == "stop_lost"


def test_selenocysteine_is_an_amino_acid_and_a_stop_when_its_codon_becomes_another_stop() -> None:
    contig = FLANK + "ATGTGATGGTAA" + FLANK
    found = models_of("c x CDS 11 22 . + 0 ID=a;Parent=g;transl_except=(pos:14..16%2Caa:Sec)", {"c": contig})
    assert first(found, "c", 16, "A", "C").hgvs_p == "p.(Sec2Cys)"
    assert first(found, "c", 15, "G", "A").terms == ("stop_gained",)  # TGA to TAA
    split = "c x CDS 11 15 . + 0 ID=a;Parent=g;{0}\nc x CDS 36 42 . + 1 ID=a;Parent=g;{0}"
    split = split.format("transl_except=(pos:join(14..15%2C36..36)%2Caa:Sec)")
    found = models_of(split, {"c": FLANK + "ATGTG" + "GT" + "C" * 16 + "AG" + "ATGGTAA" + FLANK})
    assert first(found, "c", 14, "T", "A").hgvs_p == "p.(Sec2Arg)"
    gtf = 'c x CDS 11 19 . + 0 gene_id "g"; transcript_id "t";\nc x Selenocysteine 14 16 . + . gene_id "g"; transcript_id "t";'
    assert first(models_of(gtf, {"c": contig}), "c", 16, "A", "C").hgvs_p == "p.(Sec2Cys)"


def test_a_stop_that_polyadenylation_completes_can_be_lost() -> None:
    """ATG GCA T, then AA of the tail: the stop of many mitochondrial genes."""
    contig = FLANK + "ATGGCAT" + FLANK
    found = models_of("c x CDS 11 17 . + 0 ID=a;Parent=g;transl_table=2;transl_except=(pos:17%2Caa:TERM)", {"c": contig})
    assert first(found, "c", 17, "T", "C").hgvs_p == "p.(Ter3GlnextTer?)"
    assert first(found, "c", 17, "T", "C").term == "stop_lost"


def test_an_incomplete_last_codon_is_no_stop() -> None:
    found = models_of("c x CDS 11 17 . + 0 ID=a;Parent=g", {"c": FLANK + "ATGGCAT" + FLANK})
    assert first(found, "c", 17, "T", "C").terms == ("incomplete_terminal_codon_variant", "coding_sequence_variant")


@pytest.mark.parametrize(
    ("table", "codon", "term"),
    [
        (11, "GTG", "start_retained_variant"),
        (11, "TTG", "start_retained_variant"),
        (11, "AAG", "start_lost"),
        (4, "ATT", "start_retained_variant"),
        (1, "CTG", "start_lost"),
        (12, "CTG", "start_lost"),
        (1, "GTG", "start_lost"),
    ],
)
def test_start_codons_are_those_of_the_table(table: int, codon: str, term: str) -> None:
    found = models_of(f"c x CDS 11 19 . + 0 ID=a;Parent=g;transl_table={table}", {"c": FLANK + "ATGGCATAA" + FLANK})
    assert first(found, "c", 11, "ATG", codon).term == term


def test_a_gene_that_begins_with_gtg_begins_with_methionine() -> None:
    found = models_of("c x CDS 11 19 . + 0 ID=a;Parent=g;transl_table=11", {"c": FLANK + "GTGGCATAA" + FLANK})
    assert first(found, "c", 11, "G", "A").hgvs_p == "p.(Met1=)"
    assert first(found, "c", 12, "T", "C").term == "start_lost"


@pytest.mark.parametrize(("table", "amino_acid"), [(2, "Trp"), (3, "Trp"), (4, "Trp"), (10, "Cys"), (25, "Gly"), (11, "Ter"), (1, "Ter")])
def test_tga_is_read_by_the_table(table: int, amino_acid: str) -> None:
    """TCA, Ser in all of them, becomes TGA."""
    found = models_of(f"c x CDS 11 22 . + 0 ID=a;Parent=g;transl_table={table}", {"c": FLANK + "ATGTCAGCATAG" + FLANK})
    assert first(found, "c", 15, "C", "G").hgvs_p == f"p.(Ser2{amino_acid})"


def test_a_table_that_ncbi_does_not_have_is_an_error_of_that_transcript_alone() -> None:
    lines = "c x CDS 11 19 . + 0 ID=a;Parent=g;transl_table=99\nc x CDS 11 19 . + 0 ID=b;Parent=h;transl_table=11"
    found = models_of(lines, {"c": FLANK + "ATGGCATAA" + FLANK})
    other, broken = first(found, "c", 15, "C", "A"), found.consequences("c", _variant(15, "C", "A"))[1]
    assert other.hgvs_p == "p.(Ala2Glu)"
    assert broken.terms == ("coding_sequence_variant",)
    assert "NCBI does not have" in broken.note


def test_every_table_is_biopythons() -> None:
    from Bio.Data import CodonTable

    for table, theirs in CodonTable.unambiguous_dna_by_id.items():
        ours = genetic_code(table)
        assert ours is not None
        assert {codon for codon, letter in ours.amino_acids.items() if letter == "*"} == set(theirs.stop_codons) - set(theirs.forward_table)
        assert all(ours.amino_acids[codon] == letter for codon, letter in theirs.forward_table.items())
        assert ours.starts == set(theirs.start_codons)
    assert genetic_code(7) is None


def test_a_codon_that_is_a_stop_only_at_the_end_is_an_amino_acid_elsewhere() -> None:
    """Table 27: TGA is Trp inside a gene and the only stop at its end."""
    found = models_of("c x CDS 11 22 . + 0 ID=a;Parent=g;transl_table=27", {"c": FLANK + "ATGTGCGCATGA" + FLANK})
    assert first(found, "c", 16, "C", "A").hgvs_p == "p.(Cys2Trp)"
    assert first(found, "c", 21, "G", "C").term == "stop_lost"
    assert first(found, "c", 19, "A", "AGCA").term == "inframe_insertion"  # the stop at the end is still the end


def test_phases_that_do_not_fit_are_an_error_only_when_the_reading_meets_a_stop() -> None:
    parts = "c x CDS 11 16 . + 0 ID=a;Parent=t\nc x CDS 37 43 . + {} ID=a;Parent=t\nc x mRNA 11 43 . + . ID=t"
    clean, stopped = FLANK + "ATGGCA" + "C" * 20 + "GGTCAAG" + FLANK, FLANK + "ATGGCA" + "C" * 20 + "TAACAAG" + FLANK
    assert first(models_of(parts.format(2), {"c": clean}), "c", 38, "G", "C").hgvs_p == "p.(Gly3Ala)"
    broken = first(models_of(parts.format(2), {"c": stopped}), "c", 40, "C", "G")
    assert broken.terms == ("coding_sequence_variant",)
    assert "phases" in broken.note


def test_a_pseudogene_is_transcribed_and_not_translated() -> None:
    found = models_of("c x CDS 11 19 . + 0 ID=a;Parent=g;pseudo=true", {"c": FLANK + "ATGTGGTAA" + FLANK})
    assert first(found, "c", 15, "G", "A").terms == ("non_coding_transcript_exon_variant",)


MITOCHONDRION = "{} x CDS 11 22 . + 0 ID=a;Parent=g"
YEAST = "# Saccharomyces cerevisiae S288C genome (version=R64-2-1)\n"


@pytest.mark.parametrize("contig", ["chrM", "chrMT", "MT", "Mito", "mitochondrion", "NC_012920.1"])
def test_a_mitochondrion_without_a_stated_table_is_asked_for_and_not_read_by_table_1(contig: str) -> None:
    found = models_of(MITOCHONDRION.format(contig), {contig: FLANK + "ATGTCAGCATAG" + FLANK})
    asked = first(found, contig, 15, "C", "G")
    assert asked.terms == ("coding_sequence_variant",)
    assert f"{contig} is a mitochondrion and the annotation states no genetic code; state it" in asked.note
    assert asked.genetic_code == 0


def test_a_mitochondrion_is_read_by_the_usual_table_of_the_organism_and_says_so() -> None:
    found = models_of(YEAST + MITOCHONDRION.format("chrMT"), {"chrMT": FLANK + "ATGTCAGCATAG" + FLANK})
    read = first(found, "chrMT", 15, "C", "G")
    assert (read.hgvs_p, read.genetic_code) == ("p.(Ser2Trp)", 3)
    assert read.note == "Read by the genetic code 3, the usual one of Saccharomyces mitochondria; the annotation states none."


def test_a_stated_table_and_one_that_the_user_gives_come_before_what_is_usual() -> None:
    contigs = {"chrMT": FLANK + "ATGTCAGCATAG" + FLANK}
    stated = models_of(YEAST + MITOCHONDRION.format("chrMT") + ";transl_table=4", contigs)
    assert (first(stated, "chrMT", 15, "C", "G").genetic_code, first(stated, "chrMT", 15, "C", "G").note) == (4, "")
    given = models_of(YEAST + MITOCHONDRION.format("chrMT"), contigs, {"MT": 2})
    assert (first(given, "chrMT", 15, "C", "G").genetic_code, first(given, "chrMT", 15, "C", "G").note) == (2, "")


def test_a_table_for_all_contigs_leaves_mitochondria_and_plastids_alone() -> None:
    lines = "\n".join(MITOCHONDRION.format(contig) for contig in ("chrM", "Pt", "plasmid"))
    letters = FLANK + "ATGTCAGCATAG" + FLANK
    found = models_of(lines, {"chrM": letters, "Pt": letters, "plasmid": letters}, {"": 4})
    assert [first(found, contig, 15, "C", "G").genetic_code for contig in ("chrM", "Pt", "plasmid")] == [0, 11, 4]


def _read(annotation: str, codes: dict[str, int]) -> Transcripts:
    lines = ["\t".join(line.split(None, 8)) for line in annotation.splitlines()]
    return transcripts_of(lambda: lines, codes)


def test_where_a_table_for_all_contigs_is_not_taken_is_said() -> None:
    lines = "\n".join(MITOCHONDRION.format(contig) for contig in ("chrM", "Pt", "plasmid"))
    stated = MITOCHONDRION.format("c") + ";transl_table=1"
    assert _read(lines, {"": 4}).notes == (
        "The genetic code 4 is given for all contigs but not taken for chrM, which is a mitochondrion; Pt, which is a plastid; give chrM=4 "
        "where it is meant.",
    )
    assert "not taken for c, of which the annotation states another table" in _read(stated, {"": 4}).notes[0]
    for text, codes in ((lines, {"": 4, "chrM": 2, "Pt": 11}), (stated, {"": 1}), (lines, {}), (lines, {"plasmid": 4})):
        assert _read(text, codes).notes == ()


def _variant(position: int, reference: str, alternate: str):  # type: ignore[no-untyped-def]
    from engine.core.variants import Variant

    return Variant("c", position, reference, alternate)
