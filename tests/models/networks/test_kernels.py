from __future__ import annotations

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from engine.models.networks import kernels
from engine.models.networks.kernels import attention, blocked, float_linear


def tensors(dtype: torch.dtype, length: int, batch: int = 2, heads: int = 3, width: int = 16) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(length)
    return [torch.randn(batch, length, heads, width, generator=generator).transpose(1, 2).to(dtype) for _ in range(3)]


@pytest.mark.parametrize("length", [1, 7, 130])
@pytest.mark.parametrize("block", [1, 40_000, 1 << 20])
def test_blocks_give_the_fused_kernels_answer(length: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "BLOCK_SCORES", block)
    query, key, value = tensors(torch.float32, length)
    with torch.inference_mode():
        torch.testing.assert_close(blocked(query, key, value), scaled_dot_product_attention(query, key, value), atol=1e-6, rtol=1e-5)


def test_in_low_precision_blocks_stay_within_its_rounding() -> None:
    query, key, value = tensors(torch.bfloat16, 200)
    with torch.inference_mode():
        exact = scaled_dot_product_attention(query.float(), key.float(), value.float())
        assert (blocked(query, key, value).float() - exact).abs().max() < 0.02


@pytest.mark.parametrize(
    ("has", "tiles", "dtype", "blocks"),
    [
        (True, False, torch.bfloat16, True),
        (True, True, torch.bfloat16, False),
        (False, False, torch.bfloat16, False),
        (True, False, torch.float32, False),
        (True, False, torch.float16, False),
    ],
)
def test_the_kind_of_processor_and_the_dtype_choose_the_kernel(
    has: bool, tiles: bool, dtype: torch.dtype, blocks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[int] = []

    def counted(*args: torch.Tensor) -> torch.Tensor:
        used.append(args[0].shape[2])
        return scaled_dot_product_attention(*args)

    monkeypatch.setattr(kernels, "multiplies_bfloat16", lambda: has)
    monkeypatch.setattr(kernels, "has_matrix_tiles", lambda: tiles)
    monkeypatch.setattr(kernels, "blocked", counted)
    with torch.inference_mode():
        for length in (200, 250, 100):
            attention(*tensors(dtype, length))
    assert used == ([200, 250] if blocks else [])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("biased", [True, False])
def test_half_precision_factors_are_summed_in_float32(dtype: torch.dtype, biased: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: every factor is exact in float64, so the sum there is the truth. The GPU's product is played by one with the same meaning."""
    generator = torch.Generator().manual_seed(3)
    x, weight, bias = (torch.randn(*shape, generator=generator).to(dtype) for shape in ((2, 5, 64), (7, 64), (7,)))
    truth = x.double() @ weight.double().t() + (bias.double() if biased else 0.0)
    given = bias if biased else None

    def product(left: torch.Tensor, right: torch.Tensor, out_dtype: torch.dtype) -> torch.Tensor:
        assert left.dtype == right.dtype == dtype
        return left.to(out_dtype) @ right.to(out_dtype)

    here = float_linear(x, weight, given)
    monkeypatch.setattr(kernels, "_sums_in_float32", lambda *_: True)
    monkeypatch.setattr(torch, "mm", product)
    there = float_linear(x, weight, given)
    for scores in (here, there):
        assert scores.dtype == torch.float32
        assert scores.shape == (2, 5, 7)
        torch.testing.assert_close(scores.double(), truth, atol=2e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_whole_precision_stays_as_it_is(dtype: torch.dtype) -> None:
    x, weight, bias = torch.randn(3, 4, dtype=dtype), torch.randn(2, 4, dtype=dtype), torch.randn(2, dtype=dtype)
    assert torch.equal(float_linear(x, weight, bias), torch.nn.functional.linear(x, weight, bias))


def test_a_cpu_has_no_such_product() -> None:
    assert not kernels._sums_in_float32(torch.float16, "cpu")


def test_a_device_whose_build_refuses_the_product_does_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> torch.Tensor:
        raise RuntimeError("not implemented for 'Half'")

    made = torch.tensor
    monkeypatch.setattr(torch, "tensor", lambda values, dtype, device: made(values, dtype=dtype))
    monkeypatch.setattr(torch, "mm", refused)
    kernels._sums_in_float32.cache_clear()
    assert not kernels._sums_in_float32(torch.float16, "cuda:0")
    kernels._sums_in_float32.cache_clear()


@pytest.mark.gpu
def test_a_gpu_sums_half_precision_in_float32() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    x, weight, bias = (torch.randn(*shape, device="cuda").half() for shape in ((300, 768), (4096, 768), (4096,)))
    assert kernels._sums_in_float32(torch.float16, "cuda:0")
    torch.testing.assert_close(
        float_linear(x, weight, bias).double(), x.double() @ weight.double().t() + bias.double(), atol=1e-4, rtol=1e-5
    )
