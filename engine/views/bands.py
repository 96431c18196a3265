"""Panels in their places: heights and axes, top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.views.own_panels import own_panels
from engine.views.panel import Drawn, Panel, arranged

if TYPE_CHECKING:
    from engine.views.evidence import FigureStyle, LocusEvidence

GAP, LIVE_GAP = 24, 22
"""Pixels between panels, where their titles stand."""
PLACEHOLDER = 43
"""Pixels of a panel without a result."""


@dataclass(frozen=True)
class Band:
    """A panel in its place: which, how it is drawn, its height in pixels, its axes, and its part of the figure's height (from below)."""

    panel: Panel
    drawn: Drawn
    height: int
    x_axis: str
    axis: str
    domain: tuple[float, float]

    @property
    def axis_key(self) -> str:
        """The y axis' name in the layout."""
        return f"yaxis{self.axis[1:]}"


def gap(style: FigureStyle) -> int:
    """Pixels between two panels."""
    return LIVE_GAP if style.live else GAP


def inner_height(bands: Sequence[Band], style: FigureStyle) -> int:
    """Pixels of all panels with what lies between them."""
    return sum(band.height for band in bands) + gap(style) * (len(bands) - 1)


def columns(evidences: Sequence[LocusEvidence], style: FigureStyle) -> list[list[Band]]:
    """The panels of each sequence, columns of the same panels in the same rows; the first column has the axes ``x`` and ``y`` onwards."""
    own = {panel.id: panel for evidence in evidences for panel in own_panels(evidence)}
    kinds = [panel for panel in arranged(style, tuple(own.values())) if any(panel.belongs(evidence) for evidence in evidences)]
    drawn = [[panel.drawn(evidence, style) if panel.belongs(evidence) else Drawn() for panel in kinds] for evidence in evidences]
    heights = [max(_height(panel, column[row], style) for column in drawn) for row, panel in enumerate(kinds)]
    total = sum(heights) + gap(style) * (len(kinds) - 1)
    tops = [total - sum(heights[:row]) - gap(style) * row for row in range(len(kinds))]
    domains = [(max(0.0, (top - height) / total), min(1.0, top / total)) for top, height in zip(tops, heights, strict=True)]
    return [
        [
            Band(panel, column[row], heights[row], _axis("x", number), _axis("y", number * len(kinds) + row), domains[row])
            for row, panel in enumerate(kinds)
        ]
        for number, column in enumerate(drawn)
    ]


def _axis(letter: str, number: int) -> str:
    return letter if number == 0 else f"{letter}{number + 1}"


def _height(panel: Panel, drawn: Drawn, style: FigureStyle) -> int:
    if not drawn.traces:
        return PLACEHOLDER if drawn.state is not None else 0
    return style.heights.get(panel.id, drawn.height or panel.height)
