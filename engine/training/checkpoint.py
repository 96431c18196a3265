"""Resumable checkpoints of a training run: safetensors pieces of at most 16 MiB and a small JSON state, replaced as a whole."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.core.errors import WeightsInvalid

PIECE_BYTES = 15 * 2**20


@dataclass(frozen=True)
class TrainingState:
    """Tensors by name and counters of a run."""

    tensors: dict[str, Tensor]
    counters: dict[str, Any]


def _pieces(tensors: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    groups: list[dict[str, Tensor]] = [{}]
    filled = 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        if groups[-1] and filled + size > PIECE_BYTES:
            groups.append({})
            filled = 0
        groups[-1][name] = tensor
        filled += size
    return groups


def save(folder: Path, state: TrainingState) -> None:
    """Write beside `folder`, then take its place, so that a stop in between leaves the older one whole."""
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    groups = _pieces({k: v.detach().cpu().contiguous() for k, v in state.tensors.items()})
    for number, group in enumerate(groups):
        save_file(group, fresh / f"part-{number:03d}.safetensors")
    (fresh / "state.json").write_text(json.dumps(state.counters | {"parts": len(groups)}), encoding="utf-8")
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def write_weights(folder: Path, tensors: dict[str, Tensor]) -> list[Path]:
    """The weights of a model directory, in place of those there: ``model.safetensors``, or pieces and their index where that would be larger than
    `PIECE_BYTES`; the files in order.
    """
    held = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    groups, one = _pieces(held), folder / "model.safetensors"
    index = folder / "model.safetensors.index.json"
    names = [one.name] if len(groups) == 1 else [f"model-{n:05d}-of-{len(groups):05d}.safetensors" for n in range(1, len(groups) + 1)]
    for name, group in zip(names, groups, strict=True):
        save_file(group, folder / f"{name}.new", metadata={"format": "pt"})
    for name in names:
        (folder / f"{name}.new").replace(folder / name)
    if len(groups) > 1:
        places = {key: name for name, group in zip(names, groups, strict=True) for key in group}
        index.write_text(json.dumps({"metadata": {}, "weight_map": places}, indent=1), encoding="utf-8")
    for path in (*folder.glob("model*.safetensors"), *([index] if len(groups) == 1 else [])):
        if path.name not in names:
            path.unlink(missing_ok=True)
    return [folder / name for name in names]


def load(folder: Path) -> TrainingState | None:
    """The checkpoint in `folder`, or None where there is none yet; an incomplete one is an error."""
    if not (folder / "state.json").is_file():
        old = folder.with_name(folder.name + ".old")
        if not (old / "state.json").is_file():
            return None
        folder = old
    counters = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    tensors: dict[str, Tensor] = {}
    for number in range(counters.pop("parts")):
        path = folder / f"part-{number:03d}.safetensors"
        if not path.is_file():
            raise WeightsInvalid(f"checkpoint {folder} lacks {path.name}; remove the folder to start the run again")
        tensors |= load_file(path)
    return TrainingState(tensors, counters)


def flatten_optimizer(prefix: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Tensors of an optimiser's state, by position of the parameter."""
    held = optimizer.state_dict()["state"]
    return {f"{prefix}.{i}.{key}": torch.as_tensor(value).clone() for i, state in held.items() for key, value in state.items()}


def restore_optimizer(prefix: str, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Inverse of `flatten_optimizer` for an optimiser over the same parameters."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(prefix + "."):
            _, index, key = name.split(".", 2)
            state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
