"""A bidirectional transformer described by its weights, and what its mutants share: the activations of the reference.

One description serves pre-norm networks (with or without a depthwise convolution in front of the projections) and post-norm ones, so that
the accelerations of `engine.models.shortcuts.delta` and `engine.models.shortcuts.sparse` are written once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from engine.core.progress import interruption_point
from engine.models.shortcuts.changed_attention import AttentionReference

Rotate = Callable[[Tensor, Tensor], Tensor]
"""(..., heads, n, head) and rows int64 (n,) to the same, turned by position; linear in its first argument."""


@dataclass(frozen=True, eq=False)
class Product:
    """A linear layer. ``low``: its weight in the precision of differences, made once by `with_low`."""

    weight: Tensor
    bias: Tensor | None = None
    low: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """The layer itself, float32."""
        return functional.linear(x, self.weight, self.bias)

    def of_difference(self, difference: Tensor) -> Tensor:
        """weight · difference, float32, in the low precision where there is one: its rounding is a part of the difference, not of the value."""
        if self.low is None:
            return functional.linear(difference, self.weight)
        return functional.linear(difference.to(self.low.dtype), self.low).float()

    def with_low(self, dtype: torch.dtype) -> Product:
        """The same layer that also holds its weight in ``dtype``."""
        return Product(self.weight, self.bias, self.weight.to(dtype))


@dataclass(frozen=True, eq=False)
class Norm:
    """LayerNorm over channels."""

    weight: Tensor | None
    bias: Tensor | None
    epsilon: float

    def __call__(self, x: Tensor) -> Tensor:
        """Normalise the last axis."""
        return functional.layer_norm(x, (x.shape[-1],), self.weight, self.bias, self.epsilon)

    @classmethod
    def of(cls, layer: torch.nn.LayerNorm) -> Norm:
        """From a module."""
        return cls(layer.weight, layer.bias, layer.eps)


@dataclass(frozen=True, eq=False)
class EncoderLayer:
    """One layer.

    ``pre_norm``: x + out(attention(mix(norm x))) and x + down(act(up(norm x))); otherwise norm(x + out(attention(x))) and
    norm(x + down(act(up(x)))). ``activation`` may overwrite its argument. ``mix`` (kernel, d): depthwise
    convolution x + conv(x) in front of the projections, zero-padded, or None.
    """

    heads: int
    qkv: Product
    out: Product
    up: Product
    down: Product
    first_norm: Norm
    second_norm: Norm
    activation: Callable[[Tensor], Tensor]
    pre_norm: bool
    mix: Tensor | None = None

    def __post_init__(self) -> None:
        if self.mix is not None and not self.pre_norm:
            raise ValueError("a convolution in front of the projections is described for pre-norm layers only")

    def mixed(self, x: Tensor) -> Tensor:
        """x + depthwise convolution of (..., T, d)."""
        if self.mix is None:
            return x
        half, length = self.mix.shape[0] // 2, x.shape[-2]
        padded = functional.pad(x, (0, 0, half, half))
        out = x.clone()
        for offset, weight in enumerate(self.mix):
            out.addcmul_(padded[..., offset : offset + length, :], weight)
        return out

    def split(self, projected: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(..., n, 3d) to query (scaled), key and value (..., heads, n, head)."""
        parts = projected.view(*projected.shape[:-1], 3, self.heads, -1).transpose(-4, -2)  # (..., heads, 3, n, head)
        query, key, value = parts.unbind(-3)
        return query * query.shape[-1] ** -0.5, key, value


@dataclass(frozen=True, eq=False)
class LayerReference:
    """Activations of the reference in one layer, float32 (T, ·).

    ``x`` input; ``normed`` norm(x) of a pre-norm layer, else x; ``mixed`` input of the projections; ``attention`` queries, keys, values and
    what was read; ``attended`` after the attention; ``fed`` input of ``up``; ``raised`` output of ``up``; ``active`` after the activation.
    ``first_sum``, ``second_sum``: what a post-norm layer normalises.
    """

    x: Tensor
    normed: Tensor
    mixed: Tensor
    attention: AttentionReference
    first_sum: Tensor
    attended: Tensor
    fed: Tensor
    raised: Tensor
    active: Tensor
    second_sum: Tensor
    out: Tensor


@dataclass(frozen=True, eq=False)
class Encoder:
    """Layers in order; ``rotate`` None without rotary positions."""

    layers: Sequence[EncoderLayer]
    rotate: Rotate | None = None

    def with_low(self, dtype: torch.dtype) -> Encoder:
        """The same encoder that also holds its weights in the precision of differences."""
        return Encoder(
            [
                EncoderLayer(
                    layer.heads,
                    layer.qkv.with_low(dtype),
                    layer.out.with_low(dtype),
                    layer.up.with_low(dtype),
                    layer.down.with_low(dtype),
                    layer.first_norm,
                    layer.second_norm,
                    layer.activation,
                    layer.pre_norm,
                    layer.mix,
                )
                for layer in self.layers
            ],
            self.rotate,
        )

    def turned(self, x: Tensor, rows: Tensor) -> Tensor:
        """Rotary positions of ``rows``, if the encoder has any."""
        return x if self.rotate is None else self.rotate(x, rows)

    def reference(self, x: Tensor) -> list[LayerReference]:
        """Run one reference, x (T, d) before the first layer, and keep what its mutants share."""
        known: list[LayerReference] = []
        for layer in self.layers:
            interruption_point()
            known.append(self._layer_reference(layer, x))
            x = known[-1].out
        return known

    def _layer_reference(self, layer: EncoderLayer, x: Tensor) -> LayerReference:
        rows = torch.arange(x.shape[0], device=x.device)
        normed = layer.first_norm(x) if layer.pre_norm else x
        mixed = layer.mixed(normed)
        query, key, value = layer.split(layer.qkv(mixed))
        attention = AttentionReference.of(self.turned(query, rows), self.turned(key, rows), value.contiguous())
        first_sum = x + layer.out(attention.read.transpose(0, 1).flatten(1))
        attended = first_sum if layer.pre_norm else layer.first_norm(first_sum)
        fed = layer.second_norm(attended) if layer.pre_norm else attended
        raised = layer.up(fed)
        active = layer.activation(raised.clone())
        second_sum = attended + layer.down(active)
        out = second_sum if layer.pre_norm else layer.second_norm(second_sum)
        return LayerReference(x, normed, mixed, attention, first_sum, attended, fed, raised, active, second_sum, out)
