"""Element models that read one-hot windows of one length: SegmentEnformer and SegmentBorzoi."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from engine.core.card import ModelCard, WindowRule
from engine.core.errors import SequenceError
from engine.models.networks.relative_attention import one_hot
from engine.models.segmenters.heads import element_probabilities

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SIDE_BLOCK = re.compile(r"(?:^|[._])(down|up)_?sample_?blocks?[._](\d+)\.(.+)$")
_FINAL_BLOCK = re.compile(r"(?:^|[._])final_(?:block|conv\w*)\.(.+)$")
_CONVOLUTION = re.compile(r"(\d+)\.(weight|bias)$|(\d+)\.\w+\.(weight|bias)$")
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

    The head's own nesting in the published files could not be seen; its numbered down- and upsampling blocks, its final block, their
    numbered convolutions and its linear layer ``fc`` are told by their names.
    """
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        renamed[_head_name(name) or name] = tensor
    return renamed


def _head_name(name: str) -> str | None:
    side, final = _SIDE_BLOCK.search(name), _FINAL_BLOCK.search(name)
    if side is None and final is None:
        linear = _HEAD_LINEAR.search(name)
        return f"unet_head.fc.{linear[1]}" if linear else None
    block = f"_{side[1]}sample_blocks.{side[2]}" if side else "final_block"
    rest = side[3] if side else final[1] if final else ""
    convolution = _CONVOLUTION.search(rest)
    if convolution is None:
        return None
    return f"unet_head.unet.{block}.conv_layers.{convolution[1] or convolution[3]}.{convolution[2] or convolution[4]}"
