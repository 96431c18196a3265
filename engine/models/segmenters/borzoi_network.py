"""SegmentBorzoi network: Borzoi's trunk (convolutions, transformer, U-shaped return to 32 bases, crop) with a U-Net head.

Tensor names of the trunk are those of borzoi-pytorch, which the published model is built from; the head's are those of SegmentNT's.
Every size is read from the tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from engine.core.errors import WeightsInvalid
from engine.models.checkpoints.weights import load_tensors, unfilled, whole
from engine.models.networks.relative_attention import AttentionSizes, borzoi_features, transformer_layer
from engine.models.segmenters.enformer_network import count
from engine.models.segmenters.heads import SegmentHead, read_elements
from engine.models.segmenters.names import trunk_names

UNUSED = ("human_head.", "mouse_head.", "human_head_bak.")
TARGET_BINS = 6144
_EPSILON = 1e-3


class _Stem(nn.Module):
    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.conv_layer = nn.Conv1d(4, width, kernel, padding="same")

    def forward(self, x: Tensor) -> Tensor:
        return functional.max_pool1d(self.conv_layer(x), 2)


class _Block(nn.Module):
    """Batch norm, GELU (tanh form), convolution that keeps the length."""

    def __init__(self, inner: int, outer: int, kernel: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(inner, eps=_EPSILON)
        self.conv_layer = nn.Conv1d(inner, outer, kernel, padding="same")

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv_layer(functional.gelu(self.norm(x), approximate="tanh"))
        return out


class _Separable(nn.Module):
    """Depthwise, then pointwise convolution."""

    def __init__(self, width: int, kernel: int, *, bias: bool) -> None:
        super().__init__()
        self.conv_layer = nn.Sequential(
            nn.Conv1d(width, width, kernel, groups=width, padding="same", bias=False), nn.Conv1d(width, width, 1, bias=bias)
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv_layer(x)
        return out


class BorzoiTrunk(nn.Module):
    """One-hot float (B, 4, L) to embeddings (B, final, bins) of the central ``target`` bins of 32 bases."""

    def __init__(self, tensors: Mapping[str, Tensor], target: int) -> None:
        super().__init__()
        stem = tensors["conv_dna.conv_layer.weight"].shape
        self.conv_dna = _Stem(int(stem[0]), int(stem[2]))
        tower: list[nn.Module] = []
        for index in range(0, tower_places(tensors), 2):
            tower += [nn.MaxPool1d(2)] if index else []
            tower.append(_read_block(tensors, f"res_tower.{index}."))
        self.res_tower = nn.Sequential(*tower)
        self.unet1 = nn.Sequential(nn.MaxPool1d(2), _read_block(tensors, "unet1.1."))
        attention = AttentionSizes.read(tensors, "transformer.0.0.fn.1.")
        depth = count(tensors, "transformer.")
        self.transformer = nn.Sequential(*(transformer_layer(attention, borzoi_features, _EPSILON) for _ in range(depth)))
        self.horizontal_conv0 = _read_block(tensors, "horizontal_conv0.")
        self.horizontal_conv1 = _read_block(tensors, "horizontal_conv1.")
        self.upsampling_unet1 = nn.Sequential(_read_block(tensors, "upsampling_unet1.0."))
        self.upsampling_unet0 = nn.Sequential(_read_block(tensors, "upsampling_unet0.0."))
        self.separable1 = _read_separable(tensors, "separable1.", attention.width)
        self.separable0 = _read_separable(tensors, "separable0.", attention.width)
        self.final_joined_convs = nn.Sequential(_read_block(tensors, "final_joined_convs.0."))
        self.target = target

    @property
    def bases_per_bin(self) -> int:
        """Bases that one bin of the output stands for."""
        return int(2 ** ((len(self.res_tower) + 1) // 2))

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings of the central bins."""
        near = self.res_tower(self.conv_dna(x))
        middle = self.unet1(near)
        x = self.transformer(functional.max_pool1d(middle, 2).transpose(1, 2)).transpose(1, 2)
        x = self.separable1(self.upsampling_unet1(x).repeat_interleave(2, dim=-1) + self.horizontal_conv1(middle))
        x = self.separable0(self.upsampling_unet0(x).repeat_interleave(2, dim=-1) + self.horizontal_conv0(near))
        trim = (x.shape[-1] - self.target) // 2
        out: Tensor = functional.gelu(self.final_joined_convs(x[..., trim : trim + self.target]), approximate="tanh")
        return out


class SegmentBorzoiNet(BorzoiTrunk):
    """One-hot float (B, 4, L) to scores float32 (B, 32 * target, E, 2) of the central bases."""

    def __init__(self, tensors: Mapping[str, Tensor], target: int, head: SegmentHead) -> None:
        super().__init__(tensors, target)
        self.unet_head = head

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the elements."""
        out: Tensor = self.unet_head(super().forward(x).transpose(1, 2))
        return out


def tower_places(tensors: Mapping[str, Tensor]) -> int:
    """Modules of the convolution tower: blocks at even places, pooling between them. Raises `WeightsInvalid` when there is none."""
    places = {int(name.split(".")[1]) for name in tensors if name.startswith("res_tower.")}
    if not places:
        raise WeightsInvalid("The checkpoint has no res_tower; it is not a SegmentBorzoi, download it again.")
    return max(places) + 1


def _read_block(tensors: Mapping[str, Tensor], prefix: str) -> _Block:
    weight = tensors.get(f"{prefix}conv_layer.weight")
    if weight is None:
        raise WeightsInvalid(f"The checkpoint lacks {prefix}conv_layer.weight; download it again.")
    outer, inner, kernel = weight.shape
    return _Block(inner, outer, kernel)


def _read_separable(tensors: Mapping[str, Tensor], prefix: str, width: int) -> _Separable:
    weight = tensors.get(f"{prefix}conv_layer.0.weight")
    if weight is None:
        raise WeightsInvalid(f"The checkpoint lacks {prefix}conv_layer.0.weight; download it again.")
    return _Separable(width, weight.shape[2], bias=f"{prefix}conv_layer.1.bias" in tensors)


def segment_borzoi_from_tensors(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> SegmentBorzoiNet:
    """A `SegmentBorzoiNet` in float32 from config.json and published tensors. Raises `WeightsInvalid` when they do not fit.

    ``bins_to_return`` of config.json replaces the 6,144 bins of the published model.
    """
    named = trunk_names(tensors, "conv_dna.conv_layer.weight")
    final = named.get("final_joined_convs.0.conv_layer.weight")
    if final is None:
        raise WeightsInvalid("The checkpoint lacks final_joined_convs.0.conv_layer.weight; download it again.")
    with unfilled():
        head = SegmentHead.read(named, "unet_head.", read_elements(config), len(final))
        net = SegmentBorzoiNet(named, whole(config, "bins_to_return", TARGET_BINS), head)
    if head.bases_per_token != net.bases_per_bin:
        raise WeightsInvalid(
            f"The head answers for {head.bases_per_token} bases a bin but the trunk pools {net.bases_per_bin}; download the checkpoint again."
        )
    load_tensors(net, named, unused=UNUSED)
    return net.eval()
