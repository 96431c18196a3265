"""A folder becomes an installed model: by a command, by a setting, or because it was copied into the home; always after the same check."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.__main__ import main
from engine.core.errors import ParameterError, WeightsInvalid, WeightsMissing
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.models.checkpoints.installed import named_folders
from engine.models.registry import entry
from engine.service.engine import Engine, Request

SEQUENCE = NucleotideSequence("ACGTTGCAAGGTCATCCAGA")


def engine_at(home: Path, **settings: Any) -> Engine:
    return Engine(Settings(home=home, device="cpu", **settings))


def test_a_folder_becomes_an_installed_model(tiny: Path, tmp_path: Path) -> None:
    source = tiny / "gpn" / "checkpoint"
    engine = engine_at(tmp_path)
    folder = engine.install("gpn", source=source)
    assert folder == tmp_path / "models" / "gpn"
    assert {path.name for path in folder.iterdir()} >= {"config.json", "tokenizer.json", "model.safetensors", ".installed.json"}
    row = engine.model("gpn")
    assert row.installed
    assert row.card.title == "checkpoint gpn"
    assert row.card.licence == "unknown"
    with_folder = engine.run(Request("probabilities", SEQUENCE, "gpn", weights=source)).values
    assert (engine.run(Request("probabilities", SEQUENCE, "gpn")).values == with_folder).all()


def test_the_source_stays_as_it_was(tiny: Path, tmp_path: Path) -> None:
    source = tmp_path / "mine"
    shutil.copytree(tiny / "gpn" / "checkpoint", source)
    before = {path.name: path.read_bytes() for path in source.iterdir()}
    folder = engine_at(tmp_path / "home").install("gpn", source=source)
    shutil.rmtree(folder)
    assert {path.name: path.read_bytes() for path in source.iterdir()} == before


def test_a_second_folder_does_not_replace_the_first(tiny: Path, tmp_path: Path) -> None:
    engine = engine_at(tmp_path)
    engine.install("gpn", source=tiny / "gpn" / "checkpoint")
    with pytest.raises(ParameterError, match="remove that folder first"):
        engine.install("gpn", source=tiny / "gpn" / "checkpoint")


def test_a_folder_of_another_model_is_not_installed(tiny: Path, tmp_path: Path) -> None:
    engine = engine_at(tmp_path)
    with pytest.raises(WeightsInvalid, match="--model grover"):
        engine.install("gpn", source=tiny / "grover" / "checkpoint")
    assert not engine.model("gpn").installed
    assert not (tmp_path / "models" / "gpn").exists()


def test_a_folder_with_a_tensor_too_few_is_not_installed(tiny: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    source = tmp_path / "mine"
    shutil.copytree(tiny / "gpn" / "checkpoint", source)
    tensors = load_file(source / "model.safetensors")
    tensors.pop("cls.decoder.3.weight")
    save_file(tensors, source / "model.safetensors")
    with pytest.raises(WeightsInvalid, match=r"cannot be installed as gpn.*lacks decoder\.weight"):
        engine_at(tmp_path / "home").install("gpn", source=source)


def test_a_folder_copied_into_the_home_by_hand_is_seen(tiny: Path, tmp_path: Path) -> None:
    engine = engine_at(tmp_path)
    assert not engine.model("nt-v1").installed
    shutil.copytree(tiny / "nt_v1" / "checkpoint", tmp_path / "models" / "nt-v1")
    assert engine.model("nt-v1").installed
    assert engine.run(Request("probabilities", SEQUENCE, "nt-v1")).values.shape == (len(SEQUENCE), 4)


def test_a_wrong_folder_copied_into_the_home_says_what_it_is(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "nt_v1" / "checkpoint", tmp_path / "models" / "gpn")
    row = engine_at(tmp_path).model("gpn")
    assert not row.installed
    assert "--model nt-v1" in row.why_not


def test_a_folder_without_weights_is_no_installed_model(tmp_path: Path) -> None:
    (tmp_path / "models" / "gpn").mkdir(parents=True)
    (tmp_path / "models" / "gpn" / "config.json").write_text("{}")
    assert "not on this machine" in engine_at(tmp_path).model("gpn").why_not


def test_the_setting_names_folders(tiny: Path, tmp_path: Path) -> None:
    text = f"nt-v1={tiny / 'nt_v1' / 'checkpoint'}, gpn = {tiny / 'gpn' / 'checkpoint'}"
    engine = engine_at(tmp_path, weights=text)
    assert engine.model("nt-v1").installed
    assert engine.model("gpn").installed
    assert engine.run(Request("probabilities", SEQUENCE, "gpn")).values.shape == (len(SEQUENCE), 4)
    assert not engine_at(tmp_path).model("gpn").installed


def test_the_setting_goes_before_the_home_and_after_the_option(tiny: Path, tmp_path: Path) -> None:
    engine = engine_at(tmp_path, weights=f"gpn={tmp_path / 'nowhere'}")
    shutil.copytree(tiny / "gpn" / "checkpoint", tmp_path / "models" / "gpn")
    assert "does not exist" in engine.model("gpn").why_not
    assert engine.run(Request("probabilities", SEQUENCE, "gpn", weights=tiny / "gpn" / "checkpoint")).values.shape == (len(SEQUENCE), 4)


def test_a_setting_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="write ID=DIR"):
        named_folders("gpn")
    assert named_folders("") == {}
    assert named_folders("a=/x,b=/y") == {"a": Path("/x"), "b": Path("/y")}


def test_the_command_line_installs_a_folder(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path))
    assert main(["install", "gpn", "--from", str(tiny / "gpn" / "checkpoint")]) == 0
    assert "checkpoint gpn is ready in" in capsys.readouterr().out
    assert main(["probabilities", "--sequence", "ACGTACGT", "--model", "gpn", "--out", str(tmp_path / "p.tsv")]) == 0
    assert "unnamed checkpoint" in capsys.readouterr().err


def test_the_command_line_installs_a_folder_under_a_new_name(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path))
    source, out = str(tiny / "splicebert" / "checkpoint"), tmp_path / "map.npz"
    assert main(["install", "--check", "my-own", "--from", source]) == 0
    assert main(["install", "my-own", "--from", source]) == 0
    assert "checkpoint my-own is ready in" in capsys.readouterr().out
    assert main(["models"]) == 0
    assert "my-own" in capsys.readouterr().out
    assert main(["map", "--sequence", "ACGTACGT", "--model", "my-own", "--out", str(out)]) == 0
    assert out.is_file()


def test_the_command_line_refuses_a_new_name_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path))
    assert main(["install", "my-own"]) == 2
    assert "There is no model 'my-own'; available: " in capsys.readouterr().err


def test_a_triage_says_that_a_folder_runs_unnamed(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    reference = tmp_path / "r.fa"
    reference.write_text(f">1\n{SEQUENCE.letters * 5}\n")
    given = ["triage", "--variant", "1:12 T>A", "--fasta", str(reference), "--model", "gpn", "--window", "20"]
    assert main([*given, "--weights", str(tiny / "gpn" / "checkpoint"), "--out", str(tmp_path / "t.tsv")]) == 0
    assert capsys.readouterr().err.count("The folder checkpoint runs as an unnamed checkpoint (") == 1


def test_the_command_line_asks_for_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path))
    assert main(["install"]) == 2
    assert "No model id is given" in capsys.readouterr().err


def test_a_model_with_missing_weights_names_the_ways_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="Models page or name a folder with --weights"):
        engine_at(tmp_path).check(Request("probabilities", SEQUENCE, "gpn"))
    assert entry("gpn").hub is not None


def test_a_new_name_is_an_own_checkpoint(tiny: Path, tmp_path: Path) -> None:
    engine = engine_at(tmp_path)
    engine.install("my-bert", source=tiny / "splicebert" / "checkpoint")
    row = engine.model("my-bert")
    assert row.installed
    assert row.card.title == "checkpoint my-bert"
    assert row.card.description.startswith("BERT, 2 layers × 16, one base a token; publisher, licence and training data unknown")
    assert engine.models()[-1].card.id == "my-bert"
    result = engine.run(Request("dependency", SEQUENCE, "my-bert"))
    assert result.provenance.card.id == "my-bert"


def test_the_setting_gives_own_checkpoints_names(tiny: Path, tmp_path: Path) -> None:
    engine = engine_at(tmp_path, weights=f"a={tiny / 'splicebert' / 'checkpoint'},b={tiny / 'marindna' / 'checkpoint'}")
    assert [row.card.id for row in engine.models()[-2:]] == ["a", "b"]
    assert not engine.model("a").card.causal
    assert engine.model("b").card.causal
    assert engine.run(Request("probabilities", SEQUENCE, "b")).provenance.card.title == "checkpoint"


def test_a_new_name_that_cannot_be_one_is_told(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="cannot be a model's name"):
        engine_at(tmp_path).install("../outside", source=tiny / "splicebert" / "checkpoint")


def test_a_mistyped_id_does_not_become_a_model(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsInvalid, match="--model gpn takes"):
        engine_at(tmp_path).install("gnp", source=tiny / "gpn" / "checkpoint")
