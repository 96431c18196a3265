"""One-dimensional U-Net head of the SegmentNT family, under the published tensor names.

Source: `UNET1DSegmentationHead` of instadeepai/nucleotide-transformer (heads.py). Tokens go down by average pooling and up by repetition;
each block is two convolutions of width 3 with SiLU; a linear layer gives every token's bases two scores per element.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.core.errors import WeightsInvalid
from engine.core.quoting import quoted

ELEMENTS = (
    "protein_coding_gene",
    "lncRNA",
    "exon",
    "intron",
    "splice_donor",
    "splice_acceptor",
    "5UTR",
    "3UTR",
    "CTCF-bound",
    "polyA_signal",
    "enhancer_Tissue_specific",
    "enhancer_Tissue_invariant",
    "promoter_Tissue_specific",
    "promoter_Tissue_invariant",
)
"""The 14 elements of the published models, in the order of their output."""


def read_elements(config: Mapping[str, Any]) -> tuple[str, ...]:
    """``features`` of config.json, or the 14 published ones. Raises `WeightsInvalid` when it is not a list of names."""
    names = config.get("features") or list(ELEMENTS)
    if not isinstance(names, Sequence) or isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise WeightsInvalid(f"config.json has features = {quoted(names)}; a list of element names is needed.")
    return tuple(names)


class _Convolutions(nn.Module):
    """Convolutions of width 3 that keep the length; SiLU between them, and after the last when ``closing``."""

    def __init__(self, inner: int, outer: int, layers: int, *, transposed: bool = False, closing: bool = True) -> None:
        super().__init__()
        widths = [inner] + [outer] * layers
        kind = nn.ConvTranspose1d if transposed else nn.Conv1d
        self.conv_layers = nn.ModuleList(kind(a, b, kernel_size=3, padding=1) for a, b in itertools.pairwise(widths))
        self.closing = closing

    def forward(self, x: Tensor) -> Tensor:
        last = len(self.conv_layers) - 1
        for index, layer in enumerate(self.conv_layers):
            x = layer(x)
            if self.closing or index < last:
                x = functional.silu(x)
        return x


class UNet(nn.Module):
    """(B, inner, T) to (B, width, T), ``inner`` = ``width`` unless given; T is a multiple of 2 ** levels."""

    def __init__(self, width: int, levels: int = 2, layers: int = 2, inner: int | None = None) -> None:
        super().__init__()
        self.levels = levels
        widths = [width * 2**level for level in range(levels)]
        down = [inner or width, *widths[:-1]]
        up = [widths[-1], *reversed(widths)]
        self._downsample_blocks = nn.ModuleList(_Convolutions(a, b, layers) for a, b in zip(down, widths, strict=True))
        self._upsample_blocks = nn.ModuleList(
            _Convolutions(a, b, layers, transposed=True) for a, b in zip(up[:-1], reversed(widths), strict=True)
        )
        self.final_block = _Convolutions(width, width // 2 * 2, layers, closing=False)

    def forward(self, x: Tensor) -> Tensor:
        """Apply; source: average pooling by 2 down, repetition by 2 up, skip connections added."""
        skips: list[Tensor] = []
        for block in self._downsample_blocks:
            x = block(x)
            skips.append(x)
            x = functional.avg_pool1d(x, 2)
        for block, skip in zip(self._upsample_blocks, reversed(skips), strict=True):
            x = block(x).repeat_interleave(2, dim=-1) + skip
        out: Tensor = self.final_block(x)
        return out


class SegmentHead(nn.Module):
    """U-Net and linear layer of SegmentEnformer and SegmentBorzoi, (B, T, inner) to scores float32 (B, T * bases, E, 2)."""

    def __init__(self, unet: UNet, width: int, elements: tuple[str, ...], bases_per_token: int) -> None:
        super().__init__()
        self.unet, self.elements, self.bases_per_token = unet, elements, bases_per_token
        self.fc = nn.Linear(width // 2 * 2, bases_per_token * len(elements) * 2)

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], prefix: str, elements: tuple[str, ...], inner: int) -> SegmentHead:
        """An empty head of the stored sizes. Raises `WeightsInvalid` when tensors are missing or do not fit ``elements``."""
        levels = head_levels(tensors, f"{prefix}unet.")
        first, fc = tensors.get(f"{prefix}unet._downsample_blocks.0.conv_layers.0.weight"), tensors.get(f"{prefix}fc.weight")
        if first is None or fc is None or len(fc) % (2 * len(elements)):
            raise WeightsInvalid(
                f"The checkpoint's head {prefix}* is incomplete or not made for {len(elements)} elements; download it again."
            )
        layers = sum(name.startswith(f"{prefix}unet.final_block.conv_layers.") and name.endswith(".weight") for name in tensors)
        width = len(first)
        return cls(UNet(width, levels, layers, inner), width, elements, len(fc) // (2 * len(elements)))

    def forward(self, hidden: Tensor) -> Tensor:
        """Scores of the elements."""
        return element_logits(self.unet, self.fc, hidden, len(self.elements))


def element_logits(unet: UNet, fc: nn.Linear, hidden: Tensor, elements: int) -> Tensor:
    """Scores float32 (B, bases, E, 2) of hidden states (B, T, width) by a U-Net and the linear layer behind it."""
    read = functional.silu(unet(hidden.transpose(1, 2)).transpose(1, 2))
    scores: Tensor = fc(read)
    return scores.reshape(len(hidden), -1, elements, 2).float()


def element_probabilities(logits: Tensor) -> Tensor:
    """Probability that the element is there, (..., E): softmax over the last axis of (..., E, 2), column 1."""
    return torch.sigmoid(logits[..., 1] - logits[..., 0])


def head_levels(tensors: Mapping[str, Tensor], prefix: str) -> int:
    """How many pooling levels a stored U-Net has. Raises `WeightsInvalid` when there is none."""
    marker = f"{prefix}_downsample_blocks."
    found = {int(name[len(marker) :].partition(".")[0]) for name in tensors if name.startswith(marker)}
    if not found:
        raise WeightsInvalid(f"The checkpoint has no tensors {marker}*; it is not a segmentation model.")
    return max(found) + 1
