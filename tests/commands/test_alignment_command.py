"""The command ``alignment``: files in every face, one sentence for what cannot be done."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from engine.commands.app import main
from engine.exports.figure import read_back

EXAMPLE = Path(__file__).resolve().parents[2] / "assets" / "examples" / "trna.sto"
HAND = ">ref\nGACGAUAACCAG\n>b\nGCCGAGAACCAG\n>c\nGGCGACAACCAG\n>d\nGUCGAAAACCAG\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCUSCOPE_OFFLINE", "1")


def test_without_out_the_pairs_go_to_standard_output_and_the_words_to_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "hand.fa"
    file.write_text(HAND)
    assert main(["alignment", str(file), "--score", "mi", "--identity", "0", "--reference", "c"]) == 0
    printed = capsys.readouterr()
    head, first = (line.split("\t") for line in printed.out.splitlines()[:2])
    row = dict(zip(head, first, strict=True))
    assert (row["position_1"], row["position_2"], float(row["mutual_information"])) == ("2", "6", 2.0)
    assert json.loads(row["provenance"].strip('"').replace('""', '"'))["parameters"]["reference"] == "c"
    assert printed.err.startswith("4 sequences (4.0 unlike ones) on 12 of 12 columns")


def test_a_model_stands_beside_and_is_in_the_archive_and_in_the_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "hand.fa"
    file.write_text(HAND)
    asked = ["alignment", str(file), "--score", "mi", "--identity", "0", "--model", "locuscope", "--device", "cpu", "--out"]
    assert main([*asked, str(tmp_path / "x.npz")]) == 0
    said = capsys.readouterr().err
    assert "Correlation with the dependency map of Locuscope: Pearson" in said
    assert re.search(r"^Only in the alignment: (none|[ACGTU] at \d+ with [ACGTU] at \d+(; |\.$))", said, re.MULTILINE)
    with np.load(tmp_path / "x.npz", allow_pickle=False) as archive:
        assert archive["mutual_information"][1, 5] == 2
        assert archive["dependency"].shape == (12, 12)
        assert json.loads(str(archive["provenance"]))["parameters"]["dependency"]["model"] == "locuscope"
    assert main([*asked, str(tmp_path / "x.html")]) == 0
    assert read_back((tmp_path / "x.html").read_text(encoding="utf-8"))["analysis"] == "covariation"


def test_every_base_of_the_answer_is_named_by_its_coordinate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The reference of the example begins at base 6,106 of its record: no base is named by its place in the sequence."""
    assert main(["alignment", str(EXAMPLE), "--model", "locuscope", "--device", "cpu", "--out", str(tmp_path / "x.npz")]) == 0
    said = capsys.readouterr().err
    alone = re.findall(r"^Only in the (alignment|model): (.+)\.$", said, re.MULTILINE)
    assert [who for who, _ in alone] == ["alignment", "model"]
    names = re.findall(r"[ACGU] at ([\d,]+)", said)
    assert len(names) > 10
    assert all(6106 <= int(name.replace(",", "")) <= 6178 for name in names)
    assert all(re.fullmatch(r"[ACGU] at [\d,]+ with [ACGU] at [\d,]+", pair) for _, pairs in alone for pair in pairs.split("; "))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--reference", "none"], "no sequence called 'none'"),
        (["--identity", "2"], "identity is 2.0; allowed: 0 to 1"),
        (["--score", "x"], "score is 'x'; allowed: apc, mi"),
        (["--out", "x.gff3"], "names no format for this answer"),
        (["--model", "locuscope-segmenter"], "cannot compute dependency map"),
        (["--model", "nothing"], "nothing"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(given: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alignment", str(EXAMPLE), *given]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alignment", str(tmp_path / "none.sto")]) == 2
    assert "cannot be read: No such file" in capsys.readouterr().err
