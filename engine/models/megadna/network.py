"""The three-stage causal network of megaDNA (MEGABYTE), written from the published description.

A sequence of tokens is cut into blocks, blocks into patches. The coarsest stage reads patches, each finer stage reads the parts of one
patch or block and gets the coarser stage's state of everything before it. No stage has positions: order comes from causality, from the
token shift and from the cutting.

Sources: Shao and Yan, Nature Communications 2024, 15:9392; lingxusb/megaDNA ``megaDNA/megadna.py``; MEGABYTE-pytorch 0.2.1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.core.errors import WeightsInvalid
from engine.models.checkpoints.weights import count_layers
from engine.models.networks.kernels import float_linear


@dataclass(frozen=True)
class MegaDnaConfig:
    """Sizes; ``widths``, ``depths`` and ``lengths`` are per stage, the coarsest first; ``lengths`` are the most parts a stage reads at once."""

    vocabulary: int
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    lengths: tuple[int, ...]
    heads: tuple[int, ...]
    head_width: int
    inner: tuple[int, ...]
    pad_id: int = 0

    def __post_init__(self) -> None:
        if len({len(self.widths), len(self.depths), len(self.lengths), len(self.heads), len(self.inner)}) != 1 or not self.widths:
            raise WeightsInvalid("megaDNA's stages disagree in number; the checkpoint is not a published one.")
        if min(*self.widths, *self.depths, *self.lengths, *self.heads, *self.inner, self.head_width, self.vocabulary) < 1:
            raise WeightsInvalid("megaDNA has a stage without width, depth or length; the checkpoint is not a published one.")

    @property
    def stages(self) -> int:
        """Number of stages."""
        return len(self.widths)

    @property
    def patch(self) -> int:
        """Tokens in one part of the coarsest stage."""
        return math.prod(self.lengths[1:])

    @property
    def longest(self) -> int:
        """Most tokens of one input."""
        return math.prod(self.lengths)

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], lengths: tuple[int, ...], pad_id: int = 0) -> MegaDnaConfig:
        """Sizes from the shapes of published tensors and the lengths. Raises `WeightsInvalid`."""
        try:
            stages = range(len(lengths))
            head_width = tensors["transformers.0.layers.0.0.to_kv.weight"].shape[0] // 2
            return cls(
                vocabulary=tensors["to_logits.weight"].shape[0],
                widths=tuple(tensors[f"start_tokens.{s}"].shape[0] for s in stages),
                depths=tuple(_depth(tensors, s) for s in stages),
                lengths=lengths,
                heads=tuple(tensors[f"transformers.{s}.layers.0.0.to_q.weight"].shape[0] // head_width for s in stages),
                head_width=head_width,
                inner=tuple(tensors[f"transformers.{s}.layers.0.1.1.weight"].shape[0] for s in stages),
                pad_id=pad_id,
            )
        except (KeyError, IndexError, ZeroDivisionError) as error:
            raise WeightsInvalid(f"The checkpoint lacks {error} of megaDNA; its layout is not a published one.") from error


def _depth(tensors: Mapping[str, Tensor], stage: int) -> int:
    return count_layers(
        int(found.group(1)) for name in tensors if (found := re.match(rf"transformers\.{stage}\.layers\.(\d{{1,9}})\.", name))
    )


class RootMeanSquareNorm(nn.Module):
    """x / max(‖x‖₂ · width^-½, 1e-8) · gain."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        size = torch.linalg.vector_norm(x, dim=-1, keepdim=True) * x.shape[-1] ** -0.5
        out: Tensor = x / size.clamp(min=1e-8) * self.gain
        return out


def shifted(x: Tensor) -> Tensor:
    """Second half of the channels of (rows, n, width) taken from the position before; zero at the first."""
    here, before = x.chunk(2, dim=-1)
    return torch.cat((here, functional.pad(before, (0, 0, 1, -1))), dim=-1)


class CausalLayer(nn.Module):
    """x = x + attention(norm(shifted x)); x = x + down(GELU(up(norm(shifted x)))). All heads share one key and one value."""

    def __init__(self, width: int, heads: int, head_width: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = RootMeanSquareNorm(width)
        self.query = nn.Linear(width, heads * head_width, bias=False)
        self.key_value = nn.Linear(width, 2 * head_width, bias=False)
        self.out = nn.Linear(heads * head_width, width, bias=False)
        self.up_norm = RootMeanSquareNorm(width)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)

    def attention(self, x: Tensor) -> Tensor:
        """Causal attention of normalised, shifted (rows, n, width)."""
        rows, length, _ = x.shape
        query = self.query(x).view(rows, length, self.heads, -1).transpose(1, 2)
        key, value = (part.unsqueeze(1).expand(-1, self.heads, -1, -1) for part in self.key_value(x).chunk(2, dim=-1))
        read = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        out: Tensor = self.out(read.transpose(1, 2).reshape(rows, length, -1))
        return out

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm(shifted(x)))
        out: Tensor = x + self.down(functional.gelu(self.up(self.up_norm(shifted(x)))))
        return out


class PartEmbedding(nn.Module):
    """Token ids (..., tokens of a part) to one vector (..., width) a part."""

    def __init__(self, config: MegaDnaConfig, stage: int) -> None:
        super().__init__()
        fine, width = config.widths[-1], config.widths[stage]
        tokens = math.prod(config.lengths[stage + 1 :])
        self.table = nn.Embedding(config.vocabulary, fine)
        self.norm = nn.LayerNorm(tokens * fine)
        self.project = nn.Linear(tokens * fine, width)
        self.out_norm = nn.LayerNorm(width)

    def forward(self, ids: Tensor) -> Tensor:
        out: Tensor = self.out_norm(self.project(self.norm(self.table(ids).flatten(-2))))
        return out


class Stage(nn.Module):
    """One causal transformer with its start token and the projection of its states to the finer stage."""

    def __init__(self, config: MegaDnaConfig, stage: int) -> None:
        super().__init__()
        width = config.widths[stage]
        self.start = nn.Parameter(torch.randn(width))
        self.embed = PartEmbedding(config, stage) if stage < config.stages - 1 else nn.Embedding(config.vocabulary, width)
        self.layers = nn.ModuleList(
            CausalLayer(width, config.heads[stage], config.head_width, config.inner[stage]) for _ in range(config.depths[stage])
        )
        self.norm = RootMeanSquareNorm(width)
        self.parts = config.lengths[stage + 1] if stage < config.stages - 1 else 0
        self.project = nn.Linear(width, self.parts * config.widths[stage + 1]) if self.parts else None

    def forward(self, parts: Tensor, above: Tensor | None) -> Tensor:
        """States (rows, 1 + n, width) of start token and embedded parts (rows, n, width); ``above`` is added to the parts."""
        if above is not None:
            parts = parts + above
        x = torch.cat((self.start.to(parts.dtype).expand(parts.shape[0], 1, -1), parts), dim=1)
        for layer in self.layers:
            x = layer(x)
        out: Tensor = self.norm(x)
        return out

    def hand_down(self, states: Tensor) -> Tensor:
        """What the finer stage adds to its parts, (rows · n, parts, finer width): part k gets the state before part k."""
        if self.project is None:
            raise ValueError("the finest stage hands nothing down")
        finer: Tensor = self.project(states[:, :-1])
        return finer.reshape(finer.shape[0] * finer.shape[1], self.parts, -1)


class MegaDnaNet(nn.Module):
    """Causal model: ids int64 (B, T) to logits of the next token (B, T, vocabulary)."""

    def __init__(self, config: MegaDnaConfig) -> None:
        super().__init__()
        self.config = config
        self.stages = nn.ModuleList(Stage(config, stage) for stage in range(config.stages))
        self.decoder = nn.Linear(config.widths[-1], config.vocabulary)

    def states(self, ids: Tensor) -> list[Tensor]:
        """States of each stage, the coarsest first: (rows, 1 + n, width), rows = batch times coarser parts; ids right-padded to patches."""
        batch, length = ids.shape
        padded = functional.pad(ids, (0, -length % self.config.patch), value=self.config.pad_id)
        found: list[Tensor] = []
        above: Tensor | None = None
        for index, stage in enumerate(self.stages):
            tokens = math.prod(self.config.lengths[index + 1 :])
            rows = batch if index == 0 else batch * (padded.shape[1] // (tokens * self.config.lengths[index]))
            parts = padded.reshape(rows, -1, tokens) if index < self.config.stages - 1 else padded.reshape(rows, -1)
            found.append(stage(stage.embed(parts), above))  # type: ignore[operator]
            above = stage.hand_down(found[-1]) if index < self.config.stages - 1 else None  # type: ignore[operator]
        return found

    def scores(self, states: Tensor) -> Tensor:
        """Logits float32 (..., vocabulary) of states of the last stage."""
        return float_linear(states, self.decoder.weight, self.decoder.bias)

    def every_logit(self, ids: Tensor) -> Tensor:
        """Logits float32 (B, T + 1, vocabulary): row t scores token t given tokens 0 .. t-1; row 0 comes from the start tokens alone."""
        batch, length = ids.shape
        logits = self.scores(self.states(ids)[-1])
        behind = logits[:, 1:].reshape(batch, -1, self.config.vocabulary)[:, :length]
        first = logits[:: logits.shape[0] // batch, :1]
        return torch.cat((first, behind), dim=1)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits (B, T, vocabulary): row t scores token t + 1 (the authors' ``return_value="logits"``)."""
        return self.every_logit(ids)[:, 1:]

    def token_log_probabilities(self, ids: Tensor) -> Tensor:
        """ln P(token t | tokens before), float64 (B, T); 0 for padding, which is never scored."""
        scores = torch.log_softmax(self.every_logit(ids)[:, :-1].double(), dim=-1)
        chosen = scores.gather(-1, ids.unsqueeze(-1)).squeeze(-1)
        return chosen.masked_fill(ids == self.config.pad_id, 0.0)


_LAYER = {
    "norm.gain": "0.norm.g",
    "query.weight": "0.to_q.weight",
    "key_value.weight": "0.to_kv.weight",
    "out.weight": "0.to_out.weight",
    "up_norm.gain": "1.0.g",
    "up.weight": "1.1.weight",
    "up.bias": "1.1.bias",
    "down.weight": "1.4.weight",
    "down.bias": "1.4.bias",
}
_EMBED = {"table": "0", "norm": "2", "project": "3", "out_norm": "4"}


def published_name(config: MegaDnaConfig, own: str) -> str:
    """Published tensor name of one of the network's own names."""
    if own.startswith("decoder."):
        return own.replace("decoder.", "to_logits.")
    _, index, rest = own.split(".", 2)
    stage, fineness = int(index), config.stages - 1 - int(index)
    if rest == "start":
        return f"start_tokens.{stage}"
    if rest.startswith("embed."):
        part, _, leaf = rest.removeprefix("embed.").rpartition(".")
        return f"token_embs.{fineness}.{_EMBED[part]}.{leaf}" if part else f"token_embs.{fineness}.{leaf}"
    if rest.startswith("project."):
        return f"to_next_transformer_projections.{stage}.1.{rest.removeprefix('project.')}"
    if rest == "norm.gain":
        return f"transformers.{stage}.norm.g"
    _, layer, leaf = rest.split(".", 2)
    return f"transformers.{stage}.layers.{layer}.{_LAYER[leaf]}"


def renamed(config: MegaDnaConfig, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Published tensors under the network's own names; names it does not know stay as they are."""
    with torch.device("meta"):
        own_by_published = {published_name(config, name): name for name in MegaDnaNet(config).state_dict()}
    return {own_by_published.get(name, name): value for name, value in tensors.items()}
