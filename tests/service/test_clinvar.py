"""ClinVar beside a triage: the very allele is found, however either file writes it, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pysam
import pytest

from engine.core.clinical import ClinicalRecord
from engine.core.errors import FileFormatError, InputError, ParameterError
from engine.core.settings import Settings
from engine.core.variants import Triage, TriageParameters
from engine.exports.triage_table import COLUMNS, cells
from engine.exports.vcf import vcf_lines
from engine.service import clinvar
from engine.service.engine import Engine
from engine.service.triage import ReferenceLetters, TriageRequest
from engine.sources.clinvar import ClinVar, files_of
from engine.sources.vcf import read_vcf
from pages._ui.triage_table import Filters, table
from tests.fake_model import Calls, FakeRegistry
from tests.service.test_triage import CONTIG

MINE = (
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    "chr1\t1\t.\tTT\tT\t.\t.\t.\n"  # a T of five goes
    "chr1\t9\t.\tG\tA\t.\t.\t.\n"
    "chr1\t9\t.\tG\tC\t.\t.\t.\n"
    "chr1\t11\t.\tAT\tACT\t.\t.\t.\n"  # C put in between, padded on both sides
    "chr1\t30\t.\tA\t<DEL>\t.\t.\t.\n"
)
THEIRS = (
    "##fileformat=VCFv4.1\n##fileDate=2026-01-05\n##reference=GRCh38\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    "1\t4\t11\tTT\tT\t.\t.\tCLNSIG=Likely_benign;CLNREVSTAT=criteria_provided,_single_submitter;CLNDN=Something\n"  # not left-aligned
    "1\t9\t12\tG\tA\t.\t.\tCLNSIG=Pathogenic/Likely_pathogenic;CLNREVSTAT=reviewed_by_expert_panel\n"
    "1\t9\t13\tG\tGA\t.\t.\tCLNSIG=Benign\n"
    "1\t11\t14\tA\tAC\t.\t.\tALLELEID=5\n"
)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    plain = tmp_path / "clinvar.vcf"
    plain.write_text(THEIRS)
    return Path(pysam.tabix_index(str(plain), preset="vcf", force=True))


@pytest.fixture
def request_of(tmp_path: Path) -> TriageRequest:
    path = tmp_path / "ref.fa"
    path.write_text(f">chr1\n{CONTIG}\n")
    letters = ReferenceLetters.of_file(path, Settings(home=tmp_path / "home"))
    return TriageRequest(read_vcf(MINE.encode(), "m.vcf"), letters, parameters=TriageParameters(20), assembly="hg38")


def found(request: TriageRequest, tmp_path: Path) -> Triage:
    engine = Engine(Settings(home=tmp_path / "home", model="pairs"), FakeRegistry(tmp_path / "models", Calls()))
    result: Triage = engine.run_triage(request)
    return result


def test_the_very_allele_is_found_wherever_an_indel_stands_and_no_other_at_its_place(
    request_of: TriageRequest, theirs: Path, tmp_path: Path
) -> None:
    result = found(replace(request_of, clinvar=theirs), tmp_path)
    assert [row.clinical and row.clinical.identifier for row in result.rows] == ["11", "12", None, "14", None]
    first, second, inserted = (result.rows[number].clinical for number in (0, 1, 3))
    assert first == ClinicalRecord("11", "Likely benign", "criteria provided, single submitter", "Something")
    assert second is not None
    assert second.significance == "Pathogenic/Likely pathogenic"
    assert inserted == ClinicalRecord("14")
    told = result.provenance.parameters["clinvar"]
    assert told["date"] == "2026-01-05"
    assert "public domain" in told["terms"]
    named = dict(zip(COLUMNS, cells(result.rows[1], None), strict=True))
    assert (named["clinvar_significance"], named["clinvar_id"]) == ("Pathogenic/Likely pathogenic", "12")
    lines = [line for line in vcf_lines(result, MINE.splitlines()) if not line.startswith("#")]
    assert "LCS_CLINVAR=Pathogenic/Likely%20pathogenic;" in lines[1] + ";"
    assert "LCS_CLINVAR" not in lines[2]
    frame = table(result)
    assert list(frame["ClinVar"])[3] == "no classification"
    assert list(Filters(clinical=("Likely benign",)).kept(frame)["position"]) == [1]


def test_without_the_file_nothing_is_said_and_the_same_is_scored(request_of: TriageRequest, theirs: Path, tmp_path: Path) -> None:
    without, beside = found(request_of, tmp_path), found(replace(request_of, clinvar=theirs), tmp_path)
    assert {row.clinical for row in without.rows} == {None}
    assert [row.llr for row in without.rows] == [row.llr for row in beside.rows]
    assert "ClinVar" not in table(without)


def test_a_file_of_another_assembly_or_without_its_index_is_refused(request_of: TriageRequest, theirs: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="is of GRCh38, the variants are of GRCh37"):
        found(replace(request_of, clinvar=theirs, assembly="hg19"), tmp_path)
    Path(f"{theirs}.tbi").unlink()
    with pytest.raises(FileFormatError, match="no index beside it"):
        ClinVar(theirs)
    with pytest.raises(FileFormatError, match="is not there"):
        ClinVar(tmp_path / "gone.vcf.gz")


def test_the_operators_files_are_named_by_assembly() -> None:
    assert files_of("hg38=/a.vcf.gz, GRCh37=/b.vcf.gz") == {"GRCh38": Path("/a.vcf.gz"), "GRCh37": Path("/b.vcf.gz")}
    assert clinvar.registered(Settings(clinvar="GRCh38=/a.vcf.gz"), "hg38") == Path("/a.vcf.gz")
    assert clinvar.registered(Settings(clinvar="GRCh38=/a.vcf.gz"), "GRCh37") is None
    with pytest.raises(InputError, match="ASSEMBLY=FILE"):
        files_of("/a.vcf.gz")
