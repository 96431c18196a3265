"""Linear heads on the trunk's last states that are asked for the labels of genomes in training; no part of what is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.training.codons import AMINO_ACIDS
from engine.training.labels import FRAMES, SITE_CLASSES, UNSURE

if TYPE_CHECKING:
    from collections.abc import Mapping

SITE_WEIGHTS = (0.05, 1.0, 1.0, 1.0, 1.0, 4.0, 4.0, 4.0, 4.0)
"""Of none, start codons, ribosome binding sites, donors and acceptors, each on both strands: the square root, roughly, of how rare each is."""


class LabelHeads(nn.Module):
    """``width``: channels of the trunk's states; what layers beside the trunk say is not read."""

    site_weights: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.frame = nn.Linear(width, FRAMES)
        self.site = nn.Linear(width, SITE_CLASSES)
        self.amino_acid = nn.Linear(width, len(AMINO_ACIDS))
        for head in (self.frame, self.site, self.amino_acid):
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)
        self.register_buffer("site_weights", torch.tensor(SITE_WEIGHTS), persistent=False)

    def losses(self, hidden: Tensor, marks: Tensor, places: Tensor, amino_acids: Tensor) -> dict[str, Tensor]:
        """Mean cross-entropies in nats, by name, over the bases of hidden (n, channels) whose marks int64 (n,) are known, sites by their weights, and
        over ``places`` (m,), the middle bases of masked codons, of the ``amino_acids`` (m,); 0 where there is nothing to ask.
        """
        states = hidden[:, : self.width].float()
        with torch.autocast(states.device.type, enabled=False):
            frame, site, amino = self.frame(states), self.site(states), self.amino_acid(states[places])
        known = (marks & 7) != UNSURE
        frames = functional.cross_entropy(frame, torch.where(known, marks & 7, 0), reduction="none")
        sites = functional.cross_entropy(site, marks >> 3, reduction="none")
        weight = self.site_weights[marks >> 3] * known
        found = {
            "frame": (frames * known).sum() / known.sum().clamp(min=1),
            "site": (sites * weight).sum() / weight.sum().clamp(min=1e-6),
        }
        if len(amino_acids):
            found["amino_acid"] = functional.cross_entropy(amino, amino_acids)
        return found


def combined(losses: Mapping[str, Tensor]) -> Tensor:
    """The sum of all."""
    return torch.stack(list(losses.values())).sum()
