"""How much goes into one forward pass."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_CPU_TOKENS, _GPU_TOKENS = 2048, 65536
_VALUES = 24  # numbers a channel of a token, in float32, that are alive at once in the widest layer
_MEMORY_SHARE = 4  # of a GPU's memory, one part in so many is for a batch; weights, other visitors and the allocator have the rest
_CPU_ROWS, _GPU_ROWS = 1024, 16384


def passes_of(tokens: int, device: str, width: int = 0) -> int:
    """Sequences of ``tokens`` tokens in one pass of a network of ``width`` channels.

    About 2,000 tokens on a CPU, where more only falls out of cache; 65,000 on a GPU, fewer of a wide network on a card with little memory.
    The card's whole memory decides, not what is free, so that the same question goes through in the same batches each time.
    """
    return max(1, (_CPU_TOKENS if device == "cpu" else _tokens_on_a_gpu(device, width)) // max(1, tokens))


def _tokens_on_a_gpu(device: str, width: int) -> int:
    if not width or not torch.cuda.is_available():
        return _GPU_TOKENS
    memory = int(torch.cuda.get_device_properties(device).total_memory)
    return min(_GPU_TOKENS, memory // _MEMORY_SHARE // (4 * _VALUES * width))


def in_chunks(x: Tensor, work: Callable[[Tensor], Tensor]) -> Tensor:
    """``work`` on (rows, width) in pieces, so that scores of a large vocabulary are never all in memory; x is (..., width)."""
    rows = x.flatten(0, -2)
    size = _CPU_ROWS if x.device.type == "cpu" else _GPU_ROWS
    parts = [work(rows[start : start + size]) for start in range(0, len(rows), size)]
    done = parts[0] if len(parts) == 1 else torch.cat(parts)
    return done.view(*x.shape[:-1], *done.shape[1:])
