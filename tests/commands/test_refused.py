"""What a model refuses only once it has read the letters: one sentence on the terminal, and nothing of where in the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.commands.app import main


def test_more_words_than_a_model_reads_are_one_sentence(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    weights = str(tiny / "grover" / "checkpoint")
    assert main(["tokens", "--model", "grover", "--weights", weights, "--sequence", "GCCCGGATAG" * 16]) == 2
    assert re.fullmatch(r"The 160 bases make \d+ tokens; .*\n", capsys.readouterr().err)
    assert not caplog.records
