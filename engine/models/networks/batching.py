"""How much goes into one forward pass."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_CPU_TOKENS, _GPU_TOKENS = 2048, 65536
_CPU_ROWS, _GPU_ROWS = 1024, 16384


def passes_of(tokens: int, device: str) -> int:
    """Sequences of ``tokens`` tokens in one pass: about 2,000 tokens on a CPU, where more only falls out of cache; 65,000 on a GPU."""
    return max(1, (_CPU_TOKENS if device == "cpu" else _GPU_TOKENS) // max(1, tokens))


def in_chunks(x: Tensor, work: Callable[[Tensor], Tensor]) -> Tensor:
    """``work`` on (rows, width) in pieces, so that scores of a large vocabulary are never all in memory; x is (..., width)."""
    rows = x.flatten(0, -2)
    size = _CPU_ROWS if x.device.type == "cpu" else _GPU_ROWS
    parts = [work(rows[start : start + size]) for start in range(0, len(rows), size)]
    done = parts[0] if len(parts) == 1 else torch.cat(parts)
    return done.view(*x.shape[:-1], *done.shape[1:])
