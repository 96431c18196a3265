"""`install --check`: whether a checkpoint fits is told from its header alone, over the network or from a folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.__main__ import main
from engine.core.errors import SourceUnavailable, WeightsMissing
from engine.core.settings import Settings
from engine.models.checkpoints import check
from engine.models.checkpoints.check import RangedFile, check_folder, check_hub
from engine.models.checkpoints.identity import identity_of
from engine.models.entry import ModelEntry
from engine.models.registry import entry, model_ids
from engine.service.engine import Engine
from engine.service.shelf import ASSETS
from tests.models.checkpoints.hub_server import Hub, serving
from tests.models.checkpoints.recorded import PLACE, evidence_of, record
from tests.models.checkpoints.test_identity import TAKERS, published_nt_v2

PAIRS = [(family, taker) for family, takers in TAKERS.items() for taker in sorted(takers) if entry(taker).hub is not None]
WEIGHTS = ("model.safetensors", "pytorch_model.bin", "megaDNA_phage_tiny.pt", "rinalmo_tiny_pretrained.pt")


@contextmanager
def served(row: ModelEntry, folder: Path) -> Iterator[tuple[ModelEntry, Hub]]:
    """``row`` with the files of ``folder`` on a local hub."""
    assert row.hub is not None
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    weights = tuple(name for name in files if name.endswith((".safetensors", ".bin", ".pt")))
    with serving(Hub(row.hub.repository, files, large=weights)) as hub:
        here = row.hub.weights if set(weights) & set(row.hub.weights) else weights
        yield replace(row, hub=replace(row.hub, weights=here)), hub


@pytest.mark.parametrize(("family", "model_id"), PAIRS)
def test_every_family_fits_by_its_header_over_the_network(family: str, model_id: str, tiny: Path) -> None:
    with served(entry(model_id), tiny / family / "checkpoint") as (row, hub):
        found = check_hub(row, hub.endpoint)
    assert found.fits, found.sentence
    assert found.sentence.startswith(f"{model_id} fits: ")
    assert "sha256 unproven" in found.sentence
    assert "\n" not in found.sentence


@pytest.mark.parametrize(
    ("family", "model_id"), [("grover", "specieslm-fungi-k1"), ("nt_v1", "nt-v2"), ("rinalmo_multimolecule", "grover")]
)
def test_another_family_is_told_as_such_over_the_network(family: str, model_id: str, tiny: Path) -> None:
    with served(entry(model_id), tiny / family / "checkpoint") as (row, hub):
        found = check_hub(row, hub.endpoint)
    assert not found.fits
    assert found.sentence.startswith(f"{model_id} does not fit: ")
    assert any(f"--model {taker}" in found.sentence for taker in TAKERS[family])


def test_two_gigabytes_are_checked_from_their_beginning(tiny: Path, tmp_path: Path) -> None:
    """Of a file that is a hole of 2 GB, as large as the published one, little more than its header is asked for."""
    folder = published_nt_v2(tiny, tmp_path / "nt")
    asked: list[tuple[int, int]] = []
    size = (folder / "model.safetensors").stat().st_size

    def get(start: int, end: int) -> bytes:
        asked.append((start, end))
        with (folder / "model.safetensors").open("rb") as stream:
            stream.seek(start)
            return stream.read(end - start)

    stream = RangedFile(size, get)
    found = check.header_of(stream, "model.safetensors")  # type: ignore[arg-type]
    assert len(found.tensors) == 29 * 6 + 2
    assert sum(end - start for start, end in asked) == stream.bytes_read < 100_000
    assert all(end < 200_000 for _, end in asked)


def test_only_the_header_of_the_weights_is_asked_for(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "gpn" / "checkpoint", tmp_path / "gpn")
    tensors = load_file(tmp_path / "gpn" / "model.safetensors") | {"zzz": torch.zeros(500_000)}
    save_file(tensors, tmp_path / "gpn" / "model.safetensors")
    with served(entry("gpn"), tmp_path / "gpn") as (row, hub):
        found = check_hub(row, hub.endpoint)
        ranges = [asked for method, path, asked in hub.log if method == "GET" and path.startswith("/cdn/")]
    assert not found.fits
    assert "has zzz" in found.sentence
    assert found.bytes_read < 100_000
    assert ranges
    assert all(int(asked.removeprefix("bytes=").partition("-")[2]) < 100_000 for asked in ranges)


@pytest.mark.parametrize("change", ["lacks", "misshapen"])
@pytest.mark.parametrize(("family", "model_id", "name"), [("gpn", "gpn", "cls.decoder.3.weight"), ("nt_v1", "nt-v1", "lm_head.bias")])
def test_a_tensor_that_is_missing_or_misshapen_is_named(
    change: str, family: str, model_id: str, name: str, tiny: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny / family / "checkpoint", tmp_path / "x")
    tensors = load_file(tmp_path / "x" / "model.safetensors")
    removed = tensors.pop(name)
    if change == "misshapen":
        tensors[name] = torch.cat((removed, removed))
    save_file(tensors, tmp_path / "x" / "model.safetensors")
    found = check_folder(entry(model_id), tmp_path / "x")
    assert not found.fits
    own = name.replace("cls.decoder.3", "decoder")
    assert (f"lacks {own}" if change == "lacks" else f"Tensor {own} is") in found.sentence


def test_a_split_checkpoint_is_checked_part_by_part(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "nt_v2" / "checkpoint", tmp_path / "x")
    tensors = load_file(tmp_path / "x" / "model.safetensors")
    (tmp_path / "x" / "model.safetensors").unlink()
    names = sorted(tensors)
    parts = {"model-1-of-2.safetensors": names[::2], "model-2-of-2.safetensors": names[1::2]}
    for part, held in parts.items():
        save_file({name: tensors[name] for name in held}, tmp_path / "x" / part)
    index = {"weight_map": {name: part for part, held in parts.items() for name in held}}
    (tmp_path / "x" / "model.safetensors.index.json").write_text(json.dumps(index))
    with served(entry("nt-v2"), tmp_path / "x") as (row, hub):
        found = check_hub(row, hub.endpoint)
    assert found.fits, found.sentence
    assert f"{len(names):,} tensors" in found.sentence
    assert check_folder(entry("nt-v2"), tmp_path / "x").fits


def test_a_hub_that_sends_whole_files_is_told(tiny: Path) -> None:
    with served(entry("gpn"), tiny / "gpn" / "checkpoint") as (row, hub):
        hub.ignore_range = True
        with pytest.raises(SourceUnavailable, match="does not send parts of files"):
            check_hub(row, hub.endpoint)


@pytest.mark.parametrize("model_id", ["locuscope", "locuscope-local", "locuscope-segmenter"])
def test_the_shipped_models_fit_their_own_rows(model_id: str) -> None:
    found = check_folder(entry(model_id), ASSETS / str(entry(model_id).shipped))
    assert found.fits, found.sentence


@pytest.mark.parametrize(("family", "model_id"), PAIRS)
def test_a_recorded_header_says_what_the_files_say(family: str, model_id: str, tiny: Path, tmp_path: Path) -> None:
    with served(entry(model_id), tiny / family / "checkpoint") as (row, hub):
        told = record(row, hub.endpoint)
        (tmp_path / "recorded.json").write_text(json.dumps(told))
    evidence = evidence_of(tmp_path / "recorded.json")
    assert identity_of(row, evidence).note.split("(")[1] == check.identify(row, tiny / family / "checkpoint").note.split("(")[1]
    check.check_network(row, evidence)


RECORDED = sorted(PLACE.glob("*.json"))


def test_every_recorded_published_header_fits_its_model() -> None:
    for path in RECORDED:
        evidence = evidence_of(path)
        assert identity_of(entry(path.stem), evidence).published, path.stem
        check.check_network(entry(path.stem), evidence)


def test_a_model_without_a_download_is_told() -> None:
    with pytest.raises(WeightsMissing, match="no public download"):
        check_hub(entry("locuscope"), "http://127.0.0.1:9")


def test_an_offline_installation_asks_nobody(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="LOCUSCOPE_OFFLINE"):
        Engine(Settings(home=tmp_path, offline=True)).check_files("gpn")


def test_the_command_line_checks_one_model(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path))
    with served(entry("gpn"), tiny / "gpn" / "checkpoint") as (_, hub):
        monkeypatch.setenv("LOCUSCOPE_HUB_ENDPOINT", hub.endpoint)
        assert main(["install", "--check", "gpn"]) == 0
        assert capsys.readouterr().out.startswith("gpn fits: convolutions of GPN")
    assert main(["install", "--check", "gpn", "--from", str(tiny / "grover" / "checkpoint")]) == 2
    assert "--model grover" in capsys.readouterr().err


def test_the_command_line_checks_every_download_in_a_sentence_each(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path))
    with served(entry("gpn"), tiny / "gpn" / "checkpoint") as (_, hub):
        monkeypatch.setenv("LOCUSCOPE_HUB_ENDPOINT", hub.endpoint)
        assert main(["install", "--check"]) == 2
    told = capsys.readouterr()
    downloads = [model_id for model_id in model_ids() if entry(model_id).download is not None]
    assert len(told.out.splitlines()) == len(downloads)
    assert "cispliceai is fetched as a package" in told.out
    assert f"{len(downloads) - 2:,} of {len(downloads):,} models do not fit, or could not be checked" in told.err
