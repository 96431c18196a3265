"""Weights are read without running anything of them, and every damaged file ends in one sentence."""

from __future__ import annotations

import json
import os
import pickle  # noqa: TID251 - these tests write hostile files
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from engine.core.errors import LocuscopeError, ParameterError, WeightsInvalid, WeightsMissing
from engine.models.checkpoints import weights


class Hostile:
    """Unpickling it would make the directory ``victim``."""

    def __init__(self, call: Callable[..., Any], *arguments: object) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.call, self.arguments


def hostile_objects(victim: Path) -> dict[str, Any]:
    return {
        "mkdir": Hostile(os.mkdir, str(victim)),
        "eval": Hostile(eval, f"__import__('os').mkdir({str(victim)!r})"),
        "exec": Hostile(exec, f"import os; os.mkdir({str(victim)!r})"),
        "getattr": Hostile(getattr, "text", "upper"),
        "load": Hostile(torch.load, str(victim)),
    }


def hostile_module(kind: str, victim: Path) -> torch.nn.Module:
    module = torch.nn.Sequential(torch.nn.Linear(2, 2))
    module.extra = hostile_objects(victim)[kind]
    return module


@pytest.mark.parametrize("kind", ["mkdir", "eval", "exec", "getattr", "load"])
def test_a_hostile_pickled_module_is_refused_before_anything_runs(kind: str, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    path = tmp_path / "model.pt"
    torch.save(hostile_module(kind, victim), path)
    with pytest.raises(WeightsInvalid, match="refused"):
        weights.read_pickled_module(path)
    assert not victim.exists()


@pytest.mark.parametrize("kind", ["mkdir", "eval", "exec", "load"])
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_a_hostile_state_dict_is_refused(kind: str, name: str, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    torch.save({"weight": torch.zeros(2), "extra": hostile_objects(victim)[kind]}, tmp_path / name)
    with pytest.raises(WeightsInvalid):
        weights.read_state(tmp_path, (name,))
    assert not victim.exists()


def test_the_hostile_file_of_these_tests_would_do_harm_if_unpickled(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    pickle.loads(pickle.dumps(hostile_objects(victim)["mkdir"]))  # noqa: S301
    assert victim.is_dir()


def test_a_raw_pickle_without_the_torch_container_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    (tmp_path / "model.pt").write_bytes(pickle.dumps(hostile_objects(victim)["mkdir"], protocol=2))
    with pytest.raises(WeightsInvalid):
        weights.read_pickled_module(tmp_path / "model.pt")
    with pytest.raises(WeightsInvalid):
        weights.read_state(tmp_path, ("model.pt",))
    assert not victim.exists()


def test_a_pickled_module_is_read_as_stubs_with_every_parameter_and_buffer(tmp_path: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Sequential(torch.nn.BatchNorm1d(2)))
    torch.save(module, tmp_path / "model.pt")
    allowed = set(torch.serialization.get_safe_globals())
    stub = weights.read_pickled_module(tmp_path / "model.pt")
    assert type(stub).__mro__[1] is weights.ModuleStub
    expected = module.state_dict()
    assert set(stub.tensors()) == set(expected)
    assert all(torch.equal(value, expected[name]) for name, value in stub.tensors().items())
    assert set(torch.serialization.get_safe_globals()) == allowed


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "flipped"])
@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_damaged_file_is_told_in_one_sentence(damage: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith("safetensors"):
        save_file({"weight": torch.arange(100.0)}, path)
    else:
        torch.save({"weight": torch.arange(100.0)}, path)
    data = path.read_bytes()
    path.write_bytes(
        {"empty": b"", "text": b"<html>not found</html>", "cut": data[: len(data) // 2], "flipped": b"\xff" * 64 + data[64:]}[damage]
    )
    with pytest.raises(WeightsInvalid, match="download it again"):
        weights.read_state(tmp_path)


def test_safetensors_is_preferred_to_bin_and_its_sha256_is_reported(tmp_path: Path) -> None:
    save_file({"weight": torch.ones(2)}, tmp_path / "model.safetensors")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "pytorch_model.bin")
    state = weights.read_state(tmp_path)
    assert state.tensors["weight"].tolist() == [1, 1]
    assert state.files == (tmp_path / "model.safetensors",)
    assert state.sha256 == weights.file_sha256(tmp_path / "model.safetensors")


def test_shards_are_joined_and_may_not_lie_outside_the_folder(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "one.safetensors")
    save_file({"b": torch.zeros(3)}, tmp_path / "two.safetensors")
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}))
    state = weights.read_state(tmp_path)
    assert {name: value.tolist() for name, value in state.tensors.items()} == {"a": [1, 1], "b": [0, 0, 0]}
    assert len(state.sha256) == 64
    index.write_text(json.dumps({"weight_map": {"a": "../one.safetensors"}}))
    with pytest.raises(WeightsInvalid, match="outside"):
        weights.read_state(tmp_path)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"model\.safetensors"):
        weights.read_state(tmp_path)
    with pytest.raises(WeightsMissing, match=r"config\.json"):
        weights.read_json(tmp_path)
    with pytest.raises(WeightsMissing, match="no checkpoint directory"):
        weights.read_state(tmp_path / "absent")


def test_tensors_must_agree_with_the_configuration() -> None:
    layer = torch.nn.Linear(3, 2)
    good = {name: value.clone() for name, value in layer.state_dict().items()}
    weights.load_tensors(layer, {**good, "pooler.weight": torch.zeros(1)}, unused=("pooler.",))
    for bad in ({"weight": good["weight"]}, {**good, "other": torch.zeros(1)}, {**good, "bias": torch.zeros(5)}):
        with pytest.raises(WeightsInvalid):
            weights.load_tensors(layer, bad)


@pytest.mark.parametrize("device", ["tpu", "cuda:x", "cpu:0", "cuda:99"])
def test_an_unknown_device_is_refused(device: str) -> None:
    with pytest.raises(ParameterError, match="cpu"):
        weights.resolve_device(device)


def test_automatic_precision_is_float32_on_the_cpu() -> None:
    assert weights.resolve_dtype("auto", "cpu") == "float32"
    assert weights.resolve_dtype("auto", "cuda:0") == "float16"
    with pytest.raises(ParameterError):
        weights.resolve_dtype("int8", "cpu")


def test_a_compressed_bomb_or_a_foreign_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pytorch_model.bin", "w") as archive:
        archive.writestr("archive/readme", "nothing")
    with pytest.raises(LocuscopeError):
        weights.read_state(tmp_path)


def test_absurd_or_wrong_numbers_of_a_configuration_are_refused() -> None:
    assert weights.whole({"hidden_size": 12}, "hidden_size") == 12
    for value in (0, -1, True, 1.5, "8", None, 10**18, 10**400):
        with pytest.raises(WeightsInvalid, match="hidden_size"):
            weights.whole({"hidden_size": value}, "hidden_size")
    with pytest.raises(WeightsInvalid):
        weights.whole({"num_hidden_layers": 1_000_000}, "num_hidden_layers")


def test_layers_are_counted_without_a_gap() -> None:
    assert weights.count_layers([0, 2, 1, 1]) == 3
    for numbers in ([], [1, 2], [0, 999_999_999]):
        with pytest.raises(WeightsInvalid, match="layer"):
            weights.count_layers(numbers)


def test_deeply_nested_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[" * 100_000)
    with pytest.raises(WeightsInvalid, match="JSON"):
        weights.read_json(tmp_path)
