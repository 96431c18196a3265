"""Places of a genome as points: the map of their hidden states, coloured by class, cluster or GC content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.embedding import EmbeddingTable, Projection
from engine.views.chart import axis, clickable
from engine.views.notes import plain
from engine.views.palettes import PALETTES, element_colour, theme

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from numpy.typing import NDArray

COLOURS = ("class", "cluster", "GC content")
MOST_GROUPS = 24
MOST_TEXTS = 10_000
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "triangle-down")


def embedding_map(
    table: EmbeddingTable, projection: Projection, name: str, colour: str, *, selected: int | None = None, dark: bool = False
) -> go.Figure:
    """One point a place on the map called ``name`` (a key of `Projection.maps`); ``customdata`` is its row.

    ``colour`` is one of `COLOURS`; classes and clusters differ in colour and, beyond four, in symbol. ``selected``: a row that stands out, as
    one does that is clicked in the browser. Beyond `MOST_TEXTS` points the hover says only which row it is.
    """
    import plotly.graph_objects as go

    colours, points = theme(dark=dark), projection.maps()[name]
    texts = _texts(table, projection) if len(table) <= MOST_TEXTS else []
    groups: list[tuple[dict[str, Any], NDArray[np.int64], str]] = []
    if colour == COLOURS[2]:
        bar = {"title": {"text": "GC"}, "tickformat": ".0%", "outlinewidth": 0}
        marker = {"color": table.gc, "colorscale": _scale(), "colorbar": bar}
        groups.append((marker, np.arange(len(table)), "places"))
    else:
        for number, (group, rows) in enumerate(_groups(table, projection, colour)):
            marker = {"color": element_colour(number, dark=dark), "symbol": SYMBOLS[(number // 4) % len(SYMBOLS)]}
            groups.append((marker, rows, f"{plain(group)} ({len(rows):,})"))
    chosen = {"marker": {"opacity": 1, "size": 16, "color": colours["ink"]}}
    traces = [_points(points, rows, texts, marker, name, len(table), chosen, selected) for marker, rows, name in groups]
    return go.Figure(traces, _layout(projection, name, colours))


def _texts(table: EmbeddingTable, projection: Projection) -> list[str]:
    """What is said of each place while the pointer is on it."""
    return [
        f"{plain(place.name or place.locus)} · {plain(place.kind or 'no class')} · {plain(place.locus)} · GC {gc:.0%} · cluster {cluster}"
        for place, gc, cluster in zip(table.places, table.gc, projection.clusters, strict=True)
    ]


def _points(
    points: NDArray[np.float32],
    rows: NDArray[np.int64],
    texts: list[str],
    marker: dict[str, Any],
    name: str,
    total: int,
    chosen: dict[str, Any],
    selected: int | None,
) -> Any:
    import plotly.graph_objects as go

    size = 7 if total < 2_000 else 5 if total < 10_000 else 3
    return go.Scattergl(
        x=points[rows, 0],
        y=points[rows, 1],
        mode="markers",
        marker={"size": size, "opacity": 0.75, **marker},
        customdata=rows,
        text=[texts[row] for row in rows.tolist()] if texts else None,
        hovertemplate="%{text}<extra></extra>" if texts else "place %{customdata:,}<extra>%{fullData.name}</extra>",
        name=name,
        selectedpoints=np.flatnonzero(rows == selected) if selected is not None and selected in rows else None,
        selected=chosen,
        unselected={"marker": {"opacity": 0.75}},
    )


def _groups(table: EmbeddingTable, projection: Projection, colour: str) -> list[tuple[str, NDArray[np.int64]]]:
    """Rows of each class or cluster, the largest first; what is beyond `MOST_GROUPS` together."""
    labels = (
        np.array([name or "no class" for name in table.classes])
        if colour == COLOURS[0]
        else np.array([f"cluster {number}" for number in projection.clusters])
    )
    names, counts = np.unique(labels, return_counts=True)
    order = [str(names[index]) for index in np.argsort(-counts, kind="stable")]
    found = [(name, np.flatnonzero(labels == name)) for name in order[:MOST_GROUPS]]
    rest = np.flatnonzero(np.isin(labels, order[MOST_GROUPS:]))
    return [*found, ("others", rest)] if rest.size else found


def _scale() -> list[list[Any]]:
    anchors = PALETTES["viridis"]
    return [[number / (len(anchors) - 1), anchor] for number, anchor in enumerate(anchors)]


def _layout(projection: Projection, name: str, colours: dict[str, str]) -> dict[str, Any]:
    plain_axis = axis(colours, showgrid=False)
    titles = [f"{name} {number}" for number in (1, 2)]
    if name == "PCA":
        titles = [f"{title} ({share:.1%} of the variance)" for title, share in zip(titles, projection.explained, strict=False)]
    return {
        **clickable(colours, 560),
        "showlegend": True,
        "margin": {"l": 60, "r": 16, "t": 16, "b": 56},
        "xaxis": {**plain_axis, "title": {"text": titles[0]}},
        "yaxis": {**plain_axis, "title": {"text": titles[1]}},
        "legend": {"itemsizing": "constant", "bgcolor": "rgba(0,0,0,0)"},
    }
