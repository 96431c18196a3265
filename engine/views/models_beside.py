"""Several models on one sequence: agreement, influence and "trained for this?" as strips, and their maps below each other on the same axis."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.models_beside import REASONS, ModelsBeside
from engine.views.notes import plain
from engine.views.palettes import PALETTES, element_colour, theme

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from numpy.typing import NDArray

STRIP, CODES, MAP, GAP, NEAR = 46, 10, 300, 26, 4
"""Pixels of a strip of values, of one of codes, of a map; between them, and between a strip and its codes."""
TOP, BOTTOM, BAR = 58, 60, 26
"""Pixels above and below all rows; of those above, so many are for the figure's buttons, and the legend stands under them."""


def models_beside_figure(found: ModelsBeside, *, maps: bool = True, dark: bool = False) -> go.Figure:
    """Strips from above: agreement, then each model's influence with its codes under it; with ``maps``, each model's map on its own colour scale."""
    import plotly.graph_objects as go

    colours = theme(dark=dark)
    heights = [STRIP, *(item for _ in found.models for item in (STRIP, CODES)), *([MAP] * len(found.models) if maps else [])]
    tops = _tops(heights)
    inner = tops[-1] + heights[-1]
    tall = inner + TOP + BOTTOM
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {"annotations": []}
    for row, (top, height) in enumerate(zip(tops, heights, strict=True)):
        axis = "y" if row == 0 else f"y{row + 1}"
        domain = [max(0.0, 1 - (top + height) / inner), 1 - top / inner]
        title, trace, settings = _row(found, row, dark=dark)
        traces.append({**trace, "xaxis": "x", "yaxis": axis})
        layout[axis.replace("y", "yaxis")] = {
            "domain": domain,
            "showgrid": False,
            "zeroline": False,
            "linecolor": colours["faint"],
            **settings,
        }
        if title:
            layout["annotations"].append(
                {"text": plain(title), "xref": "paper", "yref": "paper", "x": 0, "y": domain[1], "yanchor": "bottom", "xanchor": "left", "showarrow": False, "font": {"size": 12}}
            )  # fmt: skip
    traces += _legend(found, dark=dark)
    last = f"y{len(heights)}"
    layout |= {
        "template": "none",
        "paper_bgcolor": colours["background"],
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": colours["ink"], "size": 11},
        "height": int(tall),
        "margin": {"l": 60, "r": 20, "t": TOP, "b": BOTTOM},
        "xaxis": {"range": [0.5, len(found.sequence) + 0.5], "anchor": last, "title": {"text": "position"}, "ticks": "outside", "showgrid": False, "linecolor": colours["faint"]},
        "legend": {"orientation": "h", "y": 1 - BAR / tall, "yanchor": "top", "yref": "container", "x": 1, "xanchor": "right", "bgcolor": "rgba(0,0,0,0)"},
        "hovermode": "closest",
        "dragmode": "zoom",
    }  # fmt: skip
    return go.Figure(traces, layout)


def _tops(heights: list[int]) -> list[int]:
    """Pixels from the first row down to each: codes stand right under the strip above them."""
    tops = [0]
    for before, height in itertools.pairwise(heights):
        tops.append(tops[-1] + before + (NEAR if height == CODES else GAP))
    return tops


def _row(found: ModelsBeside, row: int, *, dark: bool) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Title, trace and axis of a row; codes have no title."""
    bars = {"range": None, "nticks": 3, "ticks": "outside"}
    if row == 0:
        trace = _bars(found.agreement, "agreement", theme(dark=dark)["accent"])
        return "Agreement: mean Spearman correlation of the maps at each base", trace, {**bars, "range": [min(0.0, float(np.nanmin(found.agreement, initial=0.0))), 1]}  # fmt: skip
    strips = 2 * len(found.models)
    if row <= strips:
        number, codes = divmod(row - 1, 2)
        model, title = found.models[number], found.titles[number]
        if codes:
            return "", _codes(model.trained, title, dark=dark), {"visible": False, "range": [-0.5, 0.5]}
        trace = _bars(model.influence, title, theme(dark=dark)["bar"])
        top = float(np.nanmax(model.influence, initial=0.0)) or 1.0
        return f"{title}: influence ({model.name.replace('_', ' ')}), and whether it was trained for this", trace, {**bars, "range": [min(0.0, float(np.nanmin(model.influence, initial=0.0))), top * 1.02]}  # fmt: skip
    number = row - 1 - strips
    values = found.models[number].found.values
    anchors = PALETTES["cividis"]
    scale = [[place / (len(anchors) - 1), colour] for place, colour in enumerate(anchors)]
    limit = float(np.nanpercentile(values, 99.5)) or 1.0
    trace = {
        "type": "heatmap", "z": values, "x0": 1, "dx": 1, "y0": 1, "dy": 1, "zmin": 0, "zmax": limit, "colorscale": scale, "showscale": False,
        "hovertemplate": "changed %{y}, read %{x}: %{z:.2f}<extra>" + plain(found.titles[number]) + "</extra>",
    }  # fmt: skip
    title = f"{found.titles[number]}: dependency map, 0 to {limit:.2g} {found.models[number].found.unit}"
    return title, trace, {"range": [len(values) + 0.5, 0.5], "ticks": "outside", "nticks": 5}


def _bars(values: NDArray[np.float32], name: str, colour: str) -> dict[str, Any]:
    """Steps as wide as a base, the first and the last one, too: they end where the maps below end."""
    positions = np.pad(np.arange(1, len(values) + 1), 1, mode="edge")
    x = np.concatenate(([0.5], positions[1:-1], [len(values) + 0.5]))
    hover = "%{customdata}: %{y:.3f}<extra>" + plain(name) + "</extra>"
    return {"type": "scatter", "x": x, "y": np.pad(values, 1, mode="edge"), "customdata": positions, "mode": "lines", "line": {"shape": "hvh", "width": 1, "color": colour}, "fill": "tozeroy", "name": plain(name), "showlegend": False, "hovertemplate": hover}  # fmt: skip


def _palette(*, dark: bool) -> list[str]:
    """Colours of the codes; what is as trained is quiet."""
    return [theme(dark=dark)["missing"], *(element_colour(number, dark=dark) for number in (5, 7, 1, 3))]


def _codes(codes: NDArray[np.int8], name: str, *, dark: bool) -> dict[str, Any]:
    palette, count = _palette(dark=dark), len(REASONS)
    scale = [[(code + side) / count, palette[code]] for code in range(count) for side in (0, 1)]
    texts = [[REASONS[code] for code in codes.tolist()]]
    return {"type": "heatmap", "z": codes[None, :], "x0": 1, "dx": 1, "y0": 0, "dy": 1, "zmin": -0.5, "zmax": count - 0.5, "colorscale": scale, "showscale": False, "text": texts, "hovertemplate": "%{x}: %{text}<extra>" + plain(name) + "</extra>"}  # fmt: skip


def _legend(found: ModelsBeside, *, dark: bool) -> list[dict[str, Any]]:
    """One entry for each code that occurs."""
    there = sorted({int(code) for model in found.models for code in np.unique(model.trained)})
    palette = _palette(dark=dark)
    return [
        {"type": "scatter", "x": [None], "y": [None], "mode": "markers", "name": REASONS[code], "marker": {"symbol": "square", "size": 10, "color": palette[code]}}
        for code in there
    ]  # fmt: skip
