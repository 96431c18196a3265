"""A loaded CI-SpliceAI: an element model of both strands, and windows whose letters may change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engine.core.card import ModelCard, WindowRule
from engine.core.errors import SequenceError
from engine.core.sequence import NucleotideSequence
from engine.models.networks.relative_attention import one_hot
from engine.models.splice.changes import KeptPass
from engine.models.splice.network import SpliceNet

if TYPE_CHECKING:
    from numpy.typing import NDArray

ELEMENTS = ("splice_acceptor_forward", "splice_donor_forward", "splice_acceptor_reverse", "splice_donor_reverse")
"""The acceptor is the first base of an exon, the donor the last."""


class SpliceSites:
    """Implements `engine.core.protocols.ElementModel` and `engine.core.protocols.SpliceModel`. Other letters than A, C, G, T are N."""

    elements = ELEMENTS

    def __init__(self, card: ModelCard, net: SpliceNet, window_bp: int, placed: tuple[str, str]) -> None:
        self.card, self.net = card, net
        self.device, self.dtype = placed
        context = net.context_bp
        self.window_rule = WindowRule(fixed_bp=window_bp, output_start=context, output_end=window_bp - context)

    @property
    def context_bp(self) -> int:
        """Bases at either side of a base that its probabilities depend on."""
        return self.net.context_bp

    def hot(self, letters: str) -> Tensor:
        """One-hot (1, 4, L) on the model's device."""
        return one_hot(letters, torch.device(self.device)).to(getattr(torch, self.dtype))

    def element_probabilities(self, letters: str) -> NDArray[np.float32]:
        """float32 (bases of the output, 4) of one window. Raises `SequenceError` for another length."""
        if len(letters) != self.window_rule.fixed_bp:
            raise SequenceError(
                f"The window has {len(letters):,} bases; {self.card.title} takes exactly {self.window_rule.fixed_bp:,}: "
                "pad with N or cut the window to it."
            )
        reverse = NucleotideSequence(letters).reverse_complement().letters
        with torch.inference_mode():
            forward, backward = (self.net(self.hot(strand))[0, 1:].T.float().cpu().numpy() for strand in (letters, reverse))
        values: NDArray[np.float32] = np.ascontiguousarray(np.hstack((forward, backward[::-1])))
        return values

    def splice_window(self, letters: str, first: int, last: int) -> SpliceWindow:
        """The first pass over ``letters``; see `engine.core.protocols.SpliceModel`."""
        shortest = 2 * self.context_bp + 1
        if len(letters) < shortest or not 0 <= first <= last <= len(letters):
            raise SequenceError(
                f"The window has {len(letters):,} bases with changes in {first:,}-{last:,}; {self.card.title} needs at least {shortest:,}."
            )
        return SpliceWindow(self, letters, first, last)


class SpliceWindow:
    """Implements `engine.core.protocols.SpliceWindow`."""

    def __init__(self, model: SpliceSites, letters: str, first: int, last: int) -> None:
        self._model = model
        with torch.inference_mode():
            self._kept = KeptPass(model.net, model.hot(letters), first, last)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Acceptor and donor, float32 (L - 2 * context, 2)."""
        return self._kept.probabilities

    def changed(self, start: int, end: int, alternate: str, first: int, last: int) -> NDArray[np.float32]:
        """Acceptor and donor, float32 (last - first, 2), of the letters with ``[start, end)`` replaced."""
        with torch.inference_mode():
            return self._kept.changed(start, end, self._model.hot(alternate), first, last)
