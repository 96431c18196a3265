"""Differences through low-precision products: exact in exact arithmetic, far closer than low-precision activations."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from engine.models.shortcuts.delta import delta_pass, difference_dtype
from engine.models.shortcuts.encoder import Encoder, EncoderLayer, Norm, Product

WIDTH, HEADS, LENGTH = 16, 2, 23


def draw(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def make_layer(seed: int, *, pre_norm: bool, mix: bool, dtype: torch.dtype) -> EncoderLayer:
    def product(outer: int, inner: int, offset: int) -> Product:
        return Product(
            draw(outer, inner, seed=seed + offset, dtype=dtype) / inner**0.5, draw(outer, seed=seed + offset + 50, dtype=dtype) * 0.1
        )

    def norm(offset: int) -> Norm:
        return Norm(1 + 0.2 * draw(WIDTH, seed=seed + offset, dtype=dtype), 0.2 * draw(WIDTH, seed=seed + offset + 60, dtype=dtype), 1e-5)

    kernel = 0.3 * draw(5, WIDTH, seed=seed + 9, dtype=dtype) if mix else None
    return EncoderLayer(
        HEADS,
        product(3 * WIDTH, WIDTH, 1),
        product(WIDTH, WIDTH, 2),
        product(3 * WIDTH, WIDTH, 3),
        product(WIDTH, 3 * WIDTH, 4),
        norm(5),
        norm(6),
        functional.gelu,
        pre_norm,
        kernel,
    )


def turn(x: Tensor, rows: Tensor) -> Tensor:
    angle = rows[:, None].to(x.dtype) * torch.tensor([0.3, 1.1, 0.7, 0.05], dtype=x.dtype)
    first, second = x.chunk(2, -1)
    return torch.cat((first * angle.cos() - second * angle.sin(), second * angle.cos() + first * angle.sin()), -1)


def plain(encoder: Encoder, x: Tensor) -> Tensor:
    """The same network written the ordinary way, (B, T, d), in the dtype of ``x``; convolution as conv1d, attention as softmax."""

    def attention(layer: EncoderLayer, z: Tensor) -> Tensor:
        if layer.mix is not None:
            kernel = layer.mix.t()[:, None].to(z.dtype)
            z = z + functional.conv1d(z.transpose(1, 2), kernel, padding="same", groups=WIDTH).transpose(1, 2)
        parts = layer_linear(layer.qkv, z).view(*z.shape[:2], 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        query, key = (part if encoder.rotate is None else encoder.rotate(part, torch.arange(z.shape[1])) for part in parts[:2])
        weight = torch.softmax(query @ key.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5, -1)
        return layer_linear(layer.out, (weight @ parts[2]).transpose(1, 2).flatten(2))

    def layer_linear(product: Product, z: Tensor) -> Tensor:
        bias = None if product.bias is None else product.bias.to(z.dtype)
        return functional.linear(z, product.weight.to(z.dtype), bias)

    def normed(norm: Norm, z: Tensor) -> Tensor:
        assert norm.weight is not None
        assert norm.bias is not None
        return functional.layer_norm(z, (WIDTH,), norm.weight.to(z.dtype), norm.bias.to(z.dtype), norm.epsilon)

    for layer in encoder.layers:
        if layer.pre_norm:
            x = x + attention(layer, normed(layer.first_norm, x))
            x = x + layer_linear(layer.down, layer.activation(layer_linear(layer.up, normed(layer.second_norm, x))))
        else:
            x = normed(layer.first_norm, x + attention(layer, x))
            x = normed(layer.second_norm, x + layer_linear(layer.down, layer.activation(layer_linear(layer.up, x))))
    return x


KINDS = [(True, True, True), (True, False, False), (False, False, True), (False, False, False)]


def make(pre_norm: bool, mix: bool, rotary: bool, dtype: torch.dtype = torch.float64) -> Encoder:
    layers = [make_layer(100 * s, pre_norm=pre_norm, mix=mix, dtype=dtype) for s in (1, 2, 3)]
    return Encoder(layers, turn if rotary else None)


@pytest.mark.parametrize(("pre_norm", "mix", "rotary"), KINDS)
def test_the_description_is_the_network(pre_norm: bool, mix: bool, rotary: bool) -> None:
    encoder = make(pre_norm, mix, rotary)
    x = draw(LENGTH, WIDTH, seed=3)
    torch.testing.assert_close(encoder.reference(x)[-1].out, plain(encoder, x[None])[0], rtol=0, atol=1e-11)


@pytest.mark.parametrize(("pre_norm", "mix", "rotary"), KINDS)
def test_in_exact_arithmetic_differences_give_a_whole_pass(pre_norm: bool, mix: bool, rotary: bool) -> None:
    encoder = make(pre_norm, mix, rotary)
    x, difference = draw(LENGTH, WIDTH, seed=3), draw(4, LENGTH, WIDTH, seed=4)
    known = encoder.reference(x)
    got = known[-1].out + delta_pass(encoder, known, difference)
    torch.testing.assert_close(got, plain(encoder, x + difference), rtol=0, atol=1e-11)


@pytest.mark.parametrize(("pre_norm", "mix", "rotary"), KINDS)
def test_rounding_is_a_part_of_the_effect_and_not_of_the_activation(pre_norm: bool, mix: bool, rotary: bool) -> None:
    encoder = make(pre_norm, mix, rotary, torch.float32)
    low = encoder.with_low(torch.bfloat16)
    x, difference = draw(LENGTH, WIDTH, seed=3, dtype=torch.float32), torch.zeros(1, LENGTH, WIDTH)
    difference[0, 7] = 0.05 * draw(WIDTH, seed=5, dtype=torch.float32)
    known = low.reference(x)
    exact = plain(encoder, x + difference) - plain(encoder, x[None])
    small = delta_pass(low, known, difference)
    rounded = (plain(encoder, (x + difference).bfloat16()) - plain(encoder, x[None].bfloat16())).float()
    assert (small - exact).abs().max() < 0.02 * exact.abs().max()
    assert (small - exact).abs().max() < 0.1 * (rounded - exact).abs().max()
    torch.testing.assert_close(delta_pass(low, known, torch.zeros_like(difference)), torch.zeros_like(difference))


def test_a_convolution_needs_a_norm_in_front_of_it() -> None:
    with pytest.raises(ValueError, match="pre-norm"):
        make(False, True, False)


def test_low_products_keep_float32_weights_beside_them() -> None:
    product = Product(draw(5, 3, seed=1, dtype=torch.float32), draw(5, seed=2, dtype=torch.float32))
    low = product.with_low(torch.bfloat16)
    x = draw(2, 3, seed=3, dtype=torch.float32)
    assert torch.equal(low(x), product(x))
    assert low.of_difference(x).dtype == torch.float32
    expected = functional.linear(x.bfloat16(), product.weight.bfloat16()).float()
    assert torch.equal(low.of_difference(x), expected)
    assert torch.equal(replace(low, low=None).of_difference(x), functional.linear(x, product.weight))


@pytest.mark.parametrize(("has", "low"), [(True, torch.bfloat16), (False, None)])
def test_the_low_precision_of_a_cpu_is_decided_by_its_kind(has: bool, low: torch.dtype | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.models.shortcuts.delta.multiplies_bfloat16", lambda: has)
    assert difference_dtype("cpu") is low
    assert difference_dtype("cuda:0") is torch.float16
