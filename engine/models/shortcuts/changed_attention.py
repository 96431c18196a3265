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

from engine.core.progress import interruption_point

SAFE_TOTAL = 0.1  # below this part of its old total a row is computed anew: keeps cancellation under 1e-6
LARGEST_GAIN = 1e3  # a row whose total grows more is computed anew too: float16 ends at 65,504
LARGEST_EXPONENT = 80.0  # e^80 outweighs every other key and still fits float32
ROWS_AT_ONCE = 256
SCORES_AT_ONCE = 1 << 20  # heads are taken together up to so many scores: fresh pages for larger ones cost three times the arithmetic


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
            interruption_point()
            part = slice(low, low + ROWS_AT_ONCE)
            weights[:, part] = (self.query[:, part] @ self.key.transpose(1, 2)).sub_(self.total[:, part, None]).exp_()
        return replace(self, low=LowAttention(self.query.to(dtype), self.key.to(dtype), self.value.to(dtype), weights))

    @classmethod
    def of(
        cls, query: Tensor, key: Tensor, value: Tensor, bias: Bias | None = None, rows_at_once: int = ROWS_AT_ONCE
    ) -> AttentionReference:
        """Attend; every tensor is (heads, T, channels), float32."""
        length = query.shape[1]
        everywhere = torch.arange(length, device=query.device)
        read, total = (
            value.new_empty(value.shape),
            query.new_empty(query.shape[:2]),
        )  # kept parts made between passing ones leave gaps of theirs
        for low in range(0, length, rows_at_once):
            interruption_point()
            rows = slice(low, low + rows_at_once)
            score = query[:, rows] @ key.transpose(1, 2)
            if bias is not None:
                score += bias.part(everywhere[rows], everywhere)
            total[:, rows] = score.logsumexp(-1)
            read[:, rows] = score.sub_(total[:, rows, None]).exp_() @ value
        return cls(query, key, value, read, total, bias)

    @property
    def length(self) -> int:
        """T."""
        return self.query.shape[1]

    @property
    def low_part(self) -> LowAttention:
        """``low``, which must be there."""
        if self.low is None:
            raise ValueError("differences need a reference made with with_low")
        return self.low

    def heads(self, part: slice) -> AttentionReference:
        """Some of the heads, without bias."""
        low = self.low_part
        return AttentionReference(
            self.query[part],
            self.key[part],
            self.value[part],
            self.read[part],
            self.total[part],
            low=LowAttention(low.query[part], low.key[part], low.value[part], low.weights[part]),
        )


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

    Only differences are rounded: of scores (before the exponential), of weights and of values.

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
    low_reference = reference.low_part
    groups, heads, length, channels = value.shape
    moved_value = value.to(low_reference.value.dtype)
    side_by_side = moved_value.permute(1, 2, 0, 3).reshape(heads, length, groups * channels)
    by_value = (low_reference.weights @ side_by_side).view(heads, length, groups, channels).permute(2, 0, 1, 3).to(value.dtype)
    if not rows.numel():
        return by_value
    size = max(1, SCORES_AT_ONCE // (length * groups * rows.numel()))
    for low in range(0, heads, size):
        part = slice(low, low + size)
        some = reference.heads(part)
        doubtful = _unchanged_queries(some, rows, key[:, part], value[:, part], by_value[:, part])
        which, moved = rows, query[:, part]
        if doubtful.numel():
            extra = doubtful[~torch.isin(doubtful, rows)]
            which = torch.cat((rows, extra))
            moved = torch.cat((moved, moved.new_zeros(*moved.shape[:2], len(extra), moved.shape[3])), 2)
        by_value[:, part].index_copy_(2, which, _changed_queries(some, rows, which, moved, key[:, part], moved_value[:, part]))
    return by_value


def _unchanged_queries(reference: AttentionReference, rows: Tensor, key: Tensor, value: Tensor, change: Tensor) -> Tensor:
    """Turn ``change`` (G, h, T, m), which holds the effect of the values, into that of values and keys under the old queries, in place.

    ``key`` (G, h, K, n), ``value`` (G, h, T, m): differences. Returns the rows where the result is numerically doubtful.
    """
    low = reference.low_part
    groups, heads, count, _ = key.shape
    length, dtype = reference.length, low.query.dtype
    weight = (reference.query @ reference.key[:, rows].transpose(1, 2)).sub_(reference.total[..., None]).exp_().to(dtype)
    score = low.query @ key.to(dtype).permute(1, 3, 0, 2).reshape(heads, -1, groups * count)
    score = score.float() if dtype == torch.float16 else score  # whose exponentials end at 11
    grown = score.clamp_(max=LARGEST_EXPONENT).expm1_().view(heads, length, groups, count).mul_(weight[:, :, None]).to(dtype)
    grown = grown.permute(2, 0, 1, 3)
    gained = grown.sum(-1, dtype=value.dtype)
    new_value = (reference.value[:, rows] + value[:, :, rows]).to(dtype)
    change.add_(grown @ new_value).addcmul_(reference.read, gained[..., None], value=-1).div_(1 + gained[..., None])
    return ((gained < SAFE_TOTAL - 1) | ~(gained < LARGEST_GAIN)).any(0).any(0).nonzero().flatten()


def _changed_queries(reference: AttentionReference, rows: Tensor, which: Tensor, query: Tensor, key: Tensor, moved_value: Tensor) -> Tensor:
    """Change of the reads (G, h, R, m) of rows ``which`` (R,) whose queries move by ``query`` (G, h, R, n)."""
    low = reference.low_part
    groups, heads, count, _ = query.shape
    dtype = moved_value.dtype
    old = reference.query[:, which] @ reference.key.transpose(1, 2)
    flat = query.to(dtype).transpose(0, 1).reshape(heads, groups * count, -1)
    score = (flat @ low.key.transpose(1, 2)).to(old.dtype).view(heads, groups, count, -1).add_(old[:, None])
    new = (reference.query[:, which] + query) @ (reference.key[:, rows] + key).transpose(-1, -2)
    score.index_copy_(3, rows, new.transpose(0, 1))
    weight = torch.softmax(score, -1)
    by_value = (weight.to(dtype) @ moved_value.transpose(0, 1)).to(old.dtype)
    moved = weight.sub_(old.sub_(reference.total[:, which, None]).exp_()[:, None]).to(dtype)
    read = (moved.view(heads, groups * count, -1) @ low.value).view(heads, groups, count, -1)
    return by_value.add_(read).transpose(0, 1)
