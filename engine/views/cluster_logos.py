"""Logos of clusters under each other, heights in bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.sequence import BASES
from engine.views.chart import frame
from engine.views.palettes import base_colours, theme
from engine.views.panels.reconstruction import bottoms_of
from engine.views.paths import filled, placed

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from engine.analyses.cluster_logos import ClusterLogo

ROW, TOP, BOTTOM = 74, 8, 48
GAP = 0.3
"""Of a row, between two logos."""
LOWEST_BITS = 0.01


def logo_figure(logos: Sequence[ClusterLogo], *, dark: bool = False) -> go.Figure:
    """One row a cluster; letters as high as their share of the information, the likeliest on top. All rows to the highest column of any."""
    import plotly.graph_objects as go

    colours, letters = theme(dark=dark), base_colours("safe", dark=dark)
    top = max([float(one.bits.max(initial=0.0)) for one in logos] + [0.5])
    traces: list[dict[str, Any]] = []
    layout = frame(colours, height=TOP + BOTTOM + ROW * len(logos))
    layout["margin"] = {"l": 150, "r": 16, "t": TOP, "b": BOTTOM}
    width = max(len(one.counts) for one in logos)
    layout["xaxis"] = {"range": [0.5, width + 0.5], "anchor": f"y{len(logos)}" if len(logos) > 1 else "y", "title": {"text": "base of the place, from its 5′ end"}, "showgrid": False, "zeroline": False}  # fmt: skip
    for row, one in enumerate(logos):
        axis = f"y{row + 1}" if row else "y"
        high = 1 - row / len(logos)
        traces += [{**trace, "xaxis": "x", "yaxis": axis} for trace in _letters(one, letters)]
        layout[f"yaxis{axis[1:]}"] = {
            "domain": [max(0.0, high - (1 - GAP) / len(logos)), high], "range": [0, top], "tickvals": [0, round(top, 1)], "zeroline": False,
            "showgrid": False, "linecolor": colours["faint"], "fixedrange": True,
        }  # fmt: skip
        layout.setdefault("annotations", []).append({
            "text": f"cluster {one.cluster}<br>{len(one.rows):,} of {one.size:,}", "xref": "paper", "x": -0.035, "xanchor": "right", "yref": f"{axis} domain", "y": 0.5, "showarrow": False, "align": "right",
        })  # fmt: skip
    return go.Figure(traces, layout)


def _letters(one: ClusterLogo, colours: Any) -> list[dict[str, Any]]:
    heights = one.frequencies * one.bits[:, None]
    bottoms = bottoms_of(heights)
    found = []
    for k, base in enumerate(BASES):
        at = np.flatnonzero(heights[:, k] > LOWEST_BITS)
        if len(at):
            found.append(filled(placed(base, at + 0.56, bottoms[at, k], 0.88, heights[at, k]), colours[base], name=base))
    return found
