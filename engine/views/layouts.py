"""Where the bases of a secondary structure are drawn: ViennaRNA's layout where the package is installed, else a radial one of our own.

Both lay out a nested structure; pairs that cross it are drawn over it as curves. Neighbouring bases are about one unit apart.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.core.base_pairs import levels, partners

if TYPE_CHECKING:
    from numpy.typing import NDArray

VIENNA, RADIAL = "ViennaRNA", "radial"
PAIR_WIDTH = 1.7
"""Distance of two bases that pair, in distances of neighbours."""


@dataclass(frozen=True, eq=False)
class Layout:
    """``places`` float64 (L, 2) of the bases; ``nested`` the pairs that were laid out, ``crossing`` the others; ``by`` which layout it is."""

    places: NDArray[np.float64]
    nested: tuple[tuple[int, int], ...]
    crossing: tuple[tuple[int, int], ...]
    by: str


def layout(length: int, pairs: NDArray[np.int64], by: str = "") -> Layout:
    """The layout named ``by``, or the best there is. A base keeps one partner; further ones are crossing pairs."""
    nested = tuple(sorted(next(iter(levels(pairs)), [])))
    crossing = tuple(sorted({(int(i), int(j)) for i, j in pairs} - set(nested)))
    places = None if by == RADIAL else vienna_places(length, nested)
    if places is None:
        return Layout(radial_places(length, nested), nested, crossing, RADIAL)
    return Layout(places, nested, crossing, VIENNA)


def vienna_places(length: int, nested: tuple[tuple[int, int], ...]) -> NDArray[np.float64] | None:
    """ViennaRNA's naview layout, float64 (L, 2) in distances of neighbours; None where the package is not installed."""
    try:
        import RNA
    except ImportError:
        return None
    symbols = ["."] * length
    for i, j in nested:
        symbols[i], symbols[j] = "(", ")"
    found = RNA.naview_xy_coordinates("".join(symbols))
    places = np.array([(found[k].X, found[k].Y) for k in range(length)], dtype=np.float64)
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1) if length > 1 else np.ones(1)
    return places / max(float(np.median(steps)), 1e-9)


def radial_places(length: int, nested: tuple[tuple[int, int], ...]) -> NDArray[np.float64]:
    """Each loop a circle, each stem a ladder that stands on it, float64 (L, 2); the outermost loop is open between the two ends."""
    partner = partners(length, nested)
    places = np.zeros((length, 2))
    if length == 1:
        return places
    waiting = [([*_around(partner, 0, length)], np.array([0.0, 0.0]), np.array([PAIR_WIDTH, 0.0]))]
    closing: set[tuple[int, int]] = set()
    while waiting:
        bases, first, last = waiting.pop()
        sides = list(itertools.pairwise(bases))
        stems = [(a, b) for a, b in sides if partner[a] == b]
        _on_circle(places, bases, [PAIR_WIDTH if side in stems else 1.0 for side in sides], first, last)
        for i, j in stems:
            if (i, j) not in closing:  # a loop with nothing in it has its closing pair for a side
                loop = _along_stem(places, partner, i, j)
                closing.add((loop[0][0], loop[0][-1]))
                waiting.append(loop)
    return places


def _around(partner: NDArray[np.int64], first: int, end: int) -> Iterator[int]:
    """The bases of a loop from ``first`` up to ``end``, over the stems that leave it."""
    index = first
    while index < end:
        yield index
        if partner[index] > index:
            yield int(partner[index])
            index = int(partner[index])
        index += 1


def _along_stem(
    places: NDArray[np.float64], partner: NDArray[np.int64], i: int, j: int
) -> tuple[list[int], NDArray[np.float64], NDArray[np.float64]]:
    """Place the pairs that stack on (i, j), which is placed; the loop at their end."""
    across = places[j] - places[i]
    up = np.array([across[1], -across[0]]) / max(float(np.linalg.norm(across)), 1e-9)
    while i + 1 < j - 1 and partner[i + 1] == j - 1:
        places[i + 1], places[j - 1] = places[i] - up, places[j] - up
        i, j = i + 1, j - 1
    inside = [i, *_around(partner, i + 1, j), j]
    return inside, places[i].copy(), places[j].copy()


def _on_circle(
    places: NDArray[np.float64], bases: list[int], chords: list[float], first: NDArray[np.float64], last: NDArray[np.float64]
) -> None:
    """Put ``bases`` on the circle that the chords between them fill together with the one from ``last`` back to ``first``, left of the way there.

    Chords too short to go round (a hairpin of one base) are stretched.
    """
    closing = float(np.linalg.norm(last - first))
    radius = _radius([*chords, closing])
    across = (last - first) / closing
    middle = (first + last) / 2 + np.array([-across[1], across[0]]) * math.sqrt(max(radius**2 - closing**2 / 4, 0.0))
    turns = np.array([2 * math.asin(min(1.0, chord / (2 * radius))) for chord in chords])
    turns *= (2 * math.pi - 2 * math.asin(min(1.0, closing / (2 * radius)))) / turns.sum()
    start = math.atan2(*(first - middle)[::-1])
    angles = start - np.concatenate([[0.0], np.cumsum(turns)])
    places[bases] = middle + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _radius(chords: list[float]) -> float:
    """Radius of the circle that these chords close, by bisection."""
    low, high = max(chords) / 2, sum(chords)
    for _ in range(60):
        radius = (low + high) / 2
        if sum(2 * math.asin(min(1.0, chord / (2 * radius))) for chord in chords) > 2 * math.pi:
            low = radius
        else:
            high = radius
    return high
