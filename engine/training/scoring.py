"""The language model as the evaluation reads it: log odds, dependency maps, masked variant effects, influence."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.models.locuscope.network import LocuscopeNet
from engine.models.locuscope.tokens import BASE, DOMAIN, DOMAINS, MASK
from engine.training.letters import Codes


def log2_odds(logits: Tensor) -> Tensor:
    """log2 p / (1 - p) over the four nucleotides, from their logits (..., 4); exact where p(1 - p) underflows."""
    rest = (
        torch.cat((logits[..., :n], logits[..., n + 1 :]), dim=-1) for n in range(4)
    )  # a list of columns would be sent to a GPU each time
    others = torch.stack([torch.logsumexp(three, dim=-1) for three in rest], dim=-1)
    return (logits - others) / math.log(2)


@dataclass(frozen=True)
class Scorer:
    """A network with the batch size (tokens) that suits the machine."""

    net: LocuscopeNet
    tokens: int = 4096
    low_precision: bool = False

    def ids(self, codes: Codes, domain: str) -> Tensor:
        """(1, L + 1) token ids: the domain token, then the nucleotides."""
        row = np.concatenate(([DOMAIN + DOMAINS.index(domain)], codes.astype(np.int64) + BASE))
        return torch.from_numpy(row)[None]

    def logits(self, ids: Tensor) -> Tensor:
        """Logits of A, C, G, T at every nucleotide, float32 (B, L, 4), in batches."""
        rows = max(1, self.tokens // ids.shape[1])
        device = next(self.net.parameters()).device
        parts = []
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=self.low_precision):
            for low in range(0, ids.shape[0], rows):
                hidden = self.net.hidden(ids[low : low + rows].to(device))[:, 1:].float()
                weight, bias = self.net.head.weight[BASE : BASE + 4], self.net.head.bias[BASE : BASE + 4]
                with torch.autocast(device.type, enabled=False):
                    parts.append((hidden @ weight.T + bias).cpu())
        return torch.cat(parts)

    def dependency_map(self, codes: Codes, domain: str) -> NDArray[np.float32]:
        """(L, L): max over substitutions at the row and bases at the column of |change of log2 odds|, diagonal 0."""
        reference = self.ids(codes, domain)
        length = codes.size
        base = log2_odds(self.logits(reference))[0]
        out = np.zeros((length, length), dtype=np.float32)
        rows = max(1, self.tokens // (3 * (length + 1)))
        for low in range(0, length, rows):
            positions = torch.arange(low, min(low + rows, length)).repeat_interleave(3)
            shift = torch.arange(1, 4).repeat(positions.numel() // 3)
            changed = reference.repeat(positions.numel(), 1)
            changed[torch.arange(positions.numel()), positions + 1] = BASE + (changed[0, positions + 1] - BASE + shift) % 4
            delta = (log2_odds(self.logits(changed)) - base).abs().amax(dim=-1)
            out[low : low + positions.numel() // 3] = delta.view(-1, 3, length).amax(dim=1).numpy()
        np.fill_diagonal(out, 0.0)
        return out

    def contacts(self, codes: Codes, domain: str = "rna") -> NDArray[np.float32]:
        """The map made symmetric by the larger of its two entries."""
        held = self.dependency_map(codes, domain)
        return np.maximum(held, held.T)

    def masked_logits(self, codes: Codes, positions: NDArray[np.intp], domain: str) -> Tensor:
        """(positions, 4) logits at each position with that position masked (one forward a position)."""
        ids = self.ids(codes, domain).repeat(len(positions), 1)
        place = torch.from_numpy(positions.astype(np.int64))
        row = torch.arange(len(positions))
        ids[row, place + 1] = MASK
        return self.logits(ids)[row, place]

    def influence(self, codes: Codes, position: int, domain: str) -> NDArray[np.float32]:
        """(4,) mean over the other positions of max over bases of |change of log2 odds|; NaN at the reference base."""
        reference = self.ids(codes, domain)
        changed = reference.repeat(4, 1)
        changed[:, position + 1] = BASE + torch.arange(4)
        odds = log2_odds(self.logits(torch.cat((reference, changed))))
        delta = (odds[1:] - odds[0]).abs().amax(dim=-1)
        delta[:, position] = 0
        out: NDArray[np.float32] = (delta.sum(-1) / (codes.size - 1)).numpy()
        out[int(codes[position])] = np.nan
        return out
