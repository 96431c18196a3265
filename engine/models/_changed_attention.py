"""Exact change of attention when only a few rows of its input change.

softmax(q k') v of a reference is kept with the logarithm of each row's total. When K of T rows change, every other row's total and
weighted sum change by the K changed keys alone, and the K changed rows are computed anew: 4 K T products instead of 2 T T. In exact
arithmetic the result is that of a whole pass; rows whose total nearly vanishes with the changed keys (the attention stood on them) are
computed anew too, so that no digits are lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

SAFE_TOTAL = 0.1  # below this part of its old total a row is computed anew: keeps cancellation under 1e-6
LARGEST_EXPONENT = 80.0  # e^80 outweighs every other key and still fits float32
ROWS_AT_ONCE = 256


class Bias(Protocol):
    """Something added to the scores (heads, T, T), given in parts so that the whole is never in memory."""

    def part(self, rows: Tensor, columns: Tensor) -> Tensor:
        """(heads, len(rows), len(columns))."""


@dataclass(frozen=True, eq=False)
class AttentionReference:
    """One attention of the reference: ``query`` (heads, T, n), already scaled, ``key`` (heads, T, n), ``value`` and ``read`` (heads, T, m),
    ``total`` (heads, T): logarithm of the sum of exponentials of each row's scores. ``low``: query, key and value in the precision of
    differences (`changed_reads_by_difference`).
    """

    query: Tensor
    key: Tensor
    value: Tensor
    read: Tensor
    total: Tensor
    bias: Bias | None = None
    low: tuple[Tensor, Tensor, Tensor] | None = None

    def with_low(self, dtype: torch.dtype) -> AttentionReference:
        """The same reference that also holds its tensors in ``dtype``."""
        return replace(self, low=(self.query.to(dtype), self.key.to(dtype), self.value.to(dtype)))

    @classmethod
    def of(cls, query: Tensor, key: Tensor, value: Tensor, bias: Bias | None = None) -> AttentionReference:
        """Attend; every tensor is (heads, T, channels), float32."""
        length = query.shape[1]
        everywhere = torch.arange(length, device=query.device)
        reads, totals = [], []
        for low in range(0, length, ROWS_AT_ONCE):
            score = query[:, low : low + ROWS_AT_ONCE] @ key.transpose(1, 2)
            if bias is not None:
                score += bias.part(everywhere[low : low + ROWS_AT_ONCE], everywhere)
            total = score.logsumexp(-1)
            reads.append(score.sub_(total[..., None]).exp_() @ value)
            totals.append(total)
        return cls(query, key, value, torch.cat(reads, 1), torch.cat(totals, 1), bias)

    @property
    def length(self) -> int:
        """T."""
        return self.query.shape[1]


def changed_reads(reference: AttentionReference, rows: Tensor, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """What attention reads minus what it reads in the reference, (G, heads, T, m), for G inputs that change the same rows.

    Parameters
    ----------
    reference : AttentionReference
        Of the unchanged input.
    rows : Tensor
        int64 (K,), the changed rows, each once.
    query, key, value : Tensor
        (G, heads, K, n), (G, heads, K, n), (G, heads, K, m): what stands in those rows; queries scaled.
    """
    change, doubtful = _unchanged_rows(reference, rows, key, value)
    queries, which = query, rows
    if doubtful.numel():
        extra = doubtful[~torch.isin(doubtful, rows)]
        again = reference.query[:, extra].expand(query.shape[0], -1, -1, -1)
        queries, which = torch.cat((query, again), 2), torch.cat((rows, extra))
    change[:, :, which] = _recomputed_rows(reference, rows, which, queries, key, value) - reference.read[:, which]
    return change


def _unchanged_rows(reference: AttentionReference, rows: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Change of every row under its old query, and the rows where that is numerically doubtful."""
    groups, heads, count, _ = key.shape
    length = reference.length
    new = reference.query @ key.permute(1, 3, 0, 2).reshape(heads, -1, groups * count)
    old = reference.query @ reference.key[:, rows].transpose(1, 2)
    if reference.bias is not None:
        part = reference.bias.part(torch.arange(length, device=rows.device), rows)
        old += part
        new.view(heads, length, groups, count).add_(part[:, :, None])
    new.sub_(reference.total[..., None]).clamp_(max=LARGEST_EXPONENT).exp_()
    old.sub_(reference.total[..., None]).exp_()
    weight = new.view(heads, length, groups, count)
    gained = weight.sum(-1) - old.sum(-1, keepdim=True)
    lost = old @ reference.value[:, rows]
    change = torch.empty(groups, heads, length, value.shape[-1], dtype=value.dtype, device=value.device)
    for group in range(groups):
        grown = gained[..., group, None]
        moved = torch.baddbmm(lost, weight[:, :, group], value[group], beta=-1)
        torch.div(moved.addcmul_(reference.read, grown, value=-1), 1 + grown, out=change[group])
    doubtful = (gained < SAFE_TOTAL - 1).any(-1).any(0)
    return change, doubtful.nonzero().flatten()


def _recomputed_rows(reference: AttentionReference, rows: Tensor, which: Tensor, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Reads (G, heads, R, m) of rows ``which`` (R,) with ``query`` (G, heads, R, n), over the changed and the unchanged keys."""
    groups, heads, count, _ = query.shape
    flat = query.transpose(0, 1).reshape(heads, groups * count, -1)
    score = (flat @ reference.key.transpose(1, 2)).view(heads, groups, count, -1)
    score.index_copy_(3, rows, (query @ key.transpose(-1, -2)).transpose(0, 1))
    if reference.bias is not None:
        score += reference.bias.part(which, torch.arange(reference.length, device=rows.device))[:, None]
    weight = torch.softmax(score, -1)
    read = (weight.view(heads, groups * count, -1) @ reference.value).view(heads, groups, count, -1).transpose(0, 1)
    return read + weight.index_select(-1, rows).transpose(0, 1) @ (value - reference.value[:, rows])


def changed_reads_by_difference(reference: AttentionReference, rows: Tensor, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """`changed_reads` of *differences* of queries, keys and values; large products in the low precision of ``reference``, where it has one.

    Only differences are rounded: of scores (before the exponential), of weights and of values. Biased attention is not meant here.
    """
    if reference.low is None:
        places = (reference.query[:, rows], reference.key[:, rows], reference.value[:, rows])
        return changed_reads(reference, rows, query + places[0], key + places[1], value + places[2])
    change, doubtful = _low_unchanged_rows(reference, reference.low, rows, key, value)
    which = rows
    if doubtful.numel():
        extra = doubtful[~torch.isin(doubtful, rows)]
        which = torch.cat((rows, extra))
        query = torch.cat((query, query.new_zeros(*query.shape[:2], len(extra), query.shape[3])), 2)
    change[:, :, which] = _low_changed_rows(reference, reference.low, rows, which, query, key, value)
    return change


def _low_unchanged_rows(
    reference: AttentionReference, low: tuple[Tensor, Tensor, Tensor], rows: Tensor, key: Tensor, value: Tensor
) -> tuple[Tensor, Tensor]:
    """Change of every row under its old query, and the rows where that is numerically doubtful."""
    groups, heads, count, _ = key.shape
    length, dtype = reference.length, low[0].dtype
    weight = (reference.query @ reference.key[:, rows].transpose(1, 2)).sub_(reference.total[..., None]).exp_()
    moved_key = key.to(dtype).permute(1, 3, 0, 2).reshape(heads, -1, groups * count)
    grown = (low[0] @ moved_key).float().clamp_(max=LARGEST_EXPONENT).expm1_().view(heads, length, groups, count)
    grown_low = grown.mul_(weight[:, :, None]).to(dtype)
    gained = grown_low.sum(-1, dtype=torch.float32)
    new_value = (reference.value[:, rows] + value).to(dtype)
    by_value = weight.to(dtype) @ value.to(dtype).permute(1, 2, 0, 3).reshape(heads, count, -1)
    change = torch.empty(groups, heads, length, value.shape[-1], dtype=value.dtype, device=value.device)
    parts = by_value.view(heads, length, groups, -1)
    for group in range(groups):
        more = gained[..., group, None]
        moved = (grown_low[:, :, group] @ new_value[group]).float().add_(parts[:, :, group])
        torch.div(moved.addcmul_(reference.read, more, value=-1), 1 + more, out=change[group])
    doubtful = (gained < SAFE_TOTAL - 1).any(-1).any(0)
    return change, doubtful.nonzero().flatten()


def _low_changed_rows(
    reference: AttentionReference,
    low: tuple[Tensor, Tensor, Tensor],
    rows: Tensor,
    which: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
) -> Tensor:
    """Change of the reads (G, heads, R, m) of rows ``which`` (R,) whose queries move by ``query`` (G, heads, R, n)."""
    groups, heads, count, _ = query.shape
    dtype = low[0].dtype
    old = reference.query[:, which] @ reference.key.transpose(1, 2)
    flat = query.to(dtype).transpose(0, 1).reshape(heads, groups * count, -1)
    score = (flat @ low[1].transpose(1, 2)).float().view(heads, groups, count, -1).add_(old[:, None])
    new = (reference.query[:, which] + query) @ (reference.key[:, rows] + key).transpose(-1, -2)
    score.index_copy_(3, rows, new.transpose(0, 1))
    weight = torch.softmax(score, -1)
    by_value = weight.index_select(-1, rows).transpose(0, 1) @ value
    moved = weight.sub_(old.sub_(reference.total[:, which, None]).exp_()[:, None]).to(dtype)
    read = (moved.view(heads, groups * count, -1) @ low[2]).float().view(heads, groups, count, -1).transpose(0, 1)
    return read + by_value
