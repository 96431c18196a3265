"""Two aligned logos: what a model expects around places of one kind, over what stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.arithmetic import entropy
from engine.core.motif import KINDS, Motif
from engine.core.sequence import BASES
from engine.views.notes import plain
from engine.views.palettes import base_colours, theme
from engine.views.panels.reconstruction import MOST_BITS, stacked
from engine.views.paths import filled, placed

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from numpy.typing import NDArray

HEIGHT = 420
TOPS = (0.1, 0.2, 0.5, 1.0)
LOWEST_SHARE = 0.015
"""Letters lower than this part of the axis are not drawn."""
_LABELS = 20
"""Positions with a number at most."""


def motif_logo(found: Motif, *, dark: bool = False) -> go.Figure:
    """Letters as high as their share of the information of their column (2 bits less its entropy), the model's above the places' own; each logo has its own scale."""
    import plotly.graph_objects as go

    colours = theme(dark=dark)
    rows = (
        (found.predicted, "y", f"expected by {found.provenance.answered_by}" + (", unmasked: largely a copy" if found.copied else "")),
        (found.observed, "y2", f"in the genome, {len(found):,} places"),
    )
    tops = {axis: _top(values) for values, axis, _ in rows}
    traces = [trace for values, axis, _ in rows for trace in _letters(values, axis, tops[axis], dark=dark)]
    traces += [_pointer(found, values, axis, name, tops[axis]) for values, axis, name in rows]
    notes = [
        {
            "text": plain(name if tops[axis] == MOST_BITS else f"{name} (axis to {tops[axis]:g} of 2 bits)"),
            "xref": "paper",
            "yref": f"{axis} domain",
            "x": 0,
            "y": 1.02,
            "xanchor": "left",
            "yanchor": "bottom",
            "showarrow": False,
        }
        for _, axis, name in rows
    ]
    before = found.parameters.before
    line = {"type": "line", "x0": before + 0.5, "x1": before + 0.5, "yref": "paper", "y0": 0, "y1": 1}
    shapes = [{**line, "line": {"dash": "dot", "color": colours["faint"], "width": 1}}] if before else []
    return go.Figure(traces, {**_layout(found, colours, tops), "annotations": notes, "shapes": shapes})


def _top(values: NDArray[np.float64]) -> float:
    """Upper end of an axis in bits: 2, or less where the highest column is below half of it, so that what is faint is seen."""
    highest = float((MOST_BITS - entropy(values)).max(initial=0.0))
    return next((top for top in TOPS if highest <= top), MOST_BITS)


def _letters(values: NDArray[np.float64], axis: str, top: float, *, dark: bool) -> list[dict[str, Any]]:
    bottoms, heights = stacked(values.astype(np.float32))
    colours = base_colours("safe", dark=dark)
    traces = []
    for column, base in enumerate(BASES):
        at = np.flatnonzero(heights[:, column] > LOWEST_SHARE * top)
        path = placed(base, at + 0.56, bottoms[at, column], 0.88, heights[at, column])
        traces.append(filled(path, colours[base], name=base, yaxis=axis))
    return traces


def _pointer(found: Motif, values: NDArray[np.float64], axis: str, name: str, top: float) -> dict[str, Any]:
    """Points without ink that say the numbers of a column."""
    texts = [
        f"{position:+d} · " + " ".join(f"{base} {value:.2f}" for base, value in zip(BASES, row, strict=True))
        for position, row in zip(found.parameters.positions().tolist(), values.tolist(), strict=True)
    ]
    return {
        "type": "scatter",
        "x": np.arange(1, len(values) + 1),
        "y": np.full(len(values), top / 2),
        "mode": "markers",
        "marker": {"opacity": 0},
        "text": texts,
        "hovertemplate": "%{text}<extra>" + plain(name) + "</extra>",
        "showlegend": False,
        "yaxis": axis,
    }


def _layout(found: Motif, colours: dict[str, str], tops: dict[str, float]) -> dict[str, Any]:
    positions = found.parameters.positions()
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100) if len(positions) / step <= _LABELS or step == 100)
    named = [index for index, position in enumerate(positions.tolist()) if position in (-1, 1) or position % step == 0]
    ticks = {"tickvals": [index + 1 for index in named], "ticktext": [f"{positions[index]:+d}" for index in named]}
    axis = {"linecolor": colours["faint"], "ticks": "outside", "tickcolor": colours["faint"], "showgrid": False, "zeroline": False}
    bits = {**axis, "title": {"text": "bits"}, "fixedrange": True}
    ranges = {name: {"range": [0, top], "tickvals": [0, top / 2, top]} for name, top in tops.items()}
    return {
        "template": "none",
        "paper_bgcolor": colours["background"],
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": colours["ink"], "size": 12},
        "height": HEIGHT,
        "margin": {"l": 56, "r": 16, "t": 32, "b": 52},
        "xaxis": {
            **axis,
            **ticks,
            "range": [0.4, len(positions) + 0.6],
            "anchor": "y2",
            "title": {"text": f"position along {KINDS[found.parameters.at]}"},
        },
        "yaxis": {**bits, **ranges["y"], "domain": [0.56, 1]},
        "yaxis2": {**bits, **ranges["y2"], "domain": [0, 0.44]},
        "hovermode": "closest",
    }
