"""Answers about a sequence that is longer than a model reads at once, put together from tiles.

Borders of tiles lie at multiples of the tile's length on the contig (of a sequence without a place: on its letters), so that neighbouring windows
of a genome share their tiles, which are stored like any other answer. A tile is asked as a sequence of its own: the bases it answers for with
``halo`` bases on either side, fewer at the ends of what was given. Nothing beyond a halo has a say, so a tiled answer is another one than that
of the whole: tile and halo are among its parameters, so in its key and provenance, and where it is named it says that it is tiled.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.analyses.declared import Needed, declared
from engine.core.errors import ParameterError
from engine.core.locus import Strand
from engine.core.parameters import option

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.card import ModelCard, Offer
    from engine.core.parameters import Parameters
    from engine.core.provenance import Provenance
    from engine.core.sequence import NucleotideSequence

TILE_BP, HALO_BP = 256, 128
"""Usual bases that a tile answers for, and on either side of them."""
LEAST_BP, MOST_BP = 32, 16_384


def tile_option(default: int | None = None) -> Any:
    """The field ``tile``: bases that a tile answers for."""
    words = "Bases that a tile answers for; tiles begin at its multiples on the contig."
    given = words if default is not None else f"Compute in tiles and put them together, for sequences longer than the model reads. {words}"
    return option(default, "--tile", given, metavar="BP", low=LEAST_BP, high=MOST_BP, unit="bp")


def halo_option() -> Any:
    """The field ``halo``: bases on either side of a tile that are read with it."""
    return option(HALO_BP, "--halo", "Bases on either side of a tile that are read with it.", metavar="BP", low=0, high=MOST_BP, unit="bp")


def without_unused(values: dict[str, Any]) -> dict[str, Any]:
    """Parameters as plain values; of an answer that is not tiled neither ``tile`` nor ``halo`` is named, which came later than the others."""
    return values if values.get("tile") else {name: value for name, value in values.items() if name not in ("tile", "halo")}


def fitting(card: ModelCard) -> tuple[int, int]:
    """The usual bases of a tile and on either side of it, or those that a model can read that reads fewer."""
    most = card.max_length
    return (TILE_BP, HALO_BP) if most >= TILE_BP + 2 * HALO_BP else (max(LEAST_BP, most // 2), most // 4)


class Tile(NamedTuple):
    """Bases ``[start, end)`` are read and those of ``[first, last)`` are answered for; 0-based indices of the letters."""

    start: int
    end: int
    first: int
    last: int

    @property
    def name(self) -> str:
        """Of its answer among those that are put together."""
        return f"tile {self.first + 1}-{self.last}"


def tiles(sequence: NucleotideSequence, tile_bp: int, halo_bp: int) -> tuple[Tile, ...]:
    """Tiles that answer for each base of ``sequence`` once."""
    length, locus = len(sequence), sequence.locus
    origin = 0 if locus is None else locus.end if locus.strand is Strand.REVERSE else -locus.start
    cuts = [0, *range(origin % tile_bp or tile_bp, length, tile_bp), length]
    return tuple(Tile(max(0, first - halo_bp), min(length, last + halo_bp), first, last) for first, last in itertools.pairwise(cuts))


def parts(
    analysis: str, parameters: Parameters, sequence: NucleotideSequence, tile_bp: int, halo_bp: int, card: ModelCard
) -> dict[str, Needed]:
    """The answers of the tiles that an answer is put together from. Raises `ParameterError` for tiles that the model cannot read."""
    if tile_bp + 2 * halo_bp > card.max_length:
        raise ParameterError(
            f"A tile of {tile_bp:,} bases with {halo_bp:,} on either side has {tile_bp + 2 * halo_bp:,}; {card.title} reads up to "
            f"{card.max_length:,}: choose smaller ones."
        )
    return {tile.name: Needed(parameters, analysis=analysis, part=(tile.start, tile.end)) for tile in tiles(sequence, tile_bp, halo_bp)}


def passes(analysis: str, parameters: Parameters, sequence: NucleotideSequence, plan: Iterable[Tile], card: ModelCard, offer: Offer) -> int:
    """Forward passes of all tiles."""
    row = declared(analysis)
    return sum(row.passes(sequence.window(tile.start, tile.end), parameters, card, offer) for tile in plan)


def stitched(plan: tuple[Tile, ...], answers: Mapping[str, Any], name: str) -> NDArray[np.float32] | None:
    """The arrays ``name`` (n, ...) of the tiles' answers put together, float32 (L, ...); None where a tile has none."""
    found = [getattr(answers[tile.name], name) for tile in plan]
    if any(values is None for values in found):
        return None
    return np.concatenate([values[tile.first - tile.start : tile.last - tile.start] for tile, values in zip(plan, found, strict=True)])


def origin_of(
    answers: Mapping[str, Any], plan: tuple[Tile, ...], analysis: str, version: str, parameters: Parameters, sequence: NucleotideSequence
) -> Provenance:
    """Where a tiled answer comes from: its own parameters, tile and halo among them; seconds of all tiles; what differs among them is said."""
    origins: list[Provenance] = [answers[tile.name].provenance for tile in plan if tile.name in answers]
    described = parameters.as_dict()
    if "precision" in described:
        described["precision"] = " and ".join(sorted({str(origin.parameters.get("precision", "exact")) for origin in origins}))
    return replace(
        origins[0],
        analysis=analysis,
        version=version,
        parameters={**described, "tiles": len(plan)},
        sequence_sha256=sequence.sha256,
        sequence_length=len(sequence),
        locus=str(sequence.locus) if sequence.locus is not None else "",
        seconds=round(sum(origin.seconds for origin in origins), 6),
        memory="; ".join(dict.fromkeys(origin.memory for origin in origins if origin.memory)),
        batches="; ".join(dict.fromkeys(origin.batches for origin in origins if origin.batches)),
        partial=len(origins) < len(plan),
    )
