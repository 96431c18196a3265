"""SegmentEnformer network: Enformer's trunk (stem, convolution tower, transformer) with a U-Net head.

Tensor names of the trunk are those of enformer-pytorch, which the published model is built from; the head's are those of SegmentNT's.
Every size is read from the tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from engine.core.errors import WeightsInvalid
from engine.models.checkpoints.weights import load_tensors, unfilled
from engine.models.networks.relative_attention import AttentionSizes, Residual, enformer_features, transformer_layer
from engine.models.segmenters.heads import SegmentHead, read_elements
from engine.models.segmenters.names import trunk_names

UNUSED = ("final_pointwise.", "_heads.", "_trunk.")


class SigmoidGelu(nn.Module):
    """sigmoid(1.702 x) x."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply."""
        return torch.sigmoid(1.702 * x) * x


class AttentionPool(nn.Module):
    """Softmax-weighted mean of each pair of neighbours, (B, width, n) to (B, width, n / 2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.to_attn_logits = nn.Conv2d(width, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Apply; n is even."""
        pairs = x.view(*x.shape[:-1], -1, 2)
        out: Tensor = (pairs * self.to_attn_logits(pairs).softmax(-1)).sum(-1)
        return out


def _block(inner: int, outer: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm1d(inner), SigmoidGelu(), nn.Conv1d(inner, outer, kernel, padding=kernel // 2))


class SegmentEnformerNet(nn.Module):
    """One-hot float (B, 4, L) to scores float32 (B, L, E, 2)."""

    def __init__(
        self, stem: tuple[int, int], tower: tuple[tuple[int, int, int], ...], attention: AttentionSizes, depth: int, head: SegmentHead
    ) -> None:
        super().__init__()
        width, kernel = stem
        self.stem = nn.Sequential(nn.Conv1d(4, width, kernel, padding=kernel // 2), Residual(_block(width, width, 1)), AttentionPool(width))
        self.conv_tower = nn.Sequential(
            *(
                nn.Sequential(_block(inner, outer, size), Residual(_block(outer, outer, 1)), AttentionPool(outer))
                for inner, outer, size in tower
            )
        )
        self.transformer = nn.Sequential(*(transformer_layer(attention, enformer_features, 1e-5) for _ in range(depth)))
        self.unet_head = head

    @property
    def bases_per_token(self) -> int:
        """Bases that one position of the transformer stands for."""
        return int(2 ** (len(self.conv_tower) + 1))

    def hidden(self, x: Tensor) -> Tensor:
        """Transformer output (B, L / bases per token, width)."""
        out: Tensor = self.transformer(self.conv_tower(self.stem(x)).transpose(1, 2))
        return out

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the elements."""
        out: Tensor = self.unet_head(self.hidden(x))
        return out


def segment_enformer_from_tensors(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> SegmentEnformerNet:
    """A `SegmentEnformerNet` in float32 from config.json and published tensors. Raises `WeightsInvalid` when they do not fit."""
    named = trunk_names(tensors, "stem.0.weight")
    blocks = count(named, "conv_tower.")
    depth = count(named, "transformer.")
    if not blocks or not depth:
        raise WeightsInvalid("The checkpoint has no conv_tower or no transformer layers; it is not a SegmentEnformer, download it again.")
    stem = named["stem.0.weight"].shape
    shapes = [named[f"conv_tower.{index}.0.2.weight"].shape for index in range(blocks)]
    tower = tuple((int(inner), int(outer), int(size)) for outer, inner, size in shapes)
    attention = AttentionSizes.read(named, "transformer.0.0.fn.1.")
    with unfilled():
        head = SegmentHead.read(named, "unet_head.", read_elements(config), attention.width)
        net = SegmentEnformerNet((int(stem[0]), int(stem[2])), tower, attention, depth, head)
    if head.bases_per_token != net.bases_per_token:
        raise WeightsInvalid(
            f"The head answers for {head.bases_per_token} bases a token but the trunk pools {net.bases_per_token}; download the checkpoint again."
        )
    load_tensors(net, named, unused=UNUSED)
    return net.eval()


def count(tensors: Mapping[str, Tensor], prefix: str) -> int:
    """How many numbered modules there are below ``prefix``."""
    return len({name[len(prefix) :].partition(".")[0] for name in tensors if name.startswith(prefix)})
