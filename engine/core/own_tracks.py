"""Tracks that a visitor brings: what a file holds, by contig, and what of it lies on a sequence that is shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from engine.core.sequence import reversed_complement

if TYPE_CHECKING:
    from numpy.typing import NDArray

TrackKind = Literal["blocks", "signal", "variants", "pairs"]
Scale = Literal["own", "shared", "fixed"]
SCALES: tuple[Scale, ...] = ("own", "shared", "fixed")
"""Of a signal: its own values in view, those of all signals that share, or two given numbers."""
KINDS: tuple[TrackKind, ...] = ("blocks", "signal", "variants", "pairs")


@dataclass(frozen=True, eq=False)
class Rows:
    """What a file says of one contig, 0-based half-open, in the order of the starts.

    Parameters
    ----------
    starts, ends : int64 (n,)
        Of a pair its first anchor.
    values : float32 (n,)
        Of a signal its value, of others a score; NaN where there is none.
    names, strands : tuple of str
        Empty for a signal, else n of them; strands are ``+``, ``-`` or ``.``.
    others : int64 (n, 2)
        Second anchors of pairs; of no rows for other kinds.
    note : str
        Why there are none of a stretch, or that they are means of longer stretches than bases; empty: they are what the file says.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    values: NDArray[np.float32]
    names: tuple[str, ...] = ()
    strands: tuple[str, ...] = ()
    others: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2), np.int64))
    note: str = ""

    @classmethod
    def none(cls, note: str = "") -> Rows:
        """Nothing."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32), note=note)

    @classmethod
    def joined(cls, several: Sequence[Rows]) -> Rows:
        """Those of one contig that a file calls by several names, in the order of the starts."""
        if len(several) == 1:
            return several[0]
        starts = np.concatenate([rows.starts for rows in several]) if several else np.empty(0, np.int64)
        note = " ".join(dict.fromkeys(rows.note for rows in several if rows.note))
        if not len(starts):
            return cls.none(note)
        filled = [rows for rows in several if len(rows.starts)]
        order = np.argsort(starts, kind="stable")
        ends, values, others = (np.concatenate([getattr(rows, name) for rows in filled]) for name in ("ends", "values", "others"))
        names, strands = ([word for rows in filled for word in getattr(rows, name)] for name in ("names", "strands"))
        return cls(
            starts[order],
            ends[order],
            values[order],
            tuple(names[at] for at in order) if names else (),
            tuple(strands[at] for at in order) if strands else (),
            others[order] if len(others) else others,
            note,
        )

    @property
    def nbytes(self) -> int:
        """Bytes in memory, about."""
        return self.starts.nbytes * 2 + self.values.nbytes + self.others.nbytes + 80 * len(self.names)


class TrackSource(Protocol):
    """A file of one kind of rows; ``contigs`` as it names them, ``nbytes`` what it takes in memory."""

    @property
    def name(self) -> str:
        """As it was given."""

    @property
    def kind(self) -> TrackKind:
        """What its rows are."""

    @property
    def note(self) -> str:
        """One sentence about lines that were left out; empty when there are none."""

    @property
    def contigs(self) -> Mapping[str, Any]:
        """By name, as the file has them."""

    @property
    def nbytes(self) -> int:
        """Bytes in memory, about."""

    def rows(self, contig: str, start: int, end: int) -> Rows:
        """At least what meets ``[start, end)`` of a contig. Raises `LocuscopeError` where the file cannot be read."""


@dataclass(frozen=True, eq=False)
class TrackFile:
    """A file that was read: ``name`` as it was given, ``contigs`` as it names them, ``note`` one sentence about lines that were left out."""

    name: str
    kind: TrackKind
    contigs: Mapping[str, Rows]
    note: str = ""

    @property
    def nbytes(self) -> int:
        """Bytes in memory, about."""
        return sum(rows.nbytes for rows in self.contigs.values())

    def rows(self, contig: str, start: int, end: int) -> Rows:
        """All of the contig."""
        return self.contigs.get(contig) or Rows.none()


@dataclass(frozen=True, eq=False)
class OwnTrack:
    """What of a track lies on a sequence, in indices of its letters; `Rows` has the meaning of the numbers.

    ``values`` of a signal: float32 (L,), one a base, NaN where the file has none; empty for other kinds. ``rows``: what is cut off at an end keeps
    the rest; pairs have both anchors inside. ``limits`` of a signal: lowest and highest value of its scale, None for those in view. ``heat``: a
    signal as a strip of colours instead of an area.
    """

    id: str
    name: str
    kind: TrackKind
    colour: str
    rows: Rows
    values: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    limits: tuple[float, float] | None = None
    heat: bool = False

    @property
    def extent(self) -> tuple[float, float] | None:
        """Lowest and highest value in view, 0 among them; None where there is none."""
        known = self.values[np.isfinite(self.values)]
        return (min(0.0, float(known.min())), max(0.0, float(known.max()))) if known.size else None

    @classmethod
    def of(
        cls, given: TrackSource, contigs: Sequence[str], start: int, end: int, *, reverse: bool, id: str, name: str, colour: str
    ) -> OwnTrack:
        """The part between ``start`` and ``end`` (0-based half-open) of a contig, on the strand that is read; ``contigs``: all names that the file
        has for it, none where it has nothing there."""
        rows = Rows.joined([given.rows(contig, start, end) for contig in contigs])
        found = _inside(rows, start, end, reverse=reverse)
        if reverse and given.kind == "variants":
            found = replace(found, names=tuple(_turned(name) for name in found.names))
        values = _by_base(found, end - start) if given.kind == "signal" else np.empty(0, np.float32)
        return cls(id, name, given.kind, colour, found, values)


def on_one_scale(tracks: Sequence[OwnTrack], shared: Collection[str]) -> tuple[OwnTrack, ...]:
    """The same tracks; those whose id is in ``shared`` have one scale, from the lowest to the highest value that any of them has in view."""
    extents = [extent for track in tracks if track.id in shared and (extent := track.extent) is not None]
    if not extents:
        return tuple(tracks)
    limits = min(low for low, _ in extents), max(high for _, high in extents)
    return tuple(replace(track, limits=limits) if track.id in shared else track for track in tracks)


def _turned(name: str) -> str:
    """``AC>G`` on the other strand: ``GT>C``."""
    return ">".join(reversed_complement(allele) for allele in name.split(">"))


def _inside(rows: Rows, start: int, end: int, *, reverse: bool) -> Rows:
    kept = (rows.starts < end) & (rows.ends > start)
    if len(rows.others):
        kept = (rows.starts >= start) & (rows.ends <= end) & (rows.others[:, 0] >= start) & (rows.others[:, 1] <= end)
    at = np.flatnonzero(kept)
    low, high = np.maximum(rows.starts[at], start) - start, np.minimum(rows.ends[at], end) - start
    others = rows.others[at] - start if len(rows.others) else rows.others
    names, strands = (tuple(words[k] for k in at) if words else () for words in (rows.names, rows.strands))
    if reverse:
        width = end - start
        low, high, others = width - high, width - low, width - others[:, ::-1]
        strands = tuple({"+": "-", "-": "+"}.get(strand, strand) for strand in strands)
    return Rows(low, high, rows.values[at], names, strands, others, rows.note)


def _by_base(rows: Rows, length: int) -> NDArray[np.float32]:
    """Values of runs, one a base; where runs overlap, the mean."""
    known = np.isfinite(rows.values)
    low, high, values = rows.starts[known], rows.ends[known], rows.values[known].astype(np.float64)
    sums, counts = np.zeros(length + 1), np.zeros(length + 1)
    np.add.at(counts, low, 1)
    np.add.at(counts, high, -1)
    counts = np.cumsum(counts)[:length]
    if counts.max(initial=0) <= 1:  # as it should be: exact, without sums of floats
        found = np.full(length, np.nan, np.float32)
        lengths = high - low
        at = np.repeat(low, lengths) + np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        found[at] = np.repeat(values, lengths)
        return found
    np.add.at(sums, low, values)
    np.add.at(sums, high, -values)
    with np.errstate(invalid="ignore"):
        return np.where(counts > 0, np.cumsum(sums)[:length] / counts, np.nan).astype(np.float32)
