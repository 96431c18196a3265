"""Attention in which every row reads the rows within a window of it, and one more that all rows read."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

BLOCK = 32  # rows that share one stretch of keys
SHORT = 128  # up to so many rows all keys are read under a mask by the fused kernel: 1.4 to 3.9 times as fast there, slower from 250 on


@dataclass(frozen=True, eq=False)
class Sink:
    """The row that every row reads, whatever its distance: ``key`` and ``value`` (B, heads, 1, n)."""

    key: Tensor
    value: Tensor


def windowed_attention(query: Tensor, key: Tensor, value: Tensor, window: int, sink: Sink, before: int = 0) -> Tensor:
    """What rows read of the rows at most ``window`` away and of the sink.

    Parameters
    ----------
    query : Tensor
        (B, heads, R, n), scaled, of a stretch of rows.
    key, value : Tensor
        (B, heads, K, n), (B, heads, K, m), of a stretch of rows that holds the queries' windows as far as there are rows.
    window : int
        Rows to either side.
    sink : Sink
        Read beside them.
    before : int
        Rows that stand in ``key`` before the first one of ``query``, at most ``window``.

    Returns
    -------
    Tensor
        (B, heads, R, m).
    """
    batch, heads, rows, channels = query.shape
    have, span = key.shape[2], BLOCK + 2 * window
    if before == 0 and have == rows <= SHORT and not query.requires_grad:
        return _read_under_a_mask(query, key, value, window, sink)
    count = -(-rows // BLOCK)
    left, right = window - before, count * BLOCK + window + before - have
    if left < 0 or right < 0:
        raise ValueError(f"{have} keys, {before} of them before the first query, are more than the windows of {rows} rows hold")
    keys, values = (functional.pad(part, (0, 0, left, right)).unfold(2, span, BLOCK) for part in (key, value))
    query = functional.pad(query, (0, 0, 0, count * BLOCK - rows)).view(batch, heads, count, BLOCK, channels)
    score = query @ keys + _mask(count, window, left, left + have, query.dtype, query.device)
    weight = torch.softmax(torch.cat((query @ sink.key.transpose(-1, -2).unsqueeze(2), score), dim=-1), dim=-1)
    read = weight[..., 1:] @ values.transpose(-1, -2) + weight[..., :1] * sink.value.unsqueeze(2)
    return read.view(batch, heads, count * BLOCK, -1)[:, :, :rows]


def _read_under_a_mask(query: Tensor, key: Tensor, value: Tensor, window: int, sink: Sink) -> Tensor:
    """`windowed_attention` of all rows of a short sequence."""
    row = torch.arange(query.shape[2], device=query.device)
    far = functional.pad((row[:, None] - row).abs() > window, (1, 0))
    mask = torch.zeros(far.shape, dtype=query.dtype, device=query.device).masked_fill_(far, -torch.inf)
    keys, values = (torch.cat((one.expand(len(query), -1, -1, -1), all_), dim=2) for one, all_ in ((sink.key, key), (sink.value, value)))
    return functional.scaled_dot_product_attention(query, keys, values, attn_mask=mask[None, None], scale=1.0)


def _mask(count: int, window: int, first: int, end: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """0 where a row may read, -inf elsewhere: (``count`` or 1, BLOCK, BLOCK + 2 window); of the padded keys those from ``first`` to ``end`` are."""
    far = _far(window, device)
    if first or end < count * BLOCK + 2 * window:
        column = torch.arange(count * BLOCK + 2 * window, device=device).unfold(0, BLOCK + 2 * window, BLOCK)[:, None]
        far = far | (column < first) | (column >= end)
    return torch.zeros(far.shape, dtype=dtype, device=device).masked_fill_(far, -torch.inf)


@functools.cache
def _far(window: int, device: torch.device) -> Tensor:
    """Which keys of a stretch lie beyond a row's window, bool (1, BLOCK, BLOCK + 2 window)."""
    with torch.inference_mode(mode=False):
        away = torch.arange(BLOCK + 2 * window, device=device) - torch.arange(BLOCK, device=device)[:, None]
        return ((away < 0) | (away > 2 * window))[None]
