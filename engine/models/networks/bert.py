"""BERT masked language model (post-norm), as Hugging Face and flash-attention define it, under the published tensor names.

Learned absolute positions, rotary positions (flash-attention's ``rotary_emb_*`` settings), or both; tied or separate output weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.core.errors import WeightsInvalid
from engine.core.quoting import quoted
from engine.models.checkpoints.layouts import says_rotary
from engine.models.checkpoints.weights import load_tensors, unfilled, whole
from engine.models.networks.attention import (
    ACTIVATIONS,
    Rotary,
    SelfAttention,
    check_activation,
    fuse_projections,
    rotary_tables,
    with_modern_names,
)
from engine.models.networks.kernels import float_linear

UNUSED = ("bert.pooler.", "cls.seq_relationship.", "bert.embeddings.position_ids")
_EMBEDDINGS, _LAYER, _PREDICTIONS = "bert.embeddings.", "bert.encoder.layer.", "cls.predictions."


@dataclass(frozen=True)
class BertConfig:
    """Sizes read from config.json; ``positions`` 0 = no learned position table, ``rotary`` 0 = no rotary positions (else channels)."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    hidden: int
    positions: int
    types: int
    epsilon: float
    activation: str
    rotary: int = 0
    rotary_base: float = 10000.0
    interleaved: bool = False

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise WeightsInvalid(f"config.json has hidden_size {self.width} and {self.heads} heads; the heads must divide it.")
        if self.rotary % 2 or self.rotary > self.width // self.heads:
            raise WeightsInvalid(f"config.json rotates {self.rotary} channels; an even number up to {self.width // self.heads} is needed.")
        check_activation(self.activation)

    @classmethod
    def read(cls, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> BertConfig:
        """From config.json, with the tables of tokens and positions as long as they are stored. Raises `WeightsInvalid`."""
        width, heads = whole(config, "hidden_size"), whole(config, "num_attention_heads")
        kind = config.get("position_embedding_type", "absolute")
        if kind not in ("absolute", "rotary"):
            raise WeightsInvalid(f"config.json has position_embedding_type {quoted(kind)}; absolute and rotary are known.")
        if config.get("rotary_emb_scale_base") is not None:
            raise WeightsInvalid("config.json has rotary_emb_scale_base; rotary positions that decay with distance are not known here.")
        return cls(
            vocabulary=whole(config, "vocab_size"),
            width=width,
            layers=whole(config, "num_hidden_layers"),
            heads=heads,
            hidden=whole(config, "intermediate_size"),
            positions=whole(config, "max_position_embeddings", 0, minimum=0)
            if f"{_EMBEDDINGS}position_embeddings.weight" in tensors
            else 0,
            types=whole(config, "type_vocab_size", 2, minimum=0) if f"{_EMBEDDINGS}token_type_embeddings.weight" in tensors else 0,
            epsilon=float(config.get("layer_norm_eps", 1e-12)),
            activation=str(config.get("hidden_act", "gelu")),
            rotary=_rotary_channels(config, width // heads, rotary=says_rotary(config, tensors)),
            rotary_base=float(config.get("rotary_emb_base") or 10000.0),
            interleaved=bool(config.get("rotary_emb_interleaved", False)),
        )


def _rotary_channels(config: Mapping[str, Any], head: int, *, rotary: bool) -> int:
    channels, fraction = config.get("rotary_emb_dim"), config.get("rotary_emb_fraction")
    if channels:
        return min(int(channels), head)
    if fraction:
        return int(head * float(fraction))
    return head if rotary else 0


class _Embeddings(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocabulary, config.width)
        if config.positions:
            self.position_embeddings = nn.Embedding(config.positions, config.width)
        if config.types:
            self.token_type_embeddings = nn.Embedding(config.types, config.width)
        self.LayerNorm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.has_positions, self.has_types = bool(config.positions), bool(config.types)

    def forward(self, ids: Tensor) -> Tensor:
        x: Tensor = self.word_embeddings(ids)
        if self.has_positions:
            x = x + self.position_embeddings.weight[: ids.shape[1]]
        if self.has_types:
            x = x + self.token_type_embeddings.weight[0]
        normed: Tensor = self.LayerNorm(x)
        return normed


class _Normed(nn.Module):
    """A linear layer and the LayerNorm that is published beside it."""

    def __init__(self, inner: int, outer: int, epsilon: float) -> None:
        super().__init__()
        self.dense = nn.Linear(inner, outer)
        self.LayerNorm = nn.LayerNorm(outer, eps=epsilon)

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        out: Tensor = self.LayerNorm(self.dense(x) + residual)
        return out


class _Dense(nn.Module):
    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inner, outer)


class _Attention(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.self = SelfAttention(config.width, config.heads)
        self.output = _Normed(config.width, config.width, config.epsilon)


class BertLayer(nn.Module):
    """Attention and feed-forward, each added to its input and normalised."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = _Attention(config)
        self.intermediate = _Dense(config.width, config.hidden)
        self.output = _Normed(config.hidden, config.width, config.epsilon)
        self.activation, self.interleaved = ACTIVATIONS[config.activation], config.interleaved

    def forward(self, x: Tensor, rotary: Rotary | None) -> Tensor:
        """Apply to (B, T, width)."""
        x = self.attention.output(self.attention.self(x, rotary, interleaved=self.interleaved), x)
        out: Tensor = self.output(self.activation(self.intermediate.dense(x)), x)
        return out


class _Encoder(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(BertLayer(config) for _ in range(config.layers))


class _Body(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.embeddings = _Embeddings(config)
        self.encoder = _Encoder(config)


class _Transform(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.width, config.width)
        self.LayerNorm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.activation = ACTIVATIONS[config.activation]

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.LayerNorm(self.activation(self.dense(x)))
        return out


class _Predictions(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.transform = _Transform(config)
        self.bias = nn.Parameter(torch.zeros(config.vocabulary))
        self.decoder = nn.Linear(config.width, config.vocabulary, bias=False)


class _Head(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.predictions = _Predictions(config)


class BertNet(nn.Module):
    """Ids (B, T) int64, all real tokens, to hidden states and token scores."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.bert = _Body(config)
        self.cls = _Head(config)

    def hidden(self, ids: Tensor) -> Tensor:
        """Last hidden states (B, T, width)."""
        for states in self.states(ids):
            last = states
        return last

    def states(self, ids: Tensor) -> Iterator[Tensor]:
        """Hidden states (B, T, width): the embeddings, then what leaves each layer."""
        x: Tensor = self.bert.embeddings(ids)
        yield x
        rotary = rotary_tables(ids.shape[1], self.config.rotary, self.config.rotary_base, ids.device) if self.config.rotary else None
        for layer in self.layers():
            x = layer(x, rotary)
            yield x

    def layers(self) -> list[BertLayer]:
        """The layers in order."""
        return [layer for layer in self.bert.encoder.layer if isinstance(layer, BertLayer)]

    def transformed(self, hidden: Tensor) -> Tensor:
        """What the output weights read, (..., width)."""
        out: Tensor = self.cls.predictions.transform(hidden)
        return out

    def output_weights(self, rows: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Output weight (n, width) and bias (n,) of ``rows`` of the vocabulary (all when None), for `engine.models.networks.kernels.float_linear`."""
        weight, bias = self.cls.predictions.decoder.weight, self.cls.predictions.bias
        return (weight, bias) if rows is None else (weight[rows], bias[rows])

    def forward(self, ids: Tensor) -> Tensor:
        """Scores float32 (B, T, vocabulary) of every token."""
        return float_linear(self.transformed(self.hidden(ids)), *self.output_weights())


def bert_from_tensors(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> BertNet:
    """A `BertNet` in float32 from config.json and published tensors. Raises `WeightsInvalid` when they do not fit.

    The output weights are the stored ``cls.predictions.decoder.weight``; the word embeddings when it is absent or the configuration
    ties them. The output bias goes the same way: ``cls.predictions.decoder.bias`` where it is stored and not tied, else
    ``cls.predictions.bias``.
    """
    named = with_modern_names(tensors)
    sizes = BertConfig.read(config, named)
    words = named.get(f"{_EMBEDDINGS}word_embeddings.weight")
    if words is None:
        raise WeightsInvalid("The checkpoint has no bert.embeddings.word_embeddings.weight; it is not a BERT masked language model.")
    decoder = f"{_PREDICTIONS}decoder.weight"
    if decoder not in named and config.get("tie_word_embeddings") is False:
        raise WeightsInvalid(f"config.json says the output weights are not tied but the checkpoint lacks {decoder}; download it again.")
    if decoder not in named or config.get("tie_word_embeddings") is True:
        named[decoder] = words
    bias = named.pop(f"{_PREDICTIONS}decoder.bias", None)
    if bias is not None and (f"{_PREDICTIONS}bias" not in named or config.get("tie_word_embeddings") is not True):
        named[f"{_PREDICTIONS}bias"] = bias
    for index in range(sizes.layers):
        fuse_projections(named, f"{_LAYER}{index}.attention.self.")
    with unfilled():
        net = BertNet(sizes)
    load_tensors(net, named, unused=UNUSED)
    return net.eval()
