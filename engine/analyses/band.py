"""The dependency map along a sequence of any length: a band of stated width on both sides of the diagonal, from tiles.

``values[i, band + d]`` is what the map of the tile that answers for base i says of changing base i and reading base i + d, for d from −band to
band. A tile is read with ``band`` bases on either side, so that every pair of the band lies in it; pairs further apart are not asked, and nothing
beyond the tile and those bases has a say (`engine.analyses.tiling`). Within a tile the band is the tile's whole map
(`engine.analyses.dependency`), cell by cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses import dependency, tiling
from engine.analyses.declared import Declared, Needed
from engine.analyses.dependency import UNITS, DependencyMap, DependencyParameters
from engine.analyses.log_odds import Metric
from engine.analyses.pattern_scores import BLOCK_BP, best_block_around, lower_quarter
from engine.core.arithmetic import largest_of_known
from engine.core.card import Capability, ModelCard, Offer
from engine.core.errors import ParameterError
from engine.core.parameters import Parameters, Precision, option
from engine.core.results import Pairs, Result, Table, Track, base_at, frozen_array
from engine.core.sequence import NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.provenance import Provenance

VERSION = "1"
PAIRS_PER_BASE = 5
MOST_ROWS = 5000
APART = 4
"""Bases of the pair that words name are at least so far apart."""


@dataclass(frozen=True)
class BandParameters(Parameters):
    """``band``: bases on either side of the diagonal, which are also read on either side of a tile; ``tile``: bases that a tile answers for;
    the others as of the command map."""

    band: int = option(tiling.HALO_BP, "--band", "Pairs up to this many bases apart.", metavar="BP", low=8, high=4096, unit="bp")
    tile: int = tiling.tile_option(tiling.TILE_BP)
    metric: Metric = option("log2_odds", "--metric", "log2_odds or log_ratio.", metavar="METRIC")
    precision: Precision = option("auto", "--precision", "Of the tiles' maps, as for the command map.", metavar="NAME")
    tau: float = option(0.05, "--tau", "Threshold of --precision sparse.", metavar="T", low=0, high=1, open_ends=True)

    def as_dict(self) -> dict[str, Any]:
        """Plain values; the band is the halo of its tiles."""
        return {**super().as_dict(), "halo": self.band}


@dataclass(frozen=True, eq=False)
class DependencyBand(Result):
    """``values`` float32 (L, 2 band + 1): row = changed base, column = distance of the base read, −band to band; 0 at distance 0.

    NaN outside the sequence, at rows that are not computed, and where the model's tokens moved. ``tiles`` int64 (n, 4): of each tile the bases read
    and the bases answered for, 0-based half-open. ``rows_done`` bool (L,) of a partial band, None of a whole one. Units: bits of log2 odds, or nats.
    """

    faces = frozenset({"tracks", "main track", "pairs"})
    sequence: NucleotideSequence
    values: NDArray[np.float32]
    tiles: NDArray[np.int64]
    provenance: Provenance
    metric: str = "log2_odds"
    rows_done: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        length = len(self.sequence)
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (length, None), "dependency band"))
        object.__setattr__(self, "tiles", frozen_array(self.tiles, np.int64, (None, 4), "tiles"))
        if self.values.shape[1] % 2 == 0:
            raise ParameterError(
                f"A band has {self.values.shape[1]} columns; as many on either side of the diagonal are needed, and itself."
            )
        if self.rows_done is not None:
            object.__setattr__(self, "rows_done", frozen_array(self.rows_done, np.bool_, (length,), "rows done"))

    @property
    def band(self) -> int:
        """Bases on either side of the diagonal."""
        return int(self.values.shape[1]) // 2

    @property
    def complete(self) -> bool:
        """Whether every tile is there."""
        return self.rows_done is None

    @property
    def unit(self) -> str:
        """Unit of the values."""
        return UNITS[self.metric]

    @property
    def done(self) -> int:
        """Rows that are computed."""
        return len(self.values) if self.rows_done is None else int(self.rows_done.sum())

    @cached_property
    def stronger(self) -> NDArray[np.float32]:
        """Of each pair the stronger direction, float32 (L, band): base i with base i + d, d from 1; NaN where neither is known."""
        length, band = len(self.values), self.band
        found = self.values[:, band + 1 :].copy()
        for distance in range(1, min(band, length - 1) + 1):
            back = self.values[distance:, band - distance]
            found[: length - distance, distance - 1] = np.fmax(found[: length - distance, distance - 1], back)
        return found

    def strongest(self, count: int, minimum_distance: int = 1, threshold: float = 0.0) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Up to ``count`` pairs at least so far apart, strongest first: int64 (n, 2), i < j, and float32 (n,)."""
        scores = np.nan_to_num(self.stronger[:, max(1, minimum_distance) - 1 :])
        flat = scores.ravel()
        if not flat.size:
            return np.empty((0, 2), np.int64), np.empty(0, np.float32)
        least = np.partition(flat, len(flat) - count)[len(flat) - count] if 0 < count < len(flat) else 0.0
        at = np.flatnonzero((flat >= max(least, threshold)) & (flat > 0))
        at = at[np.argsort(-flat[at], kind="stable")][:count]
        first, apart = np.divmod(at, scores.shape[1])
        return np.stack([first, first + apart + max(1, minimum_distance)], axis=1).astype(np.int64), flat[at]

    def covers(self, changed: int, read: int) -> bool:
        """Whether two bases are near enough to be in the band."""
        return abs(read - changed) <= self.band

    def has_row(self, changed: int) -> bool:
        """Whether the row of a base is computed."""
        return self.rows_done is None or bool(self.rows_done[changed])

    def cell(self, changed: int, read: int) -> float:
        """What changing one base does to another, in `unit`; of bases that it `covers`."""
        return float(self.values[changed, self.band + read - changed])

    def block_scores(self) -> NDArray[np.float32]:
        """The block score of each base, float32 (L,), as `engine.analyses.pattern_scores.block_score_per_base` of a whole map."""
        length = len(self.values)
        if length < BLOCK_BP or self.band < BLOCK_BP - 1:
            return np.full(length, np.nan, np.float32)
        starts = np.arange(length - BLOCK_BP + 1)
        pairs = [(a, b) for a in range(BLOCK_BP) for b in range(BLOCK_BP) if a != b]
        cells = np.stack([self.values[starts + a, self.band + b - a] for a, b in pairs], axis=1)
        known = np.isfinite(cells).all(axis=1)
        scores = np.where(known, lower_quarter(np.nan_to_num(cells)), np.nan).astype(np.float32)
        return best_block_around(scores, length)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``values``, ``tiles``, ``block_score``, ``metric``, and ``rows_done`` of a partial band."""
        found: dict[str, Any] = {"values": self.values, "tiles": self.tiles, "block_score": self.block_scores()}
        found["metric"] = np.array(self.metric)
        return found if self.rows_done is None else found | {"rows_done": self.rows_done}

    def rows(self) -> Table:
        """One row a changed base, one column a distance of the base read."""
        bases = np.arange(len(self.values))
        columns = {f"{distance:+d}": self.values[:, self.band + distance] for distance in range(-self.band, self.band + 1)}
        return Table({"changed": bases + 1, "base": list(self.sequence.letters), **columns}, bases)

    def readable(self) -> Table:
        """One row a pair, strongest first: both positions and bases, the effect each way, the distance."""
        pairs, _ = self.strongest(MOST_ROWS)
        i, j = pairs.T
        letters = np.array(list(self.sequence.letters))
        columns = {"position_1": i + 1, "base_1": letters[i], "position_2": j + 1, "base_2": letters[j], "distance": j - i}
        columns[f"change_1_reads_2_{self.unit}"] = self.values[i, self.band + j - i]
        columns[f"change_2_reads_1_{self.unit}"] = self.values[j, self.band + i - j]
        return Table(columns, i)

    def tracks(self) -> tuple[Track, ...]:
        """How strongly each base depends on another one of the band, and another one on it; the block score."""
        length, band = len(self.values), self.band
        read = np.full((length, 2 * band + 1), np.nan, np.float32)
        for distance in range(-min(band, length - 1), min(band, length - 1) + 1):
            low, high = max(0, -distance), min(length, length - distance)
            read[low + distance : high + distance, band + distance] = self.values[low:high, band + distance]
        within = f"within {band:,} bases, {self.unit}"
        return (
            Track("strongest_read", f"strongest effect of another base on this one {within}", largest_of_known(read)),
            Track("strongest_changed", f"strongest effect of this base on another one {within}", largest_of_known(self.values)),
            Track("block_score", "block score (best block of six bases around a base)", self.block_scores()),
        )

    def pairs_of_bases(self) -> Pairs:
        """The strongest pairs, `PAIRS_PER_BASE` for each base, by the larger of their two directions."""
        indices, scores = self.strongest(PAIRS_PER_BASE * len(self.values))
        note = f"the {len(scores)} strongest pairs up to {self.band} bases apart, score = larger of the two directions ({self.metric})"
        return Pairs(indices, scores, note)

    def words(self) -> str:
        """What is computed, by how many tiles, what it cannot say, and the strongest pair."""
        length, origin = len(self.values), self.provenance
        state = "" if self.complete else f", partial: {self.done:,} of {length:,} rows are computed"
        start = (
            f"Dependency band of {length:,} bases by {origin.answered_how}{state}: pairs up to {self.band:,} bases apart, from {len(self.tiles):,} "
            f"tiles; what lies further apart was not asked, and nothing outside a tile and the bases beside it had a say."
        )
        pairs, scores = self.strongest(1, APART)
        if not self.complete or not len(pairs):
            return start
        first, second = (base_at(self.sequence, int(index)) for index in pairs[0])
        unit = "bits of log2 odds" if self.metric == "log2_odds" else "nats"
        return f"{start} The strongest pair at least {APART} bases apart is {first} with {second}: {scores[0]:.2f} {unit}."


def dependency_band(sequence: NucleotideSequence, parameters: BandParameters, answers: Mapping[str, DependencyMap]) -> DependencyBand:
    """The band from the whole maps of its tiles, by the names of `engine.analyses.tiling.Tile`; of some of them, a partial band.

    Raises `ParameterError` without any.
    """
    plan, band, length = tiling.tiles(sequence, parameters.tile, parameters.band), parameters.band, len(sequence)
    there = [tile for tile in plan if tile.name in answers]
    if not there:
        raise ParameterError("A dependency band is put together from maps of its tiles; give the map of at least one of them.")
    values = np.full((length, 2 * band + 1), np.nan, np.float32)
    done = np.zeros(length, np.bool_)
    for tile in there:
        rows = np.arange(tile.first, tile.last)
        columns = rows[:, None] + np.arange(-band, band + 1)
        inside = (columns >= tile.start) & (columns < tile.end)
        cells = answers[tile.name].values[rows[:, None] - tile.start, np.clip(columns, tile.start, tile.end - 1) - tile.start]
        values[rows] = np.where(inside, cells, np.nan)
        done[rows] = True
    origin = tiling.origin_of(answers, plan, "band", VERSION, parameters, sequence)
    whole = len(there) == len(plan)
    return DependencyBand(sequence, values, np.array(plan, np.int64), origin, parameters.metric, None if whole else done)


def _of_a_tile(parameters: BandParameters) -> DependencyParameters:
    return DependencyParameters(metric=parameters.metric, precision=parameters.precision, tau=parameters.tau)


def _parts(sequence: NucleotideSequence, parameters: BandParameters, card: ModelCard) -> Mapping[str, Needed]:
    return tiling.parts("dependency", _of_a_tile(parameters), sequence, parameters.tile, parameters.band, card)


def _passes(sequence: NucleotideSequence, parameters: BandParameters, card: ModelCard, offer: Offer) -> int:
    plan = tiling.tiles(sequence, parameters.tile, parameters.band)
    return tiling.passes("dependency", _of_a_tile(parameters), sequence, plan, card, offer)


def of_map(parameters: DependencyParameters, card: ModelCard) -> tuple[str, BandParameters]:
    """The band that stands for a map of a sequence that is too long for one."""
    tile, halo = tiling.fitting(card)
    return "band", BandParameters(halo, tile, metric=parameters.metric, precision=parameters.precision, tau=parameters.tau)


DECLARED = (
    Declared(
        name="band",
        command="band",
        version=f"{VERSION}.{dependency.VERSION}",
        title="Dependency band",
        summary="The dependency map along a sequence of any length, as a band around the diagonal of stated width, put together from tiles.",
        capability=Capability.DEPENDENCY,
        parameters=BandParameters,
        result=DependencyBand,
        passes=_passes,
        run=lambda model, sequence, parameters, monitor, answers: dependency_band(sequence, parameters, answers),
        parts=_parts,
        grows=True,
        reads_model=False,
        memory=lambda sequence, parameters: len(sequence) * (2 * parameters.band + 1) * 12,
        growth="quadratic",
        pace="mutants",
        one_core=True,
        shown="asked",
        order=45,
        windows=False,
    ),
)
