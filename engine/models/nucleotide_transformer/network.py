"""ESM encoder of the Nucleotide Transformers and SegmentNT (pre-norm), under the tensor names of the Hugging Face layout.

Version 1: learned positions, GELU feed-forward with biases. Version 2: rotary positions, gated feed-forward silu(a) * b without biases.
The stored tensors decide which; ``rescaling_factor`` stretches the rotary base for long input (NTK-aware scaling, as in SegmentNT).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.core.errors import WeightsInvalid
from engine.core.quoting import quoted
from engine.models.checkpoints.layouts import says_rotary
from engine.models.checkpoints.weights import load_tensors, unfilled, whole
from engine.models.networks.attention import Rotary, SelfAttention, fuse_projections, rotary_tables, with_modern_names
from engine.models.networks.kernels import float_linear

UNUSED = ("esm.contact_head.", "esm.pooler.", "esm.embeddings.position_ids")
_LAYER, _WORDS = "esm.encoder.layer.", "esm.embeddings.word_embeddings.weight"
_ROTARY_BASE = 10000.0
_TRAINED_MASK = 0.15 * 0.8  # of the tokens in training, as the ESM class has it


@dataclass(frozen=True)
class NtConfig:
    """Sizes and switches; ``positions`` 0 = rotary positions. ``mask`` and ``pad`` are token ids."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    hidden: int
    epsilon: float
    positions: int = 0
    gated: bool = True
    feed_forward_bias: bool = False
    norm_before: bool = False
    token_dropout: bool = False
    mask: int = 2
    pad: int = 1
    rescaling_factor: float | None = None

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise WeightsInvalid(f"config.json has hidden_size {self.width} and {self.heads} heads; the heads must divide it.")
        if not self.positions and (self.width // self.heads) % 2:
            raise WeightsInvalid(f"config.json has heads of {self.width // self.heads} channels; rotary positions need an even number.")

    @classmethod
    def read(cls, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> NtConfig:
        """From config.json, and from the shapes and names of the stored tensors. Raises `WeightsInvalid`."""
        kind = config.get("position_embedding_type", "rotary" if says_rotary(config, tensors) else "absolute")
        if kind not in ("absolute", "rotary"):
            raise WeightsInvalid(f"config.json has position_embedding_type {quoted(kind)}; absolute and rotary are known.")
        hidden = whole(config, "intermediate_size")
        inner = tensors.get(f"{_LAYER}0.intermediate.dense.weight")
        if inner is None or len(inner) not in (hidden, 2 * hidden):
            raise WeightsInvalid(
                f"The checkpoint's first feed-forward layer has {'no weights' if inner is None else f'{len(inner)} rows'}; intermediate_size "
                f"{hidden} in config.json asks for {hidden}, or {2 * hidden} when gated."
            )
        factor = config.get("rescaling_factor")
        return cls(
            vocabulary=whole(config, "vocab_size"),
            width=whole(config, "hidden_size"),
            layers=whole(config, "num_hidden_layers"),
            heads=whole(config, "num_attention_heads"),
            hidden=hidden,
            epsilon=float(config.get("layer_norm_eps", 1e-12)),
            positions=whole(config, "max_position_embeddings") if kind == "absolute" else 0,
            gated=len(inner) == 2 * hidden,
            feed_forward_bias=f"{_LAYER}0.intermediate.dense.bias" in tensors,
            norm_before=bool(config.get("emb_layer_norm_before", False)),
            token_dropout=bool(config.get("token_dropout", False)),
            mask=whole(config, "mask_token_id", 2, minimum=0),
            pad=whole(config, "pad_token_id", 1, minimum=0),
            rescaling_factor=None if factor is None else float(factor),
        )


class _Embeddings(nn.Module):
    """Word embeddings, rescaled by the share of masked tokens where the model was trained with token dropout, then positions."""

    def __init__(self, config: NtConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocabulary, config.width)
        if config.positions:
            self.position_embeddings = nn.Embedding(config.positions, config.width)
        if config.norm_before:
            self.layer_norm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.config = config

    def forward(self, ids: Tensor) -> Tensor:
        config = self.config
        x: Tensor = self.word_embeddings(ids)
        if config.token_dropout:
            is_mask = ids == config.mask
            share = is_mask.sum(-1, keepdim=True).to(x.dtype) / ids.shape[1]
            x = x.masked_fill(is_mask[..., None], 0.0) * ((1 - _TRAINED_MASK) / (1 - share))[..., None]
        if config.positions:
            first = config.pad + 1
            x = x + self.position_embeddings.weight[first : first + ids.shape[1]]
        if config.norm_before:
            x = self.layer_norm(x)
        return x


class _Dense(nn.Module):
    def __init__(self, inner: int, outer: int, *, bias: bool) -> None:
        super().__init__()
        self.dense = nn.Linear(inner, outer, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.dense(x)
        return out


class _Attention(nn.Module):
    def __init__(self, config: NtConfig) -> None:
        super().__init__()
        self.self = SelfAttention(config.width, config.heads)
        self.output = _Dense(config.width, config.width, bias=True)
        self.LayerNorm = nn.LayerNorm(config.width, eps=config.epsilon)

    def forward(self, x: Tensor, rotary: Rotary | None) -> Tensor:
        out: Tensor = x + self.output(self.self(self.LayerNorm(x), rotary))
        return out


class EsmLayer(nn.Module):
    """Normalised attention and feed-forward, each added to its input."""

    def __init__(self, config: NtConfig) -> None:
        super().__init__()
        self.attention = _Attention(config)
        self.intermediate = _Dense(config.width, (2 if config.gated else 1) * config.hidden, bias=config.feed_forward_bias)
        self.output = _Dense(config.hidden, config.width, bias=config.feed_forward_bias)
        self.LayerNorm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.gated = config.gated

    def forward(self, x: Tensor, rotary: Rotary | None) -> Tensor:
        """Apply to (B, T, width)."""
        x = self.attention(x, rotary)
        hidden = self.intermediate(self.LayerNorm(x))
        if self.gated:
            gate, value = hidden.chunk(2, dim=-1)
            hidden = functional.silu(gate) * value
        else:
            hidden = functional.gelu(hidden)
        out: Tensor = x + self.output(hidden)
        return out


class _Encoder(nn.Module):
    def __init__(self, config: NtConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(EsmLayer(config) for _ in range(config.layers))
        self.emb_layer_norm_after = nn.LayerNorm(config.width, eps=config.epsilon)


class EsmEncoder(nn.Module):
    """Ids (B, T) int64, all real tokens, to hidden states (B, T, width)."""

    def __init__(self, config: NtConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = _Embeddings(config)
        self.encoder = _Encoder(config)

    def rotary_base(self, factor: float | None) -> float:
        """10000, times factor ** (d / (d - 2)) for heads of d channels where positions are rescaled."""
        head = self.config.width // self.config.heads
        return _ROTARY_BASE if factor is None else _ROTARY_BASE * factor ** (head / (head - 2))

    def rotary(self, length: int, device: torch.device, factor: float | None) -> Rotary | None:
        """Tables for ``length`` tokens; None for learned positions."""
        if self.config.positions:
            return None
        return rotary_tables(length, self.config.width // self.config.heads, self.rotary_base(factor), device)

    def layers(self) -> list[EsmLayer]:
        """The layers in order."""
        return [layer for layer in self.encoder.layer if isinstance(layer, EsmLayer)]

    def forward(self, ids: Tensor, *, rescaling_factor: float | None = None) -> Tensor:
        """Hidden states after the last norm; ``rescaling_factor`` replaces the configured one."""
        for states in self.states(ids, rescaling_factor=rescaling_factor):
            last = states
        return last

    def states(self, ids: Tensor, *, rescaling_factor: float | None = None) -> Iterator[Tensor]:
        """Hidden states (B, T, width): the embeddings, then what leaves each layer, the last behind the last norm."""
        factor = self.config.rescaling_factor if rescaling_factor is None else rescaling_factor
        x: Tensor = self.embeddings(ids)
        rotary = self.rotary(ids.shape[1], ids.device, factor)
        for layer in self.layers():
            yield x
            x = layer(x, rotary)
        yield self.encoder.emb_layer_norm_after(x)


class _LmHead(nn.Module):
    def __init__(self, config: NtConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.width, config.width)
        self.layer_norm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.decoder = nn.Linear(config.width, config.vocabulary, bias=False)
        self.bias = nn.Parameter(torch.zeros(config.vocabulary))


class NtNet(nn.Module):
    """Masked language model over k-mer tokens."""

    def __init__(self, config: NtConfig) -> None:
        super().__init__()
        self.config = config
        self.esm = EsmEncoder(config)
        self.lm_head = _LmHead(config)

    def hidden(self, ids: Tensor) -> Tensor:
        """Hidden states (B, T, width) after the last norm."""
        out: Tensor = self.esm(ids)
        return out

    def transformed(self, hidden: Tensor) -> Tensor:
        """What the output weights read, (..., width)."""
        out: Tensor = self.lm_head.layer_norm(functional.gelu(self.lm_head.dense(hidden)))
        return out

    def output_weights(self, rows: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Output weight (n, width) and bias (n,) of ``rows`` of the vocabulary (all when None), for `engine.models.networks.kernels.float_linear`."""
        weight, bias = self.lm_head.decoder.weight, self.lm_head.bias
        return (weight, bias) if rows is None else (weight[rows], bias[rows])

    def forward(self, ids: Tensor) -> Tensor:
        """Scores float32 (B, T, vocabulary) of every token."""
        return float_linear(self.transformed(self.hidden(ids)), *self.output_weights())


def published_tensors(tensors: Mapping[str, Tensor], config: NtConfig) -> dict[str, Tensor]:
    """Stored tensors under the names of this module: projections fused, stored rotary tables and unused position tables left out."""
    named = {name: tensor for name, tensor in with_modern_names(tensors).items() if not name.endswith("rotary_embeddings.inv_freq")}
    if not config.positions:
        named.pop("esm.embeddings.position_embeddings.weight", None)
    for index in range(config.layers):
        fuse_projections(named, f"{_LAYER}{index}.attention.self.")
    return named


def nt_from_tensors(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> NtNet:
    """An `NtNet` in float32 from config.json and published tensors. Raises `WeightsInvalid` when they do not fit.

    Output weights are the stored ``lm_head.decoder.weight``; the word embeddings when it is absent or the configuration ties them.
    """
    sizes = replace(NtConfig.read(config, tensors), rescaling_factor=None)
    named = published_tensors(tensors, sizes)
    decoder = "lm_head.decoder.weight"
    if decoder not in named and config.get("tie_word_embeddings") is False:
        raise WeightsInvalid(f"config.json says the output weights are not tied but the checkpoint lacks {decoder}; download it again.")
    if (decoder not in named or config.get("tie_word_embeddings") is True) and _WORDS in named:
        named[decoder] = named[_WORDS]
    bias = named.pop("lm_head.decoder.bias", None)
    if bias is not None:
        named.setdefault("lm_head.bias", bias)
    with unfilled():
        net = NtNet(sizes)
    load_tensors(net, named, unused=UNUSED)
    return net.eval()
