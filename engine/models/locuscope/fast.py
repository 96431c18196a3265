"""The shipped language model's mutants: exact without redoing the stem layer, by differences, or by thresholded differences.

The codon and memory layers, a few sums and table look-ups along the sequence, are redone for each mutant.

The stem layer is attention over letters. One changed letter changes the queries, keys and values of the few rows whose windows hold it, so
its exact change costs a hundredth of the layer (`engine.models.shortcuts.changed_attention`); at 1,000 bases the layer is a third of a whole pass.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.core.progress import interruption_point
from engine.models.locuscope.network import Block, LocuscopeNet, _rotary_tables, _rotate, activation
from engine.models.locuscope.stem_mutants import StemReference
from engine.models.locuscope.tokens import BASE
from engine.models.shortcuts.delta import delta_pass, difference_dtype
from engine.models.shortcuts.encoder import Encoder, EncoderLayer, LayerReference, Norm, Product
from engine.models.shortcuts.places import by_place
from engine.models.shortcuts.sparse import sparse_pass, sparse_reference

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class LocuscopeReference:
    """``ids`` (T,), the stem layer, ``x`` (T, width) before the first block."""

    ids: Tensor
    stem: StemReference
    x: Tensor


def _linear(layer: torch.nn.Linear) -> Product:
    return Product(layer.weight, layer.bias)


def describe(net: LocuscopeNet) -> Encoder:
    """The blocks of the network by their weights."""
    layers = []
    for block in net.blocks:
        if not isinstance(block, Block):
            raise TypeError(f"a block of type {type(block).__name__} cannot be described")
        layers.append(
            EncoderLayer(
                block.heads,
                _linear(block.qkv),
                _linear(block.out),
                _linear(block.up),
                _linear(block.down),
                Norm.of(block.norm1),
                Norm.of(block.norm2),
                activation,
                pre_norm=True,
                mix=block.conv.weight,
            )
        )
    config = net.config
    device = net.head.weight.device
    cos, sin = _rotary_tables(config.max_length + 1, config.width // config.heads, config.rotary_base, device)
    return Encoder(layers, lambda x, rows: _rotate(x, cos[rows], sin[rows]))


class LocuscopeFast:
    """Hidden states of mutants of a `LocuscopeNet` in float32."""

    def __init__(self, net: LocuscopeNet) -> None:
        self.net = net
        encoder = describe(net)
        self.low = difference_dtype(str(net.head.weight.device))
        self.encoder = encoder if self.low is None else encoder.with_low(self.low)

    def reference(self, ids: Tensor) -> LocuscopeReference:
        """Run the reference's embedding and stem layer, ids (T,)."""
        stem = StemReference.of(self.net.stem, ids)
        out, _ = self.net.stem.finish(stem.attention.read[None])
        x = self.net.entry(self.net.embedding(ids[None]))[0] + out[0]
        return LocuscopeReference(ids, stem, x)

    def layers(self, reference: LocuscopeReference) -> list[LayerReference]:
        """Activations of the reference's blocks."""
        return self.encoder.reference(reference.x)

    def sparse_layers(self, known: list[LayerReference]) -> list[LayerReference]:
        """``known`` with what sparse differences need beside it."""
        return sparse_reference(self.encoder, known)

    def changed_inputs(self, reference: LocuscopeReference, row: int, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Exact differences when row ``row`` becomes ``tokens`` (G,): before the first block, (G, T, width), of the stem's votes, (G, T, 4), not yet loud."""
        out, votes = reference.stem.changes(self.net.stem, row, tokens)
        entry = self._entry(reference, row, tokens)
        first = max(0, row - self.net.entry.weight.shape[0] // 2)
        out[:, first : first + entry.shape[1]] += entry
        return out, votes

    def _entry(self, reference: LocuscopeReference, row: int, tokens: Tensor) -> Tensor:
        """Difference of the entry convolution at the rows it reaches."""
        weight: Tensor = self.net.entry.weight
        kernel = weight.shape[0]
        half = kernel // 2
        moved: Tensor = self.net.embedding(tokens) - self.net.embedding(reference.ids[row])
        spread = moved[:, None] * weight.flip(0)
        spread[:, half] += moved
        low, high = max(0, half - row), kernel - max(0, row + half + 1 - len(reference.ids))
        return spread[:, low:high]

    def exact(self, reference: LocuscopeReference, difference: Tensor) -> Tensor:
        """Rows (B, T, width) after the last block by whole passes through the blocks."""
        x = reference.x + difference
        config = self.net.config
        cos, sin = _rotary_tables(x.shape[1], config.width // config.heads, config.rotary_base, x.device)
        for block in self.net.blocks:
            x = block(x, cos, sin)
        return x

    def hidden(
        self,
        reference: LocuscopeReference,
        known: list[LayerReference] | None,
        rows: Tensor,
        tokens: Tensor,
        tau: float | None = None,
    ) -> Tensor:
        """Hidden states (B, T, hidden_size) of mutants: row ``rows[b]`` becomes ``tokens[b]``.

        ``known`` None: exact. Otherwise by differences from it; ``tau``: threshold of sparse differences (``known`` from `sparse_layers`).
        """
        ids = reference.ids.repeat(len(rows), 1).scatter_(1, rows[:, None], tokens[:, None])
        votes = reference.stem.votes.repeat(len(rows), 1, 1)
        x = torch.empty(len(rows), *reference.x.shape, dtype=reference.x.dtype, device=rows.device)
        for row, same in by_place(rows):
            interruption_point()
            difference, change = self.changed_inputs(reference, row, tokens[same])
            votes[same] += change
            x[same] = known[-1].out + sparse_pass(self.encoder, known, difference, tau) if known and tau is not None else difference
        if known is None:
            x = self.exact(reference, x)
        elif tau is None:
            x = known[-1].out + delta_pass(self.encoder, known, x)
        votes = votes * self.net.stem.loudness(ids) + self.net.recall(ids)[1]
        return torch.cat((self.net.norm(x), votes), dim=-1)


def proven(net: LocuscopeNet) -> LocuscopeFast | None:
    """The shared parts of ``net`` once they score a few mutants as the network does; otherwise None and a warning."""
    fast = LocuscopeFast(net)
    device = net.head.weight.device
    letters = torch.arange(40, device=device) ** 2 % 7 % 4 + BASE
    ids = torch.cat((torch.full((1,), BASE + 5, device=device), letters))
    rows = torch.tensor([1, 20, 40], device=device)
    tokens = (ids[rows] - BASE + 1) % 4 + BASE
    mutants = ids.repeat(3, 1)
    mutants[torch.arange(3, device=device), rows] = tokens
    expected = net.hidden(mutants)
    reference = fast.reference(ids)
    wholly = fast.hidden(reference, None, rows, tokens)
    sparsely = fast.hidden(reference, fast.sparse_layers(fast.layers(reference)), rows, tokens, 1e-9)
    scale = max(1.0, float(expected.abs().max()))
    for name, got, allowed in (("parts", wholly, 1e-3), ("differences", sparsely, 1e-2 if fast.low is None else 0.3)):
        error = float((got - expected).abs().max())
        if not error <= allowed * scale:
            _log.warning("The shared %s of the network differ from it by %.2g; mutants are computed by full passes.", name, error)
            return None
    return fast
