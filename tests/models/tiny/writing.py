"""Seeded numbers for named tensors, and the files they are published in."""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

Shapes = Mapping[str, tuple[int, ...]]
KMER_LETTERS = "ATCG"
"""Order in which the published k-mer vocabularies count."""

_NORMS = ("norm", "ln_", ".g", "emb_ln")


def numbers(name: str, shape: tuple[int, ...], scale: float = 1.0) -> torch.Tensor:
    """float32 of ``shape``, always the same for a name: spread so that activations neither vanish nor grow."""
    generator = np.random.default_rng([zlib.crc32(name.encode()), *shape])
    values = generator.standard_normal(shape)
    if len(shape) == 1:
        is_gain = name.endswith(("weight", ".g")) and any(part in name.casefold() for part in _NORMS)
        values = 1 + 0.1 * values if is_gain else 0.1 * values
    else:
        is_table = "embedding" in name or ("token_embs" in name and len(shape) == 2 and shape[0] < 10)
        values *= 0.5 * scale if is_table else scale / np.sqrt(np.prod(shape[1:]))
    return torch.from_numpy(values.astype(np.float32))


def tensors(shapes: Shapes, scale: float = 1.0) -> dict[str, torch.Tensor]:
    """`numbers` for each name."""
    return {name: numbers(name, shape, scale) for name, shape in shapes.items()}


def kmers(k: int) -> list[str]:
    """All k-mers in the published order."""
    return ["".join(word) for word in itertools.product(KMER_LETTERS, repeat=k)]


def write_json(folder: Path, name: str, values: Any) -> None:
    """A JSON file as transformers writes it."""
    (folder / name).write_text(json.dumps(values, indent=2, sort_keys=name != "tokenizer.json") + "\n", encoding="utf-8")


def write_lines(folder: Path, name: str, lines: Sequence[str]) -> None:
    """A text file with a line a token, the last without an end."""
    (folder / name).write_text("\n".join(lines), encoding="utf-8")


def write_safetensors(folder: Path, values: Mapping[str, torch.Tensor], name: str = "model.safetensors") -> None:
    """Weights as transformers writes them."""
    save_file({key: value.contiguous() for key, value in values.items()}, folder / name, metadata={"format": "pt"})


def write_torch(folder: Path, values: Mapping[str, torch.Tensor], name: str = "pytorch_model.bin") -> None:
    """Weights as a pickled table of tensors."""
    torch.save({key: value.clone() for key, value in values.items()}, folder / name)
