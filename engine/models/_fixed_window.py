"""Element models that read one-hot windows of one length: SegmentEnformer and SegmentBorzoi."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from engine.core.card import ModelCard, WindowRule
from engine.core.errors import SequenceError
from engine.models._relative_attention import one_hot
from engine.models._segment_heads import element_probabilities

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HEAD_BLOCK = re.compile(r"(?:^|\.)_?(downsample_blocks|upsample_blocks|final_block)\.(.*)$")
_HEAD_LINEAR = re.compile(r"(?:^|[._])fc\.(?:\d+\.)?(weight|bias)$")


class WindowNet(Protocol):
    """One-hot float (1, 4, L) to scores float32 (1, bases, E, 2)."""

    def __call__(self, x: Tensor) -> Tensor:
        """Scores."""


class FixedWindowModel:
    """A loaded model of one window length; implements `engine.core.protocols.ElementModel`. Letters other than A, C, G, T are all-zero columns."""

    def __init__(self, card: ModelCard, net: WindowNet, elements: tuple[str, ...], rule: WindowRule, placed: tuple[str, str]) -> None:
        self.card, self.elements, self.window_rule = card, elements, rule
        self.device, self.dtype = placed
        self._net = net

    def element_probabilities(self, letters: str) -> NDArray[np.float32]:
        """float32 (bases of the output, E) of one window. Raises `SequenceError` for another length."""
        if len(letters) != self.window_rule.fixed_bp:
            raise SequenceError(
                f"The window has {len(letters):,} bases; {self.card.title} takes exactly {self.window_rule.fixed_bp:,}: "
                "pad with N or cut the window to it."
            )
        with torch.inference_mode():
            x = one_hot(letters, torch.device(self.device)).to(getattr(torch, self.dtype))
            values: NDArray[np.float32] = element_probabilities(self._net(x)[0]).cpu().numpy()
        return values


def with_head_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors with those of the U-Net head renamed to ``unet_head.unet.*`` and ``unet_head.fc.*``, whatever they are nested in.

    The head's own nesting in the published files could not be seen; its blocks (``downsample_blocks``, ``upsample_blocks``,
    ``final_block``, with numbered blocks and convolutions) and its linear layer ``fc`` are told by their names.
    """
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        renamed[_head_name(name) or name] = tensor
    return renamed


def _head_name(name: str) -> str | None:
    block = _HEAD_BLOCK.search(name)
    if block is None:
        linear = _HEAD_LINEAR.search(name)
        return f"unet_head.fc.{linear[1]}" if linear else None
    kind = block[2].rpartition(".")[2]
    places = re.findall(r"(?:^|\.)(\d+)(?=\.)", block[2])
    if block[1] == "final_block":
        return f"unet_head.unet.final_block.conv_layers.{places[-1]}.{kind}" if places else None
    return f"unet_head.unet._{block[1]}.{places[0]}.conv_layers.{places[-1]}.{kind}" if len(places) == 2 else None
