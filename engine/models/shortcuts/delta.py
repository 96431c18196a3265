"""Delta form: the reference in float32, only differences from it through low-precision products.

For every linear layer y = y_ref + W · (a - a_ref), the product in bfloat16 (CPU) or float16 (GPU); norms, activations and softmax at
reference + difference in float32. Rounding is then a part of the *effect* of a mutation, not of the activation it sits on: in exact
arithmetic the result is that of a whole pass, in bfloat16 the error is one to two orders below that of bfloat16 activations.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from engine.core.processor import multiplies_bfloat16
from engine.core.progress import interruption_point
from engine.models.shortcuts.encoder import Encoder, EncoderLayer, LayerReference

ROWS_AT_ONCE = 768
"""Rows of one feed-forward product on a CPU: their raised activations fit the cache, and no fresh pages are asked for."""
ROWS_AT_ONCE_ON_A_GPU = 1 << 16
"""There a whole batch is one product."""


def delta_pass(encoder: Encoder, known: Sequence[LayerReference], difference: Tensor) -> Tensor:
    """Difference after the last layer, float32 (B, T, d), from ``difference`` (B, T, d) before the first."""
    for layer, reference in zip(encoder.layers, known, strict=True):
        interruption_point()
        difference = _layer(encoder, layer, reference, difference)
    return difference


def _layer(encoder: Encoder, layer: EncoderLayer, known: LayerReference, difference: Tensor) -> Tensor:
    mixed = layer.mixed(layer.first_norm(known.x + difference) - known.normed) if layer.pre_norm else difference
    difference = difference + layer.out.of_difference(read_difference(encoder, layer, known, mixed))
    if not layer.pre_norm:
        difference = layer.first_norm(known.first_sum + difference) - known.attended
    return feed_forward(layer, known, difference)


def feed_forward(layer: EncoderLayer, known: LayerReference, difference: Tensor) -> Tensor:
    """Difference (B, T, d) behind the layer from that behind its attention, by stretches of rows whose raised activations stay in cache."""
    most = ROWS_AT_ONCE if difference.device.type == "cpu" else ROWS_AT_ONCE_ON_A_GPU
    size = max(16, most // difference.shape[0])
    return torch.cat([_fed(layer, known, difference, slice(low, low + size)) for low in range(0, difference.shape[1], size)], dim=1)


def _fed(layer: EncoderLayer, known: LayerReference, difference: Tensor, rows: slice) -> Tensor:
    here = difference[:, rows]
    fed = layer.second_norm(known.attended[rows] + here) - known.fed[rows] if layer.pre_norm else here
    raised = layer.up.of_difference(fed).add_(known.raised[rows])
    out = layer.down.of_difference(layer.activation(raised).sub_(known.active[rows])).add_(here)
    return out if layer.pre_norm else layer.second_norm(known.second_sum[rows] + out).sub_(known.out[rows])


def read_difference(encoder: Encoder, layer: EncoderLayer, known: LayerReference, mixed: Tensor) -> Tensor:
    """Difference of what attention reads, (B, T, d); the attention itself in float32."""
    attention = known.attention
    rows = torch.arange(mixed.shape[1], device=mixed.device)
    query, key, value = layer.split(layer.qkv.of_difference(mixed))
    query = encoder.turned(query, rows) + attention.query
    key = encoder.turned(key, rows) + attention.key
    read = functional.scaled_dot_product_attention(query, key, value + attention.value, scale=1.0)
    return read.sub_(attention.read).transpose(1, 2).flatten(2)


def difference_dtype(device: str) -> torch.dtype | None:
    """The low precision of differences on this device: float16 on a GPU (bfloat16 has seven times its error), bfloat16 on a CPU that
    multiplies it itself; None elsewhere, where differences stay in float32. Decided by the kind of processor, never by a stopwatch.
    """
    if device.startswith("cuda"):
        return torch.float16
    return torch.bfloat16 if multiplies_bfloat16() else None
