"""Segments: stretches where an element is more probable than a threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.results import Segmentation
from engine.exports.place import Place

THRESHOLD = 0.5
"""Probability from which a base counts as part of an element."""


@dataclass(frozen=True)
class Segment:
    """``[first, last)`` in letters, name of the element, mean probability."""

    element: str
    first: int
    last: int
    probability: float


def segments(result: Segmentation, threshold: float = THRESHOLD) -> list[Segment]:
    """Segments of all elements by start."""
    found: list[Segment] = []
    for column, element in enumerate(result.elements):
        values = result.values[:, column]
        inside = np.concatenate(([False], values >= threshold, [False]))
        edges = np.flatnonzero(inside[1:] != inside[:-1])
        for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            found.append(Segment(element, first, last, float(values[first:last].mean(dtype=np.float64))))
    return sorted(found, key=lambda item: (item.first, item.last))


def strand_of(element: str, place: Place) -> str:
    """Genome strand of an element: names that end in ``_forward`` or ``_reverse`` say it relative to the letters; ``.`` for the others."""
    if element.endswith("_forward"):
        return place.strand
    if element.endswith("_reverse"):
        return "+" if place.reverse else "-"
    return "."


def base_name(element: str) -> str:
    """The element's name without its direction."""
    return element.removesuffix("_forward").removesuffix("_reverse")
