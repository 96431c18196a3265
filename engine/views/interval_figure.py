"""Measured numbers with their intervals, one row each: scores filled, baselines open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.views.notes import plain
from engine.views.palettes import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

ROW = 22
"""Pixels of a row."""


@dataclass(frozen=True)
class Measured:
    """A number with its interval (None: not known) under a name."""

    name: str
    value: float
    low: float | None
    high: float | None
    baseline: bool


def interval_figure(rows: Sequence[Measured], title: str, *, chance: float | None = None, dark: bool = False) -> go.Figure:
    """Points with 95 % intervals from left to right, the first row on top; ``chance``: a line where a score that knows nothing stands."""
    import plotly.graph_objects as go

    colours = theme(dark=dark)
    traces = []
    for baseline, name, symbol in ((False, "score", "circle"), (True, "baseline", "diamond-open")):
        own = [row for row in rows if row.baseline is baseline]
        if not own:
            continue
        behind = [0.0 if row.low is None else row.value - row.low for row in own]
        ahead = [0.0 if row.high is None else row.high - row.value for row in own]
        error = {"type": "data", "symmetric": False, "array": ahead, "arrayminus": behind, "thickness": 1.5, "color": colours["faint"]}
        marker = {"size": 10, "symbol": symbol, "color": colours["faint" if baseline else "bar"]}
        names = [plain(row.name) for row in own]
        traces.append(go.Scatter(x=[row.value for row in own], y=names, error_x=error, mode="markers", marker=marker, name=name))
    line = [
        {"type": "line", "x0": chance, "x1": chance, "yref": "paper", "y0": 0, "y1": 1, "line": {"dash": "dot", "color": colours["faint"]}}
    ]
    layout = {
        "template": "none",
        "paper_bgcolor": colours["background"],
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": colours["ink"], "size": 12},
        "height": 110 + ROW * len(rows),
        "margin": {"l": 12, "r": 16, "t": 16, "b": 48},
        "xaxis": {"title": {"text": plain(title)}, "gridcolor": colours["line"], "zeroline": False, "ticks": "outside"},
        "yaxis": {
            "automargin": True,
            "categoryorder": "array",
            "categoryarray": [plain(row.name) for row in rows][::-1],
            "gridcolor": colours["line"],
        },
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        "shapes": line if chance is not None else [],
    }
    return go.Figure(traces, layout)
