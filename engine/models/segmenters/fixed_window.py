"""Element models that read one-hot windows of one length: SegmentEnformer and SegmentBorzoi."""

from __future__ import annotations

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
