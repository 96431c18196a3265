"""The one door for bytes: lines, encodings, packings and bounds, each with the sentence that names the true cause."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import lzma
import random
import zipfile
import zlib
from pathlib import Path

import pysam
import pytest

from engine.core.errors import FileFormatError
from engine.core.settings import Settings
from engine.sources.door import Bounds, LeftOut, TextLines, lines_of, read_json, unpacked
from engine.sources.kinds import FASTQ, STOCKHOLM, text_kind


def read(data: bytes | Path, bounds: Bounds | None = None, name: str = "a.txt") -> tuple[list[str], list[str]]:
    with TextLines(name, data, bounds or Bounds(), "FASTA") as lines:
        return list(lines), lines.notes


def test_lines_end_at_the_three_line_ends_and_nowhere_else() -> None:
    text = "a\nb\r\nc\rd\x0be\x0cf\x1cg\x85h\u2028i\u2029j\n\nk"
    expected = ["a", "b", "c", "d\x0be\x0cf\x1cg\x85h\u2028i\u2029j", "", "k"]
    assert read(text.encode())[0] == expected
    assert list(lines_of(text)) == expected


@pytest.mark.parametrize(
    "data",
    [
        "é\nß\n".encode(),
        b"\xef\xbb\xbf" + "é\nß\n".encode(),
        "é\nß\n".encode("utf-16"),
        b"\xfe\xff" + "é\nß\n".encode("utf-16-be"),
        gzip.compress("é\nß\n".encode(), mtime=0),
        gzip.compress("é\n".encode(), mtime=0) + gzip.compress("ß\n".encode(), mtime=0) + b"\0" * 7,
    ],
)
def test_utf8_with_and_without_mark_utf16_and_gzip_of_them_read_the_same(data: bytes) -> None:
    assert read(data) == (["é", "ß"], [])


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_known_by_its_zeros(encoding: str) -> None:
    assert read(">name\nACGT\n".encode(encoding)) == ([">name", "ACGT"], [])


def test_latin1_is_read_and_said_line_by_line() -> None:
    lines, notes = read("ä ok\n".encode() + b"M\xfcller \x96 x\n")
    assert lines == ["ä ok", "Müller – x"]
    assert notes == ["The file 'a.txt' is not UTF-8 everywhere; the rest was read as Latin-1."]


@pytest.mark.parametrize("filler", [b"", b"ACGT\n" * 2000])
def test_a_zero_byte_spoils_its_line_and_not_the_file(filler: bytes) -> None:
    data = b">a\n" + filler + b"AC\0GT\nTT\xfc\x01\nACGT\n" + b"\0" * 600 + b"\n"
    lines, notes = read(data)
    assert lines[-4:] == ["AC\u2400GT", "TT\xfc\x01", "ACGT", "\u2400" * 600]
    assert notes == ["The file 'a.txt' is not UTF-8 everywhere; the rest was read as Latin-1."]


def test_utf16_that_is_cut_in_the_middle_keeps_its_other_lines() -> None:
    lines, _ = read("one\ntwo\nthree".encode("utf-16")[:-1])
    assert lines[:2] == ["one", "two"]
    assert lines[2].startswith("thre")


def test_utf16_with_letters_that_are_none_says_so() -> None:
    data = bytearray("one\ntwo\n".encode("utf-16"))
    data[4:6] = b"\x00\xdc"
    lines, notes = read(bytes(data))
    assert lines == ["o\ufffde", "two"]
    assert notes == ["The file 'a.txt' is damaged: some of its UTF-16 is no letter and reads as \ufffd."]


def test_an_old_end_of_file_sign_is_no_letter() -> None:
    assert read(b">a\nACGT\n\x1a")[0] == [">a", "ACGT", ""]


def archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("a.fa", ">a\nACGT\n")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (archive(), "is a zip archive (.zip, .xlsx and .docx are); unpack it and give the file inside"),
        (bz2.compress(b">a\nACGT\n"), "packed with bzip2 (.bz2); unpack it with bunzip2"),
        (lzma.compress(b">a\nACGT\n"), "packed with xz (.xz); unpack it with unxz"),
        (b"\x28\xb5\x2f\xfd rest", "packed with Zstandard (.zst); unpack it with zstd -d"),
        (b"%PDF-1.4", "is a PDF"),
        (b"{\\rtf1 ACGT}", "RTF document of a word processor; save it as plain text"),
        (b"BCF\x02\x02rest", "BCF, the binary form of VCF; turn it into VCF with bcftools view"),
        (gzip.compress(b"BCF\x02\x02rest", mtime=0), "BCF, the binary form of VCF"),
        (b"\x43\x27\x41\x1a", "2bit, a packed genome of UCSC; turn it into FASTA with twoBitToFa"),
        (gzip.compress(b"x" * 257 + b"ustar" + b"x" * 300, mtime=0), "a tar archive"),
        (b"", "is empty; give FASTA"),
        (b" \r\n\t\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\xff\xfe\0\0a\0\0\0", "UTF-32"),
        (b"AC\0GT\0", "is not text"),
        (bytes(range(256)) * 9, "is not text"),
        (b"\xff" * 50 + b"\0" * 3, "is not text"),
        (gzip.compress(b">a\nACGT" * 50, mtime=0)[:-12], "ends too early"),
        (gzip.compress(b">a\nACGT", mtime=0) + b"rubbish", "other bytes behind its end"),
        (b"\x1f\x8b\x08\x00" + b"\xff" * 30, "is damaged"),
    ],
)
def test_what_is_no_text_is_called_by_its_name(data: bytes, words: str) -> None:
    with pytest.raises(FileFormatError) as caught:
        read(data)
    assert words in str(caught.value)
    assert str(caught.value).startswith("The ")
    assert str(caught.value).endswith(".")


def test_bounds_hold_before_and_after_unpacking_and_for_lines(tmp_path: Path) -> None:
    small = Bounds(text_bytes=1000, lines=5)
    with pytest.raises(FileFormatError, match="has 1,001 bytes; up to 1,000 are taken"):
        read(b"A" * 1001, small)
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = bomb.compress(b"A" * 900_000) + bomb.flush()
    assert len(packed) < 1000
    with pytest.raises(FileFormatError, match="unpacks to more than 1,000 bytes"):
        read(packed, small)
    with pytest.raises(FileFormatError, match="more than 5 lines"):
        read(b"a\n" * 6, small)
    (tmp_path / "big.txt").write_bytes(packed)
    with pytest.raises(FileFormatError, match="unpacks to more than 1,000 bytes"):
        read(tmp_path / "big.txt", small)


def test_a_visitors_bounds_grow_with_the_setting() -> None:
    usual = Bounds.of(Settings())
    assert (usual.text_bytes, usual.lines, usual.records, usual.features, usual.alleles) == (
        50_000_000,
        5_000_000,
        10_000,
        500_000,
        200_000,
    )
    assert Bounds.of(Settings(max_upload_bytes=1 << 40)).records > 10**8


@pytest.mark.parametrize("step", [7, 1000, 8192, 65536, 1 << 20])
def test_gzip_of_many_members_unpacks_the_same_in_bites_of_any_size(step: int) -> None:
    draw = random.Random(1)
    whole = b"".join(bytes(draw.choices(b"ACGT\n", k=draw.randrange(70_000))) for _ in range(12))
    cuts = [0, 10, 11, 5000, 70_000, 200_000, len(whole)]
    data = b"".join(gzip.compress(whole[a:b], mtime=0) + gzip.compress(b"", mtime=0) for a, b in itertools.pairwise(cuts))
    pieces = []
    with unpacked(io.BytesIO(data), "x", 1 << 40) as stream:
        while piece := stream.read1(step):
            pieces.append(piece)
    assert b"".join(pieces) == whole


def test_bgzip_is_gzip(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x\n" * 100_000)
    pysam.tabix_compress(str(tmp_path / "a"), str(tmp_path / "a.gz"))
    assert read(tmp_path / "a.gz")[0] == ["x"] * 100_000


def test_what_was_left_out_is_counted_and_the_first_are_named() -> None:
    left = LeftOut()
    assert left.note("a.bed") == ""
    left.add("line 3 is odd")
    assert left.note("a.bed") == "1 line of 'a.bed' left out: line 3 is odd."
    for number in range(4, 9):
        left.add(f"line {number} is odd")
    assert left.note("a.bed") == "6 lines of 'a.bed' left out: line 3 is odd; line 4 is odd; line 5 is odd; ...."


@pytest.mark.parametrize("text", ["[" * 200_000, "1" * 5000, "NaN", "Infinity", "-1e999", '{"a": nan}', "", "<html>", '{"a":1', "\ud800"])
def test_json_that_breaks_readers_is_one_error(text: str) -> None:
    with pytest.raises(FileFormatError, match="The answer of X is not JSON that can be read"):
        read_json(text, "The answer of X")
    assert read_json('{"a": [1, 2.5, "x"]}', "x") == {"a": [1, 2.5, "x"]}


def test_kinds_are_known_by_their_first_lines() -> None:
    assert text_kind("@r1\nACGT\n+\nIIII\n") is FASTQ
    assert text_kind("\n\n# STOCKHOLM 1.0\n") is STOCKHOLM
    assert text_kind("ACGT") is None
    assert text_kind("acgt acgt") is None
