"""Tokens of the shipped models: one domain token, then one token per nucleotide."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

VOCABULARY = ("[PAD]", "[MASK]", "A", "C", "G", "T", "N", "unknown", "bacteria", "phage", "yeast", "rna")
PAD, MASK, BASE, ANY, DOMAIN = 0, 1, 2, 6, 7  # BASE + 0..3 are A, C, G, T; DOMAIN + 0..4 are the domain tokens
DOMAINS = VOCABULARY[DOMAIN:]


def is_base(ids: Tensor) -> Tensor:
    """Whether each id is A, C, G or T; bool, of the shape of `ids`."""
    return (ids >= BASE) & (ids < ANY)


def reverse_complement(ids: Tensor) -> Tensor:
    """Ids (B, T) of the other strand, last base first; tokens that are no base keep their id."""
    turned = ids.flip(1)
    return (2 * BASE + 3 - turned).where(is_base(turned), turned)
