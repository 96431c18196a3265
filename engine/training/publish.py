"""From a training run to a shipped model directory: float16 weights, config.json, card.json with the sha256 of the weights."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from engine.core.errors import WeightsInvalid, WeightsMissing
from engine.models.checkpoints.weights import files_sha256, read_state
from engine.training import checkpoint

LARGEST = 12 * 2**20
LIMITS = (
    "Small and trained on two CPU cores (the run below). Seed RNAs were recombined within their families, had compensatory substitutions of "
    "their annotated pairs and were mixed with invented stem-loops; the annotated pairs of training seeds are labels of a loss on the dependency map, so "
    "contacts are partly supervised; the first layers start from Watson-Crick and wobble pairs and from the three stop codons. "
    "Nothing of animals, plants or their viruses was seen."
)
REMEMBERS = " Masked bases of RNA are looked up in words of the training seeds, too."


def digest(path: Path) -> str:
    """Hexadecimal sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def publish(source: Path, target: Path, card: dict[str, Any], largest: int = LARGEST) -> Path:
    """Copy a model directory (config.json, weights) to `target` in float16 with its card; returns the card's path.

    ``largest``: bytes of weights beyond which it is refused.
    """
    import torch

    if not any((source / name).is_file() for name in ("model.safetensors", "model.safetensors.index.json")):
        raise WeightsMissing(f"{source} has no model.safetensors; train first with python -m engine.training train --out DIR")
    loaded = read_state(source).tensors
    state = {name: t.to(torch.float16).contiguous() if t.is_floating_point() else t for name, t in loaded.items()}
    if any(not bool(torch.isfinite(tensor).all()) for tensor in state.values()):
        raise WeightsInvalid(f"{source} holds numbers that float16 cannot; the run has diverged, start it again with a lower rate")
    target.mkdir(parents=True, exist_ok=True)
    files = checkpoint.write_weights(target, state)
    size = sum(path.stat().st_size for path in files)
    if size > largest:
        raise WeightsInvalid(f"The weights in {target} are {size} bytes; a shipped model has at most {largest}; train a narrower one")
    shutil.copyfile(source / "config.json", target / "config.json")
    held = {
        "weights": "model.safetensors" if len(files) == 1 else "model.safetensors.index.json",
        "sha256": files_sha256(files),
        "parameters": sum(tensor.numel() for tensor in state.values() if tensor.is_floating_point()),
        "storage": "float16",
        "licence": "Apache-2.0",
        "limitations": LIMITS + (REMEMBERS if json.loads((target / "config.json").read_text()).get("words") else ""),
    }
    path = target / "card.json"
    path.write_text(json.dumps(held | card, indent=1) + "\n", encoding="utf-8")
    return path


def run_summary(run: Path) -> dict[str, Any]:
    """Steps, tokens, minutes and last losses of a run's log; `finished` says whether its rates were decayed to zero."""
    log = run / "log.jsonl"
    if not log.is_file():
        return {}
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    last = rows[-1]
    recent: dict[str, list[float]] = {}
    for row in rows[-20:]:
        for key, value in row.items():
            if key.startswith(("bits_", "change_", "rank_", "frame_", "site_", "amino_acid_", "focal_loss")):
                recent.setdefault(key, []).append(value)
    means = {key: round(sum(values) / len(values), 4) for key, values in sorted(recent.items())}
    seen = {"tokens_seen": last["tokens"]} if "tokens" in last else {}
    return {"steps": last["step"], **seen, "minutes": last["minutes"], "finished": last["progress"] >= 1, "last_losses": means}
