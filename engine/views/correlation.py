"""How a signal that a visitor brought goes along with what a model says, base by base: a number with its interval, and a scatter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.views.notes import plain
from engine.views.palettes import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from numpy.typing import NDArray

FEWEST = 10
"""Bases with both values below which no correlation is told."""
MOST_POINTS = 5000


@dataclass(frozen=True)
class Correlation:
    """Over ``count`` bases with both values: ``pearson`` of the values and ``spearman`` of their ranks (ties share their mean rank), None where
    one of the two is constant or there are fewer than `FEWEST`; ``low`` and ``high`` the 95 % interval of ``spearman`` by Fisher's z with a standard
    error of 1.03 / √(n − 3) (Fieller et al., Biometrika 1957), as if the bases were independent, which neighbours are not."""

    count: int
    pearson: float | None
    spearman: float | None
    low: float | None = None
    high: float | None = None

    def words(self) -> str:
        """In one sentence."""
        if self.count < FEWEST:
            return f"{self.count:,} bases have both values; from {FEWEST} on a correlation is told."
        if self.spearman is None or self.pearson is None:
            return f"One of the two is the same at all {self.count:,} bases, so there is no correlation."
        interval = f" (95 % {self.low:+.2f} to {self.high:+.2f} if bases were independent, which neighbours are not)"
        return f"Spearman {self.spearman:+.3f}{interval}, Pearson {self.pearson:+.3f}, n = {self.count:,} bases.".replace("-", "−")


def correlated(one: NDArray[Any], other: NDArray[Any]) -> Correlation:
    """Two values a base, (L,) each, NaN where there is none."""
    from scipy.stats import rankdata

    known = np.isfinite(one) & np.isfinite(other)
    x, y = np.asarray(one, np.float64)[known], np.asarray(other, np.float64)[known]
    count = len(x)
    if count < FEWEST or x.std() == 0 or y.std() == 0:
        return Correlation(count, None, None)
    spearman = float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])
    middle, half = math.atanh(max(-0.999999, min(0.999999, spearman))), 1.96 * 1.03 / math.sqrt(count - 3)
    return Correlation(count, float(np.corrcoef(x, y)[0, 1]), spearman, math.tanh(middle - half), math.tanh(middle + half))


def scatter(one: NDArray[Any], other: NDArray[Any], titles: tuple[str, str], *, colour: str, dark: bool = False) -> go.Figure:
    """A point a base, at most `MOST_POINTS` evenly along the sequence."""
    import plotly.graph_objects as go

    colours = theme(dark=dark)
    at = np.flatnonzero(np.isfinite(one) & np.isfinite(other))
    at = at[:: max(1, -(-len(at) // MOST_POINTS))]
    trace = go.Scatter(
        x=np.asarray(one, np.float64)[at],
        y=np.asarray(other, np.float64)[at],
        mode="markers",
        marker={"size": 4, "color": colour, "opacity": 0.5},
        text=[f"base {place + 1:,}" for place in at],
        hovertemplate="%{text}: %{x:.4g}, %{y:.4g}<extra></extra>",
    )
    axes = {"zeroline": False, "gridcolor": colours["line"], "ticks": "outside"}
    layout = {
        "template": "none",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": colours["ink"], "size": 12},
        "height": 320,
        "margin": {"l": 60, "r": 16, "t": 12, "b": 48},
        "xaxis": {"title": {"text": plain(titles[0])}, **axes},
        "yaxis": {"title": {"text": plain(titles[1])}, **axes},
        "showlegend": False,
    }
    return go.Figure(trace, layout)
