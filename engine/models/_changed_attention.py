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
LARGEST_GAIN = 1e3  # a row whose total grows more is computed anew too: float16 ends at 65,504
LARGEST_EXPONENT = 80.0  # e^80 outweighs every other key and still fits float32
ROWS_AT_ONCE = 256


class Bias(Protocol):
    """Something added to the scores (heads, T, T), given in parts so that the whole is never in memory."""

    def part(self, rows: Tensor, columns: Tensor) -> Tensor:
        """(heads, len(rows), len(columns))."""


@dataclass(frozen=True, eq=False)
class LowAttention:
    """Query, key, value (heads, T, ·) and weights (heads, T, T) in the precision of differences."""

    query: Tensor
    key: Tensor
    value: Tensor
    weights: Tensor


@dataclass(frozen=True, eq=False)
class AttentionReference:
    """One attention of the reference: ``query`` (heads, T, n), already scaled, ``key`` (heads, T, n), ``value`` and ``read`` (heads, T, m),
    ``total`` (heads, T): logarithm of the sum of exponentials of each row's scores. ``low``: what `changed_reads_by_difference` needs beside them.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    read: Tensor
    total: Tensor
    bias: Bias | None = None
    low: LowAttention | None = None

    def with_low(self, dtype: torch.dtype) -> AttentionReference:
        """The same reference that also holds its tensors and its weights (heads, T, T) in ``dtype``. Not for biased attention."""
        weights = torch.empty(*self.total.shape, self.length, dtype=dtype, device=self.query.device)
        for low in range(0, self.length, ROWS_AT_ONCE):
            part = slice(low, low + ROWS_AT_ONCE)
            weights[:, part] = (self.query[:, part] @ self.key.transpose(1, 2)).sub_(self.total[:, part, None]).exp_()
        return replace(self, low=LowAttention(self.query.to(dtype), self.key.to(dtype), self.value.to(dtype), weights))

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
    """What attention reads minus what it reads in the reference, (G, heads, T, m), from differences; large products in low precision.

    Only differences are rounded: of scores (before the exponential), of weights and of values. Heads are taken one by one: their scores
    then stay in memory that is at hand (fresh pages cost three times the arithmetic).

    Parameters
    ----------
    reference : AttentionReference
        With ``low``, without bias.
    rows : Tensor
        int64 (K,), rows whose queries and keys change.
    query, key : Tensor
        (G, heads, K, n), differences in those rows; queries scaled.
    value : Tensor
        (G, heads, T, m), differences in every row.
    """
    if reference.low is None:
        raise ValueError("differences need a reference made with with_low")
    groups, heads = query.shape[:2]
    change = torch.empty(groups, heads, reference.length, value.shape[-1], dtype=value.dtype, device=value.device)
    for index in range(heads):
        head = _Head.of(reference, reference.low, index)
        moved_value = value[:, index].to(head.low.value.dtype)
        doubtful = _unchanged_queries(head, rows, key[:, index], value[:, index], moved_value, change[:, index])
        which, moved = rows, query[:, index]
        if doubtful.numel():
            extra = doubtful[~torch.isin(doubtful, rows)]
            which = torch.cat((rows, extra))
            moved = torch.cat((moved, moved.new_zeros(groups, len(extra), moved.shape[2])), 1)
        if which.numel():
            change[:, index].index_copy_(1, which, _changed_queries(head, rows, which, moved, key[:, index], moved_value))
    return change


@dataclass(frozen=True, eq=False)
class _Head:
    """One head of an `AttentionReference`: tensors (T, ·)."""

    query: Tensor
    key: Tensor
    value: Tensor
    read: Tensor
    total: Tensor
    low: LowAttention

    @classmethod
    def of(cls, whole: AttentionReference, low: LowAttention, index: int) -> _Head:
        part = LowAttention(low.query[index], low.key[index], low.value[index], low.weights[index])
        return cls(whole.query[index], whole.key[index], whole.value[index], whole.read[index], whole.total[index], part)


def _unchanged_queries(head: _Head, rows: Tensor, key: Tensor, value: Tensor, moved_value: Tensor, change: Tensor) -> Tensor:
    """Write the change of every row under its old query to ``change`` (G, T, m); returns the rows where that is numerically doubtful.

    ``key`` (G, K, n), ``value`` (G, T, m): differences; ``moved_value`` is ``value`` in low precision.
    """
    groups, length, channels = value.shape
    by_value = (head.low.weights @ moved_value.transpose(0, 1).reshape(length, -1)).to(value.dtype).view(length, groups, channels)
    if not rows.numel():
        change.copy_(by_value.transpose(0, 1))
        return rows
    dtype = moved_value.dtype
    weight = (head.query @ head.key[rows].t()).sub_(head.total[:, None]).exp_().to(dtype)
    score = head.low.query @ key.to(dtype).flatten(0, 1).t()
    score = score.float() if dtype == torch.float16 else score  # whose exponentials end at 11
    grown = score.clamp_(max=LARGEST_EXPONENT).expm1_().view(length, groups, -1).mul_(weight[:, None]).to(dtype)
    gained = grown.sum(-1, dtype=value.dtype)
    new_value = (head.value[rows] + value[:, rows]).to(dtype)
    for group in range(groups):
        more = gained[:, group, None]
        moved = by_value[:, group].add_(grown[:, group] @ new_value[group])
        torch.div(moved.addcmul_(head.read, more, value=-1), 1 + more, out=change[group])
    return ((gained < SAFE_TOTAL - 1) | ~(gained < LARGEST_GAIN)).any(-1).nonzero().flatten()


def _changed_queries(head: _Head, rows: Tensor, which: Tensor, query: Tensor, key: Tensor, moved_value: Tensor) -> Tensor:
    """Change of the reads (G, R, m) of rows ``which`` (R,) whose queries move by ``query`` (G, R, n)."""
    groups, count, _ = query.shape
    dtype = moved_value.dtype
    old = head.query[which] @ head.key.t()
    score = (query.to(dtype).flatten(0, 1) @ head.low.key.t()).to(old.dtype).view(groups, count, -1).add_(old)
    score.index_copy_(2, rows, (head.query[which] + query) @ (head.key[rows] + key).transpose(1, 2))
    weight = torch.softmax(score, -1)
    by_value = (weight.to(dtype) @ moved_value).to(old.dtype)
    moved = weight.sub_(old.sub_(head.total[which, None]).exp_()).to(dtype)
    return by_value.add_((moved.flatten(0, 1) @ head.low.value).view(groups, count, -1))
