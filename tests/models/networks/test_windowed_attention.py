"""Attention within windows against a mask over all rows, whole and in stretches."""

from __future__ import annotations

import pytest
import torch

from engine.models.networks.windowed_attention import Sink, windowed_attention


def drawn(rows: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, Sink]:
    held = torch.Generator().manual_seed(4)

    def some(count: int) -> torch.Tensor:
        return torch.randn(2, 3, count, 8, generator=held, dtype=torch.float64)

    return some(rows), some(rows), some(rows), Sink(some(1), some(1))


def masked(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, window: int, sink: Sink) -> torch.Tensor:
    row = torch.arange(key.shape[2])
    score = (query @ key.transpose(-1, -2)).masked_fill((row[:, None] - row).abs() > window, -torch.inf)
    weight = torch.cat((query @ sink.key.transpose(-1, -2), score), dim=-1).softmax(-1)
    return weight @ torch.cat((sink.value, value), dim=2)


@pytest.mark.parametrize(("rows", "window"), [(1, 3), (31, 40), (32, 0), (77, 10), (100, 24), (128, 9), (129, 9), (300, 24)])
def test_it_equals_masked_attention(rows: int, window: int) -> None:
    query, key, value, sink = drawn(rows)
    torch.testing.assert_close(windowed_attention(query, key, value, window, sink), masked(query, key, value, window, sink))


@pytest.mark.parametrize(("first", "end"), [(0, 5), (20, 71), (90, 100)])
def test_a_stretch_of_queries_needs_the_keys_of_its_windows_only(first: int, end: int) -> None:
    query, key, value, sink = drawn(100)
    begin, until = max(0, first - 9), min(100, end + 9)
    part = slice(begin, until)
    read = windowed_attention(query[:, :, first:end], key[:, :, part], value[:, :, part], 9, sink, first - begin)
    torch.testing.assert_close(read, masked(query, key, value, 9, sink)[:, :, first:end])


def test_more_keys_than_the_windows_hold_are_refused() -> None:
    query, key, value, sink = drawn(100)
    with pytest.raises(ValueError, match="more than the windows of 10 rows hold"):
        windowed_attention(query[:, :, :10], key, value, 5, sink)
