"""What is said where a package is missing on a platform."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.core.errors import SourceUnavailable
from engine.core.packages import needed
from engine.exports import bigwig, vcf
from tests.views import samples


def test_a_package_that_is_here_is_imported() -> None:
    assert needed("pysam").__name__ == "pysam"
    assert needed("pysam", "pysam.bcftools").__name__ == "pysam.bcftools"


def test_without_pybigwig_a_bigwig_says_what_to_write_instead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyBigWig", None)
    found = samples.effects(samples.sequence(locus=True))
    with pytest.raises(
        SourceUnavailable, match=r"bigWig needs the package pyBigWig, which is not installed here .* write .bedgraph instead"
    ):
        bigwig.write_track(found, found.tracks()[0], tmp_path / "x.bw")


def test_without_pysam_a_bgzipped_vcf_says_what_to_write_instead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pysam", None)
    with pytest.raises(SourceUnavailable, match=r"need the package pysam, .* take plain files"):
        vcf.write_lines(iter(["##fileformat=VCFv4.3\n"]), tmp_path / "x.vcf.gz")
