"""The networks of CI-SpliceAI side by side: residual units of dilated convolutions over one-hot letters (Strauch et al., PLoS ONE 2022).

The shape is SpliceAI-10k's (Jaganathan et al., Cell 2019). All networks are one: their rows stand in consecutive channels and every
convolution after the first has as many groups as there are networks. Convolutions are not padded: each takes away the positions that lack
context, which are exactly those that the published graph pads with zeros and cuts off at the end.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.models.splice.published import SpliceConfig


class Convolution(nn.Module):
    """Kernels of all networks; ``reach``: positions taken away at either side."""

    def __init__(self, config: SpliceConfig, outputs: int, width: int = 1, dilation: int = 1, *, stem: bool = False) -> None:
        super().__init__()
        self.groups, self.dilation = 1 if stem else config.networks, dilation
        self.reach = (width - 1) * dilation // 2
        self.weight = nn.Parameter(torch.empty(config.networks * outputs, 4 if stem else config.channels, width))
        self.bias = nn.Parameter(torch.empty(config.networks * outputs))

    def forward(self, rows: Tensor) -> Tensor:
        return functional.conv1d(rows, self.weight, self.bias, dilation=self.dilation, groups=self.groups)


class Normalisation(nn.Module):
    """Batch normalisation by fixed statistics, then ReLU."""

    def __init__(self, config: SpliceConfig) -> None:
        super().__init__()
        self.epsilon = config.epsilon
        width = config.networks * config.channels
        self.variance, self.mean = nn.Parameter(torch.empty(width)), nn.Parameter(torch.empty(width))
        self.beta, self.gamma = nn.Parameter(torch.empty(width)), nn.Parameter(torch.empty(width))

    def forward(self, rows: Tensor) -> Tensor:
        return functional.batch_norm(rows, self.mean, self.variance, self.gamma, self.beta, eps=self.epsilon).relu_()


@dataclass(frozen=True)
class Half:
    """Half a residual unit: normalisation, ReLU and convolution."""

    normalisation: Normalisation
    convolution: Convolution

    @property
    def reach(self) -> int:
        """Positions its convolution takes away at either side."""
        return self.convolution.reach

    def __call__(self, rows: Tensor) -> Tensor:
        """Rows (B, C, T) to (B, C, T - 2 * reach)."""
        out: Tensor = self.convolution(self.normalisation(rows))
        return out


@dataclass(frozen=True)
class Unit:
    """A residual unit, and the skip that leaves behind it (None inside a group)."""

    halves: tuple[Half, Half]
    skip: Convolution | None

    @property
    def reach(self) -> int:
        """Positions both convolutions take away at either side."""
        return self.halves[0].reach + self.halves[1].reach


class SpliceNet(nn.Module):
    """One-hot float32 (B, 4, L) to probabilities float32 (B, 3, L - 2 * context): neither, acceptor, donor; the mean of the networks."""

    def __init__(self, config: SpliceConfig) -> None:
        super().__init__()
        self.config = config
        kernels = itertools.count(1)
        normalisations = itertools.count(1)
        self.convolutions = nn.ModuleDict()
        self.normalisations = nn.ModuleDict()

        def convolution(outputs: int, width: int = 1, dilation: int = 1) -> Convolution:
            number = next(kernels)
            made = Convolution(config, outputs, width, dilation, stem=number == 1)
            self.convolutions[str(number)] = made
            return made

        def half(width: int, dilation: int) -> Half:
            made = Normalisation(config)
            self.normalisations[str(next(normalisations))] = made
            return Half(made, convolution(config.channels, width, dilation))

        self.ends: tuple[Convolution, ...] = (convolution(config.channels), convolution(config.channels))
        units: list[Unit] = []
        for group in config.groups:
            for place, (width, dilation) in enumerate(group, start=1):
                halves = (half(width, dilation), half(width, dilation))
                units.append(Unit(halves, convolution(config.channels) if place == len(group) else None))
        self.units = tuple(units)
        self.ends = (*self.ends, convolution(3))

    @property
    def stem(self) -> Convolution:
        """One-hot letters to rows."""
        return self.ends[0]

    @property
    def first_skip(self) -> Convolution:
        """The skip that leaves before the first unit."""
        return self.ends[1]

    @property
    def context_bp(self) -> int:
        """Positions at either side that are context only."""
        return self.config.context_bp

    def probabilities(self, skips: Tensor) -> Tensor:
        """Sum of the skips (B, C, n) to the mean of the networks' probabilities (B, 3, n)."""
        scores: Tensor = self.ends[-1](skips)
        return scores.view(len(scores), self.config.networks, 3, -1).softmax(2).mean(1)

    def forward(self, hot: Tensor) -> Tensor:
        rows = self.stem(hot)
        skips = self.first_skip(inner(rows, self.context_bp))
        beyond = self.context_bp
        for unit in self.units:
            beyond -= unit.reach
            rows = unit.halves[1](unit.halves[0](rows)).add_(inner(rows, unit.reach))
            if unit.skip is not None:
                skips += unit.skip(inner(rows, beyond))
        return self.probabilities(skips)


def inner(rows: Tensor, cut: int) -> Tensor:
    """Rows (B, C, T) without ``cut`` positions at either side."""
    return rows[..., cut : rows.shape[-1] - cut] if cut else rows
