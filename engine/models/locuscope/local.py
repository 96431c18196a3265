"""Mutants of a local network, exactly, at the cost of what a substitution reaches.

The blocks of a local network (`NetConfig.windows`) see a stretch of bases around each base, so that one substitution changes a cone of their
rows: the ones next to it after the first block, `NetConfig.receptive_field` after the last. Rows beyond are those of the reference, and the
rows of the cone read the reference's keys and values around it. The stem layer's attention changes in the few rows whose windows hold the
base, and in all others by those rows' keys (`engine.models.shortcuts.changed_attention`); the reader, one base deep, is redone by the
difference of what it reads; the codon layer between the stop codons around the base (`engine.models.locuscope.codons`). Cost grows with the
length by what is one layer deep only.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from engine.core.progress import interruption_point
from engine.models.locuscope.codon_mutants import CodonReference
from engine.models.locuscope.network import ROWS_AT_ONCE, Block, LocuscopeNet, Reader, Turn, _rotary_tables, read_nearby
from engine.models.locuscope.stem_mutants import StemReference
from engine.models.locuscope.tokens import BASE
from engine.models.networks.windowed_attention import Sink, windowed_attention
from engine.models.shortcuts.places import by_place

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class BlockRows:
    """A block's activations of the reference: rows ``x`` (T, width) that come in; ``parts`` (3, 1, heads, T, n): queries (scaled), keys, values."""

    x: Tensor
    parts: Tensor

    @property
    def sink(self) -> Sink:
        """The domain token, row 0."""
        return Sink(self.parts[1, :, :, :1], self.parts[2, :, :, :1])


@dataclass(frozen=True, eq=False)
class LocalReference:
    """What mutants share: ids (T,), the stem and the codon layer, rows of every block, ``states`` (T, width) after the last, normalised, and the reader's
    hidden ``units`` (T, n) before their activation.
    """

    ids: Tensor
    stem: StemReference
    codons: CodonReference
    blocks: tuple[BlockRows, ...]
    states: Tensor
    units: Tensor


class LocalFast:
    """Scores of mutants of a local `LocuscopeNet` in float32."""

    def __init__(self, net: LocuscopeNet) -> None:
        if net.reader is None:
            raise ValueError("the network is not local: its configuration has no windows")
        self.net = net
        self._reader: Reader = net.reader
        config = net.config
        self._blocks = [block for block in net.blocks if isinstance(block, Block)]
        tables = _rotary_tables(config.max_length + 1, config.width // config.heads, config.rotary_base, net.head.weight.device)
        self._turn = Turn.of(*tables)

    def reference(self, ids: Tensor) -> LocalReference:
        """Run the reference, ids (T,)."""
        net = self.net
        stem = StemReference.of(net.stem, ids)
        letters = net.embedding(ids[None])
        x, count, head = net.entry.apart(letters), len(ids), net.config.width // net.config.heads
        rows = x.new_empty(len(self._blocks), count, net.config.width)  # before anything passing is: what stays then leaves no gaps
        parts = x.new_empty(len(self._blocks), 3, 1, net.config.heads, count, head)
        kept = tuple(BlockRows(*held) for held in zip(rows, parts, strict=True))
        for block, window, held in zip(self._blocks, net.config.windows, kept, strict=True):
            held.x.copy_(x[0])
            block.split(block.conv.apart(block.norm1(x)), self._turn, out=held.parts)
            x = block.after_reading(x, read_nearby(held.parts, window))
        states = net.norm(x)
        codons = CodonReference.of(net.codons, ids)
        units = self._reader.state(states) + self._reader.read(stem.flat_read[None])
        if self._reader.frames is not None:
            units += self._reader.frames(codons.framed)
        return LocalReference(ids, stem, codons, kept, states[0], units[0])

    def scores(self, reference: LocalReference, rows: Tensor, tokens: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Scores float32 (B, T, n) of mutants, row ``rows[b]`` turned into ``tokens[b]``; ``weight`` (n, hidden_size), ``bias`` (n,) of the head."""
        width = self.net.config.width
        by_state, by_vote = weight[:, :width], weight[:, width:]
        ids = reference.ids.repeat(len(rows), 1).scatter_(1, rows[:, None], tokens[:, None])
        loudness = self.net.stem.loudness(ids)
        recalled = None if self.net.memory is None else self.net.memory(ids)
        known = functional.linear(reference.states, by_state, bias)
        out = known.repeat(len(rows), 1, 1)
        for row, same in by_place(rows):
            interruption_point()
            states, first = self._cone(reference, row, tokens[same])
            part = slice(first, first + states.shape[1])
            moved, votes = reference.stem.mutants(self.net.stem, row, tokens[same])
            spelt, framed, begin = reference.codons.mutants(row, tokens[same])
            here = [(first, self._reader.state(states - reference.states[part]) - self._reader.state.bias)]
            if self._reader.frames is not None:
                here.append((begin, self._reader.frames(framed)))
            spoken = votes * loudness[same] + self._heard(reference, moved, here) + spelt
            if recalled is not None:
                spoken += recalled[same]
            held = out[same] + functional.linear(spoken, by_vote)
            held[:, part] += functional.linear(states, by_state, bias) - known[part]
            out[same] = held
        return out

    def _heard(self, reference: LocalReference, moved: Tensor, here: list[tuple[int, Tensor]]) -> Tensor:
        """The reader's votes (G, T, 4) when what it reads of the stem layer moves by ``moved`` (G, T, n) and its units by the rows ``here``
        (G, R, units), each from a row on."""
        votes = torch.empty(*moved.shape[:2], 4, dtype=moved.dtype, device=moved.device)
        for low in range(0, moved.shape[1], ROWS_AT_ONCE):
            high = min(moved.shape[1], low + ROWS_AT_ONCE)
            units = reference.units[low:high] + self._reader.read(moved[:, low:high])
            for start, change in here:
                first, last = max(low, start), min(high, start + change.shape[1])
                if first < last:
                    units[:, first - low : last - low] += change[:, first - start : last - start]
            votes[:, low:high] = self._reader.judge(units)
        return votes

    def _cone(self, reference: LocalReference, row: int, tokens: Tensor) -> tuple[Tensor, int]:
        """States (G, R, width) of the rows that a change of row ``row`` reaches, and the first of them."""
        config, last = self.net.config, len(reference.ids) - 1
        reaches = config.reaches
        low, high = _span(row, reaches[0], last)
        x = reference.blocks[0].x[low : high + 1] + self._entry(reference.ids[row], tokens, low - row, high - row)
        for number, (block, window) in enumerate(zip(self._blocks, config.windows, strict=True)):
            known = reference.blocks[number]
            mixed, first = self._mixed(block, known, x, low, last)
            until = first + mixed.shape[1]
            begin, end = _span(row, reaches[number + 1], last)
            around = max(1, begin - window), min(last, end + window) + 1
            parts = _between(known.parts, around[0], first, block.split(mixed, self._turn, first), until, around[1])
            query, key, value = parts
            before = begin - around[0]
            read = windowed_attention(query[:, :, before : before + end + 1 - begin], key, value, window, known.sink, before)
            x = block.after_reading(_between(known.x, begin, low, x, high + 1, end + 1), read.transpose(1, 2).flatten(2))
            low, high = begin, end
        return self.net.norm(x), low

    def _entry(self, old: Tensor, tokens: Tensor, low: int, high: int) -> Tensor:
        """Change (G, high - low + 1, width) of the entry convolution from ``low`` to ``high`` rows from the one that becomes ``tokens``."""
        weight = self.net.entry.weight.flip(0)
        half = len(weight) // 2
        moved: Tensor = self.net.embedding(tokens) - self.net.embedding(old)
        spread = moved[:, None] * weight
        spread[:, half] += moved
        return spread[:, half + low : half + high + 1]

    @staticmethod
    def _mixed(block: Block, known: BlockRows, x: Tensor, low: int, last: int) -> tuple[Tensor, int]:
        """The convolution's rows (G, R, width) that rows ``x`` from ``low`` on change, and the first of them."""
        half = len(block.conv.weight) // 2
        high = low + x.shape[1] - 1
        first, until = max(1, low - half), min(last, high + half)
        begin, end = max(0, first - half), min(last, until + half)
        normed = block.norm1(_between(known.x, begin, low, x, high + 1, end + 1))
        normed = functional.pad(normed, (0, 0, half - (first - begin), half - (end - until)))
        out = normed[:, half : normed.shape[1] - half].clone()
        for offset, weight in enumerate(block.conv.weight):
            out.addcmul_(normed[:, offset : offset + out.shape[1]], weight)
        return out, first


def _span(row: int, reach: int, last: int) -> tuple[int, int]:
    """First and last row of bases at most ``reach`` from ``row``."""
    return max(1, row - reach), min(last, row + reach)


def _between(known: Tensor, begin: int, first: int, new: Tensor, until: int, end: int) -> Tensor:
    """Rows ``begin`` to ``end`` (along the last but one axis) of ``known`` (..., T, n), those from ``first`` to ``until`` taken from ``new``, which
    has more groups than one where ``known`` has one."""
    before, behind = (known[..., low:high, :].expand(*new.shape[:-2], -1, -1) for low, high in ((begin, first), (until, end)))
    return torch.cat((before, new, behind), dim=-2)


def proven(net: LocuscopeNet) -> LocalFast | None:
    """The parts of ``net`` once they score a few mutants as the network does; otherwise None and a warning."""
    fast = LocalFast(net)
    device = net.head.weight.device
    letters = torch.arange(60, device=device) ** 2 % 7 % 4 + BASE
    ids = torch.cat((torch.full((1,), BASE + 5, device=device), letters))
    rows = torch.tensor([1, 30, 60], device=device)
    tokens = (ids[rows] - BASE + 1) % 4 + BASE
    mutants = ids.repeat(3, 1)
    mutants[torch.arange(3, device=device), rows] = tokens
    expected = net(mutants)
    error = float((fast.scores(fast.reference(ids), rows, tokens, net.head.weight, net.head.bias) - expected).abs().max())
    if not error <= 1e-3 * max(1.0, float(expected.abs().max())):
        _log.warning("The parts of the network differ from it by %.2g; mutants are computed by full passes.", error)
        return None
    return fast
