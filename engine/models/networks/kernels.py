"""The kernels that differ between machines: attention, and products of half-precision factors that are summed in float32.

Attention: the fused kernel, or plain products in blocks that stay in cache.

On CPUs that multiply bfloat16 but have no matrix tiles, the fused kernel runs it at the speed of float32; products over a block of scores
that fits the second-level cache are 1.2 to 1.8 times as fast (one thread of a Zen 4, 2 to 20 heads, 256 to 1,024 tokens; equal at 128
tokens with few heads). In float32 and float16 the fused kernel wins everywhere (1.1 to 11 times). So the kind of processor and the dtype
decide, never a stopwatch: the last bit of a result is the same in every process.
"""

from __future__ import annotations

import logging
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import linear, scaled_dot_product_attention

from engine.core.processor import has_matrix_tiles, multiplies_bfloat16

_log = logging.getLogger(__name__)

BLOCK_SCORES = 1 << 20
SHORTEST_IN_BLOCKS = 128


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(q k' / sqrt(head)) v over all positions; every tensor (B, heads, T, head) of one dtype, no mask."""
    if query.device.type != "cpu" or query.shape[2] < SHORTEST_IN_BLOCKS or query.requires_grad:
        return scaled_dot_product_attention(query, key, value)
    return blocked(query, key, value) if blocks_win(query) else scaled_dot_product_attention(query, key, value)


def blocked(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The same by plain products, one sequence and as many heads at a time as keep the scores under `BLOCK_SCORES`."""
    heads, length, width = query.shape[1:]
    together = max(1, min(heads, BLOCK_SCORES // (length * length)))
    out = torch.empty(query.shape, dtype=query.dtype, device=query.device)
    scaled = query * width**-0.5
    for row in range(len(query)):
        for first in range(0, heads, together):
            some = slice(first, first + together)
            weights = torch.softmax(torch.bmm(scaled[row, some], key[row, some].transpose(1, 2)), dim=-1)
            torch.bmm(weights, value[row, some], out=out[row, some])
    return out


def blocks_win(query: Tensor) -> bool:
    """Whether plain products in blocks serve a call of this dtype better than the fused kernel, by the kind of processor alone."""
    return query.dtype == torch.bfloat16 and multiplies_bfloat16() and not has_matrix_tiles()


def float_linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x · weight' + bias, float32 (..., n) or wider, of ``x`` (..., width), ``weight`` (n, width) and ``bias`` (n,) in one dtype.

    For the last layer of a network: scores rounded to half precision would carry a hundredth of a nat of noise into every log odds. The
    product of two half-precision numbers is exact in float32, so where a GPU sums half-precision factors in float32, that is the float32
    layer but for the order of the sums, at several times its speed.
    """
    if x.dtype not in (torch.float16, torch.bfloat16):
        return linear(x, weight, bias)
    if not _sums_in_float32(x.dtype, str(x.device)):
        return linear(x.float(), weight.float(), None if bias is None else bias.float())
    rows = torch.mm(x.reshape(-1, x.shape[-1]), weight.t(), out_dtype=torch.float32)
    rows = rows if bias is None else rows.add_(bias.float())
    return rows.view(*x.shape[:-1], len(weight))


@lru_cache(maxsize=8)
def _sums_in_float32(dtype: torch.dtype, device: str) -> bool:
    """Whether the device multiplies ``dtype`` with float32 sums: CUDA as torch documents it, asked once, because not every build has it."""
    if not device.startswith("cuda"):
        return False
    few = torch.tensor([[1.0, 2.0**-9]], dtype=dtype, device=device).repeat(16, 8)
    try:
        found = torch.mm(few, few.t(), out_dtype=torch.float32)
    except (RuntimeError, TypeError) as error:
        _log.warning("no %s products with float32 sums on %s, float32 products instead: %s", dtype, device, error)
        return False
    return bool(torch.allclose(found, few.float() @ few.float().t(), rtol=1e-6, atol=0))
