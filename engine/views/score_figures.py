"""Scores of many variants as pictures: their distribution by class, and against the allele frequency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.views.notes import plain
from engine.views.palettes import ELEMENT_COLOURS, theme

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from numpy.typing import NDArray

BINS = 40
MOST_POINTS = 5_000
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "2px,8px")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "triangle-down")


def score_histogram(values: Mapping[str, NDArray[np.floating]], title: str, *, dark: bool = False) -> go.Figure:
    """How a score is distributed in each class: outlines of histograms, each as shares of its class.

    ``values``: by class float (n,), NaN left out; the largest class first. Classes differ in colour and in the dashes of their line, and
    their names carry their numbers.
    """
    import plotly.graph_objects as go

    known = {name: array[np.isfinite(array)] for name, array in values.items()}
    drawn = sorted((name for name, array in known.items() if array.size), key=lambda name: -known[name].size)
    edges = np.histogram_bin_edges(np.concatenate([known[name] for name in drawn]) if drawn else np.zeros(1), BINS)
    traces = []
    for number, name in enumerate(drawn):
        counts, _ = np.histogram(known[name], edges)
        shares = np.repeat(counts / counts.sum() * 100, 2)
        line = {"color": _colour(number, dark=dark), "dash": _nth(_DASHES, number), "width": 2}
        label = f"{plain(name)} ({known[name].size:,})"
        hover = f"{plain(name)}: %{{y:.1f}} % from %{{x:.3g}}<extra></extra>"
        traces.append(go.Scatter(x=np.repeat(edges, 2)[1:-1], y=shares, mode="lines", line=line, name=label, hovertemplate=hover))
    return go.Figure(traces, _layout(title, "% of the class", dark=dark))


def score_against_frequency(
    frequency: Mapping[str, NDArray[np.floating]], score: Mapping[str, NDArray[np.floating]], title: str, *, dark: bool = False
) -> go.Figure:
    """Score (y) against the allele frequency of the file (x, logarithmic), one symbol and colour a class; frequency 0 is left out.

    At most `MOST_POINTS` points a class are drawn, spread evenly over the file.
    """
    import plotly.graph_objects as go

    traces = []
    names = sorted(frequency, key=lambda name: -frequency[name].size)
    for number, name in enumerate(names):
        x, y = frequency[name], score[name]
        places = np.flatnonzero(np.isfinite(x) & np.isfinite(y) & (x > 0))
        places = places[:: max(1, -(-len(places) // MOST_POINTS))]
        if not len(places):
            continue
        marker = {"color": _colour(number, dark=dark), "symbol": _nth(_SYMBOLS, number), "size": 6, "opacity": 0.7}
        label = f"{plain(name)} ({len(places):,})"
        hover = f"{plain(name)}: frequency %{{x:.3g}}, score %{{y:.3g}}<extra></extra>"
        traces.append(go.Scattergl(x=x[places], y=y[places], mode="markers", marker=marker, name=label, hovertemplate=hover))
    layout = _layout("allele frequency of the file", title, dark=dark)
    layout["xaxis"] |= {"type": "log"}
    return go.Figure(traces, layout)


def _colour(number: int, *, dark: bool) -> str:
    colours = ELEMENT_COLOURS["dark" if dark else "light"]
    return colours[number % len(colours)]


def _nth(forms: tuple[str, ...], number: int) -> str:
    """Another form with each class, and another one again where the colours begin anew."""
    return forms[(number + number // len(ELEMENT_COLOURS["light"])) % len(forms)]


def _layout(x: str, y: str, *, dark: bool) -> dict[str, Any]:
    colours = theme(dark=dark)
    axis = {"gridcolor": colours["line"], "zerolinecolor": colours["faint"], "linecolor": colours["faint"], "ticks": "outside"}
    return {
        "template": "none",
        "paper_bgcolor": colours["background"],
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": colours["ink"], "size": 12},
        "height": 320,
        "margin": {"l": 60, "r": 16, "t": 16, "b": 48},
        "xaxis": {**axis, "title": {"text": plain(x)}},
        "yaxis": {**axis, "title": {"text": plain(y)}},
        "legend": {"x": 1.01, "xanchor": "left", "y": 1, "bgcolor": "rgba(0,0,0,0)"},
        "hovermode": "closest",
    }
