"""Figures of the page Phage: the loss along a whole genome, and the map of its genes by what replacing them costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from engine.views.notes import plain
from engine.views.palettes import theme

if TYPE_CHECKING:
    from engine.analyses.essential import EssentialGenes
    from engine.analyses.loss import LossTrack

MOST_POINTS = 6000
"""Points of a line that are drawn: a screen has fewer."""


def _framed(traces: list[Any], title: str, *, dark: bool) -> go.Figure:
    colours = theme(dark=dark)
    axis = {"gridcolor": colours["line"], "zerolinecolor": colours["line"], "color": colours["faint"]}
    return go.Figure(
        {
            "data": traces,
            "layout": {
                "height": 320,
                "margin": {"l": 76, "r": 16, "t": 12, "b": 44},
                "paper_bgcolor": colours["background"],
                "plot_bgcolor": "rgba(0,0,0,0)",
                "font": {"color": colours["ink"]},
                "xaxis": {**axis, "title": {"text": "position, 1-based"}, "tickformat": ","},
                "yaxis": {**axis, "title": {"text": title, "standoff": 6}, "exponentformat": "power", "automargin": True},
                "legend": {"orientation": "h", "y": 1.1, "x": 0},
                "hovermode": "closest",
            },
        }
    )


def loss_figure(found: LossTrack, *, dark: bool) -> go.Figure:
    """Means of the small windows as points of a thin line, the moving mean over them."""
    colours = theme(dark=dark)
    first = np.arange(0, len(found.values), found.small)
    middle = np.minimum(first + found.small // 2, len(found.values) - 1)
    step = max(1, len(found.values) // MOST_POINTS)
    every = np.arange(0, len(found.values), step)
    thin = {"color": colours["bar"], "width": 1}
    return _framed(
        [
            go.Scattergl(x=middle + 1, y=found.blocks()[first], mode="lines", line=thin, name=f"{found.small:,} bp"),
            go.Scattergl(
                x=every + 1,
                y=found.moving()[every],
                mode="lines",
                line={"color": colours["accent"], "width": 2},
                name=f"{found.large:,} bp around",
            ),
        ],
        f"{found.name}, nats per base",
        dark=dark,
    )


def gene_map(found: EssentialGenes, *, dark: bool) -> go.Figure:
    """A bar a gene, as wide as the gene and as high as the loss grows; coloured by the strand."""
    colours = theme(dark=dark)
    genes, values, ranks = found.rows_of_genes, found.means()[:, found.parts.index(found.by)], found.ranks(found.by)
    traces = []
    for forward, colour, name in ((True, colours["accent"], "read as written"), (False, colours["bar"], "on the complement")):
        rows = [index for index, gene in enumerate(genes) if gene.forward == forward]
        traces.append(
            go.Bar(
                x=[(genes[index].start + genes[index].end + 1) / 2 for index in rows],
                width=[genes[index].end - genes[index].start for index in rows],
                y=values[rows],
                customdata=[[plain(genes[index].name), f"{ranks[index]:g}", genes[index].start + 1, genes[index].end] for index in rows],
                hovertemplate="%{customdata[0]}, rank %{customdata[1]}<br>%{customdata[2]:,}-%{customdata[3]:,}<br>%{y:.3g} nats per base<extra></extra>",
                marker={"color": colour, "line": {"width": 0}},
                name=name,
            )
        )
    return _framed(traces, f"Δ mean {'pseudo-' if found.pseudo else ''}loss, {found.by}", dark=dark)
