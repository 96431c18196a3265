"""Alignments from Stockholm, FASTA, Clustal and MAF, and what is refused."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import numpy as np
import pytest

from engine.core.alignment import MOST_SEQUENCES
from engine.core.errors import FileFormatError, ParameterError
from engine.core.locus import Locus
from engine.core.sequence import Alphabet
from engine.core.settings import Settings
from engine.sources import apart
from engine.sources.alignments import read_alignment

STOCKHOLM = b"# STOCKHOLM 1.0\nX1.1/11-16   AC-GUAC\ny/9-4        ACCG.AC\nz            ACCGUAC\n#=GC SS_cons <<...>>\n//\n"
CLUSTAL = b"CLUSTAL W (1.83)\n\none  AC-GTAC\ntwo  ACCGTAC\n     ** ****\n\none  AA\ntwo  AA\n     **\n"
FASTA = b">one of them\nac-gt\nac\n>two\nACCGTAC\n"
MAF = (
    b"##maf version=1\na score=1\ns mm10.chr2 2 10 + 1000 AGAGAAACAC\ns rn5.chr3 10 9 - 100 AGAGA-ACAC\n\n"
    b"a score=1\ns mm10.chr2 12 5 + 1000 AC-GTA\ns hg19.chr3 10 6 + 500 ACTGTT\n\n"
)


def rows(data: bytes, name: str = "file") -> list[str]:
    return [row.tobytes().decode() for row in read_alignment(name, data).letters]


def test_the_four_formats_give_the_same_rows() -> None:
    assert rows(STOCKHOLM) == ["AC-GUAC", "ACCG-AC", "ACCGUAC"]
    assert rows(FASTA) == ["AC-GTAC", "ACCGTAC"]
    assert rows(CLUSTAL) == ["AC-GTACAA", "ACCGTACAA"]
    assert rows(gzip.compress(FASTA, mtime=0)) == rows(FASTA)


def test_names_structure_and_loci_of_a_stockholm_file_are_kept() -> None:
    found = read_alignment("f.sto", STOCKHOLM)
    assert found.structure == "<<...>>"
    assert found.loci == (Locus.parse("X1.1:11-16"), Locus.parse("y:4-9:-"), None)
    sequence, columns = found.sequence(found.row("X1.1"))
    assert (sequence.letters, sequence.alphabet, sequence.name) == ("ACGUAC", Alphabet.RNA, "X1.1/11-16")
    assert columns.tolist() == [0, 1, 3, 4, 5, 6]


def test_blocks_of_a_maf_stand_side_by_side_with_their_loci() -> None:
    found = read_alignment("f.maf", MAF)
    assert rows(MAF) == ["AGAGAAACACAC-GTA", "AGAGA-ACAC------", "----------ACTGTT"]
    assert [str(locus) for locus in found.loci] == [
        str(Locus.parse(text)) for text in ("mm10:chr2:3-17", "rn5:chr3:82-90:-", "hg19:chr3:11-16")
    ]
    assert rows(MAF.removeprefix(b"##maf version=1\n")) == rows(MAF)
    with pytest.raises(FileFormatError, match=r"Block 2 of the MAF 'f\.maf' does not go on in 'mm10\.chr2'"):
        read_alignment("f.maf", MAF.replace(b"chr2 12", b"chr2 13"))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"hello", "in no format that is known here; give an alignment"),
        (b"LOCUS       X\n", "a GenBank record; give an alignment"),
        (b">a\nACGT\n>b\nACG\n", "does not parse as aligned FASTA"),
        (b">a\nACGT\n", "at least two sequences"),
        (b">\n\n>\n\n", "at least two sequences"),
        (b">a\nMKVL\n>b\nMKVL\n", "'L' in column 4; only letters of nucleotides"),
        ("CLUSTAL\n\na ACGÅ\nb ACGT\n".encode(), "does not parse as Clustal"),
        (b"CLUSTAL\n\n", "has no alignment in it"),
        (b"CLUSTAL\n\na AC\nb AC\n\nCLUSTAL\n\n", "has no alignment in it"),
        (b"CLUSTAL\n\na AC\nb AC\n\nCLUSTAL\n\na AC\nb AC\n", "more than one alignment"),
        (b"CLUSTAL\n\na AC\nb A\n", "does not parse as Clustal"),
        (STOCKHOLM + STOCKHOLM, "more than one alignment"),
        (b"# STOCKHOLM 1.0\nx\n//\n", "does not parse as Stockholm"),
        (b"# STOCKHOLM 1.0\nx ACGT\ny AC\n//\n", "does not parse as Stockholm"),
        (b"# STOCKHOLM 1.0\n//\n", "no alignment in it|does not parse"),
        (b"##maf version=1\n", "no alignment in it"),
        (b"##maf version=1\na score=1\ns mm x y z AC\n", "does not parse as MAF"),
        (b"##maf version=1\na score=1\ns a.1 0 2 + 9 AC\ns a.2 0 2 + 9 AC\n\n", "Block 1 of the MAF 'f' has two rows of one species"),
        (b">a\n" + b"A" * 5001 + b"\n>b\n" + b"A" * 5001, "2 sequences of 5,001 columns; up to 5,000 of 5,000 are read"),
        (b">a\nA\n" * (MOST_SEQUENCES + 1), "5,001 sequences"),
        (b"\x89PNG\r\n\x1a\n", "is a picture"),
        (gzip.compress(FASTA, mtime=0)[:-9], "ends too early"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(data: bytes, says: str) -> None:
    began = time.perf_counter()
    with pytest.raises(FileFormatError, match=says) as caught:
        read_alignment("f", data)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert time.perf_counter() - began < 20


def test_a_reference_that_is_not_one_sequence_is_said_with_those_there_are() -> None:
    found = read_alignment("f", b">a\nAC\n>a\nAC\n>b\n--\n")
    with pytest.raises(ParameterError, match="2 sequences called 'a'"):
        found.row("a")
    with pytest.raises(ParameterError, match="no sequence called 'c'; it holds a, a, b"):
        found.row("c")
    with pytest.raises(FileFormatError, match="no letters at all"):
        found.sequence(2)


def test_a_process_of_its_own_reads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "QUICK_BYTES", 10)
    settings = Settings(home=tmp_path)
    here, there = read_alignment("f.sto", STOCKHOLM), apart.read_alignment("f.sto", STOCKHOLM, settings)
    assert (here.names, here.loci, here.structure, here.sha256) == (there.names, there.loci, there.structure, there.sha256)
    np.testing.assert_array_equal(here.letters, there.letters)
    with pytest.raises(FileFormatError, match="no alignment in it"):
        apart.read_alignment("f", b"CLUSTAL\n\n        ", settings)
