"""The convolutional networks of GPN, written from the published description; layers stay accessible for exact partial recomputation.

Sources: Benegas et al., PNAS 2023, doi 10.1073/pnas.2311219120; songlab-cal/gpn, classes ConvNetForMaskedLM and GPNForMaskedLM.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.core.errors import WeightsInvalid
from engine.core.quoting import quoted
from engine.models.checkpoints.weights import whole
from engine.models.networks.kernels import float_linear

Layout = Literal["ConvNet", "convnet", "bytenet"]


@dataclass(frozen=True)
class GpnConfig:
    """Sizes of a GPN network.

    ``layout``: ``ConvNet`` (GPN of 2023, normalisation behind each branch), ``convnet`` or ``bytenet`` (the newer class "GPN").
    ``kernels``, ``dilations``: one number a layer. ``groups``: one a layer (depthwise convolutions have as many groups as channels).
    """

    layout: Layout
    vocabulary: int
    width: int
    kernels: tuple[int, ...]
    dilations: tuple[int, ...]
    groups: tuple[int, ...]
    inner: int
    bias: bool = True
    learned_embedding: bool = False
    head_transform: bool = True

    @property
    def receptive_field(self) -> int:
        """Number of bases one logit depends on."""
        return 1 + sum((kernel - 1) * dilation for kernel, dilation in zip(self.kernels, self.dilations, strict=True))

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> GpnConfig:
        """From the published config.json. Raises `WeightsInvalid` for a class this code does not know."""
        kind = config.get("model_type")
        if kind == "ConvNet":
            return cls._legacy(config)
        if kind == "GPN" and config.get("encoder", "convnet") in ("convnet", "bytenet"):
            return cls._newer(config)
        told = f"model_type {quoted(kind)}" + (f" with encoder {quoted(config.get('encoder'))}" if kind == "GPN" else "")
        raise WeightsInvalid(f"config.json has {told}; GPN here is ConvNet, or GPN with encoder convnet or bytenet.")

    @classmethod
    def _legacy(cls, config: Mapping[str, Any]) -> GpnConfig:
        layers, width = whole(config, "n_layers", 25), whole(config, "hidden_size", 512)
        kernel = whole(config, "kernel_size", 9)
        return cls(
            layout="ConvNet",
            vocabulary=whole(config, "vocab_size", 7),
            width=width,
            kernels=(kernel,) * layers,
            dilations=_dilations(config, layers, cycle=6, largest=32),
            groups=(1,) * layers,
            inner=width,
        )

    @classmethod
    def _newer(cls, config: Mapping[str, Any]) -> GpnConfig:
        layers, width = whole(config, "num_hidden_layers", 25), whole(config, "hidden_size", 512)
        bytenet = config.get("encoder", "convnet") == "bytenet"
        half = bytenet and bool(config.get("slim", False))
        channels = width // 2 if half else width
        first, rest = whole(config, "first_kernel_size", 9), whole(config, "rest_kernel_size", 5)
        depthwise = bool(config.get("depthwise", False))
        return cls(
            layout="bytenet" if bytenet else "convnet",
            vocabulary=whole(config, "vocab_size", 7),
            width=width,
            kernels=(first,) + (rest,) * (layers - 1),
            dilations=_dilations(config, layers, cycle=8, largest=9999),
            groups=(1,) + ((channels if depthwise else 1),) * (layers - 1),
            inner=channels if bytenet else whole(config, "intermediate_size", 2048),
            bias=bool(config.get("bias", False)),
            learned_embedding=config.get("embedding", "one_hot") == "embedding",
            head_transform=bool(config.get("mlm_head_transform", True)),
        )


def _dilations(config: Mapping[str, Any], layers: int, *, cycle: int, largest: int) -> tuple[int, ...]:
    cycle, largest = whole(config, "dilation_cycle", cycle), whole(config, "dilation_max", largest)
    base, step = whole(config, "dilation_base", 2), whole(config, "dilation_double_every", 1)
    return tuple(min(largest, base ** ((index % cycle) // step)) for index in range(layers))


def _convolve(layer: nn.Conv1d, x: Tensor) -> Tensor:
    """Convolution along the bases of (B, L, channels)."""
    out: Tensor = layer(x.transpose(1, 2))
    return out.transpose(1, 2)


class LegacyLayer(nn.Module):
    """x + LN(GELU(conv x)), then x + LN(GELU(linear x)), on (B, L, width)."""

    def __init__(self, config: GpnConfig, index: int) -> None:
        super().__init__()
        width = config.width
        self.conv = nn.Conv1d(width, width, config.kernels[index], dilation=config.dilations[index], padding="same")
        self.conv_norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, width)
        self.linear_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.conv_norm(functional.gelu(_convolve(self.conv, x)))
        out: Tensor = x + self.linear_norm(functional.gelu(self.linear(x)))
        return out


class ConvNetLayer(nn.Module):
    """Normalisation first: x + linear(GELU(conv(LN x))), then x + down(GELU(up(LN x)))."""

    def __init__(self, config: GpnConfig, index: int) -> None:
        super().__init__()
        width, bias = config.width, config.bias
        self.conv_norm = nn.LayerNorm(width, bias=bias)
        self.conv = nn.Conv1d(
            width,
            width,
            config.kernels[index],
            dilation=config.dilations[index],
            padding="same",
            groups=config.groups[index],
            bias=bias,
        )
        self.linear = nn.Linear(width, width, bias=bias)
        self.up_norm = nn.LayerNorm(width, bias=bias)
        self.up = nn.Linear(width, config.inner, bias=bias)
        self.down = nn.Linear(config.inner, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.linear(functional.gelu(_convolve(self.conv, self.conv_norm(x))))
        out: Tensor = x + self.down(functional.gelu(self.up(self.up_norm(x))))
        return out


class ByteNetLayer(nn.Module):
    """x + up(GELU(LN(conv(GELU(LN(down(GELU(LN x))))))))."""

    def __init__(self, config: GpnConfig, index: int) -> None:
        super().__init__()
        width, inner, bias = config.width, config.inner, config.bias
        self.norm = nn.LayerNorm(width, bias=bias)
        self.down = nn.Linear(width, inner, bias=bias)
        self.down_norm = nn.LayerNorm(inner, bias=bias)
        self.conv = nn.Conv1d(
            inner,
            inner,
            config.kernels[index],
            dilation=config.dilations[index],
            padding="same",
            groups=config.groups[index],
            bias=bias,
        )
        self.conv_norm = nn.LayerNorm(inner, bias=bias)
        self.up = nn.Linear(inner, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        inner = functional.gelu(self.down_norm(self.down(functional.gelu(self.norm(x)))))
        inner = functional.gelu(self.conv_norm(_convolve(self.conv, inner)))
        out: Tensor = x + self.up(inner)
        return out


_LAYERS: dict[Layout, type[LegacyLayer | ConvNetLayer | ByteNetLayer]] = {
    "ConvNet": LegacyLayer,
    "convnet": ConvNetLayer,
    "bytenet": ByteNetLayer,
}


class GpnNet(nn.Module):
    """Masked nucleotide model: ids int64 (B, L) to logits (B, L, vocabulary); no special tokens, any length."""

    def __init__(self, config: GpnConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width) if config.learned_embedding else None
        self.layers = nn.ModuleList(_LAYERS[config.layout](config, index) for index in range(len(config.kernels)))
        self.norm = nn.LayerNorm(config.width, bias=config.bias) if config.layout != "ConvNet" else nn.Identity()
        self.transform = nn.Linear(config.width, config.width, bias=config.bias) if config.head_transform else None
        self.transform_norm = nn.LayerNorm(config.width, bias=config.bias) if config.head_transform else None
        self.decoder = nn.Linear(config.width, config.vocabulary, bias=config.bias)

    def embed(self, ids: Tensor) -> Tensor:
        """Ids (B, L) to (B, L, width): one-hot in the first columns, or a learned table."""
        if self.embedding is not None:
            learned: Tensor = self.embedding(ids)
            return learned
        return functional.one_hot(ids, self.config.width).to(self.decoder.weight.dtype)

    def hidden(self, ids: Tensor) -> Tensor:
        """Last hidden states (B, L, width)."""
        x = self.embed(ids)
        for layer in self.layers:
            x = layer(x)
        out: Tensor = self.norm(x)
        return out

    def head(self, hidden: Tensor) -> Tensor:
        """Hidden states to logits, float32."""
        if self.transform is not None and self.transform_norm is not None:
            hidden = self.transform_norm(functional.gelu(self.transform(hidden)))
        return float_linear(hidden, self.decoder.weight, self.decoder.bias)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits (B, L, vocabulary)."""
        return self.head(self.hidden(ids))


_PARTS: dict[Layout, tuple[str, dict[str, str]]] = {
    "ConvNet": (
        "model.encoder.{index}.",
        {"conv": "conv.1", "conv_norm": "conv.4", "linear": "ffn.0", "linear_norm": "ffn.2"},
    ),
    "convnet": (
        "model.encoder.layer.{index}.",
        {"conv_norm": "conv.0", "conv": "conv.2", "linear": "conv.5", "up_norm": "ffn.0", "up": "ffn.1", "down": "ffn.3"},
    ),
    "bytenet": (
        "model.encoder.layer.{index}.layer.",
        {"norm": "0", "down": "2", "down_norm": "3", "conv": "6", "conv_norm": "8", "up": "10"},
    ),
}
"""Layout → beginning of a layer's published names, and own part → published part."""

_HEADS: dict[bool, dict[str, str]] = {
    True: {"transform": "cls.decoder.0", "transform_norm": "cls.decoder.2", "decoder": "cls.decoder.3"},
    False: {"transform": "cls.transform.0", "transform_norm": "cls.transform.2", "decoder": "cls.decoder"},
}


def published_name(config: GpnConfig, own: str) -> str:
    """Published tensor name of one of the network's own names."""
    part, _, leaf = own.rpartition(".")
    if part.startswith("layers."):
        _, index, part = part.split(".")
        beginning, parts = _PARTS[config.layout]
        return f"{beginning.format(index=index)}{parts[part]}.{leaf}"
    outside = {"embedding": "model.embeddings.word_embeddings", "norm": "model.ln_f", **_HEADS[config.layout == "ConvNet"]}
    return f"{outside[part]}.{leaf}"


def renamed(config: GpnConfig, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Published tensors under the network's own names; names it does not know stay as they are."""
    with torch.device("meta"):
        own_names = list(GpnNet(config).state_dict())
    own_by_published = {published_name(config, name): name for name in own_names}
    return {own_by_published.get(name, name): value for name, value in tensors.items()}
