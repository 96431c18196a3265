"""Attention of which a few rows changed is that of a whole pass."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from engine.models.shortcuts.changed_attention import AttentionReference, changed_reads, changed_reads_by_difference


@dataclass
class Table:
    values: Tensor

    def part(self, rows: Tensor, columns: Tensor) -> Tensor:
        return self.values[:, rows[:, None], columns]


def draw(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def whole(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    score = query @ key.transpose(-1, -2)
    return torch.softmax(score if bias is None else score + bias, -1) @ value


@pytest.mark.parametrize("length", [3, 30, 300])
@pytest.mark.parametrize("biased", [False, True])
def test_the_reference_reads_what_plain_attention_reads(length: int, biased: bool) -> None:
    query, key, value, bias = (draw(2, length, n, seed=n) for n in (5, 6, 4, length))
    key = key[..., :5]
    got = AttentionReference.of(query, key, value, Table(bias) if biased else None)
    torch.testing.assert_close(got.read, whole(query, key, value, bias if biased else None))


@pytest.mark.parametrize("rows", [[0], [7, 3, 11], list(range(12))])
@pytest.mark.parametrize("biased", [False, True])
def test_changed_rows_change_every_row_as_a_whole_pass_does(rows: list[int], biased: bool) -> None:
    length, heads, groups = 12, 2, 3
    query, key, value, bias = (
        draw(heads, length, 5),
        draw(heads, length, 5, seed=2),
        draw(heads, length, 4, seed=3),
        draw(heads, length, length),
    )
    reference = AttentionReference.of(query, key, value, Table(bias) if biased else None)
    new = [draw(groups, heads, len(rows), n, seed=9 + n) for n in (5, 5, 4)]
    got = changed_reads(reference, torch.tensor(rows), *new)
    for group in range(groups):
        changed = [old.clone() for old in (query, key, value)]
        for old, part in zip(changed, new, strict=True):
            old[:, rows] = part[group]
        expected = whole(*changed, bias if biased else None) - reference.read
        torch.testing.assert_close(got[group], expected, rtol=0, atol=1e-12)


def test_a_row_whose_attention_stood_on_the_changed_key_loses_no_digits() -> None:
    query = torch.tensor([[[1.0, 0.0]] * 6])
    key = torch.zeros(1, 6, 2)
    key[0, 2, 0] = 30.0
    value = draw(1, 6, 3).float()
    reference = AttentionReference.of(query, key, value)
    new_key = torch.zeros(1, 1, 1, 2)
    new_key[..., 0] = -5.0
    got = changed_reads(reference, torch.tensor([2]), query[None, :, 2:3], new_key, value[None, :, 2:3])
    changed = key.clone()
    changed[0, 2, 0] = -5.0
    expected = whole(query.double(), changed.double(), value.double(), None)
    torch.testing.assert_close((reference.read + got[0]).double(), expected, rtol=0, atol=1e-6)


def test_a_new_key_that_outweighs_everything_stays_finite() -> None:
    query = torch.tensor([[[1.0], [1.0], [-1.0]]])
    key, value = torch.zeros(1, 3, 1), draw(1, 3, 2).float()
    reference = AttentionReference.of(query, key, value)
    got = changed_reads(reference, torch.tensor([1]), query[None, :, 1:2], torch.full((1, 1, 1, 1), 200.0), value[None, :, 1:2] + 1)
    torch.testing.assert_close(reference.read + got[0], torch.stack((value[0, 1] + 1, value[0, 1] + 1, value[0, [0, 2]].mean(0)))[None])


@pytest.mark.parametrize("size", [3.0, 0.01])
def test_differences_in_low_precision_are_wrong_by_a_part_of_the_change_only(size: float) -> None:
    heads, length, groups, rows = 2, 40, 3, torch.tensor([4, 30, 31])
    query, key, value = (draw(heads, length, 8, seed=s).float() for s in (1, 2, 3))
    moves = [size * draw(groups, heads, 3, 8, seed=s).float() for s in (4, 5)]
    moved_value = size * draw(groups, heads, length, 8, seed=6).float()
    reference = AttentionReference.of(query, key, value)
    changed = [old.repeat(groups, 1, 1, 1).index_add_(2, rows, move) for old, move in zip((query, key), moves, strict=True)]
    exact = whole(*(part.double() for part in (*changed, value + moved_value)), None) - whole(
        query.double(), key.double(), value.double(), None
    )
    for dtype, part in ((torch.bfloat16, 0.02), (torch.float16, 0.02), (torch.float32, 2e-5)):
        low = changed_reads_by_difference(reference.with_low(dtype), rows, *moves, moved_value)
        assert (low - exact).abs().max() < part * exact.abs().max() + 1e-6


def test_values_alone_may_change() -> None:
    query, key, value = (draw(2, 9, 4, seed=s) for s in (1, 2, 3))
    moved = draw(1, 2, 9, 4, seed=4)
    none = torch.zeros(1, 2, 0, 4, dtype=torch.float64)
    reference = AttentionReference.of(query, key, value).with_low(torch.float64)
    got = changed_reads_by_difference(reference, torch.empty(0, dtype=torch.long), none, none, moved)
    torch.testing.assert_close(got[0], whole(query, key, moved[0], None))


def test_differences_need_a_reference_that_holds_low_precision() -> None:
    query, key, value = (draw(2, 9, 4, seed=s) for s in (1, 2, 3))
    with pytest.raises(ValueError, match="with_low"):
        changed_reads_by_difference(AttentionReference.of(query, key, value), torch.tensor([1]), query[None], key[None], value[None])


def test_low_precision_recomputes_rows_whose_attention_stood_on_the_changed_key() -> None:
    query = torch.tensor([[[1.0, 0.0]] * 6])
    key = torch.zeros(1, 6, 2)
    key[0, 2, 0] = 30.0
    value = draw(1, 6, 3).float()
    reference = AttentionReference.of(query, key, value).with_low(torch.bfloat16)
    move = torch.zeros(1, 1, 1, 2)
    move[..., 0] = -35.0
    got = changed_reads_by_difference(reference, torch.tensor([2]), torch.zeros(1, 1, 1, 2), move, torch.zeros(1, 1, 6, 3))
    changed = key.clone()
    changed[0, 2, 0] = -5.0
    torch.testing.assert_close(reference.read + got[0], whole(query, changed, value, None), rtol=0, atol=0.02)
