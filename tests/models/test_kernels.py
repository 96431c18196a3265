from __future__ import annotations

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from engine.models import _kernels
from engine.models._kernels import attention, blocked


def tensors(dtype: torch.dtype, length: int, batch: int = 2, heads: int = 3, width: int = 16) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(length)
    return [torch.randn(batch, length, heads, width, generator=generator).transpose(1, 2).to(dtype) for _ in range(3)]


@pytest.mark.parametrize("length", [1, 7, 130])
@pytest.mark.parametrize("block", [1, 40_000, 1 << 20])
def test_blocks_give_the_fused_kernels_answer(length: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kernels, "BLOCK_SCORES", block)
    query, key, value = tensors(torch.float32, length)
    with torch.inference_mode():
        torch.testing.assert_close(blocked(query, key, value), scaled_dot_product_attention(query, key, value), atol=1e-6, rtol=1e-5)


def test_in_low_precision_blocks_stay_within_its_rounding() -> None:
    query, key, value = tensors(torch.bfloat16, 200)
    with torch.inference_mode():
        exact = scaled_dot_product_attention(query.float(), key.float(), value.float())
        assert (blocked(query, key, value).float() - exact).abs().max() < 0.02


@pytest.mark.parametrize("wins", [True, False])
def test_the_timing_chooses_and_is_asked_once_for_a_kind_of_call(wins: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[_kernels.Kind] = []
    used: list[int] = []

    def timed(kind: _kernels.Kind) -> bool:
        asked.append(kind)
        return wins

    def counted(*args: torch.Tensor) -> torch.Tensor:
        used.append(args[0].shape[2])
        return scaled_dot_product_attention(*args)

    monkeypatch.setattr(_kernels, "_choices", {})
    monkeypatch.setattr(_kernels, "_timed", timed)
    monkeypatch.setattr(_kernels, "blocked", counted)
    with torch.inference_mode():
        for length in (200, 250, 300, 100):
            attention(*tensors(torch.float32, length))
    assert asked == [(torch.float32, 3, 16, 256), (torch.float32, 3, 16, 512)]
    assert used == ([200, 250, 300] if wins else [])


def test_a_real_timing_answers() -> None:
    assert _kernels._timed((torch.float32, 2, 16, 128)) in (True, False)
