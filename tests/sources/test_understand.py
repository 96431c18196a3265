"""The input box: what is understood, and one clear sentence for what is not."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as options
from hypothesis import strategies as st

from engine.core.errors import FileFormatError, InputError, LocuscopeError, LocusError, SequenceError, SourceUnavailable
from engine.core.sequence import Alphabet
from engine.core.settings import Settings
from engine.sources.genomes import GenomeSet
from engine.sources.understand import read_features, read_upload, understand
from tests.sources.conftest import CHR_I, CHR_II, GFF

GENBANK = """LOCUS       TEST1                     60 bp    DNA     linear   BCT 01-JAN-2020
DEFINITION  test.
ACCESSION   TEST1
VERSION     TEST1.1
FEATURES             Location/Qualifiers
     source          1..60
                     /organism="test"
     gene            complement(11..20)
                     /gene="abcD"
     CDS             join(1..6,10..15)
                     /product="split"
ORIGIN
        1 acgtacgtac acgtacgtac acgtacgtac acgtacgtac acgtacgtac acgtacgtac
//
"""


def test_letters_of_any_case_with_white_space_and_position_numbers_are_read_as_genbank_prints_them(
    genomes: GenomeSet, settings: Settings
) -> None:
    found = understand("        1 gatcctccat atacaacggt\n       21 atctcN\n//\n", genomes, settings)
    assert found.kind == "letters"
    assert found.records[0].letters == "GATCCTCCATATACAACGGTATCTCN"
    assert found.notes == ("26 bp of DNA, 1 N",)


def test_u_makes_it_rna_and_primes_at_the_ends_are_taken_away(genomes: GenomeSet, settings: Settings) -> None:
    record = understand("5'-gcgGAUuu-3'", genomes, settings).records[0]
    assert (record.letters, record.alphabet) == ("GCGGAUUU", Alphabet.RNA)


def test_fasta_with_several_records_offers_the_choice(genomes: GenomeSet, settings: Settings) -> None:
    found = understand(">one first\nACGT\nAC\n\n>two\nggg\n", genomes, settings)
    assert [(record.name, record.letters) for record in found.records] == [("one", "ACGTAC"), ("two", "GGG")]
    assert "2 FASTA records" in found.notes[1]
    assert found.record_features == ((), ())


def test_a_samtools_header_becomes_the_locus_when_its_width_fits(genomes: GenomeSet, settings: Settings) -> None:
    fits, other = understand(">chrI:11-14\nACGT\n>chrI:11-15\nACGT\n", genomes, settings).records
    assert str(fits.locus) == "chrI:11-14"
    assert other.locus is None


def test_genbank_gives_letters_locus_and_features_with_parts(genomes: GenomeSet, settings: Settings) -> None:
    found = understand(GENBANK, genomes, settings)
    assert found.kind == "genbank"
    assert found.records[0].letters == "ACGTACGTAC" * 6
    assert str(found.records[0].locus) == "TEST1.1:1-60"
    assert [(item.kind, item.name, item.start, item.end, item.strand) for item in found.features] == [
        ("gene", "abcD", 10, 20, "-"),
        ("CDS", "split", 0, 6, "+"),
        ("CDS", "split", 9, 15, "+"),
    ]


def test_odd_genbank_locations_are_left_out_and_the_others_kept(genomes: GenomeSet, settings: Settings) -> None:
    odd = """     gene            J00194.1:1..5
     gene            7^8
     gene            <1..>9
     gene            (3.5)..8
     gene            ?..20
     gene            50..>99
"""
    found = understand(GENBANK.replace("     CDS  ", odd + "     CDS  "), genomes, settings)
    spans = [(item.start, item.end) for item in found.features if item.kind == "gene"]
    assert {(10, 20), (0, 9)} <= set(spans)
    assert all(0 <= start < end <= 60 for start, end in spans)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("R64:chrI:11-20", 10, 20),
        ("sacCer3:I:11..20", 10, 20),
        ("chr1:11-20", 10, 20),
        ("NC_001133.9:11-20", 10, 20),
        ("NC_001133:11-20", 10, 20),
        ("CHRI : 11 - 20", 10, 20),
        ("chrI:1,1-2,0", 10, 20),
        ("chrI:11+10", 10, 20),
        ("chrI 11 20", 10, 20),
        ("chrI 11 20 +", 10, 20),
        ("chrI:0.1k-0.11kb", 99, 110),
    ],
)
def test_every_spelling_of_a_locus_reads_the_same_letters(text: str, start: int, end: int, genomes: GenomeSet, settings: Settings) -> None:
    found = understand(text, genomes, settings)
    assert found.kind == "locus"
    assert found.records[0].letters == CHR_I[start:end]
    assert str(found.records[0].locus) == f"R64:chrI:{start + 1}-{end}"


@pytest.mark.parametrize("text", ["chrI:1-8:-", "chrI:1-8(-)", "chrI:1-8 [rev]", "chrI 1 8 -"])
def test_the_reverse_strand_is_the_reverse_complement(text: str, genomes: GenomeSet, settings: Settings) -> None:
    found = understand(text, genomes, settings)
    assert found.records[0].letters == "TGCAACGT"
    assert "− strand" in found.notes[0]


def test_a_single_position_is_the_middle_of_a_window_cut_at_the_contig_ends(genomes: GenomeSet, settings: Settings) -> None:
    found = understand("chrI:200", genomes, settings)
    assert str(found.records[0].locus) == "R64:chrI:50-310"
    assert "window of 300 bp" in found.notes[1]


def test_features_of_a_locus_are_in_indices_of_its_letters_on_both_strands(genomes: GenomeSet, settings: Settings) -> None:
    forward = understand("chrI:16-30", genomes, settings).features
    assert [(item.name, item.start, item.end, item.strand) for item in forward] == [("TFC3", 0, 15, "-"), ("YAL001C_intron", 5, 10, "-")]
    assert forward[0].attributes["partial"] == "true"
    assert forward[0].attributes["Note"] == "a gene"
    reverse = understand("chrI:16-30:-", genomes, settings).features
    assert [(item.name, item.start, item.end, item.strand) for item in reverse] == [("TFC3", 0, 15, "+"), ("YAL001C_intron", 5, 10, "+")]
    shifted = understand("chrI:19-30:-", genomes, settings).features
    assert [(item.start, item.end) for item in shifted] == [(0, 12), (5, 10)]


def test_a_gene_name_of_the_annotation_is_its_locus_on_its_strand(genomes: GenomeSet, settings: Settings) -> None:
    found = understand("tfc3", genomes, settings)
    assert str(found.records[0].locus) == "R64:chrI:11-40:-"
    assert understand("ECM15", genomes, settings).records[0].letters == CHR_II


@pytest.mark.parametrize(
    "text", ["chrI-201-A-G", "1:201:a:g", "R64:chrI:201:A:G", "chrI:201 A>G", "chrI 201 A G", "chrI:g.201A>G", "chrI:201A/G"]
)
def test_a_variant_shows_the_window_around_it_and_is_a_feature_there(text: str, genomes: GenomeSet, settings: Settings) -> None:
    found = understand(text, genomes, settings)
    assert CHR_I[200] == "A"
    assert str(found.records[0].locus) == "R64:chrI:51-310"
    assert found.records[0].letters[150] == "A"
    assert [(item.kind, item.name, item.start, item.end) for item in found.features] == [("variant", "A>G", 150, 151)]
    assert "A>G is at position 151 of the window, 201 on chrI" in found.notes[-1]


def test_a_variant_whose_reference_letter_does_not_fit_still_shows_its_region(genomes: GenomeSet, settings: Settings) -> None:
    found = understand("chrI:201:T:G", genomes, settings)
    assert found.notes[-1].startswith("The reference has A at 201, not T")
    with pytest.raises(LocusError, match="310 bases; 999 is outside"):
        understand("chrI:999:A:G", genomes, settings)


@pytest.mark.parametrize("text", ["acgt 61 acgt acgt", "1 acgtacgtac gtacgt", "61 ACGT ACGT"])
def test_letters_with_numbers_are_not_taken_for_a_variant(text: str, genomes: GenomeSet, settings: Settings) -> None:
    assert understand(text, genomes, settings).kind == "letters"


def test_an_example_name_gives_its_letters_features_and_what_to_see(genomes: GenomeSet, settings: Settings) -> None:
    found = understand(" Lambda-OR ", genomes, settings)
    assert found.kind == "example"
    assert found.notes[2].startswith("Look for")
    assert {"OR1", "OR2", "OR3"} <= {item.name for item in found.features}


def test_a_locus_inside_a_shipped_example_needs_no_registered_genome(settings: Settings) -> None:
    empty = Settings(home=settings.home, offline=True)
    inside = understand("ASM584v2:NC_000913.3:366,379-366,384:-", GenomeSet(empty), empty)
    outside = understand("ecoli-lac-promoter", GenomeSet(empty), empty)
    assert inside.records[0].letters == outside.records[0].letters[44:50]
    flipped = understand("K12:NC_000913.3:366379-366384", GenomeSet(empty), empty)
    assert flipped.records[0].letters == inside.records[0].reverse_complement().letters
    box = understand("K12:NC_000913.3:366374-366379:-", GenomeSet(empty), empty)
    assert (box.records[0].letters, box.features[0].name, box.features[0].strand) == ("TTTACA", "−35", "+")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Nothing was given"),
        (" \n\t ", "Nothing was given"),
        ("NNNNNNN", "All 7 letters"),
        ("ACGTZACGT", "'Z' at position 5"),
        ("MKRISTTITTTIPLEQ", "looks like a protein"),
        ("ACGT-ACGT", "gap of an alignment"),
        ("ACGTU", "T (position 4) and U (position 5) are mixed"),
        ("ACGT é", "'é' (Latin small letter e with acute) at position 5"),
        (">b\n\n>c\n", "record 'b' has no letters"),
        (">a\nACGTJ\n", "'J' at position 5 of FASTA record 'a'"),
        ("99 bottles", "'O' at position 2 is not a nucleotide, nor are 2 other kinds of letters; allowed are A"),
    ],
)
def test_letters_that_cannot_be_used_get_one_sentence(text: str, words: str, genomes: GenomeSet, settings: Settings) -> None:
    with pytest.raises(InputError) as caught:
        understand(text, genomes, settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("R64:chrZ:1-10", "nearest: chrI"),
        ("chrII", "R64:chrII has 50 bases; name a part of it, such as R64:chrII:1-50"),
        ("chrZ:1-10", "known: R64"),
        ("R64:1-100:-", "put the contig behind it, such as R64:chrI:1-100:-."),
        ("R65:chrI:1-10", "known are for example R64"),
        ("R64:chrI:1-311", "310 bases"),
        ("R64:chrI:400", "outside"),
        ("R64:chrI:0-10", "start is at least 1"),
        ("R64:chrI:20-10", "not after the end"),
        ("R64:chrI:1.23456k-2k", "whole number"),
        ("chrI:ten-twenty", "is not a locus"),
        ("../../etc/passwd:1-10", "No registered assembly has a contig '../../etc/passwd'"),
        ("R64:chrI:99999999999999-999999999999999", "longer than any chromosome"),
    ],
)
def test_a_locus_that_does_not_exist_gets_one_sentence(text: str, words: str, genomes: GenomeSet, settings: Settings) -> None:
    with pytest.raises(LocusError) as caught:
        understand(text, genomes, settings)
    assert words in str(caught.value)


def test_a_known_assembly_that_is_not_registered_says_so_when_offline(genomes: GenomeSet, settings: Settings) -> None:
    with pytest.raises(SourceUnavailable, match="GRCh38 is not registered"):
        understand("hg38:chr7:55019017-55019365", genomes, settings)


def test_a_word_that_is_neither_gene_nor_example_offers_what_can_be_written(genomes: GenomeSet, settings: Settings) -> None:
    with pytest.raises(InputError, match="no gene of R64 and no example") as caught:
        understand("lamda-or", genomes, settings)
    assert "lambda-or" in str(caught.value)


def test_a_paste_of_200_mb_is_refused_at_once_before_any_parsing(genomes: GenomeSet, settings: Settings) -> None:
    text = "A" * 200_000_000
    start = time.thread_time()
    text.count("C")
    looked_through = time.thread_time() - start
    start = time.thread_time()
    with pytest.raises(SequenceError, match="200,000,000 characters; up to 100,000"):
        understand(text, genomes, settings)
    assert time.thread_time() - start < max(0.1, looked_through)


def test_uploads_are_read_by_content_packed_or_not(settings: Settings) -> None:
    plain = read_upload("x.fa", b"\xef\xbb\xbf>a\r\nACGT\r\nacgt\r\n", settings)
    assert (plain.kind, plain.records[0].letters) == ("fasta", "ACGTACGT")
    packed = read_upload("x.gb.gz", gzip.compress(GENBANK.encode(), mtime=0), settings)
    assert (packed.kind, len(packed.features)) == ("genbank", 3)
    members = gzip.compress(b">a\nAC\n", mtime=0) + gzip.compress(b"GT\n", mtime=0)
    assert read_upload("x.fa.gz", members, settings).records[0].letters == "ACGT"


def test_a_gzip_bomb_is_stopped_while_it_is_unpacked(settings: Settings) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    chunk = b"A" * 1_000_000
    bomb = b"".join([packer.compress(b">a\n"), *(packer.compress(chunk) for _ in range(60)), packer.flush()])
    assert len(bomb) < settings.max_upload_bytes
    with pytest.raises(FileFormatError, match="unpacks to more than 100,000 bytes"):
        read_upload("bomb.fa.gz", bomb, settings)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"A" * 100_001, "100,001 bytes"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"\xff\xfd\xa0\0\1\0", "not text"),
        (b">a\nAC\0GT", "'\u2400' (a zero byte) at position 3 of FASTA record 'a' is not a nucleotide"),
        (gzip.compress(b">a\nACGT" * 50, mtime=0)[:-12], "ends too early"),
        (gzip.compress(b">a\nACGT", mtime=0) + b"rubbish", "behind its end"),
        (b"\x1f\x8b\x08\x00" + b"\xff" * 30, "damaged"),
        (b"LOCUS       X 10 bp DNA\nFEATURES\n     gene bad(\nORIGIN\n//\n", "GenBank"),
        (GENBANK.split("ORIGIN")[0].encode() + b"CONTIG      join(A.1:1..60)\n//\n", "no letters"),
    ],
)
def test_broken_uploads_get_one_sentence(data: bytes, words: str, settings: Settings) -> None:
    with pytest.raises(InputError) as caught:
        read_upload("upload.fa", data, settings)
    assert words in str(caught.value)


def test_gff3_with_its_fasta_inside_gives_letters_and_features(settings: Settings) -> None:
    text = GFF.replace(">chrI\nACGT\n", f">chrI\n{CHR_I}\n>chrII\n{CHR_II}\n")
    found = read_upload("genome.gff3.gz", gzip.compress(text.encode(), mtime=0), settings)
    assert [record.letters for record in found.records] == [CHR_I, CHR_II]
    assert [[item.name for item in features] for features in found.record_features] == [["TFC3", "YAL001C_intron"], ["ECM15"]]
    with pytest.raises(FileFormatError, match="annotation without letters"):
        read_upload("a.gff3", GFF.split("##FASTA")[0].encode(), settings)


def test_an_uploaded_annotation_is_laid_on_the_sequence_it_names(genomes: GenomeSet, settings: Settings) -> None:
    place = understand("chrI:16-30:-", genomes, settings).records[0]
    bed = b"I\t20\t25\tsite\t0\t+\nII\t20\t25\tother\t0\t+\n"
    (found,) = read_features("a.bed", bed, place, settings)
    assert (found.name, found.start, found.end, found.strand) == ("site", 5, 10, "-")
    named = understand(">chrI\nACGTACGTACGTACGTACGTACGTACGT\n", genomes, settings).records[0]
    assert [item.start for item in read_features("a.bed", bed, named, settings)] == [20]
    with pytest.raises(LocusError, match="its contigs are I, II"):
        read_features("a.bed", bed, understand("chrI:100-130", genomes, settings).records[0], settings)


def outcome(ask: Callable[[], object]) -> str:
    """The sentence of a refusal, or ``understood.``; any other error goes through."""
    try:
        ask()
    except LocuscopeError as error:
        return str(error)
    return "understood."


@options(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=80), st.text(alphabet="ACGTUNacgt0123456789:-+.,>;\n\t /chrIkM[]()", max_size=80)))
@example("chrI:1e3-2")
@example("chrI:٣-٤")
@example(">\n\n>")
@example("LOCUS x \nORIGIN\n//")
@example("chrI:1.5-2")
@example("\ufeff")
def test_no_text_whatever_causes_another_error_than_a_sentence(genomes: GenomeSet, settings: Settings, text: str) -> None:
    assert outcome(lambda: understand(text, genomes, settings)).endswith(".")


@options(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=120), st.sampled_from([b"", b">a\n", b"LOCUS       x 10 bp\n", b"\x1f\x8b\x08", b"##gff-version 3\n##FASTA\n"]))
def test_no_upload_whatever_causes_another_error_than_a_sentence(settings: Settings, data: bytes, start: bytes) -> None:
    for upload in (start + data, gzip.compress(start + data, mtime=0)):
        assert outcome(lambda upload=upload: read_upload("x", upload, settings)).endswith(".")
