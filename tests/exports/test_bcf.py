"""VCF lines as BCF, and what BCF cannot hold."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from engine.exports.bcf import write_bcf

pysam = pytest.importorskip("pysam")
HEADER = ["##fileformat=VCFv4.3\n", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"]


def test_a_record_with_too_few_columns_is_left_out_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        write_bcf([*HEADER, "c1\t81\tshort\n", "c1\t90\t.\tA\tC\t.\t.\t.\n"], tmp_path / "x.bcf")
    with pysam.VariantFile(str(tmp_path / "x.bcf")) as found:
        assert [record.pos for record in found] == [90]
    assert "The record 'c1\\t81\\tshort' is left out of the BCF: it has 3 of 8 columns; .vcf.gz keeps it." in caplog.text


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("c,1\t90\t.\tA", "VCF does not allow the name of its contig"),
        ("=x\t90\t.\tA", "VCF does not allow the name of its contig"),
        ("*y\t90\t.\tA", "VCF does not allow the name of its contig"),
        ("c1\tnine\t.\tA", "its position is no number that BCF holds"),
        ("c1\t2147483648\t.\tA", "its position is no number that BCF holds"),
        ("c1\t90\t.\t.", "its reference allele is no letters"),
    ],
)
def test_a_record_that_bcf_cannot_hold_is_left_out_and_named(
    columns: str, words: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rest = "\tC\t.\t.\t.\n"
    with caplog.at_level(logging.WARNING):
        write_bcf([*HEADER, f"{columns}{rest}", f"c1\t91\t.\tA{rest}"], tmp_path / "x.bcf")
    with pysam.VariantFile(str(tmp_path / "x.bcf")) as found:
        assert [record.pos for record in found] == [91]
    assert words in caplog.text
