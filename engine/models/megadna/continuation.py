"""megaDNA one token further, again and again, with what stands before kept.

The last token is scored from the finest stage's window that holds it. What the coarser stages hand down to that window changes only when a part of
theirs is complete (16 tokens for the middle stage as published, 1,024 for the coarsest), so it is kept until then: a token costs one window of the
finest stage instead of a pass over everything before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.models.megadna.network import MegaDnaNet, Stage


@dataclass(frozen=True, eq=False)
class _Handed:
    """What a stage hands down (1, parts, d) to the part that is being written, by the first token of its row and its whole parts."""

    begin: int
    whole: int
    above: Tensor


class Continuation:
    """Token ids (T,), T at least 1, that grow; call under ``torch.inference_mode``."""

    def __init__(self, net: MegaDnaNet, ids: Tensor) -> None:
        self.net = net
        self._count = len(ids)
        self._ids = torch.cat((ids, ids.new_zeros(max(0, net.config.longest - len(ids)))))
        stages: list[Stage] = list(net.stages)  # type: ignore[arg-type]
        self._coarse, self._fine = stages[:-1], stages[-1]
        self._kept: list[_Handed | None] = [None] * len(self._coarse)

    @property
    def ids(self) -> Tensor:
        """The tokens so far."""
        return self._ids[: self._count]

    def append(self, token: Tensor) -> None:
        """One token more."""
        self._ids[self._count] = token
        self._count += 1

    def logits(self) -> Tensor:
        """Logits (vocabulary,) of the token after the last."""
        last, begin = self._count - 1, 0
        above: Tensor | None = None
        lengths = self.net.config.lengths
        for index, stage in enumerate(self._coarse):
            tokens = math.prod(lengths[index + 1 :])
            whole = (last - begin) // tokens  # parts of this row that stand before the last token's
            kept = self._kept[index]
            if kept is None or (kept.begin, kept.whole) != (begin, whole):
                parts = self._ids[begin : begin + whole * tokens].reshape(1, whole, tokens)
                states = stage(stage.embed(parts), None if above is None else above[:, :whole])
                handed: Tensor = stage.hand_down(torch.cat((states[:, -1:], states[:, -1:]), dim=1))
                kept = self._kept[index] = _Handed(begin, whole, handed)
            above = kept.above
            begin += whole * tokens
        row = self._ids[None, begin : last + 1]
        states = self._fine(self._fine.embed(row), None if above is None else above[:, : row.shape[1]])
        return self.net.scores(states[0, -1])
