"""Self-attention with relative positions as in Enformer and Borzoi, under the tensor names of their PyTorch ports.

Score of (i, j) in a head: (q_i / sqrt(key) + content bias) k_j + (q_i / sqrt(key) + position bias) r_(j − i), where r is a linear map of
fixed features of the distance. Sources: Avsec et al., Nature Methods 2021 (Enformer); Linder et al., Nature Genetics 2025 (Borzoi).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.core.errors import WeightsInvalid

Features = Callable[[int, int, torch.device], Tensor]
"""(positions, number of features, device) to float32 (2 * positions − 1, number): features of the distances 1 − n .. n − 1."""


@dataclass(frozen=True)
class AttentionSizes:
    """Sizes of one attention layer, all read from its tensors."""

    width: int
    heads: int
    key: int
    value: int
    features: int

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], prefix: str) -> AttentionSizes:
        """From the shapes below ``prefix``. Raises `WeightsInvalid` when one is missing."""
        try:
            _, heads, _, key = tensors[f"{prefix}rel_content_bias"].shape
            inner, width = tensors[f"{prefix}to_v.weight"].shape
            features = tensors[f"{prefix}to_rel_k.weight"].shape[1]
        except (KeyError, ValueError) as error:
            raise WeightsInvalid(f"The checkpoint has no complete attention layer {prefix}*; download it again.") from error
        return cls(width, heads, key, inner // heads, features)


class RelativeAttention(nn.Module):
    """(B, n, width) to (B, n, width)."""

    def __init__(self, sizes: AttentionSizes, features: Features) -> None:
        super().__init__()
        self.sizes, self.features = sizes, features
        self.to_q = nn.Linear(sizes.width, sizes.heads * sizes.key, bias=False)
        self.to_k = nn.Linear(sizes.width, sizes.heads * sizes.key, bias=False)
        self.to_v = nn.Linear(sizes.width, sizes.heads * sizes.value, bias=False)
        self.to_out = nn.Linear(sizes.heads * sizes.value, sizes.width)
        self.to_rel_k = nn.Linear(sizes.features, sizes.heads * sizes.key, bias=False)
        self.rel_content_bias = nn.Parameter(torch.zeros(1, sizes.heads, 1, sizes.key))
        self.rel_pos_bias = nn.Parameter(torch.zeros(1, sizes.heads, 1, sizes.key))

    def forward(self, x: Tensor) -> Tensor:
        """Attend, one head at a time, so that no more than one table of (n, 2n − 1) scores is in memory."""
        batch, length, _ = x.shape
        heads = self.sizes.heads
        query, key, value = (part(x).view(batch, length, heads, -1).transpose(1, 2) for part in (self.to_q, self.to_k, self.to_v))
        query = query * self.sizes.key**-0.5
        distance = self.features(length, self.sizes.features, x.device).to(x.dtype)
        relative = self.to_rel_k(distance).view(2 * length - 1, heads, -1).transpose(0, 1)
        by_content, by_position = query + self.rel_content_bias, query + self.rel_pos_bias
        read = torch.empty_like(value)
        for sequence in range(batch):
            for head in range(heads):
                score = by_content[sequence, head] @ key[sequence, head].T
                score += shifted(by_position[sequence, head] @ relative[head].T)
                read[sequence, head] = score.softmax(-1) @ value[sequence, head]
        out: Tensor = self.to_out(read.transpose(1, 2).reshape(batch, length, -1))
        return out


def shifted(scores: Tensor) -> Tensor:
    """Scores (n, 2n − 1) by distance to scores (n, n) by position: element (i, j) is column n − 1 + j − i of row i. A view."""
    length = len(scores)
    row = 2 * length - 1
    return scores.contiguous().as_strided((length, length), (row - 1, 1), length - 1)


def distances(length: int, device: torch.device) -> Tensor:
    """float32 (2n − 1,) distances 1 − n .. n − 1."""
    return torch.arange(1 - length, length, device=device, dtype=torch.float32)


def with_signs(features: Tensor, distance: Tensor) -> Tensor:
    """``features`` of the absolute distance, then the same times the distance's sign."""
    return torch.cat((features, torch.sign(distance)[:, None] * features), dim=-1)


def transformer_layer(sizes: AttentionSizes, features: Features, epsilon: float) -> nn.Sequential:
    """Pre-norm attention and ReLU feed-forward, each with a residual; indices as in the published ports (dropouts are empty places)."""
    width = sizes.width
    attention = nn.Sequential(nn.LayerNorm(width, eps=epsilon), RelativeAttention(sizes, features), nn.Identity())
    feed_forward = nn.Sequential(
        nn.LayerNorm(width, eps=epsilon),
        nn.Linear(width, 2 * width),
        nn.Identity(),
        nn.ReLU(),
        nn.Linear(2 * width, width),
        nn.Identity(),
    )
    return nn.Sequential(Residual(attention), Residual(feed_forward))


class Residual(nn.Module):
    """x + fn(x)."""

    def __init__(self, fn: nn.Module) -> None:
        super().__init__()
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        """Apply."""
        out: Tensor = self.fn(x) + x
        return out


def enformer_features(length: int, count: int, device: torch.device) -> Tensor:
    """Enformer's three kinds of distance features: exponential decay, central masks, gamma densities; each also times the sign."""
    if count % 6:
        raise WeightsInvalid(
            f"The attention has {count} position features; Enformer's come in multiples of 6, download the checkpoint again."
        )
    each, distance = count // 6, distances(length, device)
    far = distance.abs()[:, None]
    half_life = 2 ** torch.linspace(3.0, math.log(length) / math.log(2.0), each, device=device)
    exponential = torch.exp(-math.log(2.0) / half_life * far)
    central = (2.0 ** torch.arange(1, each + 1, device=device) - 1 > far).float()
    return with_signs(torch.cat((exponential, central, _gamma(far, length, each)), dim=-1), distance)


def _gamma(far: Tensor, length: int, count: int) -> Tensor:
    """Gamma densities with means spread over the window, each distance's largest scaled to 1."""
    spread = length / (2 * count)
    mean = torch.linspace(length / count, length, count, device=far.device)
    shape, rate = (mean / spread) ** 2, mean / spread**2
    log_density = torch.xlogy(shape - 1.0, far) - rate * far - (torch.lgamma(shape) - shape * torch.log(rate))
    density = torch.exp(log_density) + 1e-8
    return density / density.amax(-1, keepdim=True)


def borzoi_features(length: int, count: int, device: torch.device) -> Tensor:
    """Borzoi's central masks of widths growing geometrically to the window, and the same times the sign."""
    if count % 2:
        raise WeightsInvalid(f"The attention has {count} position features; Borzoi's are an even number, download the checkpoint again.")
    each, distance = count // 2, distances(length, device)
    rate = math.exp(math.log(length + 1) / each)
    widths = torch.pow(rate, torch.arange(1, each + 1, device=device)).float() - 1
    return with_signs((widths > distance.abs()[:, None]).float(), distance)


def one_hot(letters: str, device: torch.device) -> Tensor:
    """float32 (1, 4, L) in A, C, G, T order; all zero for any other letter."""
    from engine.models.reading.kmers import UNKNOWN, base_codes

    codes = base_codes(letters).to(device)
    hot: Tensor = functional.one_hot(codes, UNKNOWN + 1)[:, :UNKNOWN]
    return hot.T[None].float()
