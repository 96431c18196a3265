"""SegmentNT network: the ESM encoder of the Nucleotide Transformer with a U-Net head, under the published tensor names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from engine.core.errors import WeightsInvalid
from engine.models.checkpoints.weights import load_tensors, unfilled
from engine.models.nucleotide_transformer.network import UNUSED, EsmEncoder, NtConfig, published_tensors
from engine.models.segmenters.heads import UNet, element_logits, head_levels, read_elements


class SegmentNtNet(nn.Module):
    """Ids int64 (B, 1 + T) with ``<cls>`` first to scores float32 (B, k T, E, 2)."""

    def __init__(self, config: NtConfig, elements: tuple[str, ...], bases_per_token: int, levels: int) -> None:
        super().__init__()
        self.config, self.elements, self.levels = config, elements, levels
        self.esm = EsmEncoder(config)
        self.unet = UNet(config.width, levels)
        self.fc = nn.Linear(config.width // 2 * 2, bases_per_token * len(elements) * 2)

    def forward(self, ids: Tensor, *, rescaling_factor: float | None = None) -> Tensor:
        """Scores; ``rescaling_factor`` replaces the configured one, None leaves it."""
        hidden = self.esm(ids, rescaling_factor=rescaling_factor)[:, 1:]
        return element_logits(self.unet, self.fc, hidden, len(self.elements))


def segment_nt_from_tensors(config: Mapping[str, Any], tensors: Mapping[str, Tensor], bases_per_token: int) -> SegmentNtNet:
    """A `SegmentNtNet` in float32 from config.json and published tensors. Raises `WeightsInvalid` when they do not fit."""
    sizes, elements = NtConfig.read(config, tensors), read_elements(config)
    levels = head_levels(tensors, "unet.")
    told = config.get("num_layers_head", levels)
    if told != levels:
        raise WeightsInvalid(f"config.json has num_layers_head {told} but the checkpoint's U-Net has {levels} levels; download it again.")
    with unfilled():
        net = SegmentNtNet(sizes, elements, bases_per_token, levels)
    load_tensors(net, published_tensors(tensors, sizes), unused=(*UNUSED, "lm_head."))
    return net.eval()
