"""Odd but real files: one thing that cannot be read is said, the rest is read; a sentence names the true cause."""

from __future__ import annotations

import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pysam
import pytest

from engine.core.errors import FileFormatError, InputError, LocuscopeError, SourceUnavailable
from engine.core.locus import Locus
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.core.variants import Variant
from engine.sources.annotation import gtf_attributes, parse_annotation, style_of
from engine.sources.door import LeftOut
from engine.sources.genomes import GenomeSet
from engine.sources.understand import read_features, read_features_with_note, read_upload
from engine.sources.vcf import read_vcf

LETTERS = "ACGTTGCAACGGATCCTTAGACCATGCAGTTCGATCGGATTACAGGCATCAAGTCCAGTA"
HEADER = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
SETTINGS = Settings(offline=True)


# sequences


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        (">a\n;comment\nACGT\n\n acgt \n", "ACGTACGT"),
        (">a\r\nAC\rGT\n", "ACGT"),
        ("\n\n  >a\nACGT\n", "ACGT"),
        (">a\nGGGAAACCC\n(((...))) (-1.30)\n", "GGGAAACCC"),
        (">a\nGGGAAACCC\n(((..[)))]\n", "GGGAAACCC"),
        (">a\n“ACGT”\n", "ACGT"),
        (">a\n5'-ACGT-3'\n", "ACGT"),
        (">a\n1 ACGT 4\n", "ACGT"),
        ("ORIGIN\n        1 acgtac gtac\n//\n", "ACGTACGTAC"),
        ("1: ACGT\n5: ACGT\n", "ACGTACGT"),
        ("1) ACGT\n5) ACGT", "ACGTACGT"),
        ("ＡＣＧＴ", "ACGT"),
        ("'ACGT'", "ACGT"),
    ],
)
def test_letters_are_taken_out_of_what_stands_around_them(text: str, letters: str) -> None:
    assert read_upload("a.txt", text.encode(), SETTINGS).records[0].letters == letters


def test_a_record_that_cannot_be_read_is_said_and_the_others_are_read() -> None:
    found = read_upload("a.fa", b">one\nACGT\n>empty\n\n>protein\nMKTAYIAKQR\n>last\nGGG\n", SETTINGS)
    assert [record.name for record in found.records] == ["one", "last"]
    assert "2 lines of 'a.fa' left out: The FASTA record 'empty' has no letters" in found.notes[-1]
    assert "looks like a protein" in found.notes[-1]


GENBANK = """LOCUS       {name}                     12 bp    DNA     linear   BCT 01-JAN-2020
ACCESSION   {accession}
VERSION     {accession}
FEATURES             Location/Qualifiers
     gene            2..5
                     /gene="a"
ORIGIN
        1 acgtacgtac gt
//
"""


@pytest.mark.parametrize(
    ("name", "accession", "contig"),
    [
        ("X1", "X1.1", "X1.1"),
        ("pInv", ".", "pInv"),
        ("pA/B:3,kan", ".", "pA/B:3,kan"),
        ("My new plasmid", ".", "My_new_plasmid"),
        ("", ".", "record_1"),
        ("p(w/_Orange)", "", "p(w/_Orange)"),
    ],
)
def test_names_of_plasmid_editors_are_names(name: str, accession: str, contig: str) -> None:
    found = read_upload("a.gb", GENBANK.format(name=name, accession=accession).encode(), SETTINGS)
    assert found.records[0].locus == Locus("", contig, 0, 12)
    assert [item.name for item in found.features] == ["a"]
    assert Locus.parse(str(found.records[0].locus)) == found.records[0].locus


def test_one_broken_genbank_record_leaves_the_others() -> None:
    good = GENBANK.format(name="X1", accession="X1.1")
    text = good + good.replace("acgtacgtac gt", "") + good.replace("2..5", "2..(").replace("X1", "X3") + good.replace("X1", "X4")
    found = read_upload("a.gb", text.encode(), SETTINGS)
    names = [record.name for record in found.records]
    assert names[0] == "X1.1"
    assert names[-1] == "X4.1"
    assert "GenBank record 2" in found.notes[-1]


def test_broken_references_and_comments_of_a_record_are_not_read() -> None:
    text = GENBANK.format(name="X1", accession="X1.1").replace("FEATURES", "AUTHORS     M\xfcller\nREFERENCE\n  x\nFEATURES", 1)
    found = read_upload("a.gb", text.encode("latin-1"), SETTINGS)
    assert found.records[0].letters == "ACGTACGTACGT"
    assert found.notes[-1] == "The file 'a.gb' is not UTF-8 everywhere; the rest was read as Latin-1."


def test_embl_is_read_with_its_features() -> None:
    text = (
        "ID   X1; SV 1; linear; genomic DNA; STD; PRO; 8 BP.\nXX\nDE   invented\nFH   Key\nFT   gene            2..5\n"
        'FT                   /gene="a"\nSQ   Sequence 8 BP;\n     acgtacgt                8\n//\n'
    )
    found = read_upload("a.embl", text.encode(), SETTINGS)
    assert (found.records[0].letters, str(found.records[0].locus)) == ("ACGTACGT", "X1.1:1-8")
    assert [(item.name, item.start, item.end) for item in found.features] == [("a", 1, 5)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "@r1\nACGT\n+\nIIII\n",
            "is FASTQ, reads with qualities; turn it into FASTA, for instance with seqtk seq -A, or give FASTA or GenBank",
        ),
        ("# STOCKHOLM 1.0\nr1 ACGU\n//\n", "is a Stockholm alignment; open it on the page Alignment or with the command alignment"),
        ("CLUSTAL W (1.83)\n\na ACGT\n", "is a Clustal alignment"),
        (HEADER, "is a VCF, a list of variants; open it on the page Triage or with the command triage"),
        ("@HD\tVN:1.6\n@SQ\tSN:c\tLN:9\n", "is SAM, aligned reads"),
        ("<!DOCTYPE html><html>", "is a web page"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer, not the file itself"),
        ("Forward primer: ACGTACGT", "has words in front of its letters"),
        ("AC\u0421GT", "'С' (Cyrillic capital letter es) at position 3"),
    ],
)
def test_other_kinds_of_text_are_called_by_their_name(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_upload("a.txt", text.encode(), SETTINGS)
    assert words in str(caught.value)


# annotation


ON = NucleotideSequence(LETTERS, name="s")


def names(name: str, text: str, on: NucleotideSequence = ON) -> list[str]:
    return [item.name for item in read_features(name, text.encode(), on, SETTINGS)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.bed", "s\t10\t10\tinsertion\ns\t20\t30\tkept\n"),
        ("a.bed", "chrom\tchromStart\tchromEnd\tname\ns\t20\t30\tkept\n"),
        ("a.bed", "browser position s:1-9\ntrack name=x\ns 20 30 kept\n"),
        ("a.bed", "s\t2e+01\t30\tx\ns\t20\t30\tkept\n"),
        ("a.bed", "s\t30\t20\tx\ns\t20\t30\tkept\n"),
        ("a.bed", "s\t20\t30\tkept\r\ns\r\n"),
        ("a.gff3", "s\tx\tgene\t6\t5\t.\t+\t.\tName=between\ns\tx\tgene\t20\t30\t.\t+\t.\tName=kept\n"),
        ("a.gff3", "s\tx\tgene\t6\t9\t.\t+\t.\ns\tx\tgene\t20\t30\t.\t+\t.\tName=kept\n"),
        ("a.gff3", "s\tx\tgene\n\ns\tx\tgene\t20\t30\t.\t+\t.\tName=kept;Note=a\u2028b\n"),
        ("a.gff", 's\tx\tgene\t5\t20\t.\t+\t.\tgene_id "kept";\n'),
        ("a.gtf", "s\tx\tgene\t5\t20\t.\t+\t.\tName=kept\n"),
        ("a.txt", "s\t20\t30\tkept\n"),
        ("a.bed.gz", "##gff-version 3\ns\tx\tgene\t5\t20\t.\t+\t.\tName=kept\n"),
        ("a.gff3", "s\tx\tgene\t5\t20\t.\t?\t.\tName=kept;;Note=x%3By\n"),
    ],
)
def test_one_odd_line_does_not_refuse_the_file_and_the_content_goes_before_the_name(name: str, text: str) -> None:
    assert "kept" in names(name, text)


def test_lines_that_were_left_out_are_counted_with_the_first_of_them() -> None:
    text = "s\t1\t5\ta\n" + "s\tx\ty\n" * 5
    _, note = read_features_with_note("a.bed", text.encode(), ON, SETTINGS)
    assert note.startswith(
        "5 lines of 'a.bed' left out: line 2 has the coordinate 'x', which is not a whole number that a contig could have; line 3"
    )
    assert note.endswith("; ....")


@pytest.mark.parametrize("contig", ["track", "track_7", "browser", "browserX"])
def test_contigs_called_like_the_words_of_ucsc_are_contigs(contig: str) -> None:
    assert names("a.bed", f"{contig}\t20\t30\tkept\n", NucleotideSequence(LETTERS, name=contig)) == ["kept"]


def test_a_file_of_which_no_line_can_be_read_names_the_first() -> None:
    with pytest.raises(FileFormatError, match=r"cannot be read as BED: line 1 has the coordinate '2e\+01', which is not a whole number"):
        names("a.bed", "s\t2e+01\t3e+01\tx\n")
    with pytest.raises(FileFormatError, match="is of no known kind"):
        names("a.xls", "x\n")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('gene_id "G1"; note "a; b"; level 2; gene_name "X";', {"gene_id": "G1", "note": "a; b", "level": "2", "gene_name": "X"}),
        ('gene_id "a"; tag "x"; tag "y";', {"gene_id": "a", "tag": "x,y"}),
        ('gene_id "a\\"b"; x "c"', {"gene_id": 'a\\"b', "x": "c"}),
        ('gene_id ""; transcript_id "t"', {"gene_id": "", "transcript_id": "t"}),
        ("gene_id G; transcript_id T", {"gene_id": "G", "transcript_id": "T"}),
        ('gene_id "open', {"gene_id": "open"}),
        ("", {}),
    ],
)
def test_attributes_of_gtf(text: str, found: dict[str, str]) -> None:
    assert gtf_attributes(text) == found


def test_a_feature_with_a_million_attributes_is_left_out() -> None:
    left = LeftOut()
    lines = ["s\tx\tgene\t1\t5\t.\t+\t.\t" + "a=b;" * 2000, "s\tx\tgene\t1\t5\t.\t+\t.\tName=kept"]
    assert [item.name for item in parse_annotation(lines, "gff3", left)] == ["kept"]
    assert left.first == ["line 1 has 2,000 attributes; up to 1,000 are read"]


@pytest.mark.parametrize(
    ("name", "line", "style"),
    [
        ("a.gff", 's\tx\tgene\t1\t5\t.\t+\t.\tgene_id "x"', "gtf"),
        ("a.gtf", "s\tx\tgene\t1\t5\t.\t+\t.\tID=x", "gff3"),
        ("a.gff", "s\tx\tgene\t1\t5\t.\t+\t.\tfree text", "gff3"),
        ("a.gff3", 's\tx\tgene\t1\t5\t.\t+\t.\tNote=he said "x"', "gff3"),
        ("a.gff3", "s\t1\t5", "bed"),
        ("a.narrowPeak", "", "bed"),
    ],
)
def test_the_style_is_that_of_the_first_line_with_a_feature(name: str, line: str, style: str) -> None:
    assert style_of(name, f"#!x\n\n{line}\n") == style


# variants


def alleles(body: str) -> list[tuple[str, str, bool]]:
    return [(one.identifier, one.alternate, not one.problem) for one in read_vcf((HEADER + body).encode(), "a.vcf")]


GOOD = "c\t9\tgood\tA\tG\t.\t.\t.\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("c\t0\tt\tN\t]c:9]N\t.\t.\t.", "positions start at 1, 0 is the end of a chromosome"),
        ("c\tnine\tx\tA\tC\t.\t.\t.", "the position 'nine'"),
        ("c\t-5\tx\tA\tC\t.\t.\t.", "the position '-5'"),
        ("c\t²\tx\tA\tC\t.\t.\t.", "the position '²'"),
        ("c\t9\tx\tR\tC\t.\t.\t.", "the reference allele 'R'"),
        ("c\t9\tx\t.\tC\t.\t.\t.", "the reference allele '.'"),
        ("c\t9\tx\t\tC\t.\t.\t.", "the reference allele ''"),
        ("\t9\tx\tA\tC\t.\t.\t.", "no contig in its first column"),
        ("c\t9\tx", "has 3 columns"),
        ("c 9 x A C . . .", "has 1 columns"),
        ("c\t\0009\tx\tA\tC\t.\t.\t.", "holds a zero byte (shown as \u2400), so it is damaged"),
        ("c\t9\tx\tA\tC\t.\t.\tDP=\0", "holds a zero byte"),
        ("\0" * 600, "holds a zero byte"),
    ],
)
def test_a_record_that_cannot_be_used_is_a_row_with_the_reason(line: str, words: str) -> None:
    found = read_vcf((HEADER + GOOD + line + "\n" + GOOD).encode(), "a.vcf")
    assert [not one.problem for one in found] == [True, False, True]
    assert "Line 4 of 'a.vcf'" in found[1].problem
    assert words in found[1].problem
    with pytest.raises(FileFormatError, match=r"has no record that can be used\. Line 3 of"):
        read_vcf((HEADER + line + "\n").encode(), "a.vcf")


def test_positions_that_a_spreadsheet_rounded_refuse_the_file() -> None:
    for position in ("6e1", "1.23E+07", "12.0"):
        with pytest.raises(FileFormatError, match="a spreadsheet has rounded the positions"):
            read_vcf((HEADER + GOOD + f"c\t{position}\tx\tA\tC\t.\t.\t.\n").encode(), "a.vcf")


def test_records_of_five_columns_joined_files_and_blank_lines_are_read() -> None:
    body = GOOD + "\n" + HEADER + "c\t10\tfive\tA\tG\nc\t11\tlower\tg\ta,<DEL>,G]chrUn:5],.\t.\t.\t.\r\n"
    assert alleles(body) == [
        ("good", "G", True),
        ("five", "G", True),
        ("lower", "A", True),
        ("lower", "<DEL>", True),
        ("lower", "G]chrUn:5]", True),
    ]


def test_other_files_given_as_a_vcf_are_called_by_their_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.vcf.zip", "w") as packed:
        packed.writestr("a.vcf", HEADER)
    given: list[tuple[bytes, str]] = [
        ((tmp_path / "a.vcf.zip").read_bytes(), "is a zip archive .* give a VCF as text or packed with gzip"),
        (gzip.compress(b"BCF\2\2x", mtime=0), "is BCF that cannot be read"),
        (b">c\nACGT\n", "is FASTA, not a VCF"),
        (b"##gff-version 3\n", "is GFF3 annotation, not a VCF"),
        (b"#CHROM POS ID REF ALT QUAL FILTER INFO\nc 5 . A G . . .\n", "the header line #CHROM, is not split by tabs"),
    ]
    for data, words in given:
        with pytest.raises(FileFormatError, match=words):
            read_vcf(data, "a.vcf")


# references


def reference(folder: Path, data: bytes, name: str = "r.fa") -> GenomeSet:
    path = folder / name
    path.write_bytes(data)
    return GenomeSet(Settings(home=folder / "home", offline=True), files={"mine": path})


WRAPPED = "\n".join(LETTERS[at : at + 20] for at in range(0, 60, 20))


@pytest.mark.parametrize(
    "make",
    [
        lambda text: text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace(LETTERS[20:40], LETTERS[20:40] + "\n").encode(),
        lambda text: text.replace(LETTERS[20:40], LETTERS[20:33] + "\n" + LETTERS[33:40]).encode(),
        lambda text: text.replace(">c", ">c Universit\xe4t").encode("latin-1"),
        lambda text: (">empty\n" + text).encode(),
        lambda text: ("\n\n" + text).encode(),
        lambda text: ("; made by hand\n" + text).encode(),
        lambda text: gzip.compress(text.replace("\n", "\r").encode(), mtime=0),
        lambda text: text.lower().replace(">c", ">c").encode(),
    ],
)
def test_a_reference_is_read_whatever_its_lines_are_like(make: Callable[[str], bytes], tmp_path: Path) -> None:
    genomes = reference(tmp_path, make(f">c\n{WRAPPED}\n"))
    assert genomes.contigs("mine")["c"] == len(LETTERS)
    assert genomes.fetch(Locus("mine", "c", 18, 45)).letters == LETTERS[18:45]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "r.fa"]


def test_a_bgzipped_reference_with_a_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbf" + f">c\n{WRAPPED}\n".encode())
    pysam.tabix_compress(str(tmp_path / "x"), str(tmp_path / "y.gz"))
    genomes = reference(tmp_path, (tmp_path / "y.gz").read_bytes(), "r.fa.gz")
    assert genomes.fetch(Locus("mine", "c", 0, 5)).letters == LETTERS[:5]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (LETTERS.encode() + b"\n", "has no header; a record of FASTA starts with a line '>name'"),
        (b">c\nAC\n>c\nGT\n", "holds two records with the same name"),
        (lzma.compress(b">c\nACGT\n"), "packed with xz"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\x43\x27\x41\x1a", "2bit, a packed genome"),
        (b"@r\nACGT\n+\nIIII\n", "is FASTQ"),
        (HEADER.encode(), "is a VCF"),
    ],
)
def test_a_reference_that_cannot_be_read_says_the_true_cause(data: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(LocuscopeError) as caught:
        reference(tmp_path, data).contigs("mine")
    assert words in str(caught.value)


def test_a_contig_with_odd_letters_leaves_the_others(tmp_path: Path) -> None:
    genomes = reference(tmp_path, f">g\nACGT-ACGT\n>c\n{LETTERS}\n>HLA-A*01:01:01:01\nACGTAC\n".encode())
    assert genomes.fetch(Locus("mine", "c", 0, 5)).letters == LETTERS[:5]
    assert genomes.fetch(genomes.resolve("HLA-A*01:01:01:01:2-4")).letters == "CGT"
    assert genomes.fetch(genomes.resolve("mine:HLA-A*01:01:01:01:2-4:-")).letters == "ACG"
    with pytest.raises(InputError, match="'-' at position 5"):
        genomes.fetch(Locus("mine", "g", 0, 9))


def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "r.fa").write_text(f">c\n{LETTERS}\n")
    (tmp_path / "home").write_text("a file where a folder should be")
    with pytest.raises(SourceUnavailable, match=r"The reference 'r\.fa' cannot be opened"):
        GenomeSet(Settings(home=tmp_path / "home", offline=True), files={"mine": tmp_path / "r.fa"}).contigs("mine")


def test_records_without_an_alternate_allele_are_counted() -> None:
    head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    rows = "".join(f"chr1\t{place}\t.\tA\t{alt}\t.\t.\t.\n" for place, alt in ((1, "C"), (2, "."), (3, ""), (4, "G,*")))
    notes = list[str]()
    found = read_vcf((head + rows).encode(), "in.vcf", notes=notes)
    assert [(one.record, one.alternate) for one in found] == [(0, "C"), (3, "G"), (3, "*")]
    assert notes == ["2 records have no alternate allele (ALT is . or empty) and no row; a VCF that is written keeps them."]


def test_nothing_is_said_of_records_that_may_not_be_there() -> None:
    assert "that record is scored" not in Variant("chr1", 4, "A", "*").why_unread
    assert "is not scored by itself" in Variant("chr1", 4, "A", "*").why_unread


@pytest.mark.parametrize(
    ("alternate", "said"),
    [
        ("*", "deletion of another record"),
        ("R", "several bases"),
        ("aNY", "several bases"),
        ("<DEL>", "no letters"),
        ("N[chr1:9[", "to another"),
    ],
)
def test_why_an_alternate_is_not_read_is_said_by_its_kind(alternate: str, said: str) -> None:
    assert said in Variant("chr1", 4, "A", alternate).why_unread
