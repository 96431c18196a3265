"""The command ``compare``: two models that are here, and what cannot be compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.commands.app import main
from tests.commands.golden_commands import LAC


@pytest.fixture(autouse=True)
def home(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCUSCOPE_OFFLINE", "1")
    monkeypatch.setenv("LOCUSCOPE_WEIGHTS", f"gpn={tiny / 'gpn' / 'checkpoint'}")


def test_two_models_on_one_sequence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [
        "compare",
        "--models",
        "locuscope=bacteria,gpn",
        "--sequence",
        LAC[:60],
        "--device",
        "cpu",
        "--influence",
        "authors_manuscript",
    ]
    assert main([*given, "--out", str(tmp_path / "c.npz")]) == 0
    assert "0 is chance" in capsys.readouterr().err
    with np.load(tmp_path / "c.npz", allow_pickle=False) as archive:
        assert archive["models"].tolist()[0] == "locuscope"
        assert archive["map_1"].shape == archive["map_2"].shape == (60, 60)
        assert archive["influence_1"].shape == archive["agreement"].shape == (60,)
        assert '"species": "bacteria"' in str(archive["provenance_1"])
    assert main([*given, "--strips", "--out", str(tmp_path / "c.html")]) == 0


@pytest.mark.parametrize(
    ("models", "more", "says"),
    [
        ("locuscope", [], "There is 1 model; name 2 to 6"),
        ("locuscope,locuscope", [], "There is 1 model"),
        ("locuscope,pyrodigal", [], "cannot compute dependency map"),
        ("locuscope,gpn", ["--influence", "mine"], "influence is 'mine'; allowed"),
        ("locuscope,gpn", ["--out", "c.bed"], "names no format for this answer"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(models: str, more: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--models", models, "--sequence", LAC[:60], *more]) == 2
    assert says in capsys.readouterr().err.splitlines()[-1]
