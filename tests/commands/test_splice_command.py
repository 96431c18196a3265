"""The command ``splice`` as users meet it."""

from __future__ import annotations

import sys
from pathlib import Path

import pysam
import pytest

from engine.commands import app as command_line
from engine.commands import arguments
from engine.exports.splice_files import COLUMNS, FIELD
from engine.service.engine import Engine
from tests.models.splice.tiny_graph import GENES
from tests.service.test_splice import CONTIG, TEXT
from tests.splice_toy import ToyRegistry

GFF = (
    "##gff-version 3\n"
    "1\tx\tgene\t21\t90\t.\t+\t.\tID=g1;gene=FWD\n"
    "1\tx\tmRNA\t21\t90\t.\t+\t.\tID=t1;Parent=g1\n"
    "1\tx\texon\t21\t38\t.\t+\t.\tParent=t1\n"
    "1\tx\texon\t60\t90\t.\t+\t.\tParent=t1\n"
)


@pytest.fixture(autouse=True)
def own_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line with the toy of splice sites, an own home, and a folder with a VCF, a reference and an annotation."""
    folder = tmp_path / "toy"
    folder.mkdir()
    for name in ("grch37.csv", "grch38.csv"):
        (folder / name).write_text(GENES)
    (tmp_path / "in.vcf").write_text(TEXT)
    (tmp_path / "ref.fa").write_text(f">1\n{CONTIG}\n")
    (tmp_path / "genes.gff3").write_text(GFF)
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    registry = ToyRegistry(folder)
    monkeypatch.setattr(arguments, "make_engine", lambda settings=None: Engine(settings or arguments.settings_of_command_line(), registry))
    monkeypatch.chdir(tmp_path)


def run(*given: str) -> int:
    return command_line.main(["splice", "in.vcf", "--fasta", "ref.fa", "--distance", "8", *given])


def rows(text: str) -> list[dict[str, str]]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in lines[1:]]


def test_a_table_goes_to_standard_output_with_the_genes_of_the_annotation(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--gff", "genes.gff3") == 0
    captured = capsys.readouterr()
    found = rows(captured.out)
    assert [(row["id"], row["gene"], row["strand"], row["score"]) for row in found[:2]] == [("donor", "FWD", "+", "0.5")] * 2
    assert "4 of 7 alleles are scored" in captured.err


def test_masking_needs_annotated_sites_and_uses_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--gff", "genes.gff3", "--masked") == 0
    (row, *_) = rows(capsys.readouterr().out)
    assert (row["donor_loss"], row["donor_loss_position"]) == ("0.5", "38")  # base 38 is the last of the first exon
    assert run("--assembly", "GRCh38", "--masked") == 0
    (row, *_) = rows(capsys.readouterr().out)
    assert (row["gene"], row["donor_loss"]) == ("ENSG1", "0")
    assert run("--masked") == 2
    assert "--masked needs" in capsys.readouterr().err


def test_the_name_of_the_file_decides_what_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--out", "out.vcf") == 0
    assert f"{FIELD}=A|+|" in (tmp_path / "out.vcf").read_text()
    for name in ("out.vcf.gz", "out.vcf.bgz", "out.bcf"):
        assert run("--out", name) == 0
        with pysam.VariantFile(str(tmp_path / name)) as file:
            assert next(iter(file)).info[FIELD][0].startswith("A|+|")
    assert run("--out", "out.tsv") == 0
    assert (tmp_path / "out.tsv").read_text().startswith("# locuscope splice")
    capsys.readouterr()
    assert run("--out", "out.docx") == 2
    assert "names no format" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--gff", "genes.gff3", "--assembly", "GRCh38"), "not both"),
        (("--assembly", "R64"), "GRCh37 and GRCh38"),
        (("--distance", "0"), "1 to 10,000"),
        (("--gff", "nowhere.gff3"), "nowhere.gff3"),
        (("--model", "cisplice"), "cisplice"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(given: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*given) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


def test_without_the_weights_the_remedy_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(arguments, "make_engine", lambda settings=None: Engine(settings or arguments.settings_of_command_line()))
    assert run() == 2
    assert "install" in capsys.readouterr().err
    assert sys.modules.get("tensorflow") is None
