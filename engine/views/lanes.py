"""Annotated intervals as boxes on lanes: overlapping ones below each other, each with a tip in the direction of its strand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.views.panel import Label
from engine.views.paths import Path, joined

if TYPE_CHECKING:
    from engine.core.features import Feature
    from engine.views.evidence import LocusEvidence

LANE = 17
MOST_LANES = 8
"""Further intervals share the last lane."""
TIP_PIXELS = 6.0
LETTER_PIXELS = 5.5
"""Of a name."""
CLOSEST = 2400
"""Pixels across a long sequence when it is zoomed into as far as it is drawn by itself; what is closer is another window."""


def lanes(features: Sequence[Feature], most: int = MOST_LANES) -> dict[Feature, int]:
    """The first free lane of each, from the top; wider ones first among those that start together. Beyond ``most`` they share the last."""
    ends: list[int] = []
    found: dict[Feature, int] = {}
    for feature in sorted(features, key=lambda item: (item.start, -item.end)):
        lane = min(next((k for k, end in enumerate(ends) if end <= feature.start), len(ends)), most - 1)
        ends[lane : lane + 1] = [max(feature.end, *ends[lane : lane + 1], 0)]
        found[feature] = lane
    return found


def labels(features: Iterable[Feature], at: Mapping[Feature, int], evidence: LocusEvidence) -> tuple[Label, ...]:
    """The names of features on their lanes, of a sequence that is browsed those that may ever fit; where features share a lane, those that
    overlap no other name."""
    named = ((item, item.name or item.kind.replace("_", " ")) for item in sorted(features, key=lambda item: (item.start, -item.end)))
    pixels = float("inf") if evidence.has_letters else CLOSEST / len(evidence.sequence)
    found: list[Label] = []
    ends: dict[int, int] = {}
    for item, text in named:
        if item.width_bp * pixels < LETTER_PIXELS * len(text) or item.start < ends.get(at[item], 0):
            continue
        ends[at[item]] = item.end
        found.append(Label(text, item.start + 0.5, item.end + 0.5, -at[item]))
    return tuple(found)


def arrow(feature: Feature, y: float, height: float, base_width: float) -> Path:
    """Box of a feature around ``y``, pointed at its 3′ end; axis values."""
    left, right = feature.start + 0.5, feature.end + 0.5
    tip = min(TIP_PIXELS / base_width, (right - left) / 2)
    low, high = y - height / 2, y + height / 2
    if feature.strand == "+":
        corners = [(left, low), (left, high), (right - tip, high), (right, y), (right - tip, low), (left, low)]
    elif feature.strand == "-":
        corners = [(left, y), (left + tip, high), (right, high), (right, low), (left + tip, low), (left, y)]
    else:
        corners = [(left, low), (left, high), (right, high), (right, low), (left, low)]
    points = np.array(corners, np.float32)
    return joined(points[:, 0], points[:, 1])
