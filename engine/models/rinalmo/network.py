"""The encoder of RiNALMo, written from the published description; one network for both published layouts.

Sources: Penić et al., Nature Communications 2025, 16:5671; lbcb-sci/RiNALMo ``rinalmo/model``. A block normalises its input first and
takes the residual from the normalised value; queries and keys are rotated; no projection of the attention has a bias.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.core.errors import WeightsInvalid
from engine.models.networks.attention import Rotary, rotary_tables, rotate
from engine.models.networks.kernels import attention, float_linear

TRAINED_MASK_FRACTION = 0.15 * 0.8
"""Fraction of tokens that were masked in training; embeddings are rescaled to the fraction that is masked now."""


@dataclass(frozen=True)
class RinalmoConfig:
    """Sizes; ``mask_id`` and ``pad_id`` are token ids, ``token_dropout`` switches the rescaling of embeddings."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    inner: int
    mask_id: int
    pad_id: int
    epsilon: float = 1e-5
    token_dropout: bool = True

    def __post_init__(self) -> None:
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise WeightsInvalid(
                f"RiNALMo of width {self.width} cannot have {self.heads} heads of equal, even width; "
                "write the number of heads as num_attention_heads into config.json beside the weights."
            )


class RinalmoBlock(nn.Module):
    """x = LN(x); x = x + attention(x); x = x + down(SiLU_beta(up(LN x)) * gate(LN x)), on (B, T, width)."""

    def __init__(self, config: RinalmoConfig) -> None:
        super().__init__()
        width, inner = config.width, config.inner
        self.heads = config.heads
        self.norm = nn.LayerNorm(width, eps=config.epsilon)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up_norm = nn.LayerNorm(width, eps=config.epsilon)
        self.up = nn.Linear(width, inner)
        self.gate = nn.Linear(width, inner)
        self.beta = nn.Parameter(torch.ones(1))
        self.down = nn.Linear(inner, width)

    def attention(self, x: Tensor, rotary: Rotary, allowed: Tensor | None) -> Tensor:
        """Self-attention; ``allowed`` (B, 1, 1, T) bool leaves padding out."""
        batch, length, width = x.shape
        query, key, value = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        query, key = rotate(query, rotary), rotate(key, rotary)
        if allowed is None:
            read = attention(query, key, value)
        else:
            read = functional.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
        out: Tensor = self.out(read.transpose(1, 2).reshape(batch, length, width))
        return out

    def forward(self, x: Tensor, rotary: Rotary, allowed: Tensor | None) -> Tensor:
        x = self.norm(x)
        x = x + self.attention(x, rotary, allowed)
        normed = self.up_norm(x)
        up = self.up(normed)
        out: Tensor = x + self.down(up * torch.sigmoid(self.beta * up) * self.gate(normed))
        return out


class RinalmoNet(nn.Module):
    """Masked nucleotide model: ids int64 (B, T) with specials to logits (B, T, vocabulary)."""

    def __init__(self, config: RinalmoConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.blocks = nn.ModuleList(RinalmoBlock(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.transform = nn.Linear(config.width, config.width)
        self.transform_norm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.decoder = nn.Linear(config.width, config.vocabulary)

    def embed(self, ids: Tensor) -> Tensor:
        """Embeddings (B, T, width): zero at mask tokens, rescaled from the trained to the present fraction of masked tokens."""
        x: Tensor = self.embedding(ids)
        if not self.config.token_dropout:
            return x
        masked = ids == self.config.mask_id
        tokens = (ids != self.config.pad_id).sum(dim=-1)
        fraction = masked.sum(dim=-1) / tokens
        scale = ((1 - TRAINED_MASK_FRACTION) / (1 - fraction)).to(x.dtype)
        return x.masked_fill(masked.unsqueeze(-1), 0.0) * scale[:, None, None]

    def hidden(self, ids: Tensor, *, padded: bool = False) -> Tensor:
        """Last hidden states (B, T, width). ``padded``: the batch holds padding, which nothing may attend to."""
        x = self.embed(ids)
        rotary = rotary_tables(ids.shape[1], self.config.width // self.config.heads, 10000.0, ids.device)
        allowed = (ids != self.config.pad_id)[:, None, None, :] if padded else None
        for block in self.blocks:
            x = block(x, rotary, allowed)
        out: Tensor = self.norm(x)
        return out

    def forward(self, ids: Tensor, *, padded: bool = False) -> Tensor:
        """Logits float32 (B, T, vocabulary)."""
        hidden = self.transform_norm(functional.gelu(self.transform(self.hidden(ids, padded=padded))))
        return float_linear(hidden, self.decoder.weight, self.decoder.bias)


_OFFICIAL = {
    r"embedding\.": "embedding.",
    r"transformer\.blocks\.(\d+)\.mh_attn\.Wqkv\.": r"blocks.\1.qkv.",
    r"transformer\.blocks\.(\d+)\.mh_attn\.(?:mha\.)?to_([qkv])\.": r"blocks.\1.\2.",
    r"transformer\.blocks\.(\d+)\.mh_attn\.(?:mha\.)?(?:out_proj|to_out)\.": r"blocks.\1.out.",
    r"transformer\.blocks\.(\d+)\.attn_layer_norm\.": r"blocks.\1.norm.",
    r"transformer\.blocks\.(\d+)\.out_layer_norm\.": r"blocks.\1.up_norm.",
    r"transformer\.blocks\.(\d+)\.transition\.0\.linear\.": r"blocks.\1.up.",
    r"transformer\.blocks\.(\d+)\.transition\.0\.linear_gate\.": r"blocks.\1.gate.",
    r"transformer\.blocks\.(\d+)\.transition\.0\.beta": r"blocks.\1.beta",
    r"transformer\.blocks\.(\d+)\.transition\.2\.": r"blocks.\1.down.",
    r"transformer\.final_layer_norm\.": "norm.",
    r"lm_mask_head\.linear1\.": "transform.",
    r"lm_mask_head\.layer_norm\.": "transform_norm.",
    r"lm_mask_head\.linear2\.": "decoder.",
}
_MULTIMOLECULE = {
    r"(?:model|rinalmo)\.embeddings\.word_embeddings\.": "embedding.",
    r"(?:model|rinalmo)\.encoder\.layer\.(\d+)\.attention\.layer_norm\.": r"blocks.\1.norm.",
    r"(?:model|rinalmo)\.encoder\.layer\.(\d+)\.attention\.self\.(q|k|v)(?:uery|ey|alue)\.": r"blocks.\1.\2.",
    r"(?:model|rinalmo)\.encoder\.layer\.(\d+)\.attention\.output\.dense\.": r"blocks.\1.out.",
    r"(?:model|rinalmo)\.encoder\.layer\.(\d+)\.layer_norm\.": r"blocks.\1.up_norm.",
    r"(?:model|rinalmo)\.encoder\.layer\.(\d+)\.intermediate\.linear\.": r"blocks.\1.up.",
    r"(?:model|rinalmo)\.encoder\.layer\.(\d+)\.intermediate\.linear_gate\.": r"blocks.\1.gate.",
    r"(?:model|rinalmo)\.encoder\.layer\.(\d+)\.intermediate\.bias": r"blocks.\1.beta",
    r"(?:model|rinalmo)\.encoder\.layer\.(\d+)\.output\.dense\.": r"blocks.\1.down.",
    r"(?:model|rinalmo)\.encoder\.layer_norm\.": "norm.",
    r"lm_head\.transform\.dense\.": "transform.",
    r"lm_head\.transform\.layer_norm\.": "transform_norm.",
    r"lm_head\.decoder\.weight": "decoder.weight",
    r"lm_head\.bias": "decoder.bias",
}
UNUSED = ("lm_head.decoder.bias", "model.pooler.", "rinalmo.pooler.")
"""Published tensors that the forward pass does not use."""


def is_official(tensors: Mapping[str, Tensor]) -> bool:
    """Whether the tensors are named as in the authors' own .pt files."""
    return "embedding.weight" in tensors


def renamed(tensors: Mapping[str, Tensor], *, learnable_beta: bool = True) -> dict[str, Tensor]:
    """Published tensors of either layout under the network's own names, projections fused; unknown names stay as they are."""
    table = _OFFICIAL if is_official(tensors) else _MULTIMOLECULE
    found: dict[str, Tensor] = {}
    for name, value in tensors.items():
        own = next((re.sub(rf"^{old}", new, name) for old, new in table.items() if re.match(old, name)), name)
        found[own] = value
    for name in [name for name in found if re.fullmatch(r"blocks\.\d+\.q\.weight", name)]:
        block = name.removesuffix("q.weight")
        parts = [found.pop(f"{block}{part}.weight", None) for part in "qkv"]
        given = [part for part in parts if part is not None]
        if len(given) < len(parts):
            raise WeightsInvalid(f"The checkpoint lacks a query, key or value projection of {block[:-1]}; download it again.")
        found[f"{block}qkv.weight"] = torch.cat(given)
        if not learnable_beta:
            found.setdefault(f"{block}beta", torch.ones(1))
    return found
