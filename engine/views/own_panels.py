"""Panels of the tracks that a visitor brought: features as blocks, signals as areas, variants as lollipops, pairs as arcs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.features import Feature
from engine.core.own_tracks import KINDS, OwnTrack, TrackKind
from engine.core.sequence import BASES
from engine.views.evidence import PanelState
from engine.views.lanes import LANE, arrow, labels, lanes
from engine.views.palettes import DIVERGING, theme
from engine.views.panel import Drawn, Panel, Readout
from engine.views.panels.arcs import arc_heights
from engine.views.paths import Path, filled, joined, lines, placed, steps, together
from engine.views.thinning import PIXELS, pooled, thinned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.views.evidence import FigureStyle, LocusEvidence

PREFIX = "own-"
"""How the ids of these panels begin."""
ORDER = 14
"""Under the annotation."""
MOST_PAIRS = 400
STRIP = 30
"""Pixels of a strip of colours: as much as its title and the ends of its scale take."""
LEVELS = 120
HELP: dict[TrackKind, str] = {
    "blocks": "Features of your file, pointed to the 3′ end where the strand is known.",
    "signal": "Values of your file, one a base; stretches without a value are empty.",
    "variants": (
        "Variants of your file; the higher, the less expected by the model among all substitutions in view (quantile of the llr), where effects "
        "are computed; else by the allele frequency that the file states, else all of one height."
    ),
    "pairs": "Pairs of stretches of your file, joined by arcs; those with both ends in view.",
}


def own_panels(evidence: LocusEvidence) -> tuple[Panel, ...]:
    """A panel for each track that the visitor brought, in their order."""
    heights = dict(zip(KINDS, (LANE, 44, 40, 54), strict=True))
    return tuple(
        Panel(
            id=track.id,
            title=track.name,
            unit="",
            help=HELP[track.kind],
            order=ORDER,
            height=heights[track.kind],
            draw=partial(_DRAW[track.kind], track),
            when=_always,
        )
        for track in evidence.own
    )


def _always(_evidence: LocusEvidence) -> bool:
    return True


def _blocks(track: OwnTrack, evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    rows, length = track.rows, len(evidence.sequence)
    least = 0 if evidence.has_letters else length // PIXELS + 1  # so that a narrow one is seen among millions of bases
    ends = np.minimum(np.maximum(rows.ends, rows.starts + least), length)
    items = [
        Feature("region", name, int(start), int(end), strand)
        for name, start, end, strand in zip(rows.names, rows.starts, ends, rows.strands, strict=True)
    ]
    own = list(dict.fromkeys(thinned(items, length) if not evidence.has_letters or len(items) > PIXELS else items))
    if not own:
        return _empty(rows.note)
    at = lanes(own)
    count = max(at.values()) + 1
    width = style.base_width(length)
    trace = filled(together([arrow(item, -at[item], 0.78, width) for item in own]), track.colour, opacity=0.6, name=track.name)
    axis = {"visible": False, "range": [-count + 0.45, 0.55]}
    return Drawn((trace,), axis, height=LANE * count, labels=labels(own, at, evidence))


def _signal(track: OwnTrack, evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    values = track.values
    if not np.isfinite(values).any():
        return _empty(track.rows.note)
    shown, width = pooled(values)
    low, high = track.limits or (min(0.0, float(np.nanmin(shown))), max(0.0, float(np.nanmax(shown))))
    if low == high:
        high = low + 1.0
    readout = (Readout(track.name, values, 3),) if evidence.has_letters and not track.rows.note else ()
    scale = f"{low:.3g} to {high:.3g}" if track.limits or track.heat else ""
    unit = "; ".join(filter(None, (scale, track.rows.note))) or None
    if track.heat:
        return Drawn(
            (_strip(track, shown, width, (low, high), style),),
            {"visible": False, "range": [-0.5, 0.5]},
            height=STRIP,
            readout=readout,
            unit=unit,
        )
    x, y = steps(np.clip(shown, low, high), levels=LEVELS / (high - low))
    trace = filled(((x - 0.5) * np.float32(width) + np.float32(0.5), y), track.colour, name=track.name)
    room = 0.12 * (high - low)  # half the height of a number at the end of the scale
    axis = {"range": [low - room * (low < 0), high + room], "nticks": 3, "showgrid": False}
    return Drawn((trace,), axis, readout=readout, unit=unit)


def _strip(track: OwnTrack, shown: NDArray[np.float32], width: float, limits: tuple[float, float], style: FigureStyle) -> dict[str, Any]:
    """A row of cells from the ground of the figure to the track's colour; stretches without a value are left out."""
    ground = theme(dark=style.dark)["background"]
    scale = [[0.0, ground], [1.0, track.colour]]
    if limits[0] < 0 < limits[1]:  # below zero in another hue, with the ground at zero
        scale = [[0.0, DIVERGING[2]], [-limits[0] / (limits[1] - limits[0]), ground], [1.0, track.colour]]
    grid = {"x0": 0.5 + width / 2, "dx": width, "y0": 0, "dy": 1, "zmin": limits[0], "zmax": limits[1], "colorscale": scale}
    return {
        "type": "heatmap",
        "z": shown[None, :],
        **grid,
        "showscale": False,
        "hoverinfo": "skip",
        "hoverongaps": False,
        "name": track.name,
    }


def _variants(track: OwnTrack, evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    rows = track.rows
    if not len(rows.starts):
        return _empty(rows.note)
    heights, model = variant_heights(track, evidence)
    x = (rows.starts + rows.ends) / 2 + 0.5
    seen = _highest(x, heights, len(evidence.sequence))
    thinned_out = f"the highest of {len(x):,} a pixel" if len(seen) < len(x) else ""
    x, shown = x[seen], heights[seen]
    stems = joined(np.stack([x, x], axis=1), np.stack([np.zeros_like(shown), shown], axis=1))
    radius = 3.0 / style.base_width(len(evidence.sequence))
    heads = placed("", x - radius, shown - 0.07, 2 * radius, 0.14)
    traces = (lines(stems, track.colour, 1.2, name=track.name), filled(heads, track.colour, name=track.name))
    readout: tuple[Readout, ...] = ()
    if evidence.has_letters:
        values = np.full(len(evidence.sequence), np.nan, np.float32)
        values[rows.starts] = heights
        readout = (Readout(f"{track.name}, quantile" if model else track.name, values, 2),)
    unit = ", ".join(filter(None, ("quantile of the llr" if model else "", thinned_out))) or None
    return Drawn(traces, {"visible": False, "range": [0, 1.16]}, readout=readout, model=model, unit=unit)


def _highest(x: NDArray[np.float64], heights: NDArray[np.float64], length: int) -> NDArray[np.int64]:
    """Which of many lollipops are drawn: of those that share a pixel the highest."""
    if len(x) <= PIXELS:
        return np.arange(len(x))
    order = np.argsort(-heights, kind="stable")
    _, first = np.unique((x[order] * PIXELS / length).astype(np.int64), return_index=True)
    return np.sort(order[first])


def variant_heights(track: OwnTrack, evidence: LocusEvidence) -> tuple[NDArray[np.float64], str]:
    """Heights of lollipops from 0 to 1, float64 (n,), and the model they come from, empty when from none.

    With computed effects, of a substitution the part of all substitutions of the sequence whose llr is higher; of others a half. Without, the allele
    frequency that the file states, else 1.
    """
    rows = track.rows
    scored = next((found for found in evidence.results.values() if "substitutions" in found.faces and "llr" in found.substitutions()), None)
    if scored is None:
        values = rows.values.astype(np.float64)
        return np.where(np.isfinite(values), values, 1.0), ""
    scores = np.asarray(scored.substitutions()["llr"], np.float64)
    known = np.sort(scores[np.isfinite(scores)])
    found = np.full(len(rows.starts), 0.5)
    letters = evidence.sequence.as_dna()
    for k, (start, name) in enumerate(zip(rows.starts.tolist(), rows.names, strict=True)):
        reference, _, alternate = name.partition(">")
        if reference == letters[start] and len(alternate) == 1 and alternate in BASES and len(known):
            value = scores[start, BASES.index(alternate)]
            found[k] = 1 - np.searchsorted(known, value, side="right") / len(known)
    return found, str(scored.provenance.card.title)


def _pairs(track: OwnTrack, evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    rows = track.rows
    if not len(rows.starts):
        return _empty()
    order = np.argsort(-np.nan_to_num(rows.values, nan=-np.inf), kind="stable")[:MOST_PAIRS]
    ends = np.stack([(rows.starts + rows.ends) / 2, rows.others.mean(axis=1)], axis=1)[order]
    places = np.sort(ends, axis=1)
    heights = arc_heights(np.maximum(places, 0))
    angle = np.linspace(0, np.pi, 36)
    middle, radius = places.mean(axis=1) + 0.5, (places[:, 1] - places[:, 0]) / 2
    curve: Path = joined(middle[:, None] - radius[:, None] * np.cos(angle), heights[:, None] * np.sin(angle))
    note = f"the {MOST_PAIRS} of {len(rows.starts):,} with the highest scores" if len(rows.starts) > MOST_PAIRS else None
    return Drawn((lines(curve, track.colour, 1.4, opacity=0.75, name=track.name),), {"visible": False, "range": [0, 1]}, unit=note)


def _empty(note: str = "") -> Drawn:
    return Drawn(height=LANE, state=PanelState("cannot", note) if note else PanelState("result", "nothing of it lies here"))


_DRAW: dict[str, Callable[..., Any]] = {"blocks": _blocks, "signal": _signal, "variants": _variants, "pairs": _pairs}
