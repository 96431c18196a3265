"""A list of variants in any spelling becomes a VCF of its reference; every line is accounted for."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from engine.core.errors import FileFormatError
from engine.core.settings import Settings
from engine.service.triage import ReferenceLetters, place_variants
from engine.service.variant_list import read_variant_list
from engine.sources.door import OWN_FILES
from engine.sources.genomes import GenomeSet
from engine.sources.vcf import read_vcf

LETTERS = "AACCGGTTACGTTTTTACGG"


@pytest.fixture
def reference(tmp_path: Path) -> ReferenceLetters:
    path = tmp_path / "r.fa"
    path.write_text(f">chr1\n{LETTERS}\n")
    return ReferenceLetters.of_file(path, Settings(home=tmp_path / "home"))


@pytest.mark.parametrize(
    ("line", "position", "ref", "alt"),
    [
        ("chr1-9-A-G", 9, "A", "G"),
        ("1:9 A>G", 9, "A", "G"),
        ("chr1\t9\trs1\tA\tG", 9, "A", "G"),
        ("chr1:9-10 AC>TT", 9, "AC", "TT"),
        ("chr1:g.9A>G", 9, "A", "G"),
        ("1:g.9A>G", 9, "A", "G"),
        ("1:g.9_10del", 8, "TAC", "T"),
        ("chr1:g.9del", 8, "TA", "T"),
        ("chr1:g.9_10delinsGT", 9, "AC", "GT"),
        ("chr1:g.8_9insCC", 8, "T", "TCC"),
        ("chr1:g.3_4dup", 2, "A", "ACC"),
        ("chr1:g.1_4inv", 1, "AACC", "GGTT"),
        ("chr1:g.1del", 1, "AA", "A"),
    ],
)
def test_a_line_is_a_record_whatever_its_spelling(reference: ReferenceLetters, line: str, position: int, ref: str, alt: str) -> None:
    found = read_variant_list(f"# a list\n\n{line}\n", reference, OWN_FILES)
    (one,) = found.variants
    assert (one.position, one.reference, one.alternate) == (position, ref, alt)
    assert read_vcf(found.vcf, "list.vcf") == found.variants
    (site,) = place_variants(found.variants, reference, 10)
    assert site.status == "scored"


def test_every_alternate_of_a_row_is_a_variant(reference: ReferenceLetters) -> None:
    found = read_variant_list("chr1\t9\trs1\tA\tG,C\nchr1 9 . A T,<DEL>\nchr1:9-11 AC>TT", reference, OWN_FILES)
    assert [one.alternate for one in found.variants] == ["G", "C", "T", ".", "."]
    assert [one.record for one in found.variants] == [0, 1, 2, 3, 4]
    assert found.variants[3].problem.startswith("Line 2 of the list: ")
    assert "2 letters are given for the interval from 9 to 11" in found.variants[4].problem


def test_what_cannot_be_read_keeps_its_line_and_the_reason(reference: ReferenceLetters) -> None:
    found = read_variant_list("chr1:9 A>G\nwhat is this\nchr1:g.99del\nABC1:c.5A>G\nchr1:9 C>G", reference, OWN_FILES)
    assert [one.record for one in found.variants] == [0, 1, 2, 3, 4]
    assert [bool(one.problem) for one in found.variants] == [False, True, True, True, False]
    assert found.variants[1].problem.startswith("Line 2 of the list: ")
    assert "no annotation with it" in found.variants[3].problem
    sites = list(place_variants(found.variants, reference, 10))
    assert [site.status for site in sites] == ["scored", "not_scored", "not_scored", "not_scored", "reference_mismatch"]
    assert found.vcf.count(b"\n") == 2 + 5


def test_a_list_without_a_usable_line_is_refused(reference: ReferenceLetters) -> None:
    with pytest.raises(FileFormatError, match="is empty"):
        read_variant_list("\n# nothing\n", reference, OWN_FILES)
    with pytest.raises(FileFormatError, match="Not one line"):
        read_variant_list("hello world again\n", reference, OWN_FILES)


def test_a_registered_genome_is_asked_for_transcripts_and_its_name_is_checked(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(f">chr1\n{LETTERS}\n")
    (tmp_path / "g.gff3").write_text(
        "##gff-version 3\nchr1\tx\tgene\t3\t11\t.\t-\t.\tID=g;Name=ABC1\nchr1\tx\tmRNA\t3\t11\t.\t-\t.\tID=t1;Parent=g\n"
        "chr1\tx\tCDS\t3\t11\t.\t-\t0\tID=c;Parent=t1\n"
    )
    settings = Settings(home=tmp_path / "home", genomes=f"TOY={tmp_path / 'g.fa'};{tmp_path / 'g.gff3'}")
    reference = ReferenceLetters(GenomeSet(settings), "TOY")
    # c.1 of the reverse gene is base 11, G; C on the transcript
    found = read_variant_list("t1:c.1C>T\nGRCh38:chr1:9 A>G", reference, OWN_FILES)
    assert (found.variants[0].position, found.variants[0].reference, found.variants[0].alternate) == (11, "G", "A")
    assert "names GRCh38, the reference is TOY" in found.variants[1].problem


GENES = (
    "##gff-version 3\nchr1\tx\tgene\t3\t11\t.\t-\t.\tID=g;Name=ABC1\nchr1\tx\tmRNA\t3\t11\t.\t-\t.\tID=t1;Parent=g\n"
    "chr1\tx\tCDS\t3\t11\t.\t-\t0\tID=c;Parent=t1\n"
)


@pytest.mark.parametrize("name", ["genes.gff3", "genes", "genes.gff3.gz"])
def test_an_annotation_that_came_with_the_reference_is_asked_for_transcripts(tmp_path: Path, name: str) -> None:
    (tmp_path / "g.fa").write_text(f">chr1\n{LETTERS}\n")
    genes = tmp_path / name
    genes.write_bytes(gzip.compress(GENES.encode()) if name.endswith(".gz") else GENES.encode())
    (tmp_path / "genes.gff3.gz.tbi").write_bytes(b"an index has no names, so the file itself is read")
    reference = ReferenceLetters.of_file(tmp_path / "g.fa", Settings(home=tmp_path / "home"), genes)
    found = read_variant_list("ABC1:c.1C>T\nt1:c.1C>T\nXYZ1:c.1C>T", reference, OWN_FILES).variants
    assert [(one.contig, one.position, one.reference, one.alternate) for one in found[:2]] == [("chr1", 11, "G", "A")] * 2
    assert "the annotation has no transcript or gene 'XYZ1' with a coding part; check the name" in found[2].problem


def test_an_annotation_that_cannot_be_searched_by_name_says_why(tmp_path: Path) -> None:
    import pysam

    (tmp_path / "g.fa").write_text(f">chr1\n{LETTERS}\n")
    (tmp_path / "g.gff3").write_text(GENES)
    pysam.tabix_index(str(tmp_path / "g.gff3"), preset="gff")
    settings = Settings(home=tmp_path / "home", genomes=f"TOY={tmp_path / 'g.fa'};{tmp_path / 'g.gff3.gz'}")
    found = read_variant_list("ABC1:c.1C>T\nchr1:9 A>G", ReferenceLetters(GenomeSet(settings), "TOY"), OWN_FILES).variants
    assert found[0].problem.endswith("The annotation of TOY is read by its tabix index, which has no names.")


def test_a_line_may_name_the_assembly_that_a_file_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "r.fa").write_text(f">chrI\n{LETTERS}\n")
    settings = Settings(home=tmp_path / "home")
    said = ReferenceLetters.of_file(tmp_path / "r.fa", settings, public="sacCer3")
    lines = "R64:chr1:9 A>G\nNC_001133.9:g.9A>G\nGRCh38:chr1:9 A>G\n1 9 . A G"
    found = read_variant_list(lines, said, OWN_FILES).variants
    assert [one.contig for one in found] == ["chr1", "NC_001133.9", ".", "1"]  # as the lines have it
    assert [site.status for site in place_variants(found, said, 10)] == ["scored", "scored", "not_scored", "scored"]
    assert "names GRCh38, the reference is sacCer3; choose that assembly" in found[2].problem
    unsaid = ReferenceLetters.of_file(tmp_path / "r.fa", settings)
    named, other, _ = read_variant_list("R64:chrI:9 A>G\nchr1:9 A>G\nchrI:9 A>G", unsaid, OWN_FILES).variants
    assert "say which public assembly it is (--assembly, on the page My FASTA is), or leave the name out" in named.problem
    assert "no contig chr1, but contigs such as chrI; give the assembly the variants were called on, or say" in other.problem
