"""The end of a name decides what is written: every format of a triage read back by another program."""

from __future__ import annotations

import ast
import csv
import gzip
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
import pysam
import pysam.bcftools
import pytest

from engine.core.consequences import Consequence
from engine.core.errors import FileFormatError, ParameterError
from engine.core.splicing import SiteChange, SpliceScore
from engine.core.variants import ScoredVariant, Triage, Variant
from engine.exports.triage_files import FORMATS, triage_format
from engine.exports.triage_report import order_key, variant_report
from engine.exports.triage_script import arguments_of, script_of
from engine.exports.triage_table import COLUMNS, cells
from engine.views.score_figures import score_histogram
from tests.views import samples

VCF = [
    "##fileformat=VCFv4.3",
    "##contig=<ID=c1,length=2000>",
    '##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">',
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO",
    "c1\t5\trs1\tA\tG,T\t.\tPASS\tDP=7",
    "##source=joined",
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO",
    "c2\t9\t=1+1\tC\t<DEL>\t.\tPASS\t.",
    "c1\t0\t.\tN\tA\t.\tPASS\t.",
    "c1\t12\t.\tG\tC\t.\tPASS",
]
ROWS = (
    ScoredVariant(
        Variant("c1", 5, "A", "G", "rs1", 0, 0),
        "scored",
        llr=-1.5,
        influence=0.25,
        consequences=(
            Consequence(("missense_variant", "splice_region_variant"), "-x", "t 1", "c.4A>G", "p.(Ala2=)", 1, "note; one, two"),
            Consequence(("intron_variant",), "y;|z", "t2", "c.9+4A>G"),
        ),
        left_aligned=(5, "A", "G"),
    ),
    ScoredVariant(Variant("c1", 5, "A", "T", "rs1", 0, 1), "scored", llr=-2.5, influence=0.5),
    ScoredVariant(Variant("c2", 9, "C", "<DEL>", "=1+1", 1, 0), "not_scored", note="no letters"),
    ScoredVariant(Variant("c1", 0, "N", "A", ".", 2, 0, "position 0"), "not_scored", note="position 0"),
    ScoredVariant(Variant("c1", 12, "G", "C", ".", 3, 0), "scored", llr=0.5, influence=0.1),
)


@pytest.fixture
def found() -> Triage:
    return Triage(ROWS, samples.provenance("triage", samples.sequence()))


def written(found: Triage, path: Path) -> Path:
    triage_format(path).write(found, iter(VCF), path)
    return path


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.tsv", ".tsv"),
        ("a.TXT", ".tsv"),
        ("a.csv", ".csv"),
        ("a.XLSX", ".xlsx"),
        ("a.vcf", ".vcf"),
        ("a.VCF", ".vcf"),
        ("a.vcf.gz", ".vcf.gz"),
        ("a.VCF.BGZ", ".vcf.gz"),
        ("a.b.bcf", ".bcf"),
        ("a.py", ".py"),
    ],
)
def test_the_end_of_a_name_is_read_whatever_its_case(name: str, suffix: str) -> None:
    assert triage_format(Path(name)).suffix == suffix


@pytest.mark.parametrize("name", ["a", "a.gz", "a.vcf.zip", "a.xls", "a.docx", "vcf", "a.vcf.xz", "a.tsv.gz", "a.json"])
def test_an_end_that_means_no_format_is_refused_with_those_that_do(name: str) -> None:
    with pytest.raises(ParameterError) as caught:
        triage_format(Path(name))
    for item in FORMATS:
        assert item.suffix in str(caught.value)


def test_csv_is_split_by_commas_and_no_cell_is_a_formula(found: Triage, tmp_path: Path) -> None:
    with written(found, tmp_path / "a.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert list(rows[0]) == [*COLUMNS, "provenance"]
    assert json.loads(rows[0]["provenance"])["analysis"] == "triage"
    assert [row["llr"] for row in rows] == ["-1.5", "-2.5", "", "", "0.5"]
    assert (rows[0]["gene"], rows[2]["id"]) == ("'-x", "'=1+1")


def test_the_columns_of_consequences_come_behind_the_others(found: Triage, tmp_path: Path) -> None:
    first, second = (
        dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in written(found, tmp_path / "a.tsv").read_text().splitlines()[3:5]
    )
    assert (first["consequence"], first["impact"], first["consequences"]) == (
        "missense_variant",
        "MODERATE",
        "missense_variant&splice_region_variant",
    )
    assert (first["hgvs_c"], first["hgvs_p"], first["transcript"], first["genetic_code"]) == ("c.4A>G", "p.(Ala2=)", "t 1", "1")
    assert first["other_transcripts"] == "t2|y%3B%7Cz|intron_variant|MODIFIER|c.9+4A>G|"
    assert first["consequence_note"] == "note; one, two"
    assert {second[name] for name in COLUMNS[13:24]} == {""}


def test_tsv_keeps_every_letter(found: Triage, tmp_path: Path) -> None:
    lines = written(found, tmp_path / "a.tsv").read_text().splitlines()
    assert lines[2].split("\t") == list(COLUMNS)
    assert lines[5].split("\t")[2] == "=1+1"


def test_xlsx_is_a_workbook_with_numbers_as_numbers_and_text_as_text(found: Triage, tmp_path: Path) -> None:
    with zipfile.ZipFile(written(found, tmp_path / "a.xlsx")) as book:
        sheet = Xml.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314
        names = re.findall(r'<sheet name="(\w+)"', book.read("xl/workbook.xml").decode())
    space = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    cells = {cell.get("r"): (cell.get("t"), "".join(cell.itertext())) for cell in sheet.findall(".//x:c", space)}
    assert names == ["variants", "provenance"]
    assert cells["B2"] == (None, "5")
    assert cells["F2"] == (None, "-1.5")
    assert cells["C4"] == ("inlineStr", "=1+1")
    assert not sheet.findall(".//x:f", space)


@pytest.mark.parametrize("name", ["a.vcf", "a.vcf.gz", "a.vcf.bgz"])
def test_vcf_has_one_header_in_front_and_keeps_records_that_could_not_be_used(name: str, found: Triage, tmp_path: Path) -> None:
    path = written(found, tmp_path / name)
    text = path.read_text() if name.endswith("vcf") else gzip.decompress(path.read_bytes()).decode()
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    assert not any(line.startswith("#") for line in lines[first:])
    assert len(lines) - first == 4
    assert lines[first].endswith(
        "DP=7;LCS_LLR=-1.5,-2.5;LCS_INFLUENCE=0.25,0.5;LCS_RANK=2,1;LCS_STATUS=scored,scored;LCS_CONSEQUENCE=missense_variant,.;LCS_IMPACT=MODERATE,.;"
        "LCS_LEFT_ALIGNED=5|A|G,.;LCS_TRANSCRIPTS=G|missense_variant&splice_region_variant|MODERATE|-x|t%201|c.4A>G|p.(Ala2%3D)|1|"
        "note%3B%20one%2C%20two,G|intron_variant|MODIFIER|y%3B%7Cz|t2|c.9+4A>G|||"
    )
    assert lines[first + 1].endswith("\tLCS_STATUS=not_scored;LCS_NOTE=no%20letters")
    assert lines[first + 2] == "c1\t0\t.\tN\tA\t.\tPASS\tLCS_STATUS=not_scored;LCS_NOTE=position%200"
    assert lines[first + 3].split("\t")[7].startswith("LCS_LLR=0.5")
    if not name.endswith("vcf"):
        assert path.read_bytes()[:4] == b"\x1f\x8b\x08\x04"
        assert path.read_bytes()[-28:-24] == b"\x1f\x8b\x08\x04"


def test_bcf_is_read_back_by_htslib_with_every_record(found: Triage, tmp_path: Path) -> None:
    with pysam.VariantFile(str(written(found, tmp_path / "a.bcf"))) as handle:
        records = [(record.contig, record.pos, record.ref, record.alts, dict(record.info)) for record in handle]
    assert [record[:4] for record in records] == [
        ("c1", 5, "A", ("G", "T")),
        ("c2", 9, "C", ("<DEL>",)),
        ("c1", 0, "N", ("A",)),
        ("c1", 12, "G", ("C",)),
    ]
    assert records[0][4]["LCS_LLR"] == pytest.approx((-1.5, -2.5))
    assert records[0][4]["DP"] == 7


def test_every_record_of_a_vcf_says_its_status_whatever_is_broken_in_it(found: Triage, tmp_path: Path) -> None:
    broken = ["c1\t9", "c1\tx\t.\tA\tG,C\t.\t.\tDP=7", "c1\t9\t.\tA\tC,G,T\t.\t.\t."]
    variants = [
        Variant("c1", 0, ".", ".", record=0, problem="2 columns"),
        *(Variant("c1", 0, "A", alternate, record=1, allele=place, problem="no position") for place, alternate in enumerate("GC")),
        Variant("c1", 9, "A", "C,...", record=2, problem="too many"),
    ]
    rows = [ScoredVariant(variant, "not_scored", note=variant.problem) for variant in variants]
    triage_format(tmp_path / "a.vcf").write(Triage(rows, found.provenance), iter([VCF[3], *broken]), tmp_path / "a.vcf")
    assert [line for line in (tmp_path / "a.vcf").read_text().split("\n") if not line.startswith("#")][:-1] == [
        "c1\t9\t.\t.\t.\t.\t.\tLCS_STATUS=not_scored;LCS_NOTE=2%20columns",
        "c1\tx\t.\tA\tG,C\t.\t.\tDP=7;LCS_STATUS=not_scored,not_scored;LCS_NOTE=no%20position",
        "c1\t9\t.\tA\tC,G,T\t.\t.\tLCS_STATUS=not_scored;LCS_NOTE=too%20many",
    ]


def test_a_field_that_bcf_cannot_hold_costs_its_record_and_not_the_file(
    found: Triage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seven = [line.replace("DP=7", "DP=seven") for line in VCF]
    triage_format(tmp_path / "a.bcf").write(found, iter(seven), tmp_path / "a.bcf")
    with pysam.VariantFile(str(tmp_path / "a.bcf")) as handle:
        assert [record.pos for record in handle] == [9, 0, 12]
    assert "its field 'DP=seven' is not the number that the header says" in caplog.text


def test_a_vcf_that_bcf_cannot_hold_is_one_sentence_and_this_process_lives(found: Triage, tmp_path: Path) -> None:
    columns = [line.replace("FILTER\tINFO", "FILTER") for line in VCF]
    with pytest.raises(FileFormatError, match=r"The VCF cannot be written as BCF .*; write \.vcf\.gz"):
        triage_format(tmp_path / "a.bcf").write(found, iter(columns), tmp_path / "a.bcf")
    assert not (tmp_path / "a.bcf").exists()


def test_fields_that_the_header_does_not_define_are_kept_in_bcf(found: Triage, tmp_path: Path) -> None:
    lines = [VCF[0], VCF[3] + "\tFORMAT\ts1", *(f"{line}\tGT:XX\t0/1:abc" for line in VCF if line.startswith(("c1\t5", "c2")))]
    lines[2] = lines[2].replace("PASS\tDP=7", "odd;q10\tDP=7;END=9;FLAG;OTHER=a,b")
    path = tmp_path / "a.bcf"
    triage_format(path).write(Triage(found.rows[:3], found.provenance), iter(lines), path)
    with pysam.VariantFile(str(path)) as handle:
        first, second = list(handle)
    assert list(first.filter) == ["odd", "q10"]
    assert (first.stop, first.info["FLAG"], first.info["OTHER"], first.info["DP"]) == (9, True, ("a", "b"), ("7",))
    assert (first.samples["s1"]["GT"], first.samples["s1"]["XX"], second.alts) == ((0, 1), ("abc",), ("<DEL>",))


def test_parquet_holds_every_column_with_numbers_as_numbers(found: Triage, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(written(found, tmp_path / "a.parquet"))
    assert table.column_names == list(COLUMNS)
    assert table["llr"].to_pylist() == [-1.5, -2.5, None, None, 0.5]
    assert table["position"].to_pylist() == [5, 5, 9, 0, 12]
    assert table["id"].to_pylist()[2] == "=1+1"
    assert table["rank"].to_pylist() == [2, 1, None, None, 3]
    assert json.loads(table.schema.metadata[b"locuscope_provenance"])["analysis"] == "triage"


def test_the_report_asks_no_host_for_anything_and_escapes_what_it_is_given(found: Triage, tmp_path: Path) -> None:
    hostile = replace(ROWS[4], variant=replace(ROWS[4].variant, identifier="<script>alert(1)</script>"))
    text = written(Triage((*ROWS, hostile), found.provenance), tmp_path / "a.html").read_text()
    assert "Triage of 6 alternate alleles" in text
    assert "default-src 'none'" in text
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert not re.findall(r'(?:src|href)="(?!#)', text.partition("<body>")[0])
    assert text.index("missense variant") < text.index("&lt;DEL&gt;")  # the most severe class comes first


def test_the_report_of_a_variant_has_its_scores_transcripts_and_figures(found: Triage) -> None:
    figure = score_histogram({"all": np.array([0.1, 0.2])}, "llr")
    text = variant_report(ROWS[0], ["One sentence."], [("Distribution", figure)], found.provenance, 2).decode()
    assert "c1:5 A&gt;G" in text
    assert "One sentence." in text
    assert "p.(Ala2=)" in text
    assert "intron_variant" in text
    assert text.count("Plotly.newPlot") >= 1
    assert "-1.5" in text


FULL = replace(
    ROWS[0],
    delta_pseudo_log_likelihood=-3.0,
    llr_quantile=0.01,
    influence_quantile=0.5,
    unranked=("llr",),
    below_chance="measured",
    splice=SpliceScore(ROWS[0].variant, "scored", "G;1", "-", SiteChange(0.5, 7), SiteChange(0.0), SiteChange(0.25, 3), SiteChange(0.0)),
)


def test_new_fields_of_the_vcf_are_read_by_bcftools(found: Triage, tmp_path: Path) -> None:
    rows = (FULL, *ROWS[1:])
    for name in ("a.vcf.gz", "a.bcf"):
        path = written(Triage(rows, found.provenance), tmp_path / name)
        asked = "%POS %LCS_LLR_QUANTILE %LCS_DPLL %LCS_RANK %LCS_UNRANKED %LCS_SPLICE\\n"
        lines = pysam.bcftools.query("-f", asked, str(path)).splitlines()
        assert lines[0] == "5 0.01,. -3,. .,1 llr,. G|G_1|0.5000|0.0000|0.2500|0.0000|2|.|-2|."
        assert lines[-1] == "12 . . 2 . ."


def test_the_new_columns_of_the_table_say_the_same(found: Triage, tmp_path: Path) -> None:
    path = written(Triage((FULL,), found.provenance), tmp_path / "a.tsv")
    row = dict(zip(COLUMNS, path.read_text().splitlines()[3].split("\t"), strict=True))
    names = ("delta_pseudo_log_likelihood", "llr_quantile", "influence_quantile", "unranked", "below_chance", "rank")
    assert [row[name] for name in names] == ["-3", "0.01", "0.5", "llr", "measured", ""]
    assert [row[name] for name in ("splice_score", "splice_change", "splice_position", "splice_gene")] == [
        "0.5",
        "acceptor_gain",
        "7",
        "G;1",
    ]


def rows_of(text: str) -> list[str]:
    node = next(one for one in ast.parse(text).body if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "ROWS")
    return list(ast.literal_eval(node.value))


def test_the_script_has_every_record_that_could_be_read_and_what_was_asked(found: Triage) -> None:
    asked = {"window_bp": 64, "influence": False, "gene_models": "abc", "genetic_codes": {"": 11, "chrM": 3}}
    quoted = replace(ROWS[0], variant=replace(ROWS[0].variant, identifier='a"""b\\'))
    assert 'a"""b\\' in rows_of(script_of(Triage((quoted,), replace(found.provenance, parameters=asked))))[0]
    assert " ".join(arguments_of(replace(found.provenance, parameters=asked))).endswith("--genetic-code 11 --genetic-code chrM=3")
    triage = Triage(found.rows, replace(found.provenance, parameters=asked))
    text = script_of(triage)
    tree = ast.parse(text)
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in ("ROWS", "FILES")
    }
    rows = [line.split("\t") for line in values["ROWS"]]
    assert [(row[0], int(row[1]), *row[2:5]) for row in rows] == [
        (one.contig, one.position, one.identifier, one.reference, one.alternate) for one in (row.variant for row in ROWS) if not one.problem
    ]
    assert values["FILES"] == (("--fasta", "REFERENCE.fa"), ("--gff", "GENES.gff3"))
    assert "--no-influence" in arguments_of(triage.provenance)
    assert {"--window", "64"} <= set(arguments_of(triage.provenance))


@pytest.mark.parametrize(
    "variant",
    [
        Variant("c", 4, "A", "<DEL>"),
        Variant("c", 4, "A", "*"),
        Variant("c", 4, "A", "R"),
        Variant("c", 4, "AC", "AC"),
        Variant("", 0, "", "", problem="The record has no position."),
    ],
    ids=lambda variant: variant.alternate or "unreadable",
)
def test_what_no_model_reads_is_ranked_with_nothing(variant: Variant) -> None:
    unread = ScoredVariant(variant, "not_scored", note="why")
    read = ScoredVariant(Variant("c", 9, "A", "AT"), "scored", delta_pseudo_log_likelihood=-1.0)
    both = Triage((unread, read), samples.provenance("triage", samples.sequence()))
    assert [row.ranked_with for row in both.rows] == ["", "indels"]
    assert both.ranks() == [None, 1]
    assert both.ranked == {"substitutions": 0, "several bases": 0, "indels": 1}
    assert cells(unread, None)[COLUMNS.index("ranked_with")] == ""
    assert sorted([unread, read], key=order_key) == [read, unread]
