"""Mutants of the published transformers by differences from their reference: SpeciesLM (BERT) and Nucleotide Transformer (ESM).

The networks are described to `engine.models.shortcuts.encoder`, and `engine.models.shortcuts.delta` does the work: the reference in float32, only differences
from it through low-precision products. A description is used only after it has scored a mutant as the network itself does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from engine.core.card import ModelCard
from engine.core.errors import CapabilityMissing
from engine.core.protocols import Prepared
from engine.core.quoting import quoted
from engine.models.networks.attention import ACTIVATIONS, rotary_at, rotate
from engine.models.networks.bert import BertNet
from engine.models.nucleotide_transformer.network import NtNet
from engine.models.shortcuts.delta import delta_pass, difference_dtype
from engine.models.shortcuts.encoder import Encoder, EncoderLayer, LayerReference, Norm, Product
from engine.models.shortcuts.reference import PerReference

_PROOF_TOKENS = 16


class Owner(Protocol):
    """The model whose mutants are scored."""

    card: ModelCard
    dtype: str
    device: str

    def mutants(self, reference: Prepared, positions: Tensor, alternates: Tensor) -> Tensor:
        """As in `engine.core.protocols.NucleotideModel`."""

    def base_logits(self, reference: Prepared, ids: Tensor, *, normalised: bool = False) -> Tensor:
        """As in `engine.core.protocols.NucleotideModel`."""

    def scores(self, reference: Prepared, hidden: Tensor, *, normalised: bool = False) -> Tensor:
        """`base_logits` from hidden states (B, T, width)."""


@dataclass(frozen=True, eq=False)
class Described:
    """A network in three parts: ``embed`` ids (B, T) to (B, T, width), the ``encoder``, and ``finish`` behind its last layer."""

    embed: Callable[[Tensor], Tensor]
    encoder: Encoder
    finish: Callable[[Tensor], Tensor]

    def reference(self, ids: Tensor) -> list[LayerReference]:
        """Activations of the reference, ids (T,), that its mutants share: about 17 widths of float32 a token and layer."""
        return self.encoder.reference(self.embed(ids[None])[0])

    def hidden(self, known: list[LayerReference], ids: Tensor) -> Tensor:
        """Hidden states (B, T, width) of ``ids`` (B, T) by differences from ``known``."""
        difference = self.embed(ids) - known[0].x
        return self.finish(known[-1].out + delta_pass(self.encoder, known, difference))


def _product(layer: torch.nn.Linear) -> Product:
    return Product(layer.weight, layer.bias)


def _gated(x: Tensor) -> Tensor:
    gate, value = x.chunk(2, dim=-1)
    return functional.silu(gate) * value


def _described_bert(net: BertNet) -> Described:
    config = net.config
    layers = [
        EncoderLayer(
            config.heads,
            _product(layer.attention.self.qkv),
            _product(layer.attention.output.dense),
            _product(layer.intermediate.dense),
            _product(layer.output.dense),
            Norm.of(layer.attention.output.LayerNorm),
            Norm.of(layer.output.LayerNorm),
            ACTIVATIONS[config.activation],
            pre_norm=False,
        )
        for layer in net.layers()
    ]

    def turned(x: Tensor, rows: Tensor) -> Tensor:
        return rotate(x, rotary_at(rows, config.rotary, config.rotary_base), interleaved=config.interleaved)

    return Described(net.bert.embeddings, Encoder(layers, turned if config.rotary else None), lambda x: x)


def _described_esm(net: NtNet) -> Described:
    config = net.config
    layers = [
        EncoderLayer(
            config.heads,
            _product(layer.attention.self.qkv),
            _product(layer.attention.output.dense),
            _product(layer.intermediate.dense),
            _product(layer.output.dense),
            Norm.of(layer.attention.LayerNorm),
            Norm.of(layer.LayerNorm),
            _gated if config.gated else functional.gelu,
            pre_norm=True,
        )
        for layer in net.esm.layers()
    ]

    def turned(x: Tensor, rows: Tensor) -> Tensor:
        return rotate(x, rotary_at(rows, config.width // config.heads, net.esm.rotary_base(None)))

    return Described(net.esm.embeddings, Encoder(layers, None if config.positions else turned), net.esm.encoder.emb_layer_norm_after)


class MutantsByDifference:
    """Scores of mutants at the precisions of `engine.core.protocols.PreciseMutantModel`, for one model."""

    def __init__(self, owner: Owner, net: BertNet | NtNet, tokens: Tensor) -> None:
        """``tokens``: ids the model reads, to prove the description with."""
        self._owner, self._net, self._tokens = owner, net, tokens
        self._known: PerReference[list[LayerReference]] = PerReference(lambda reference: self.described.reference(reference.ids))

    @property
    def precisions(self) -> tuple[str, ...]:
        """``exact``; in float32 also ``delta``."""
        return ("exact", "delta") if self._owner.dtype == "float32" else ("exact",)

    @property
    def usual_precision(self) -> str:
        """What ``auto`` tries: ``delta`` on a CPU that has fast low-precision products. On a GPU differences are several times the launches of
        whole passes, and who wants speed there has half precision.
        """
        return "delta" if self._owner.device == "cpu" and "delta" in self.precisions and self._low is not None else "exact"

    @property
    def _low(self) -> torch.dtype | None:
        return difference_dtype(self._owner.device)

    @cached_property
    def described(self) -> Described:
        """The network in parts. Raises `CapabilityMissing` when they do not score a mutant as the network does."""
        plain = _described_bert(self._net) if isinstance(self._net, BertNet) else _described_esm(self._net)
        place = torch.arange(_PROOF_TOKENS, device=self._tokens.device) ** 2 % 7
        ids = self._tokens[place % len(self._tokens)].repeat(2, 1)
        ids[1, 5] = self._tokens[(place[5] + 1) % len(self._tokens)]
        expected = self._net.hidden(ids)
        error = float((plain.hidden(plain.reference(ids[0]), ids) - expected).abs().max())
        if not error <= 1e-2 * max(1.0, float(expected.abs().max())):
            raise CapabilityMissing(
                f"The differences of {self._owner.card.title} departed from the network by {error:.2g}; leave the precision at 'exact'."
            )
        return plain if self._low is None else Described(plain.embed, plain.encoder.with_low(self._low), plain.finish)

    def mutant_logits(self, reference: Prepared, positions: Tensor, alternates: Tensor, *, normalised: bool, precision: str) -> Tensor:
        """Scores float32 (B, L, 4). Raises `CapabilityMissing` for a precision that is not offered."""
        owner = self._owner
        if precision not in self.precisions:
            raise CapabilityMissing(
                f"{owner.card.title} has no precision {quoted(precision)} here; it offers {', '.join(self.precisions)}."
            )
        ids = owner.mutants(reference, positions, alternates)
        if precision == "exact":
            return owner.base_logits(reference, ids, normalised=normalised)
        return owner.scores(reference, self.described.hidden(self._known(reference), ids), normalised=normalised)
