"""The command ``element-scores``: a file, another model and what is no judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.commands.app import main

LACZ = Path(__file__).resolve().parents[2] / "assets" / "examples" / "lacz.fa"


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCUSCOPE_OFFLINE", "1")
    return ["element-scores", "--fasta", str(LACZ), "--device", "cpu"]


def test_genes_of_a_file_and_of_another_model_are_judges(asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyrodigal")
    assert main([*asked, "--against", "pyrodigal", "--out", str(tmp_path / "scores.tsv")]) == 0
    lines = (tmp_path / "scores.tsv").read_text().splitlines()
    assert "# judge: Prodigal" in lines
    rows = {row[0]: row for row in (line.split("\t") for line in lines if not line.startswith("#"))}
    assert rows["element"][:5] == ["element", "against", "bases", "called", "MCC"]
    assert {"CDS_forward", "stop_codon_forward"} <= set(rows)
    gff = str(LACZ.with_suffix(".gff3"))
    capsys.readouterr()
    assert main([*asked, "--model", "pyrodigal", "--against", gff]) == 0
    printed = capsys.readouterr()
    assert printed.out.count("\n") > 4
    assert "Prodigal against lacz.gff3" in printed.err


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--against", "locuscope-segmenter"], "would be held against itself"),
        (["--against", "annotation"], "--against annotation is for --locus"),
        (["--against", "stem-counter"], "cannot compute segmentation"),
        (["--against", "nowhere.gff3"], "cannot be read"),
        (["--against", "pyrodigal", "--out", "x.npz"], "names no format for this answer"),
    ],
)
def test_what_is_no_judge_is_one_sentence(given: list[str], says: str, asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*asked, *given]) == 2
    assert says in capsys.readouterr().err.splitlines()[-1]
