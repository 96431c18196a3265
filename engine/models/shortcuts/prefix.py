"""Exact reuse of the unchanged beginning in causal transformers.

A change at row s of a causal stack leaves every row before s as it was. The reference's rows, keys and values are kept for every layer,
and a mutant computes rows s and on only: half of the rows on average. Mutants of one call are sorted by position and computed in groups
that start at the leftmost change of the group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from engine.core.progress import interruption_point

QUERIES_AT_ONCE = 128  # rows of queries that read the same stretch of keys; keys to the right of a block are never computed
ROWS_PER_GROUP = 1536  # mutants are grouped until about this many rows, so that short suffixes still make large products
WASTE = 0.1  # largest part of a group's rows that may lie before the change of their own mutant


class CausalBlock(Protocol):
    """One layer of a causal transformer. ``before``: row in front of the first one, (B or 1, 1, d), zeros at the start of the sequence."""

    def project(self, rows: Tensor, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query (B, heads, n, m), key and value (B, heads or 1, n, m) of rows (B, n, d)."""

    def attended(self, rows: Tensor, read: Tensor) -> Tensor:
        """Rows (B, n, d) after the attention's output (B, heads, n, m) is added."""

    def fed(self, rows: Tensor, before: Tensor) -> Tensor:
        """Rows (B, n, d) after the feed-forward part."""


@dataclass(frozen=True, eq=False)
class PrefixReference:
    """What mutants share, one entry a layer: ``inputs`` and ``middles`` (R, n, d), ``keys`` and ``values`` (R, heads or 1, n, m), of R references
    of n rows. ``outputs`` (R, n, d): rows after the last layer.
    """

    inputs: tuple[Tensor, ...]
    middles: tuple[Tensor, ...]
    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    outputs: Tensor


class PrefixStack:
    """A causal stack that can start in the middle."""

    def __init__(self, blocks: Sequence[CausalBlock]) -> None:
        self.blocks = tuple(blocks)

    def reference(self, rows: Tensor) -> PrefixReference:
        """Run R references, rows (R, n, d), and keep what their mutants need."""
        inputs, middles, keys, values = [], [], [], []
        before = torch.zeros_like(rows[:, :1])
        for block in self.blocks:
            interruption_point()
            inputs.append(rows)
            query, key, value = block.project(rows, before)
            rows = block.attended(rows, causal_read(query, key, value, 0))
            middles.append(rows)
            keys.append(key)
            values.append(value)
            rows = block.fed(rows, before)
        return PrefixReference(tuple(inputs), tuple(middles), tuple(keys), tuple(values), rows)

    def outputs(self, rows: Tensor) -> Tensor:
        """Rows (B, n, d) after the last layer, from the first row on, nothing kept."""
        before = torch.zeros_like(rows[:, :1])
        for block in self.blocks:
            interruption_point()
            rows = block.fed(block.attended(rows, causal_read(*block.project(rows, before), 0)), before)
        return rows

    def suffix(self, reference: PrefixReference, which: int, start: int, rows: Tensor) -> Tensor:
        """Rows (B, n - start, d) after the last layer, of B mutants of reference ``which``.

        ``rows`` (B, n - start, d): rows ``start`` and on before the first layer; the rows in front are the reference's.
        """
        if start == 0:
            return self.outputs(rows)
        own = slice(which, which + 1)
        for layer, block in enumerate(self.blocks):
            interruption_point()
            query, key, value = block.project(rows, reference.inputs[layer][own, start - 1 : start])
            keys = _joined(reference.keys[layer][own, :, :start], key)
            values = _joined(reference.values[layer][own, :, :start], value)
            rows = block.attended(rows, causal_read(query, keys, values, start))
            rows = block.fed(rows, reference.middles[layer][own, start - 1 : start])
        return rows


def _joined(shared: Tensor, own: Tensor) -> Tensor:
    """The reference's beginning in front of every mutant's own rows, along axis 2."""
    return torch.cat((shared.expand(own.shape[0], -1, -1, -1), own), dim=2)


def causal_read(query: Tensor, key: Tensor, value: Tensor, start: int) -> Tensor:
    """Causal attention (B, heads, n, m) of queries that stand at rows ``start`` and on; keys and values (B, heads or 1, start + n, m)."""
    heads, count = query.shape[1:3]
    if key.shape[1] != heads:
        key, value = (part.expand(-1, heads, -1, -1) for part in (key, value))
    if start == 0:
        return functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    if count <= QUERIES_AT_ONCE:
        return _masked_read(query, key, value, start)
    parts = []
    for low in range(0, count, QUERIES_AT_ONCE):
        interruption_point()
        block = query[:, :, low : low + QUERIES_AT_ONCE]
        end = start + low + block.shape[2]
        parts.append(_masked_read(block, key[:, :, :end], value[:, :, :end], start + low))
    return torch.cat(parts, dim=2)


def _masked_read(query: Tensor, key: Tensor, value: Tensor, start: int) -> Tensor:
    count, seen = query.shape[2], key.shape[2]
    places = torch.arange(seen, device=query.device)
    mask = places[None, :] <= places[start : start + count, None]
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def groups(positions: Tensor, length: int) -> Iterator[tuple[int, Tensor]]:
    """Cut mutants into groups to compute together: yields the row to start at and the indices int64 of the mutants.

    ``positions`` int64 (B,): changed rows; ``length``: rows of the sequence. Neighbours join while the group is small and their starting
    early wastes little.
    """
    order = torch.argsort(positions, stable=True)
    sorted_positions = positions[order].tolist()
    begin = 0
    while begin < len(sorted_positions):
        start = sorted_positions[begin]
        end, wasted = begin, 0
        while end < len(sorted_positions):
            wasted += sorted_positions[end] - start
            rows = (end + 1 - begin) * (length - start)
            if sorted_positions[end] != start and (rows > ROWS_PER_GROUP or wasted > WASTE * rows):
                break
            end += 1
        yield start, order[begin:end]
        begin = end
