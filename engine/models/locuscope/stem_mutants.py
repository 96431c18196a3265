"""The stem layer of mutants, from that of their reference."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from engine.models.locuscope.network import ROWS_AT_ONCE, StemLayer
from engine.models.shortcuts.changed_attention import ROWS_AT_ONCE as AT_ONCE
from engine.models.shortcuts.changed_attention import AttentionReference, changed_reads


@dataclass(frozen=True, eq=False)
class StemBias:
    """The stem layer's distance bias, part by part."""

    stem: StemLayer

    def part(self, rows: Tensor, columns: Tensor) -> Tensor:
        """(heads, len(rows), len(columns))."""
        return self.stem.bias(rows, columns)


@dataclass(frozen=True, eq=False)
class StemReference:
    """The stem layer of a reference: ``letters`` (margin + T + margin, 4), its ``attention``, its ``votes`` (T, 4) before they are loud."""

    letters: Tensor
    attention: AttentionReference
    votes: Tensor

    @classmethod
    def of(cls, stem: StemLayer, ids: Tensor) -> StemReference:
        """Run it, ids (T,)."""
        letters = functional.pad(stem.letters(ids), (0, 0, stem.margin, stem.margin))
        position = torch.arange(len(ids), device=ids.device)
        query, key, value = stem.project(letters[None], (position == 0).to(letters.dtype))
        rows = AT_ONCE if stem.output is not None else ROWS_AT_ONCE
        attention = AttentionReference.of(query[0], key[0], value[0], StemBias(stem), rows)
        return cls(letters, attention, stem.finish(attention.read[None])[1][0])

    @property
    def flat_read(self) -> Tensor:
        """What is read (T, heads * 20)."""
        return self.attention.read.transpose(0, 1).flatten(1)

    def changes(self, stem: StemLayer, row: int, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Exact changes when row ``row`` becomes ``tokens`` (G,): of the layer's output (G, T, n) and of its votes (G, T, 4)."""
        margin, length = stem.margin, self.attention.length
        low, high = max(0, row - margin), min(length, row + margin + 1)
        letters = self.letters[low : high + 2 * margin].repeat(len(tokens), 1, 1)
        letters[:, row - low + margin] = stem.letters(tokens)
        rows = torch.arange(low, high, device=tokens.device)
        return stem.finish(changed_reads(self.attention, rows, *stem.project(letters, (rows == 0).to(letters.dtype))))

    def mutants(self, stem: StemLayer, row: int, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Change of the output (G, T, n) and votes (G, T, 4), the reference's with their change."""
        out, votes = self.changes(stem, row, tokens)
        return out, self.votes + votes
