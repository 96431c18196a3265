"""VCF lines as BCF, and what BCF cannot hold."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from engine.core.errors import FileFormatError
from engine.exports.bcf import write_bcf

pysam = pytest.importorskip("pysam")
HEADER = ["##fileformat=VCFv4.3\n", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"]


def test_a_record_with_too_few_columns_is_left_out_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        write_bcf([*HEADER, "c1\t81\tshort\n", "c1\t90\t.\tA\tC\t.\t.\t.\n"], tmp_path / "x.bcf")
    with pysam.VariantFile(str(tmp_path / "x.bcf")) as found:
        assert [record.pos for record in found] == [90]
    assert "has 3 of the 8 columns a BCF needs; it is left out." in caplog.text


@pytest.mark.parametrize("name", ["c,1", "=x", "*y"])
def test_a_contig_name_that_vcf_does_not_allow_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="BCF cannot hold the contig name"):
        write_bcf([*HEADER, f"{name}\t90\t.\tA\tC\t.\t.\t.\n"], tmp_path / "x.bcf")
