"""What is shown of an allele: the window that was scored, cut to the bases on either side of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.core.errors import LocusError

if TYPE_CHECKING:
    from engine.core.alleles import Change
    from engine.core.variants import Variant
    from engine.service.triage import Piece, ReferenceLetters

CONTEXT_BP = 100
"""Bases on either side of the allele that are shown; the record around them is the window that was scored."""


@dataclass(frozen=True)
class Surroundings:
    """``[first, last)`` of a contig, 0-based, in a ``piece`` of the reference; ``change`` in its indices.

    ``window``: the part of it that is shown, half-open; None for all.
    """

    piece: Piece
    first: int
    last: int
    change: Change
    window: tuple[int, int] | None


def surroundings(reference: ReferenceLetters, variant: Variant, window_bp: int) -> Surroundings:
    """Those of an allele that was scored in a window of ``window_bp``. Raises `LocusError` where the reference does not have it."""
    change = variant.change
    piece = reference.piece(variant.contig, change.start, change.end) if change is not None else None
    if change is None or piece is None:
        raise LocusError("The reference no longer has this place; give it again.")
    stop = piece.offset + piece.length
    first = max(piece.offset, change.start - window_bp // 2)
    removed = max(0, len(change.reference) - len(change.alternate))
    last = min(stop, max(change.start + 1, change.start - window_bp // 2 + window_bp) + removed)
    last = max(last, min(stop, change.end + CONTEXT_BP))
    low, high = max(0, change.start - first - CONTEXT_BP), min(last - first, change.end - first + CONTEXT_BP)
    window = (low, high) if (low, high) != (0, last - first) else None
    return Surroundings(piece, first, last, replace(change, start=change.start - first), window)
