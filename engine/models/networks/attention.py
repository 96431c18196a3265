"""Self-attention with one fused projection and rotary positions, shared by the BERT and ESM networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.core.errors import WeightsInvalid
from engine.core.quoting import quoted
from engine.models.networks.kernels import attention

Rotary = tuple[Tensor, Tensor]
"""cos and sin, each (T, dims / 2), float32."""


def rotary_at(positions: Tensor, dims: int, base: float) -> Rotary:
    """cos and sin of ``positions`` (n,) times frequency ``base ** (-2i / dims)``, each (n, dims / 2)."""
    frequency = base ** (-torch.arange(0, dims, 2, device=positions.device, dtype=torch.float32) / dims)
    angle = positions.float()[:, None] * frequency
    return angle.cos(), angle.sin()


def rotary_tables(length: int, dims: int, base: float, device: torch.device) -> Rotary:
    """`rotary_at` of positions 0 .. length − 1; made on every call, so no stale table can survive."""
    return rotary_at(torch.arange(length, device=device), dims, base)


def rotate(x: Tensor, tables: Rotary, *, interleaved: bool = False) -> Tensor:
    """Rotate the first ``2 * cos.shape[-1]`` channels of (B, heads, T, head) by position.

    Halves (channel i with i + dims / 2), or neighbours (2i with 2i + 1) when ``interleaved``.
    """
    cos, sin = (table.to(x.dtype) for table in tables)
    dims = 2 * cos.shape[-1]
    turning, still = x[..., :dims], x[..., dims:]
    if interleaved:
        first, second = turning[..., 0::2], turning[..., 1::2]
        turned = torch.stack((first * cos - second * sin, second * cos + first * sin), dim=-1).flatten(-2)
    else:
        first, second = turning.chunk(2, dim=-1)
        turned = torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)
    return torch.cat((turned, still), dim=-1) if still.shape[-1] else turned


class SelfAttention(nn.Module):
    """softmax(q k' / sqrt(head)) v over all positions, (B, T, width) to (B, T, width), without the output projection."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)

    def forward(self, x: Tensor, rotary: Rotary | None = None, *, interleaved: bool = False) -> Tensor:
        """Attend; ``rotary`` turns queries and keys."""
        batch, length, width = x.shape
        query, key, value = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        if rotary is not None:
            query, key = rotate(query, rotary, interleaved=interleaved), rotate(key, rotary, interleaved=interleaved)
        read = attention(query, key, value)
        return read.transpose(1, 2).reshape(batch, length, width)


def fuse_projections(tensors: MutableMapping[str, Tensor], prefix: str) -> None:
    """Replace ``prefix{query,key,value}.{weight,bias}`` by ``prefix + qkv.{weight,bias}``. Raises `WeightsInvalid` when one is missing."""
    for kind in ("weight", "bias"):
        names = [f"{prefix}{part}.{kind}" for part in ("query", "key", "value")]
        missing = [name for name in names if name not in tensors]
        if missing:
            raise WeightsInvalid(f"The checkpoint lacks {missing[0]}; its layout or its config.json is not the published one.")
        tensors[f"{prefix}qkv.{kind}"] = torch.cat([tensors.pop(name) for name in names])


def with_modern_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors with the old names of LayerNorm parameters, gamma and beta, replaced by weight and bias."""
    named: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        stem, _, last = name.rpartition(".")
        is_old = stem.endswith("LayerNorm") and last in ("gamma", "beta")
        named[f"{stem}.{'weight' if last == 'gamma' else 'bias'}" if is_old else name] = tensor
    return named


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,
    "gelu_new": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu_fast": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "relu": functional.relu,
    "silu": functional.silu,
    "swish": functional.silu,
}
"""Activation by the name a configuration gives it."""


def check_activation(name: str) -> str:
    """``name`` when it is known. Raises `WeightsInvalid`."""
    if name not in ACTIVATIONS:
        raise WeightsInvalid(f"config.json has the activation {quoted(name)}; known: {', '.join(ACTIVATIONS)}.")
    return name
