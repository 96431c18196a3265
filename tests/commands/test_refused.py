"""What a model refuses only once it has read the letters: one sentence on the terminal, and nothing of where in the code."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.commands.app import main
from tests.models.tiny.writing import write_safetensors


def test_more_words_than_a_model_reads_are_one_sentence(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    weights = str(tiny / "grover" / "checkpoint")
    assert main(["tokens", "--model", "grover", "--weights", weights, "--sequence", "GCCCGGATAG" * 16]) == 2
    assert re.fullmatch(r"The 160 bases make \d+ tokens; .*\n", capsys.readouterr().err)
    assert not caplog.records


LETTERS = "GCCCGGATAG" * 3


def one_sentence(arguments: list[str], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> str:
    """What a command that is refused says, which is one line and nothing in the log."""
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert not caplog.records
    return told


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.mark.parametrize(("model", "family"), [("megadna", "megadna"), ("carbon", "carbon"), ("checkpoint", "marindna")])
def test_a_model_without_a_mask_masks_nothing(
    model: str, family: str, own_home: Path, tiny: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    named = ["--model", model, "--weights", str(tiny / family / "checkpoint")]
    told = one_sentence(["probabilities", "--masked", *named, "--sequence", LETTERS], capsys, caplog)
    assert "reads from left to right and has no mask token; ask for probabilities without --masked" in told
    genome, folder = own_home / "genome.fa", own_home / "scan"
    genome.write_text(f">one\n{LETTERS}\n", encoding="ascii")
    asked = ["scan", "--fasta", str(genome), "--out", str(folder), *named, "--window", "30", "--overlap", "0", "--set", "masked=true"]
    assert "has no mask token" in one_sentence(asked, capsys, caplog)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("fault", "words"), [("nan", "mine gives no numbers for this sequence"), ("lacking", "lacks layers.3.linear_norm.bias")]
)
def test_damaged_weights_are_one_sentence(
    fault: str, words: str, own_home: Path, tiny: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    folder = own_home / "mine"
    shutil.copytree(tiny / "gpn" / "checkpoint", folder)
    (folder / "pytorch_model.bin").unlink()
    values = load_file(folder / "model.safetensors")
    if fault == "nan":
        values["cls.decoder.3.bias"] = torch.full_like(values["cls.decoder.3.bias"], torch.nan)
    else:
        del values["model.encoder.3.ffn.2.bias"]
    write_safetensors(folder, values)
    told = one_sentence(["effects", "--model", "gpn", "--weights", str(folder), "--sequence", LETTERS], capsys, caplog)
    assert words in told.casefold()


def test_the_longest_input_is_that_of_the_files_and_tiles_go_beyond_it(
    own_home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tiny / "marindna" / "checkpoint"
    asked = ["probabilities", "--model", "marindna", "--sequence", "GCCCGGATAG" * 10]
    for named in (["--weights", str(folder)], []):
        if not named:
            monkeypatch.setenv("LOCUSCOPE_WEIGHTS", f"marindna={folder}")
        assert main([*asked, *named]) == 2
        assert re.search(r"has 100 bases; .* reads 1 to 63; choose a window of it, ask in tiles", capsys.readouterr().err)
        out = own_home / f"{len(named)}.npz"
        assert main([*asked, *named, "--tile", "32", "--halo", "8", "--out", str(out)]) == 0
        assert out.is_file()
    assert main(["models"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("marindna "))
    assert re.search(r" 63 ", row)


def test_an_own_folder_that_does_not_run_says_why_in_table_and_refusal(
    own_home: Path, tiny: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(tiny / "dependency_k1" / "checkpoint", own_home / "home" / "models" / "mylab-bert")
    why = r"The folder mylab-bert does not run under a name of its own, it has 3 species tokens, .*, which --model specieslm-fungi-k1 takes, by --weights\."
    assert re.search(why, one_sentence(["effects", "--model", "mylab-bert", "--sequence", LETTERS], capsys, caplog))
    assert main(["models"]) == 0
    assert re.fullmatch(f"mylab-bert is not installed: {why}\n", capsys.readouterr().err)
