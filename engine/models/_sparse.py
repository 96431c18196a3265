"""Thresholded sparse differences: an approximation with a knob.

A mutation changes few rows much and most rows a little. In every layer only rows whose difference is at least ``tau`` of the reference's
row (root mean square) are run through the projections and the feed-forward part; the others keep what the attention's residual adds to
them, so that small effects still arrive at the head, but are not refined. Attention takes the changed keys of the active rows exactly
(`engine.models._changed_attention`). Active rows stay nearly constant in number as sequences grow, so work grows as L and not as L².
With tau 0 every row is active and the result is that of a whole pass. The alternates of one base share their active rows.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from engine.models._changed_attention import changed_reads_by_difference
from engine.models._encoder import Encoder, EncoderLayer, LayerReference

WHOLE_ATTENTION = 0.4  # part of active rows from which whole attention is cheaper than the change of it (measured at 300 and 1,000 bases)


def sparse_pass(encoder: Encoder, known: list[LayerReference], difference: Tensor, tau: float) -> Tensor:
    """Difference after the last layer, float32 (G, T, d), from ``difference`` (G, T, d) before the first, of mutants of one base."""
    for layer, reference in zip(encoder.layers, known, strict=True):
        difference = _layer(encoder, layer, reference, difference, tau)
    return difference


def active_rows(difference: Tensor, reference: Tensor, tau: float) -> Tensor:
    """Rows int64 (K,) where any of ``difference`` (G, T, d) reaches ``tau`` times the size of ``reference`` (T, d)."""
    size: Tensor = torch.linalg.vector_norm(difference, dim=-1).amax(0)
    least: Tensor = tau * torch.linalg.vector_norm(reference, dim=-1)
    return (size >= least).nonzero().flatten()


def _layer(encoder: Encoder, layer: EncoderLayer, known: LayerReference, difference: Tensor, tau: float) -> Tensor:
    difference = _attend(encoder, layer, known, difference, tau)
    rows = active_rows(difference, known.attended, tau)
    here = difference[:, rows]
    fed = layer.second_norm(known.attended[rows] + here) - known.fed[rows] if layer.pre_norm else here
    raised = layer.up.of_difference(fed).add_(known.raised[rows])
    difference.index_add_(1, rows, layer.down.of_difference(layer.activation(raised).sub_(known.active[rows])))
    return difference if layer.pre_norm else layer.second_norm(known.second_sum + difference).sub_(known.out)


def _attend(encoder: Encoder, layer: EncoderLayer, known: LayerReference, difference: Tensor, tau: float) -> Tensor:
    """The difference behind the attention, in a tensor of its own."""
    mixed, rows = _mixed(layer, known, difference, tau)
    if rows.numel():
        query, key, value = layer.split(layer.qkv.of_difference(mixed))
        moved = (encoder.turned(query, rows), encoder.turned(key, rows), value)
        attend = _everywhere if rows.numel() > WHOLE_ATTENTION * difference.shape[1] else _by_rows
        difference = difference + layer.out.of_difference(attend(known, rows, *moved).transpose(1, 2).flatten(2))
    else:
        difference = difference.clone()
    return difference if layer.pre_norm else layer.first_norm(known.first_sum + difference).sub_(known.attended)


def _by_rows(known: LayerReference, rows: Tensor, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return changed_reads_by_difference(known.attention, rows, query, key, value)


def _everywhere(known: LayerReference, rows: Tensor, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Change of what attention reads (G, heads, T, m) by whole attention: cheaper where many rows are active."""
    attention = known.attention

    def whole(old: Tensor, moved: Tensor) -> Tensor:
        return old.repeat(moved.shape[0], 1, 1, 1).index_add_(2, rows, moved)

    read = functional.scaled_dot_product_attention(
        whole(attention.query, query), whole(attention.key, key), whole(attention.value, value), scale=1.0
    )
    return read.sub_(attention.read)


def _mixed(layer: EncoderLayer, known: LayerReference, difference: Tensor, tau: float) -> tuple[Tensor, Tensor]:
    """Differences (G, K, d) of the projections' input at the rows (K,) where they matter."""
    rows = active_rows(difference, known.x, tau)
    here = difference[:, rows]
    if layer.pre_norm:
        here = layer.first_norm(known.x[rows] + here) - known.normed[rows]
    if layer.mix is None:
        return here, rows
    spread = torch.zeros_like(difference)
    spread[:, rows] = here
    spread = layer.mixed(spread)
    rows = active_rows(spread, known.mixed, tau)
    return spread[:, rows], rows
