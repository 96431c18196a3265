"""From a training run to a shipped model directory: float16 weights, config.json, card.json with the sha256 of the weights."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from engine.core.errors import WeightsInvalid, WeightsMissing

LARGEST = 12 * 2**20
LIMITS = (
    "Small and trained on two CPU cores (the run below). Seed RNAs were recombined within their families, had compensatory substitutions of "
    "their annotated pairs and were mixed with invented stem-loops; the annotated pairs of training seeds are labels of a loss on the dependency map, so "
    "contacts are partly supervised; the first layers start from Watson-Crick and wobble pairs and from the three stop codons. A language model with a memory looks masked "
    "bases of RNA up in words of the training seeds. Nothing of animals, plants or their viruses was seen."
)


def digest(path: Path) -> str:
    """Hexadecimal sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def publish(source: Path, target: Path, card: dict[str, Any]) -> Path:
    """Copy a model directory (config.json, model.safetensors) to `target` in float16 with its card; returns the card's path."""
    import torch
    from safetensors.torch import load_file, save_file

    if not (source / "model.safetensors").is_file():
        raise WeightsMissing(f"{source} has no model.safetensors; train first with python -m engine.training train --out DIR")
    loaded = load_file(source / "model.safetensors")
    state = {name: t.to(torch.float16).contiguous() if t.is_floating_point() else t for name, t in loaded.items()}
    if any(not bool(torch.isfinite(tensor).all()) for tensor in state.values()):
        raise WeightsInvalid(
            f"{source / 'model.safetensors'} holds numbers that float16 cannot; the run has diverged, start it again with a lower rate"
        )
    target.mkdir(parents=True, exist_ok=True)
    weights = target / "model.safetensors"
    save_file(state, weights, metadata={"format": "pt"})
    if weights.stat().st_size > LARGEST:
        raise WeightsInvalid(f"{weights} is {weights.stat().st_size} bytes; a shipped model has at most {LARGEST}; train a narrower one")
    shutil.copyfile(source / "config.json", target / "config.json")
    held = {
        "weights": "model.safetensors",
        "sha256": digest(weights),
        "parameters": sum(tensor.numel() for tensor in state.values() if tensor.is_floating_point()),
        "storage": "float16",
        "licence": "Apache-2.0",
        "limitations": LIMITS,
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
            if key.startswith(("bits_", "change_", "rank_", "focal_loss")):
                recent.setdefault(key, []).append(value)
    means = {key: round(sum(values) / len(values), 4) for key, values in sorted(recent.items())}
    seen = {"tokens_seen": last["tokens"]} if "tokens" in last else {}
    return {"steps": last["step"], **seen, "minutes": last["minutes"], "finished": last["progress"] >= 1, "last_losses": means}
