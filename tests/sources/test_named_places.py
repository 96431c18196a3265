"""Names, several places and positions of transcripts, looked up in small registered genomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import InputError, LocusError, SourceUnavailable
from engine.core.features import Feature
from engine.core.locus import Locus
from engine.core.settings import Settings
from engine.sources.coding_positions import TranscriptPlace
from engine.sources.genomes import GenomeSet
from engine.sources.understand import Understood, understand
from engine.sources.variant_text import CodingPosition

LETTERS = "ACGTTGCAACGGATCCTTAGACCATGCAGTTCGATCGGATTACAGGCATCAAGTCCAGTA"  # 60 bases
GFF = """##gff-version 3
c1\tx\tgene\t11\t40\t.\t+\t.\tID=g1;Name=CAT;locus_tag=b0001
c1\tx\tmRNA\t11\t40\t.\t+\t.\tID=t1;Parent=g1
c1\tx\texon\t11\t20\t.\t+\t.\tParent=t1
c1\tx\texon\t31\t40\t.\t+\t.\tParent=t1
c1\tx\tCDS\t13\t20\t.\t+\t0\tID=p1;Parent=t1
c1\tx\tCDS\t31\t36\t.\t+\t1\tID=p1;Parent=t1
c1\tx\tgene\t41\t58\t.\t-\t.\tID=g2;Name=revB
c1\tx\tmRNA\t41\t58\t.\t-\t.\tID=t2;Parent=g2
c1\tx\tCDS\t41\t46\t.\t-\t0\tParent=t2
c1\tx\tCDS\t53\t58\t.\t-\t0\tParent=t2
c1\tx\tgene\t50\t70\t.\t+\t.\tID=g3;Name=ring1
c1\tx\tgene\t2\t9\t.\t+\t.\tID=g5;Name=Dl
c1\tx\tgene\t21\t29\t.\t-\t.\tID=g6;Name=dl
c1\tx\tgene\t5\t8\t.\t+\t.\tID=g7;Name=dup
c1\tx\tgene\t31\t36\t.\t-\t.\tID=g8;Name=dup
c1\tx\tgene\t70\t60\t.\t+\t.\tID=g4;Name=broken
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "a.fa").write_text(f">c1\n{LETTERS}\n")
    (tmp_path / "a.gff3").write_text(GFF)
    (tmp_path / "b.fa").write_text(f">c1\n{LETTERS[::-1]}\n")
    (tmp_path / "b.gff3").write_text("c1\tx\tgene\t1\t9\t.\t+\t.\tID=CAT\n")
    both = f"T={tmp_path / 'a.fa'};{tmp_path / 'a.gff3'},U={tmp_path / 'b.fa'};{tmp_path / 'b.gff3'}"
    return Settings(home=tmp_path / "home", genomes=both, offline=True)


@pytest.fixture
def ask(settings: Settings) -> object:
    genomes = GenomeSet(settings)

    def asked(text: str) -> Understood:
        return understand(text, genomes, settings)

    return asked


def place(found: Understood) -> str:
    return str(found.records[0].locus)


def test_a_gene_goes_before_letters_and_its_letters_can_still_be_had(ask) -> None:  # type: ignore[no-untyped-def]
    found = ask("cat")
    assert place(found) == "T:c1:11-40"
    assert "For the letters themselves write 5'-cat-3'." in found.notes
    assert "It is also in U: put the assembly in front, such as U:cat." in found.notes
    assert ask("5'-cat-3'").records[0].letters == "CAT"
    assert place(ask("U:CAT")) == "U:c1:1-9"
    assert place(ask("T:b0001")) == "T:c1:11-40"


@pytest.mark.parametrize("text", ["CAT revB", "CAT,revB", "CAT;revB", "CAT, revB", "T CAT; T revB", "CAT\nrevB"])
def test_several_places_are_split_as_people_write_lists(text: str, ask) -> None:  # type: ignore[no-untyped-def]
    assert [str(record.locus) for record in ask(text).records] == ["T:c1:11-40", "T:c1:41-58:-"]


@pytest.mark.parametrize("contig", ["odd|name:1-5;x=%s", "a;b", "a,b", "a;T:c1:1-5"])
def test_a_contig_name_that_looks_like_a_list_is_one_name(contig: str, tmp_path: Path) -> None:
    fasta = tmp_path / "odd.fa"
    fasta.write_text(f">{contig}\nACGTTGCAAC\n>c1\nACGTACGT\n")
    settings = Settings(home=tmp_path, genomes=f"T={fasta}", offline=True)
    genomes = GenomeSet(settings)
    written = str(Locus("T", contig, 2, 8))
    found = understand(written, genomes, settings)
    assert [record.locus for record in found.records] == [Locus("T", contig, 2, 8)]
    both = understand(f"{written}; T:c1:1-4", genomes, settings)
    assert [record.locus for record in both.records] == [Locus("T", contig, 2, 8), Locus("T", "c1", 0, 4)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("revB;NOPE1", "'NOPE1' is no gene of T, U"),
        ("revB, c1:10-5", "The interval 10-5 is not usable"),
        ("revB\nT:c1:10-5", "The interval 10-5 is not usable"),
        ("revB ACGTACGTACGTACGTACGT", "'ACGTACGTACGTACGTACGT' names no place, the others of the list do"),
        ("revB " * 21, "21 places are named; up to 20 are taken at once"),
        ("T c1", "T:c1 has 60 bases; name a part of it, such as T:c1:1-60"),
        ("U:c1", "U:c1 has 60 bases; name a part of it"),
    ],
)
def test_what_of_a_list_is_no_place_is_named(text: str, words: str, ask) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as caught:
        ask(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["gata", "GATA", "tRNA", "cDNA", "tag", "mRNA", "RNA"])
def test_letters_that_are_also_a_word_are_asked_about(text: str, ask) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=f"'{text}' could be {len(text)} letters or a word; write 5'-{text}-3' for the letters"):
        ask(text)


@pytest.mark.parametrize("text", ["A", "AC", "ACG", "acgt", "GATTACA", "TATAAT", "GGWCC"])
def test_letters_that_are_no_word_are_letters(text: str, ask) -> None:  # type: ignore[no-untyped-def]
    assert ask(text).records[0].letters == text.upper()


def test_several_places_become_several_records(ask) -> None:  # type: ignore[no-untyped-def]
    for text in ("T:CAT revB", "T:CAT; revB", "T:CAT\nrevB\n", "T:CAT, revB"):
        found = ask(text)
        assert [str(record.locus) for record in found.records] == ["T:c1:11-40", "T:c1:41-58:-"]
        assert found.notes[1].startswith("2 places; the first")
    assert ask(found.normal).records == found.records


def test_a_gene_across_the_origin_of_a_ring_is_shown_up_to_the_end(ask) -> None:  # type: ignore[no-untyped-def]
    found = ask("ring1")
    assert place(found) == "T:c1:50-60"
    assert "It goes on for 10 bases beyond the contig's end, where a ring closes." in found.notes


def test_a_line_of_the_annotation_that_cannot_be_read_is_said_and_the_others_are_shown(ask) -> None:  # type: ignore[no-untyped-def]
    found = ask("T:c1:1-60")
    assert {item.name for item in found.features} >= {"CAT", "revB", "ring1"}
    assert "1 line of 'a.gff3' left out: line 17 spans 70-60; the start is at least 1 and not after the end." in found.notes


def test_a_broken_annotation_leaves_the_letters_of_its_genome(tmp_path: Path) -> None:
    (tmp_path / "a.fa").write_text(f">c1\n{LETTERS}\n")
    (tmp_path / "a.gff3").write_text("nothing of use\n")
    settings = Settings(home=tmp_path / "home", genomes=f"T={tmp_path / 'a.fa'};{tmp_path / 'a.gff3'}", offline=True)
    found = understand("c1:1-10", GenomeSet(settings), settings)
    assert found.records[0].letters == LETTERS[:10]
    assert found.notes[-1].startswith("No annotation is shown: The annotation of T cannot be used.")
    assert understand("ACGTAC", GenomeSet(settings), settings).kind == "letters"


COUNTED = [  # exons 11-20 and 31-40, coding 13-20 and 31-36; by hand
    ("1", 13),
    ("8", 20),
    ("9", 31),
    ("14", 36),
    ("-1", 12),
    ("-2", 11),
    ("-3", 10),
    ("*1", 37),
    ("*4", 40),
    ("*5", 41),
    ("8+1", 21),
    ("9-1", 30),
    ("-2-3", 8),
]


@pytest.mark.parametrize(("counted", "position"), COUNTED)
def test_positions_of_a_transcript_are_those_worked_out_by_hand(counted: str, position: int) -> None:
    region = counted[0] if counted[0] in "-*" else ""
    base, sign, offset = counted.removeprefix(region).partition("+") if "+" in counted else counted.removeprefix(region).partition("-")
    wanted = CodingPosition(int(base), int(sign + offset) if offset else 0, region)
    spans = [("exon", 11, 20), ("exon", 31, 40), ("CDS", 13, 20), ("CDS", 31, 36)]
    forward = TranscriptPlace.of_features([Feature(kind, "", start - 1, end, "+", "c") for kind, start, end in spans])
    assert forward.of_counted(wanted, "c") + 1 == position
    mirrored = TranscriptPlace.of_features([Feature(kind, "", 100 - end, 101 - start, "-", "c") for kind, start, end in spans])
    assert mirrored.of_counted(wanted, "c") + 1 == 101 - position


@pytest.mark.parametrize(
    ("text", "normal", "label"),
    [
        ("CAT:c.1A>G", "T:c1:13 A>G", "A>G"),
        ("t1:c.9T>C", "T:c1:31 T>C", "T>C"),
        ("T:CAT:c.8+1A>T", "T:c1:21 A>T", "A>T"),
        ("revB:c.1C>T", "T:c1:58 G>A", "G>A"),
        ("revB:c.7G>T", "T:c1:46 C>A", "C>A"),
        ("CAT:c.2_3del", "T:c1:g.14_15del", "TC>-"),
        ("CAT:c.2_3insGG", "T:c1:g.14_15insGG", "->GG"),
    ],
)
def test_changes_of_a_transcript_are_shown_on_the_chromosome(text: str, normal: str, label: str, ask) -> None:  # type: ignore[no-untyped-def]
    """Bases of the contig: A at 13, TC at 14 and 15, A at 21, T at 31, G at 46 and 58."""
    found = ask(text)
    assert found.normal == normal
    variant = found.features[-1]
    assert variant.kind == "variant"
    assert variant.name == label


def test_a_transcript_that_is_not_there_says_how_to_write_the_place(ask) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(LocusError, match=r"No registered annotation has a transcript or gene 'NM_000546\.6'"):
        ask("NM_000546.6:c.215C>G")
    with pytest.raises(LocusError, match="14 bases; 15 is behind its end"):
        ask("CAT:c.15A>G")


@pytest.mark.parametrize("text", ["rs80357906", "NC_000913.3", "MN908947"])
def test_what_is_looked_up_elsewhere_says_so_when_offline(text: str, ask) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SourceUnavailable, match="set to be offline"):
        ask(text)


@pytest.mark.parametrize(
    "text",
    ["T:c1:5-20", "t:c1:5-20:-", "U:c1:7", "T:CAT", "CAT:c.1A>G", "T:c1:13:A:G", "T:c1:g.14_15del", "CAT revB", "lambda-or"],
)
def test_the_normal_form_asks_the_same_again(text: str, ask) -> None:  # type: ignore[no-untyped-def]
    found = ask(text)
    again = ask(found.normal)
    assert again.records == found.records
    assert [(f.start, f.end, f.name) for f in again.features] == [(f.start, f.end, f.name) for f in found.features]
    assert again.normal == found.normal


def test_real_transcripts_of_yeast_are_counted_as_the_database_counts(shared: Path, tmp_path: Path) -> None:
    """ACT1 (YFL039C, reverse strand): its intron lies behind base 10 of the coding part, as SGD gives it."""
    data = shared / "data" / "genomes" / "yeast"
    genomes = f"R64={data}/S_cerevisiae_S288C_R64.fa.gz;{data}/S_cerevisiae_S288C_R64.gff3.gz"
    settings = Settings(home=tmp_path, genomes=genomes, offline=True)
    known = GenomeSet(settings)
    start = understand("ACT1:c.1_3del", known, settings)
    assert start.features[-1].name == "CAT>-"  # ATG on the reverse strand
    donor = understand("ACT1:c.10+1_10+2inv", known, settings)
    assert donor.features[-1].name.split(">")[0] == "AC"  # GT
    acceptor = understand("ACT1:c.11-2_11-1inv", known, settings)
    assert acceptor.features[-1].name.split(">")[0] == "CT"  # AG


@pytest.mark.parametrize(("text", "where"), [("T:Dl", "T:c1:2-9"), ("T:dl", "T:c1:21-29:-"), ("T:DL", "T:c1:2-9")])
def test_case_tells_genes_apart_where_it_does(ask, text: str, where: str) -> None:  # type: ignore[no-untyped-def]
    """dorsal and Delta of Drosophila; in capitals it is the first, and the other one is named."""
    found = ask(text)
    assert place(found) == where
    assert ("Other genes have this name, too: T:c1:21-29:-;" in " ".join(found.notes)) == (text == "T:DL")


def test_other_genes_of_a_name_are_told(ask) -> None:  # type: ignore[no-untyped-def]
    assert "Other genes have this name, too: T:c1:31-36:-; write the place of the one you mean." in ask("T:dup").notes
