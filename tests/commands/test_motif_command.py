"""The command ``motif``: every file holds both matrices and its provenance; what cannot be done is one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.commands.app import main
from engine.exports.figure import read_back


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCUSCOPE_OFFLINE", "1")
    generator = np.random.default_rng(5)
    letters, rows = "", []
    for number in range(4):
        letters += "".join(generator.choice(list("ACGT"), 30)) + "TATAAT"
        rows.append(f"c\t{len(letters) - 6}\t{len(letters)}\tp{number}\t0\t+\n")
    (tmp_path / "g.fa").write_text(f">c\n{letters}ACGTACGT\n")
    (tmp_path / "p.bed").write_text("".join(rows))
    given = ["--fasta", str(tmp_path / "g.fa"), "--gff", str(tmp_path / "p.bed"), "--at", "feature", "--feature", "region"]
    return ["motif", *given, "--before", "2", "--after", "6", "--context", "60", "--device", "cpu", "--species", "bacteria"]


def test_a_model_that_was_told_no_domain_is_said_to_be_told_none(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*asked[: asked.index("--species")], "--out", str(tmp_path / "m.tsv")]) == 0
    said = "4 of 4 features or BED places, read by Locuscope, no species or domain named; it expects"
    assert said in capsys.readouterr().err
    assert said in (tmp_path / "m.tsv").read_text()


def test_every_file_holds_both_matrices(asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*asked, "--out", str(tmp_path / "m.npz")]) == 0
    printed = capsys.readouterr()
    assert "4 of 4 features or BED places, read by Locuscope as bacteria; it expects" in printed.err
    assert printed.out.splitlines()[0] == "by\tbits a base\t95 %"
    with np.load(tmp_path / "m.npz", allow_pickle=False) as archive:
        assert archive["counts"][2:].argmax(axis=1).tolist() == ["ACGT".index(base) for base in "TATAAT"]
        np.testing.assert_allclose(archive["predicted"].sum(axis=1), 1, atol=1e-6)
        np.testing.assert_allclose(archive["each"].mean(axis=0), archive["predicted"], atol=1e-6)
        told, predicted = json.loads(str(archive["provenance"])), archive["predicted"]
    assert (told["analysis"], told["species"], told["parameters"]["feature"]) == ("motif", "bacteria", "region")
    assert main([*asked, "--out", str(tmp_path / "m.tsv")]) == 0
    rows = [line.split("\t") for line in (tmp_path / "m.tsv").read_text().splitlines() if not line.startswith("#")]
    assert [row[0] for row in rows] == ["position", "-2", "-1", "+1", "+2", "+3", "+4", "+5", "+6"]
    np.testing.assert_allclose([float(cell) for cell in rows[3][1:5]], predicted[2], atol=1e-5)
    assert main([*asked, "--out", str(tmp_path / "m.meme")]) == 0
    meme = (tmp_path / "m.meme").read_text()
    assert meme.startswith("MEME version 4")
    assert meme.count("letter-probability matrix: alength= 4 w= 8 nsites= 4") == 2
    assert "Unmasked" not in capsys.readouterr().err
    assert main([*asked, "--unmasked", "--out", str(tmp_path / "m.html")]) == 0
    said = capsys.readouterr()
    assert "largely a copy, no prediction" in said.err
    assert said.out.splitlines()[1].startswith("model, unmasked (sees the base)\t")
    assert "unmasked: largely a copy" in (tmp_path / "m.html").read_text(encoding="utf-8")
    assert read_back((tmp_path / "m.html").read_text(encoding="utf-8"))["parameters"]["unmasked"] is True


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--at", "donor"], "The annotation has no donor of a coding sequence; it has region"),
        (["--at", "promoter"], "at is 'promoter'; allowed: start, stop, donor, acceptor, feature"),
        (["--before", "70"], "The logo has 76 bases; the model is to read 60 in all"),
        (["--model", "locuscope-segmenter"], "cannot compute probabilities"),
        (["--out", "x.bed"], "names no format for this answer"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(given: list[str], says: str, asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*asked, *given]) == 2
    assert says in capsys.readouterr().err.splitlines()[-1]
