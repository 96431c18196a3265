"""What a browser asks of the figure, checked: how it shall look, and the picture of what is seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeGuard

from engine.views import wire
from engine.views.evidence import LEFT, RIGHT, FigureStyle, LocusEvidence
from engine.views.figure import locus_figure
from engine.views.own_panels import PREFIX
from engine.views.panel import panels
from pages._ui import address

NARROWEST, WIDEST = address.WIDTHS
KINDS = ("png", "svg")


def style_of(display: Mapping[str, Any], *, dark: bool, live: bool = True) -> FigureStyle:
    """How the figure looks with these settings of the display; those that are not allowed are the usual ones."""
    given = address.display_of(display)
    return FigureStyle(
        live=live,
        dark=dark,
        shape=given.get("shape", "wide"),
        colours=given.get("palette", "cividis"),
        bases=given.get("bases", "safe"),
        colour_limit=given.get("high"),
        percentile=given.get("percentile", 99.5),
        log=given.get("scale") == "log",
        symmetry=given.get("symmetry", "none"),
        threshold=given.get("threshold", 0.0),
        hide_near=given.get("near", 1),
        genes=given.get("genes", "merged"),
        arcs=given.get("arcs", 40),
        minimum_distance=given.get("distance", 4),
    )


def seen_style(seen: Mapping[str, Any], *, dark: bool) -> FigureStyle | None:
    """The figure as it is seen in the browser, not live; None when the browser says nothing that can be drawn."""
    arrangement = seen.get("arrangement")
    region, rows = _span(seen.get("region")), _span(seen.get("rows"))
    if region is None or rows is None or not isinstance(arrangement, Mapping):
        return None
    selection = seen.get("selection")
    chosen = tuple(selection[key] for key in ("i", "j") if isinstance(selection.get(key), int)) if isinstance(selection, Mapping) else ()
    known = {panel.id for panel in panels()} | {name for name in _named(arrangement) if name.startswith(PREFIX)}
    heights = {key: round(value) for key, value in _mapping(arrangement.get("heights")).items() if key in known and _number(value)}
    width = seen.get("width")
    return replace(
        style_of(_mapping(seen.get("display")), dark=dark, live=False),
        first=region[0] + 1,
        last=region[1],
        rows=(rows[0] + 1, rows[1]) if rows != region else None,
        selected=chosen,
        hidden=tuple(key for key in _list(arrangement.get("folded")) if key in known),
        order=tuple(key for key in _list(arrangement.get("order")) if key in known),
        heights={**heights, **_map_height(seen)},
        off=tuple(_list(arrangement.get("off"))),
        width=int(min(WIDEST, max(NARROWEST, width + LEFT + RIGHT))) if _number(width) else 1000,
    )


def picture(to: wire.Address, evidence: LocusEvidence, wish: Mapping[str, Any], name: str, *, dark: bool) -> bytes | None:
    """The figure whole, as it is seen, for the browser to save; None when the wish is none of ours."""
    kind, style = str(wish.get("format")), seen_style(wish, dark=dark)
    if kind not in KINDS or style is None:
        return None
    return wire.picture_envelope(to, locus_figure(evidence, style.for_file(kind)), kind, name)


def _map_height(wish: Mapping[str, Any]) -> dict[str, int]:
    """The map as high as it is on screen."""
    height = wish.get("mapHeight")
    return {"map": int(min(WIDEST, max(16, height)))} if _number(height) else {}


def _span(value: Any) -> tuple[int, int] | None:
    """Whole bases of a range {a, b}."""
    if not isinstance(value, Mapping) or not (_number(value.get("a")) and _number(value.get("b"))):
        return None
    return int(value["a"]), math.ceil(value["b"])


def _number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _list(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)][:100] if isinstance(value, list) else []


def _named(arrangement: Mapping[str, Any]) -> set[str]:
    """Every panel that the arrangement speaks of."""
    return {*_mapping(arrangement.get("heights")), *_list(arrangement.get("folded")), *_list(arrangement.get("order"))}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
