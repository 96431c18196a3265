"""What biologists type into the box, and what it is: the table. The normal form reads back to the same."""

from __future__ import annotations

import pytest

from engine.core.errors import LocusError
from engine.sources.box_text import NameText, read_line, several
from engine.sources.locus_text import LocusText, in_table, plain_line, whole_number
from engine.sources.variant_text import CodingText, VariantText

KNOWN = ("R64", "sacCer3", "GRCh38", "hg38", "hg19")

PLACES = [
    # coordinates
    ("chrIV:1234-1533", "chrIV:1,234-1,533"),
    ("chrIV:1,234-1,533", "chrIV:1,234-1,533"),
    ("chrIV:1234..1533", "chrIV:1,234-1,533"),
    ("chrIV:1234…1533", "chrIV:1,234-1,533"),
    ("chrIV:1234 - 1533", "chrIV:1,234-1,533"),
    ("chrIV: 1234-1533", "chrIV:1,234-1,533"),
    ("chrIV : 1234 - 1533", "chrIV:1,234-1,533"),
    ("chrIV:1234 to 1533", "chrIV:1,234-1,533"),
    ("chrIV:1234_1533", "chrIV:1,234-1,533"),
    ("chrIV:1_234-1_533", "chrIV:1,234-1,533"),
    ("chrIV:1.234-1.533", "chrIV:1,234-1,533"),
    ("chrIV:1'234-1'533", "chrIV:1,234-1,533"),
    ("chrIV:1 234-1 533", "chrIV:1,234-1,533"),
    ("chrIV:1234-1533bp", "chrIV:1,234-1,533"),
    ("chrIV:1234bp-1533bp", "chrIV:1,234-1,533"),
    ("chrIV:1234+300", "chrIV:1,234-1,533"),
    ("chrIV:1234 + 300", "chrIV:1,234-1,533"),
    ("chrIV:1234:1533", "chrIV:1,234-1,533"),
    ("chrIV:1.2k-1.5k", "chrIV:1,200-1,500"),
    ("chrIV:34M-35M", "chrIV:34,000,000-35,000,000"),
    ("chrIV:1.5Mb-2Mb", "chrIV:1,500,000-2,000,000"),
    ("chrIV:1,234.5kb-2Mbp", "chrIV:1,234,500-2,000,000"),
    ("chrIV:500kb", "chrIV:500,000"),
    ("chrIV:1234", "chrIV:1,234"),
    ("chrIV:1.234k+300", "chrIV:1,234-1,533"),
    ("chrIV:1234+0.3kb", "chrIV:1,234-1,533"),
    ("chrIV:500 kb", "chrIV:500,000"),
    ("chrIV:34M..35Mb", "chrIV:34,000,000-35,000,000"),
    ("chrIV:1234±150", "chrIV:1,084-1,384"),
    ("chrIV:1,234 +/- 150 bp", "chrIV:1,084-1,384"),
    ("chrIV:100+-150", "chrIV:1-250"),
    # hyphens, low lines and commas, as gnomAD and tables write
    ("4-1234-1533", "4:1,234-1,533"),
    ("chrIV-1234-1533", "chrIV:1,234-1,533"),
    ("chr4_1234_1533", "chr4:1,234-1,533"),
    ("NC_001136.10-1234-1533", "NC_001136.10:1,234-1,533"),
    ("chrIV,1234,1533", "chrIV:1,234-1,533"),
    ("chrIV,1234,1533,-", "chrIV:1,234-1,533:-"),
    ("chrIV, 1234-1533", "chrIV:1,234-1,533"),
    # white space
    ("chrIV 1234 1533", "chrIV:1,234-1,533"),
    ("chrM 1234 1533", "chrM:1,234-1,533"),
    ("chrV 1234", "chrV:1,234"),
    ("chrIV\t1234\t1533", "chrIV:1,234-1,533"),
    ("chrIV 1,234 1,533", "chrIV:1,234-1,533"),
    ("chrIV 1234-1533", "chrIV:1,234-1,533"),
    ("chrIV 1234..1533", "chrIV:1,234-1,533"),
    ("chrIV 1234 1533 -", "chrIV:1,234-1,533:-"),
    ("chrIV 1234", "chrIV:1,234"),
    # contigs
    ("4:1234-1533", "4:1,234-1,533"),
    ("IV:1234-1533", "IV:1,234-1,533"),
    ("CHR4:1234-1533", "CHR4:1,234-1,533"),
    ("chr 4:1234-1533", "4:1,234-1,533"),
    ("chromosome 4: 1234-1533", "4:1,234-1,533"),
    ("Chr. 4: 1234-1533", "4:1,234-1,533"),
    ("MT:1-100", "MT:1-100"),
    ("NC_001136.10:1234-1533", "NC_001136.10:1,234-1,533"),
    ("gi|12|gb|AB1.1|:1-60", "gi|12|gb|AB1.1|:1-60"),
    ("chrUn_KI270302v1:1-100", "chrUn_KI270302v1:1-100"),
    ("HLA-A*01:01:01:01:5-10", "{HLA-A*01:01:01:01}:5-10"),
    ("{HLA-A*01:01:01:01}:5-10", "{HLA-A*01:01:01:01}:5-10"),
    ("pA/B:3,kan:1-60", "{pA/B:3,kan}:1-60"),
    # assemblies
    ("R64:chrIV:1234-1533", "R64:chrIV:1,234-1,533"),
    ("R64:4:1234", "R64:4:1,234"),
    ("R64:4:1234:1533", "R64:4:1,234-1,533"),
    ("R64:chrIV 1234 1533", "R64:chrIV:1,234-1,533"),
    ("R64:chrIV 1234-1533", "R64:chrIV:1,234-1,533"),
    ("R64 chrIV 1234 1533", "R64:chrIV:1,234-1,533"),
    ("hg38 chr1:1-100", "hg38:chr1:1-100"),
    ("hg19.chr1:1-100", "hg19:chr1:1-100"),
    ("{hg19}chr1:1-100", "hg19:chr1:1-100"),
    ("chr1:1-100 (GRCh38/hg38)", "GRCh38:chr1:1-100"),
    ("chr1:1-100 (hg19)", "hg19:chr1:1-100"),
    ("chr1:1-100 hg19", "hg19:chr1:1-100"),
    ("chromosome:GRCh38:17:43044295:43125364:1", "GRCh38:17:43,044,295-43,125,364"),
    ("chromosome:GRCh38:17:43044295:43125364:-1", "GRCh38:17:43,044,295-43,125,364:-"),
    # strands
    ("chrIV:1234-1533:-", "chrIV:1,234-1,533:-"),
    ("chrIV:1234-1533:+", "chrIV:1,234-1,533"),
    ("chrIV:1234-1533(-)", "chrIV:1,234-1,533:-"),
    ("chrIV:1234-1533 (+)", "chrIV:1,234-1,533"),
    ("chrIV:1234-1533[rev]", "chrIV:1,234-1,533:-"),
    ("chrIV:1234-1533 [REV]", "chrIV:1,234-1,533:-"),
    ("chrIV:1234-1533 minus", "chrIV:1,234-1,533:-"),
    ("chrIV:1234-1533 reverse strand", "chrIV:1,234-1,533:-"),
    ("chrIV:1234-1533 + strand", "chrIV:1,234-1,533"),
    ("chrIV:1234-1533 - strand", "chrIV:1,234-1,533:-"),
    ("chrIV:1234-1533 rc", "chrIV:1,234-1,533:-"),
    ("chrIV:1234-1533 (complement)", "chrIV:1,234-1,533:-"),
    ("complement(chrIV:1234..1533)", "chrIV:1,234-1,533:-"),
    ("chrIV:complement(1234..1533)", "chrIV:1,234-1,533:-"),
    ("NC_000913.3:c366428-366296", "NC_000913.3:366,296-366,428:-"),
    ("chrIV:1234:-", "chrIV:1,234:-"),
    # rows of files
    ("chrIV\t1233\t1533\tgene\t0\t-", "chrIV:1,234-1,533:-"),
    ("chrIV\t1233\t1533\tpeak", "chrIV:1,234-1,533"),
    ("chrIV 1233 1533 gene 0 +", "chrIV:1,234-1,533"),
    ("chrIV\tSGD\tgene\t1234\t1533\t.\t-\t.\tID=x", "chrIV:1,234-1,533:-"),
    # typography
    ("chrIV:1234–1533", "chrIV:1,234-1,533"),
    ("chrIV:1234−1533", "chrIV:1,234-1,533"),
    ("chrIV:1234\u20111533", "chrIV:1,234-1,533"),
    ("chrIV:1234\u00ad1533", "chrIV:1,234-1,533"),
    ("chrIV：1234－1533", "chrIV:1,234-1,533"),
    ("chrIV:1\u202f234-1\u2009533", "chrIV:1,234-1,533"),
    ("“chrIV:1234-1533”", "chrIV:1,234-1,533"),
    ("'chrIV:1234-1533'", "chrIV:1,234-1,533"),
    ("chrIV:1234-1533.", "chrIV:1,234-1,533"),
    ("chrIV:1234-1533,", "chrIV:1,234-1,533"),
    ("chrIV:١٢٣٤-١٥٣٣", "chrIV:1,234-1,533"),
    ("\u200bchrIV:1234-\u20601533\ufeff", "chrIV:1,234-1,533"),
]
VARIANTS = [
    ("R64:chrMT:73925 A>G", "R64:chrMT:73,925 A>G"),
    ("R64-chrMT-73925-A-G", "R64:chrMT:73,925 A>G"),
    ("chrM_3243_A_G_b38", "GRCh38:chrM:3,243 A>G"),
    ("chrM:3243-3244 AT>GG", "chrM:3,243 AT>GG"),
    ("chrI-201-A-G", "chrI:201 A>G"),
    ("1:201:a:g", "1:201 A>G"),
    ("R64:chrI:201:A:G", "R64:chrI:201 A>G"),
    ("chrI:201 A>G", "chrI:201 A>G"),
    ("chrI:201A>G", "chrI:201 A>G"),
    ("chrI:201 A/G", "chrI:201 A>G"),
    ("chrI:201 A→G", "chrI:201 A>G"),
    ("chrI:201 A&gt;G", "chrI:201 A>G"),
    ("chrI 201 A G", "chrI:201 A>G"),
    ("chrI 201 . A G", "chrI:201 A>G"),
    ("chrI\t201\trs1\tA\tG,T\t.\tPASS\t.", "chrI:201 A>G"),
    ("chrI_201_A_G", "chrI:201 A>G"),
    ("chr1_13550_G_A_b38", "GRCh38:chr1:13,550 G>A"),
    ("chr17:43,094,464:A:G", "chr17:43,094,464 A>G"),
    ("GRCh38:chr17:43094464 A>G", "GRCh38:chr17:43,094,464 A>G"),
    ("HLA-A*01:01:01:01:5:A:G", "{HLA-A*01:01:01:01}:5 A>G"),
    ("chrI:201 AT>A", "chrI:201 AT>A"),
    ("chrI:201:A:-", "chrI:201 A>-"),
    ("chrI-201---T", "chrI:g.200_201insT"),
    ("chrI:g.201A>G", "chrI:201 A>G"),
    ("NC_000017.11:g.43094464del", "NC_000017.11:g.43094464del"),
    ("chrI:g.201_203del", "chrI:g.201_203del"),
    ("chrI:g.201_203delACG", "chrI:g.201_203delACG"),
    ("chrI:g.201_203dup", "chrI:g.201_203dup"),
    ("chrI:g.201_203inv", "chrI:g.201_203inv"),
    ("chrI:g.201_202insTT", "chrI:g.201_202insTT"),
    ("chrI:g.201_203delinsAC", "chrI:g.201_203delinsAC"),
    ("hg38-1-201-A-G", "hg38:1:201 A>G"),
    ("chrI\t200\t201\tA\tG", "chrI:201 A>G"),
    ("chrI\t201\t201\tA\tG", "chrI:201 A>G"),
    ("chrI:g.201A>G (GRCh38)", "GRCh38:chrI:201 A>G"),
    ("chrI:201delA", "chrI:g.201delA"),
    ("chrI:201 del A", "chrI:g.201delA"),
    ("chrI:201_203del", "chrI:g.201_203del"),
    ("chrI:201_202insTT", "chrI:g.201_202insTT"),
    ("MT:m.8993T>G", "MT:8,993 T>G"),
    ("NM_000546.6:c.215C>G", "NM_000546.6:c.215C>G"),
    ("NM_000546.6(TP53):c.215C>G", "NM_000546.6:c.215C>G"),
    ("NM_000546.6(TP53):c.215C>G (p.Pro72Arg)", "NM_000546.6:c.215C>G"),
    ("NM_000546.6:c.215C>G p.(Pro72Arg)", "NM_000546.6:c.215C>G"),
    ("TP53 c.215C>G", "TP53:c.215C>G"),
    ("TP53:c.88+2T>G", "TP53:c.88+2T>G"),
    ("TP53:c.-14G>C", "TP53:c.-14G>C"),
    ("TP53:c.*32A>T", "TP53:c.*32A>T"),
    ("TP53:c.76_78del", "TP53:c.76_78del"),
    ("NR_046018.2:n.5A>T", "NR_046018.2:n.5A>T"),
]
NAMES = [
    ("GAL1", "GAL1"),
    ("R64:GAL1", "R64:GAL1"),
    ("YAL001C", "YAL001C"),
    ("tRNA", "tRNA"),
    ("7SK", "7SK"),
    ("rs80357906", "rs80357906"),
    ("RS80357906", "rs80357906"),
    ("rs 80357906", "rs80357906"),
    ("dbSNP:rs80357906", "rs80357906"),
    ("NC_000913.3", "NC_000913.3"),
    ("U00096", "U00096"),
    ("lambda-or", "lambda-or"),
]


@pytest.mark.parametrize(("text", "normal"), PLACES)
def test_a_place_is_read_and_written_back_in_its_normal_form(text: str, normal: str) -> None:
    found = read_line(plain_line(text), KNOWN.__contains__)
    assert isinstance(found, LocusText)
    assert str(found) == normal
    again = read_line(plain_line(normal), KNOWN.__contains__)
    assert isinstance(again, LocusText)
    assert (again.start, again.end, again.strand, again.contig) == (found.start, found.end, found.strand, found.contig)


@pytest.mark.parametrize(("text", "normal"), VARIANTS)
def test_a_variant_is_read_and_written_back_in_its_normal_form(text: str, normal: str) -> None:
    found = read_line(plain_line(text), KNOWN.__contains__)
    assert isinstance(found, VariantText | CodingText)
    assert str(found) == normal
    assert str(read_line(plain_line(normal), KNOWN.__contains__)) == normal


@pytest.mark.parametrize("contig", ["chrM", "chrMT", "chrK", "chrV", "chrY", "chrUn", "mtDNA", "MtDNA", "chrMtDNA", "chrm"])
@pytest.mark.parametrize(
    "spelling",
    [
        "{}:3243 A>G",
        "{}:3243A>G",
        "{}:3,243 A/G",
        "{}:3243:A:G",
        "{}-3243-A-G",
        "{}_3243_A_G",
        "{}_3243_A/G",
        "{} 3243 A G",
        "{} 3243 A>G",
        "{} 3243A>G",
        "{}\t3243\t.\tA\tG",
        "{} 3243 rs1 A G 50 PASS .",
        "{}:g.3243A>G",
        "{}:m.3243A>G",
    ],
)
def test_a_contig_whose_name_is_of_iupac_letters_is_read_in_every_spelling(contig: str, spelling: str) -> None:
    assert str(read_line(plain_line(spelling.format(contig)), KNOWN.__contains__)) == f"{contig}:3,243 A>G"


@pytest.mark.parametrize("spelling", ["{}:5 A>G", "{}:5A>G", "{}-5-A-G", "{} 5 A>G", "{}:5:A:G", "{}\t5\t.\tA\tG"])
def test_signs_that_no_sequence_has_make_any_letters_in_front_a_name(spelling: str) -> None:
    assert str(read_line(plain_line(spelling.format("GATA")), in_table)) == "GATA:5 A>G"


@pytest.mark.parametrize(("text", "normal"), NAMES)
def test_a_name_stays_a_name(text: str, normal: str) -> None:
    found = read_line(plain_line(text), KNOWN.__contains__)
    assert isinstance(found, NameText)
    assert str(found) == normal


def test_the_table_holds_what_was_promised() -> None:
    assert len(PLACES) + len(VARIANTS) + len(NAMES) >= 80
    assert len({text for text, _ in (*PLACES, *VARIANTS, *NAMES)}) == len(PLACES) + len(VARIANTS) + len(NAMES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("chrIV:1_234", "one position or two"),
        ("1234_1533", "'1234_1533' has no contig; put it in front, such as chrIV:1234_1533"),
        ("1,234-1,533", "has no contig"),
        ("1234..1533", "has no contig"),
        ("1.2-1.5 kb", "has no contig"),
        ("1234", "has no contig"),
        ("chrIV:34,5M-35M", "not a whole number"),
        ("chrIV:1.5-2", "not a whole number"),
        ("chrIV:34-35M", "could begin at base 34 or at 34M; write 34M-35M"),
        ("chrI:201insT", "between two neighbours"),
        ("chrIV:1.23456k-2k", "not a whole number"),
        ("chrIV:1533-1234", "not after the end"),
        ("chrIV:0-300", "start is at least 1"),
        ("chrIV:0", "Position 0 does not exist"),
        ("chrIV:1-9999999999999", "longer than any chromosome"),
        ("chrIV:1234-", "is not a locus"),
        ("chrIV:1e3-2e3", "is not a locus"),
        ("m.100A>G", "does not say of what sequence"),
        ("TP53:p.Pro72Arg", "counts along a protein"),
        ("chrI:g.201A>", "cannot be read"),
        ("chrI:g.203_201del", "not usable"),
        ("chrI:g.201_204insT", "between two neighbours"),
        ("chrI:g.201_203delAC", "2 letters are given for the 3 bases"),
        ("TP53:c.0A>G", "counted from 1"),
        ("chrI:g.201_202ins", "Letters are missing"),
    ],
)
def test_what_is_written_as_a_place_and_cannot_be_one_says_why(text: str, words: str) -> None:
    with pytest.raises(LocusError) as caught:
        read_line(plain_line(text), KNOWN.__contains__)
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "acgt 61 acgt acgt",
        "1 acgtacgtac gtacgt",
        "61 ACGT ACGT",
        "5'-ACGT-3'",
        "1: ACGT",
        "12) ACGT",
        "Forward primer: ACGTACGT",
        "ACGT ACGT",
        "acgtacgtac 60 acgt acgt",
        "acgt\t61\tacgt\tacgt\tacgt",
        "acgtacgtac 10 20 acgt acgt",
        "ACGT 10 ACGT-ACGT",
        "gatcctccat 60",
        "ACGTN 10 20",
        "GGWCC 5 A C",
    ],
)
def test_letters_with_something_around_them_are_no_place(text: str) -> None:
    assert read_line(plain_line(text), in_table) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234", 1234),
        ("1.234", 1234),
        ("1 234 567", 1_234_567),
        ("12,34", 1234),
        ("1.5k", 1500),
        ("0.1kb", 100),
        ("2Gb", 2 * 10**9),
        ("7nt", 7),
    ],
)
def test_numbers_are_whole_bases(text: str, value: int) -> None:
    assert whole_number(text) == value


def test_several_places_are_split_at_spaces_and_semicolons_and_not_inside_numbers() -> None:
    assert several("GAL1 GAL10; chrIV:1,234-1,533, 4:5") == (
        ("GAL1 GAL10", "chrIV:1,234-1,533, 4:5"),
        ("GAL1", "GAL10", "chrIV:1,234-1,533", "4:5"),
    )
    assert several("GAL1,GAL10") == (("GAL1", "GAL10"),)
    assert several("GAL1") == ()
    for text in ("chrIV:1-9 and chrI:2-8", "chrIV:1-9 vs chrI:2-8", "chrIV:1-9 & chrI:2-8", "chrIV:1-9; chrI:2-8"):
        assert several(text)[-1] == ("chrIV:1-9", "chrI:2-8")


def test_a_line_of_the_longest_length_is_read_in_a_moment() -> None:
    import time

    hostile = [
        "1" * 490,
        "a:" * 245,
        "A1-" * 160,
        "chr" + ":1" * 240,
        "complement(" * 40,
        "1,1" * 160,
        "x:c." + "1_" * 240,
        "A>" * 240,
        " 1" * 245,
    ]
    started = time.thread_time()
    for text in hostile:
        for line in (text, f"chr1:{text}", f"{text}:1-2", f"{text}A>G"):
            try:
                read_line(plain_line(line[:500]), in_table)
            except LocusError:
                continue
    assert time.thread_time() - started < 2
