"""Attention in which every row reads the rows within a window of it, and one more that all rows read."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

ROWS_AT_ONCE = 64
"""Rows that share one stretch of keys on a CPU, whose scores stay in cache: of 24 to 96 the fastest, for one sequence as for many."""
ROWS_AT_ONCE_ON_A_GPU = 512


@dataclass(frozen=True, eq=False)
class Sink:
    """The row that every row reads, whatever its distance: ``key`` and ``value`` (B or 1, heads, 1, n)."""

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
    batch, heads, rows, _ = query.shape
    have = key.shape[2]
    if before > window or have > rows + window + before:
        raise ValueError(f"{have} keys, {before} of them before the first query, are more than the windows of {rows} rows hold")
    most = ROWS_AT_ONCE if query.device.type == "cpu" else ROWS_AT_ONCE_ON_A_GPU
    size = -(-rows // -(-rows // most))
    query, key, value = (part.flatten(0, 1) for part in (query, key, value))
    sinks = [part.expand(batch, -1, -1, -1).flatten(0, 1) for part in (sink.key, sink.value)]
    read = []
    for low in range(0, rows, size):
        high = min(rows, low + size)
        first, end = max(0, low + before - window), min(have, high + before + window)
        keys, values = (torch.cat((own, part[:, first:end]), dim=1) for own, part in zip(sinks, (key, value), strict=True))
        mask = _mask(high - low, end - first, before + low - first, window, query.dtype, query.device)
        score = torch.baddbmm(mask, query[:, low:high], keys.transpose(1, 2))
        read.append(torch.bmm(torch.softmax(score, dim=-1), values))
    return (read[0] if len(read) == 1 else torch.cat(read, dim=1)).view(batch, heads, rows, -1)


@functools.lru_cache(maxsize=512)
def _mask(rows: int, keys: int, before: int, window: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """0 where a row may read, -inf elsewhere: (rows, 1 + keys), the sink first; ``before`` keys stand before the first row."""
    with torch.inference_mode(mode=False):
        away = torch.arange(keys, device=device) - before - torch.arange(rows, device=device)[:, None]
        mask = torch.zeros(rows, 1 + keys, dtype=dtype, device=device)
        mask[:, 1:].masked_fill_(away.abs() > window, -torch.inf)
    return mask
