"""Network of the shipped masked nucleotide language model.

It is a pre-norm transformer over single nucleotides with rotary positions, one domain token in front, and five
biases that make few training tokens go far:

* a *stem layer*: attention whose queries are windows of letters and whose keys are windows read in the opposite direction, scored by a
  learned 4 x 4 pairing matrix per head (started at Watson-Crick and wobble pairs, as ERNIE-RNA's pairing-informed attention bias does);
* a *codon layer*: reading frames are judged by their open stretches, and the likeliest ones vote with the genetic code's words
  (`engine.models.locuscope.codons`);
* a *memory layer*: words of the training RNAs and the letters beside them, where they are seen to hold
  (`engine.models.locuscope.memory`);
* depthwise convolutions in front of every attention, so that heads compare words and not only letters;
* one rotary frequency of exactly one turn per three nucleotides, so that heads can stay in a reading frame.

With ``windows`` it is *local*: attention reaches so many bases to either side in each block, and the domain token; the blocks do not see the
stem layer, which speaks by its votes and by a `Reader` at each base instead. What a substitution changes is then a stretch of the blocks of at
most `NetConfig.receptive_field` bases, and two layers that are one deep over the whole sequence: see `engine.models.locuscope.local`.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.models.locuscope.codons import CodonLayer
from engine.models.locuscope.memory import Asked, MemoryLayer
from engine.models.locuscope.tokens import ANY, BASE, DOMAIN, DOMAINS, MASK, VOCABULARY, is_base
from engine.models.networks.windowed_attention import Sink, windowed_attention

ALIGNED = 8  # channels that kernels on a GPU read together in half precision
MINIMUM_LOOP = 3  # nucleotides between the two bases of a pair
ROWS_AT_ONCE = 64  # of a local network's stem layer: the scores of 2,000 rows in six heads are 96 MB
RAISED_AT_ONCE = 512  # rows of a long sequence whose widest activations are there at a time on a CPU
ENTRY_KERNEL = 9  # of the convolution over embedded letters


@dataclass(frozen=True)
class NetConfig:
    """Sizes of a `LocuscopeNet`; written as config.json beside the weights.

    `words`: sizes of the memory's tables; empty: it has none. `windows`: bases to either side that each block's attention reaches; empty: all.
    `reader`: hidden units of a local network's `Reader`, which hears of the codon layer's `frames`, too, where that is set.
    """

    width: int = 192
    layers: int = 6
    heads: int = 4
    hidden: int = 640
    kernel: int = 5
    stem_heads: int = 6
    stem_radius: int = 6
    max_length: int = 2048
    rotary_base: float = 10000.0
    vocabulary: tuple[str, ...] = field(default=VOCABULARY)
    words: tuple[int, ...] = ()
    windows: tuple[int, ...] = ()
    reader: int = 0
    frames: bool = False
    model_type: str = "locuscope-lm"

    def __post_init__(self) -> None:
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"width {self.width} must split into {self.heads} heads of an even size")
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel {self.kernel} must be odd")
        if self.windows and (len(self.windows) != self.layers or min(self.windows) < 0 or self.reader < 1):
            raise ValueError(
                f"a local network of {self.layers} layers needs as many windows, not {self.windows}, and a reader of hidden units"
            )

    @property
    def reaches(self) -> tuple[int, ...]:
        """Bases to either side that a row depends on: of what goes into each block, and of what comes out of the last; for local networks."""
        reaches = [ENTRY_KERNEL // 2]
        for window in self.windows:
            reaches.append(reaches[-1] + window + self.kernel // 2)
        return tuple(reaches)

    @property
    def receptive_field(self) -> int:
        """Bases that a row of a local network's blocks depends on, its own among them; 0 where that is the whole sequence."""
        return 2 * self.reaches[-1] + 1 if self.windows else 0

    @property
    def hidden_size(self) -> int:
        """Channels of the hidden states: the width and four votes."""
        return self.width + 4

    @classmethod
    def read(cls, path: Path) -> NetConfig:
        """Read config.json; keys that this version does not know are ignored."""
        return cls.of(json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> NetConfig:
        """From the values of config.json; keys that this version does not know are ignored."""
        known = {f.name for f in fields(cls)}
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items() if k in known}
        return cls(**values)

    def write(self, path: Path) -> None:
        """Write config.json with the token ids spelt out for readers in other languages."""
        tokens = {name: i for i, name in enumerate(self.vocabulary)}
        layout = "one domain token, then one token per nucleotide; no end token; U is written T"
        path.write_text(json.dumps(asdict(self) | {"token_ids": tokens, "layout": layout}, indent=1), encoding="utf-8")


def _rotary_tables(length: int, head: int, base: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """cos and sin, each (length, head // 2); the first frequency is one turn per codon."""
    half = head // 2
    frequency = base ** (-torch.arange(half, device=device, dtype=torch.float32) / half)
    frequency[0] = 2 * math.pi / 3
    frequency[1] = 1.0
    angle = torch.arange(length, device=device, dtype=torch.float32)[:, None] * frequency
    return angle.cos(), angle.sin()


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate (..., T, head) by position. In place where it can be: fresh memory costs more than the arithmetic."""
    half = cos.shape[-1]
    out = x * torch.cat((cos, cos), dim=-1)
    out[..., :half].addcmul_(x[..., half:], sin, value=-1)
    out[..., half:].addcmul_(x[..., :half], sin)
    return out


@dataclass(frozen=True, eq=False)
class Turn:
    """Factors (2, 1, 1, T, head) and (2, 1, 1, T, head // 2) that turn queries and keys by position and scale the queries."""

    cos: Tensor
    sin: Tensor

    @classmethod
    def of(cls, cos: Tensor, sin: Tensor) -> Turn:
        """From `_rotary_tables`."""
        scale = torch.tensor(((2 * cos.shape[-1]) ** -0.5, 1.0), dtype=cos.dtype, device=cos.device).view(2, 1, 1, 1, 1)
        return cls(torch.cat((cos, cos), dim=-1) * scale, sin * scale)


class _PiecewiseAttention(torch.autograd.Function):
    """softmax(q k' + bias) v with a backward pass that works through the batch in pieces that stay in cache.

    On CPUs the fused kernels run bfloat16 at the speed of float32 or below, in the backward pass far below; plain bfloat16 products
    over pieces of about a million scores are several times faster. Shapes (B, heads, T, head); bias (heads, T, T) or None.
    """

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
        batch, heads, length, _ = query.shape
        piece = max(1, 1_000_000 // (heads * length * length))
        weights, out = [], torch.empty(batch, heads, length, value.shape[-1], dtype=value.dtype, device=value.device)
        for low in range(0, batch, piece):
            part = slice(low, low + piece)
            score = query[part] @ key[part].transpose(-1, -2)
            if bias is not None:
                score += bias
            weight = torch.softmax(score, dim=-1)
            out[part] = weight @ value[part]
            if any(ctx.needs_input_grad):
                weights.append(weight)
        ctx.save_for_backward(query, key, value, out, *weights)
        ctx.piece, ctx.has_bias = piece, bias is not None
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, out, *weights = ctx.saved_tensors
        d_query, d_key, d_value = torch.empty_like(query), torch.empty_like(key), torch.empty_like(value)
        d_bias: Tensor | None = None
        for index, weight in enumerate(weights):
            part = slice(index * ctx.piece, (index + 1) * ctx.piece)
            d_out = grad[part]
            d_value[part] = weight.transpose(-1, -2) @ d_out
            d_weight = d_out @ value[part].transpose(-1, -2)
            inner = (d_out * out[part]).sum(-1, keepdim=True)
            d_score = d_weight.sub_(inner).mul_(weight)
            d_query[part] = d_score @ key[part]
            d_key[part] = d_score.transpose(-1, -2) @ query[part]
            if ctx.has_bias:
                total = d_score.sum(0)
                d_bias = total if d_bias is None else d_bias + total
        return d_query, d_key, d_value, d_bias


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, scale: float) -> Tensor:
    """Scaled dot-product attention (B, heads, T, head); `bias` (heads, T, T) is added to the scores."""
    needs_gradient = torch.is_grad_enabled() and query.requires_grad
    if query.device.type == "cpu" and (needs_gradient or query.dtype == torch.bfloat16):
        out: Tensor = _PiecewiseAttention.apply(query * scale, key.contiguous(), value.contiguous(), bias)  # type: ignore[no-untyped-call]
        return out
    mask = None if bias is None else bias[None].to(query.dtype)
    if query.device.type != "cpu" and mask is not None and query.dtype in (torch.float16, torch.bfloat16):
        return _aligned(query, key, value, mask, scale)
    if query.device.type == "cpu" and bias is not None and value.shape[-1] < query.shape[-1]:
        return _attend_by_heads(query * scale if scale != 1 else query, key, value, bias)
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scale)


HEAD_SCORES = 1 << 18
"""Scores of one head that stay in a core's second-level cache: 1 MB."""


def _attend_by_heads(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    """softmax(q k' + bias) v with values narrower than the keys, which the fused kernel takes only when they are padded: a head at a time, its
    scores in cache."""
    batch, heads, length, _ = query.shape
    out = query.new_empty(batch, heads, length, value.shape[-1])
    together = max(1, HEAD_SCORES // (key.shape[2] * length))
    stretches = -(-key.shape[2] * length // (2 * HEAD_SCORES))
    size = -(-length // max(1, stretches))
    for one, first, low in itertools.product(range(batch), range(0, heads, together), range(0, length, size)):
        some, rows = slice(first, first + together), slice(low, low + size)
        weight = torch.softmax(torch.baddbmm(bias[some, rows], query[one, some, rows], key[one, some].transpose(1, 2)), dim=-1)
        out[one, some, rows] = torch.bmm(weight, value[one, some])
    return out


def _aligned(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scale: float) -> Tensor:
    """Attention with an added `mask` (1, heads, T, T) in the shapes that fused half-precision kernels take: channels, and the rows of the mask in
    memory, in multiples of eight. Zeros add nothing to a product, so the answer is the same; without them the scores of a batch of 65,000
    tokens are 4 to 5 GB at a time.
    """
    channels, length = value.shape[-1], mask.shape[-1]
    query, key, value = (functional.pad(part, (0, -part.shape[-1] % ALIGNED)) for part in (query, key, value))
    mask = functional.pad(mask, (0, -length % ALIGNED))[..., :length]
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scale)[..., :channels]


class _ShiftedSum(torch.autograd.Function):
    """x + sum over offsets of weight[o] * x shifted by o, x (B, T, width), weight (kernel, width), zeros outside."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _shifted_sum(x, weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        half, length = weight.shape[0] // 2, x.shape[1]
        padded = functional.pad(x, (0, 0, half, half))
        d_weight = [torch.mul(padded[:, o : o + length], grad).sum((0, 1)) for o in range(weight.shape[0])]
        return _shifted_sum(grad, weight.flip(0)), torch.stack(d_weight)


def _shifted_sum(x: Tensor, weight: Tensor) -> Tensor:
    half, length = weight.shape[0] // 2, x.shape[1]
    padded = functional.pad(x, (0, 0, half, half))
    out = x.clone()
    for offset in range(weight.shape[0]):
        out.addcmul_(padded[:, offset : offset + length], weight[offset])
    return out


class DepthwiseConv(nn.Module):
    """x + per-channel convolution over positions, (B, T, width) to (B, T, width), zero-padded."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(kernel, width) * 0.3 / math.sqrt(kernel))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = _ShiftedSum.apply(x, self.weight.to(x.dtype))  # type: ignore[no-untyped-call]
        return out

    def apart(self, x: Tensor) -> Tensor:
        """The same, but that row 0, the domain token, sees itself alone; others see it."""
        own = x[:, :1] * (1 + self.weight[self.weight.shape[0] // 2]).to(x.dtype)
        return torch.cat((own, self(x)[:, 1:]), dim=1)


_STEM_WINDOWS = ((-2, 2, 2.5), (1, 4, 2.0), (-4, -1, 2.0), (-6, 6, 1.0), (1, 6, 1.5), (-6, -1, 1.5))
"""First and last offset that a stem head starts with, and how strongly it counts each pair there."""


class StemLayer(nn.Module):
    """Attention from every position to where its neighbourhood could pair with, (B, T) ids to (B, T, width) and votes (B, T, 4).

    The score of (i, j) in head h is the sum over offsets o of window[h, o] * pairing[h, letter(i + o), letter(j - o)] plus a learned bias
    of the distance class of |i - j|. Masked and unknown letters score 0. Position 0, the domain token, scores `null[h]`: it takes the
    attention where nothing pairs. Beside its output the layer votes: the letters it reads, turned by a learned 4 x 4 matrix per head
    (started at the pairing partners), are four more hidden channels that the language model's head adds to the scores of A, C, G, T.
    How strongly they count is learned per domain, since most of a genome does not pair, and apart for bases that are shown and masked: with
    its own letter in view the layer knows better whom a base pairs with.
    """

    CHANNELS = 16

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.heads, self.radius = config.stem_heads, config.stem_radius
        span = 2 * self.radius + 1
        pair = torch.full((4, 4), -0.4)
        for a, b, strength in ((0, 3, 0.4), (1, 2, 0.56), (2, 3, 0.12)):
            pair[a, b] = pair[b, a] = strength
        self.pairing = nn.Parameter(pair.repeat(self.heads, 1, 1))
        offsets = torch.arange(-self.radius, self.radius + 1)
        windows = torch.zeros(self.heads, span)
        for head in range(self.heads):
            low, high, strength = _STEM_WINDOWS[head % len(_STEM_WINDOWS)]
            windows[head] = ((offsets >= low) & (offsets <= high)) * strength
        self.window = nn.Parameter(windows)
        self.distance = nn.Parameter(torch.zeros(self.heads, 12))
        self.null = nn.Parameter(torch.full((self.heads,), 2.8))
        reach = 3  # letters on either side of the partner that the value shows
        self.value = nn.Linear((2 * reach + 1) * 4 + 1, self.heads * self.CHANNELS, bias=False)
        self.output = None if config.windows else nn.Linear(self.heads * (self.CHANNELS + 4), config.width, bias=False)
        self.vote = nn.Parameter(2.5 * pair.clamp(min=0).repeat(self.heads, 1, 1))
        self.strength = nn.Parameter(torch.tensor([1.0 if domain == "rna" else 0.3 for domain in DOMAINS]).repeat(2, 1))
        self.reach = reach

    @property
    def margin(self) -> int:
        """Letters to either side that a row's query, key and value depend on."""
        return max(self.radius, self.reach)

    def bias(self, rows: Tensor, columns: Tensor) -> Tensor:
        """(heads, len(rows), len(columns)) bias of distance classes (about log2 spaced); pairs closer than a hairpin loop are shut out."""
        bias = self._by_gap((rows[:, None] - columns[None, :]).abs())
        return torch.where((columns == 0)[None, None, :], self.null[:, None, None], bias)

    def whole_bias(self, length: int) -> Tensor:
        """`bias` of all rows and columns of ``length`` tokens: each row is the one before it, moved by one."""
        by_gap = self._by_gap(torch.arange(1 - length, length, device=self.null.device).abs())
        bias = by_gap.unfold(1, length, 1).flip(1)
        bias[:, :, 0] = self.null[:, None]
        return bias

    def _by_gap(self, gap: Tensor) -> Tensor:
        """Bias (heads, ...) of each distance."""
        classes = torch.log2(gap.clamp(min=4).float() / 4).mul(1.5).long().clamp(max=11)
        return self.distance[:, classes].masked_fill(gap <= MINIMUM_LOOP, -30.0)

    def letters(self, ids: Tensor) -> Tensor:
        """One-hot letters float32 (..., 4) of ids; zeros for anything that is not A, C, G, T."""
        letters = functional.one_hot((ids - BASE).clamp(0, 4), 5)[..., :4].float()
        return letters * is_base(ids).unsqueeze(-1)

    def project(self, wide: Tensor, is_domain: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key (B, heads, T, 4 * span) and value (B, heads, T, 20) of letters (B, margin + T + margin, 4); is_domain (T,) is 0 or 1."""

        def windows(radius: int) -> Tensor:
            spare = self.margin - radius
            return wide[:, spare : wide.shape[1] - spare].unfold(1, 2 * radius + 1, 1).transpose(2, 3)

        near = windows(self.radius)
        query = torch.einsum("btoa,hac,ho->bhtoc", near, self.pairing, self.window).flatten(3)
        key = near.flip(2).flatten(2).unsqueeze(1).expand(-1, self.heads, -1, -1)
        shown = torch.cat((windows(self.reach).flatten(2), is_domain.expand(wide.shape[0], -1).unsqueeze(-1)), dim=-1)
        learned = self.value(shown).view(*shown.shape[:2], self.heads, self.CHANNELS).transpose(1, 2)
        own = wide[:, self.margin : wide.shape[1] - self.margin].to(learned.dtype).unsqueeze(1).expand(-1, self.heads, -1, -1)
        return query, key, torch.cat((learned, own), dim=-1)

    def finish(self, read: Tensor) -> tuple[Tensor, Tensor]:
        """What the attention read, (B, heads, T, 20), to the layer's output (B, T, width) and its votes (B, T, 4) before `loudness`.

        The output of a local network's stem layer is what was read, (B, T, heads * 20).
        """
        votes = torch.einsum("bhtc,hcn->btn", read[..., self.CHANNELS :].float(), self.vote)
        flat = read.transpose(1, 2).flatten(2)
        return flat if self.output is None else self.output(flat), votes

    def loudness(self, ids: Tensor) -> Tensor:
        """How strongly votes count at ids (B, T): (B, T, 1)."""
        return self.strength[(ids == MASK).long(), (ids[:, :1] - DOMAIN)].unsqueeze(-1)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        position = torch.arange(ids.shape[1], device=ids.device)
        letters = functional.pad(self.letters(ids), (0, 0, self.margin, self.margin))
        query, key, value = self.project(letters, (position == 0).to(letters.dtype))
        if self.output is None and not torch.is_grad_enabled():
            read = value.new_empty(value.shape)
            for low in range(0, len(position), ROWS_AT_ONCE):
                rows = slice(low, low + ROWS_AT_ONCE)
                read[:, :, rows] = self._read(query, key, value, position[rows])
            out, votes = self.finish(read)
        else:
            out, votes = self.finish(self._read(query, key, value, position))
        return out, votes * self.loudness(ids)

    def _read(self, query: Tensor, key: Tensor, value: Tensor, rows: Tensor) -> Tensor:
        """What the rows (R,) of (B, heads, T, n) read, (B, heads, R, 20)."""
        if len(rows) < query.shape[2]:
            query = query[:, :, rows[0] : rows[-1] + 1]
        length = key.shape[2]
        bias = self.whole_bias(length) if len(rows) == length else self.bias(rows, torch.arange(length, device=rows.device))
        if torch.is_autocast_enabled(query.device.type):
            dtype = torch.get_autocast_dtype(query.device.type)
            query, key, value, bias = query.to(dtype), key.to(dtype), value.to(dtype), bias.to(dtype)
        return _attend(query, key, value, bias, 1.0)


def activation(x: Tensor) -> Tensor:
    """Of the blocks' feed-forward part: the square of the positive part. Overwrites ``x`` where no gradient is asked for: fresh memory for
    the widest activations of the network costs more than the arithmetic.
    """
    if x.requires_grad:
        return functional.relu(x).square()
    return x.relu_().square_()


class Block(nn.Module):
    """Pre-norm transformer block with a depthwise convolution in front of the attention."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.norm1 = nn.LayerNorm(width, bias=False)
        self.conv = DepthwiseConv(width, config.kernel)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.norm2 = nn.LayerNorm(width, bias=False)
        self.up = nn.Linear(width, config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, width, bias=False)
        for last in (self.out, self.down):
            nn.init.normal_(last.weight, std=0.5 / math.sqrt(last.in_features * config.layers))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, window: int | None = None) -> Tensor:
        """Rows (B, T, width) after the block; ``window``: bases to either side that attention reaches, None for all rows."""
        batch, length, width = x.shape
        mixed = self.conv(self.norm1(x)) if window is None else self.conv.apart(self.norm1(x))
        if window is not None and not mixed.requires_grad:
            return self.after_reading(x, read_nearby(self.split(mixed, Turn.of(cos, sin)), window))
        qkv = self.qkv(mixed).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key = _rotate(qkv[:2], cos, sin)
        scale = query.shape[-1] ** -0.5
        read = _attend(query, key, qkv[2], None, scale) if window is None else _attend_nearby(query, key, qkv[2], window, scale)
        return self.after_reading(x, read.transpose(1, 2).reshape(batch, length, width))

    def split(self, mixed: Tensor, turn: Turn, first: int = 0, out: Tensor | None = None) -> Tensor:
        """Queries (turned and scaled), keys (turned) and values (3, B, heads, R, n) of mixed rows (B, R, width) from row ``first`` on, in ``out`` where
        that is given; without gradient."""
        batch, rows, _ = mixed.shape
        parts = self.qkv(mixed).view(batch, rows, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        cos, sin = turn.cos[..., first : first + rows, :], turn.sin[..., first : first + rows, :]
        out = torch.empty(parts.shape, dtype=parts.dtype, device=parts.device) if out is None else out
        half, turned = sin.shape[-1], out[:2]  # turned in the pass that brings them into the layout that products want
        torch.mul(parts[:2], cos, out=turned)
        turned[..., :half].addcmul_(parts[:2, ..., half:], sin, value=-1)
        turned[..., half:].addcmul_(parts[:2, ..., :half], sin)
        out[2].copy_(parts[2])
        return out

    def at(self, x: Tensor, rows: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """`forward` without a window of row ``rows[b]`` alone, (B, 1, width): the other rows are only read."""
        batch, length, width = x.shape
        each = torch.arange(batch, device=x.device)
        mixed = self.conv(self.norm1(x))
        asking = functional.linear(mixed[each, rows], self.qkv.weight[:width]).view(batch, self.heads, 1, -1)
        read = functional.linear(mixed, self.qkv.weight[width:]).view(batch, length, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        query = _rotate(asking, cos[rows][:, None, None], sin[rows][:, None, None])
        found = _attend(query, _rotate(read[0], cos, sin), read[1], None, query.shape[-1] ** -0.5)
        return self.after_reading(x[each, rows][:, None], found.reshape(batch, 1, width))

    def after_reading(self, x: Tensor, read: Tensor) -> Tensor:
        """The rest of the block for rows x (B, T, width) whose attention read ``read`` (B, T, width)."""
        x = x + self.out(read)
        if not x.requires_grad and x.device.type == "cpu" and x.shape[1] > RAISED_AT_ONCE:
            for low in range(0, x.shape[1], RAISED_AT_ONCE):
                rows = slice(low, low + RAISED_AT_ONCE)
                x[:, rows] += self._fed(x[:, rows])
            return x
        return x + self._fed(x)

    def _fed(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.down(activation(self.up(self.norm2(x))))
        return hidden


def _attend_nearby(query: Tensor, key: Tensor, value: Tensor, window: int, scale: float) -> Tensor:
    """Attention (B, heads, T, head) of bases to bases within ``window`` and to the domain token, row 0, which reads itself alone."""
    sink = Sink(key[:, :, :1], value[:, :, :1])
    read = windowed_attention(query[:, :, 1:] * scale, key[:, :, 1:], value[:, :, 1:], window, sink)
    return torch.cat((value[:, :, :1], read), dim=2)


def read_nearby(parts: Tensor, window: int) -> Tensor:
    """`_attend_nearby` of `Block.split`, (B, T, width)."""
    query, key, value = parts
    read = windowed_attention(query[:, :, 1:], key[:, :, 1:], value[:, :, 1:], window, Sink(key[:, :, :1], value[:, :, :1]))
    return torch.cat((value[:, :, :1].transpose(1, 2), read.transpose(1, 2)), dim=1).flatten(2)


class Reader(nn.Module):
    """What a base of a local network makes of what the stem layer read for it and, where it has `frames`, of how the codon layer weighs the reading
    frames there, given what the blocks say of its surroundings: votes (B, T, 4).

    It looks at one base at a time: hidden units are the squares of positive parts of what they say.
    """

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        hidden = config.reader
        self.state = nn.Linear(config.width, hidden)
        self.read = nn.Linear(config.stem_heads * (StemLayer.CHANNELS + 4), hidden, bias=False)
        self.frames = nn.Linear(CodonLayer.WEIGHTS, hidden, bias=False) if config.frames else None
        self.out = nn.Linear(hidden, 4, bias=False)
        nn.init.zeros_(self.out.weight)
        if self.frames is not None:
            nn.init.zeros_(self.frames.weight)

    def forward(self, states: Tensor, read: Tensor, framed: Tensor) -> Tensor:
        """``states`` (B, T, width) of the blocks, ``read`` (B, T, heads * channels) of the stem layer, ``framed`` (B, T, WEIGHTS) of the codon layer."""
        units = self.state(states) + self.read(read)
        return self.judge(units if self.frames is None else units + self.frames(framed))

    def judge(self, units: Tensor) -> Tensor:
        """Votes of hidden units before their activation; overwrites them where no gradient is asked for."""
        votes: Tensor = self.out(activation(units))
        return votes


class LocuscopeNet(nn.Module):
    """Masked nucleotide language model: ids (B, T) int64 to logits (B, T, vocabulary)."""

    def __init__(self, config: NetConfig | None = None) -> None:
        super().__init__()
        self.config = config or NetConfig()
        width = self.config.width
        self.embedding = nn.Embedding(len(self.config.vocabulary), width)
        nn.init.normal_(self.embedding.weight, std=0.5)
        self.entry = DepthwiseConv(width, ENTRY_KERNEL)
        self.stem = StemLayer(self.config)
        self.codons = CodonLayer()
        self.memory = MemoryLayer(self.config.words) if self.config.words else None
        self.blocks = nn.ModuleList(Block(self.config) for _ in range(self.config.layers))
        self.norm = nn.LayerNorm(width, bias=False)
        self.reader = Reader(self.config) if self.config.windows else None
        self.head = nn.Linear(self.config.hidden_size, len(self.config.vocabulary))
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            self.head.weight[:, width:] = 0.0
            self.head.weight[BASE:ANY, width:] = 1.4 * torch.eye(4)

    def hidden(self, ids: Tensor) -> Tensor:
        """Normalised last hidden states and the sum of the votes, (B, T, hidden_size); row 0 along T is the domain token."""
        return self.hidden_and_tracks(ids)[0]

    def hidden_and_tracks(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """`hidden`, and the tracks of the codon layer (B, T, CodonLayer.TRACKS) that it is made from."""
        speaks = None if self.memory is None else self.memory.speaks(ids)
        paired, votes = self.stem(ids)
        letters = self.embedding(ids)
        states = self.trunk(letters, None if self.reader is not None else paired)
        tracks, spelt = self.recall(ids, speaks)
        if self.reader is not None:
            votes = votes + self.reader(states, paired, tracks[..., -CodonLayer.WEIGHTS :]).float()
        return torch.cat((states, (votes + spelt).to(states.dtype)), dim=-1), tracks

    def hidden_at(self, ids: Tensor, rows: Tensor) -> Tensor:
        """`hidden` of row ``rows[b]`` of each input, (B, hidden_size): the last block is computed for that row alone, unless the network is local."""
        each = torch.arange(len(ids), device=ids.device)
        if self.reader is not None:
            return self.hidden(ids)[each, rows]
        speaks = None if self.memory is None else self.memory.speaks(ids)
        paired, votes = self.stem(ids)
        states = self.trunk(self.embedding(ids), paired, rows)[:, 0]
        votes = votes[each, rows] + self.votes_at(ids, rows, speaks)
        return torch.cat((states, votes.to(states.dtype)), dim=-1)

    def trunk(self, letters: Tensor, paired: Tensor | None = None, rows: Tensor | None = None) -> Tensor:
        """Normalised rows (B, T, width) after the blocks, of embedded letters (B, T, width) and, unless the network is local, what the stem layer
        adds to them. ``rows`` (B,): of that row of each input alone, (B, 1, width); not of a local network.
        """
        x = self.entry.apart(letters) if paired is None else self.entry(letters) + paired
        head = self.config.width // self.config.heads
        cos, sin = _rotary_tables(letters.shape[1], head, self.config.rotary_base, letters.device)
        if torch.is_autocast_enabled(letters.device.type):
            dtype = torch.get_autocast_dtype(letters.device.type)
            cos, sin = cos.to(dtype), sin.to(dtype)
        blocks = [*zip(self.blocks, self.config.windows or (None,) * len(self.blocks), strict=True)]
        for block, window in blocks if rows is None else blocks[:-1]:
            x = block(x, cos, sin, window)
        if rows is not None:
            last: Any = self.blocks[-1]
            x = last.at(x, rows, cos, sin)
        states: Tensor = self.norm(x)
        return states

    def recall(self, ids: Tensor, speaks: Asked | None = None) -> tuple[Tensor, Tensor]:
        """Tracks of the codon layer and the votes (B, T, 4) of the layers that only look letters up, the codon and the memory layer.

        ``speaks``: as `MemoryLayer.forward` takes it.
        """
        tracks, votes = self.codons.tracks(ids)
        return tracks, votes if self.memory is None else votes + self.memory(ids, speaks)

    def votes_at(self, ids: Tensor, rows: Tensor, speaks: Asked | None = None) -> Tensor:
        """The votes of `recall` at row ``rows[b]`` of each input alone, (B, 4)."""
        votes = self.codons.tracks(ids, rows)[1][:, 0]
        return votes if self.memory is None else votes + self.memory(ids, speaks)[torch.arange(len(ids), device=ids.device), rows]

    def without_memory(self) -> LocuscopeNet:
        """A network of the same weights, shared with this one, that has no memory layer."""
        net = LocuscopeNet(replace(self.config, words=()))
        net.load_state_dict({name: t for name, t in self.state_dict().items() if not name.startswith("memory.")}, assign=True)
        return net.train(self.training)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits over the vocabulary, (B, T, vocabulary), of ids (B, T): one domain token, then nucleotides."""
        out: Tensor = self.head(self.hidden(ids))
        return out

    @classmethod
    def from_pretrained(cls, directory: str | Path) -> LocuscopeNet:
        """Load config.json and the weights of `directory`, in one file or in pieces, in float32 and evaluation mode."""
        from engine.models.checkpoints.weights import read_state

        folder = Path(directory)
        net = cls(NetConfig.read(folder / "config.json"))
        state = read_state(folder).tensors
        net.load_state_dict({name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()})
        return net.eval()
