"""The command ``view`` and the door for notebooks: what a named model cannot compute is computed by no other one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.commands.app import main
from engine.core.errors import CapabilityMissing
from engine.notebook import Locus, engine_of
from engine.sources.letters import sequence_from

LETTERS = "GGGGCTATAGCTCAGCTGGGAGAGC"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    engine_of.cache_clear()


def view(tiny: Path, out: Path, *more: str) -> int:
    weights = str(tiny / "gpn" / "checkpoint")
    return main(["view", "--sequence", LETTERS, "--model", "gpn", "--weights", weights, "--out", str(out), *more])


def test_what_the_named_model_cannot_compute_is_left_out_and_said(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert view(tiny, tmp_path / "view.json") == 0
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if "left out" in line] == [
        f"{title} left out: GPN (Brassicales) cannot compute {what}; it offers dependency map, embeddings, probabilities, variant effects."
        for title, what in (("Contacts", "RNA contacts"), ("Elements", "segmentation"))
    ]
    tracks = " ".join(str(track.get("name")) for track in json.loads((tmp_path / "view.json").read_text())["tracks"])
    assert "checkpoint" in tracks
    assert "Locuscope" not in tracks


@pytest.mark.parametrize("analysis", ["contacts", "segmentation"])
def test_what_is_asked_for_by_name_is_refused(analysis: str, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert view(tiny, tmp_path / "view.json", "--analyses", f"probabilities,{analysis}") == 2
    assert "GPN (Brassicales) cannot compute" in capsys.readouterr().err
    assert not (tmp_path / "view.json").exists()


def test_without_a_model_elements_are_by_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", "--sequence", LETTERS, "--out", str(tmp_path / "view.json"), "--analyses", "probabilities,segmentation"]) == 0
    assert "left out" not in capsys.readouterr().err


def test_a_notebook_refuses_too(tiny: Path) -> None:
    mine = Locus(sequence_from(LETTERS), model="gpn", weights=tiny / "gpn" / "checkpoint")
    for analysis in ("contacts", "segmentation"):
        with pytest.raises(CapabilityMissing, match="cannot compute"):
            mine.ask(analysis)
    assert mine.ask("segmentation", model="locuscope-segmenter").provenance.card.id == "locuscope-segmenter"
