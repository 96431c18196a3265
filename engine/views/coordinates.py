"""A figure that plotly zooms alone, in coordinates of the contig: its ticks are round there at any zoom, which plotly places at round values only.

Everything on an axis of positions is moved by one number. On the reverse strand coordinates run down, and plotly's axes of ours run up: there the
axis has the coordinates below zero, and each of its labels the coordinate as its other name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.locus import Strand

if TYPE_CHECKING:
    from engine.core.locus import Locus

MINUS = "\u2212"
"""What plotly writes in front of a label below zero."""


def in_coordinates(traces: list[dict[str, Any]], layout: dict[str, Any], locus: Locus) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The same traces and layout with each axis of positions (those whose positions have other names) in coordinates of ``locus``."""
    reverse = locus.strand is Strand.REVERSE
    shift = -(locus.end + 1) if reverse else locus.start
    keys = [key for key, axis in layout.items() if key[1:5] == "axis" and "labelalias" in axis]
    axes = {key.replace("axis", "") for key in keys}
    moved = dict(layout)
    for key in keys:
        axis = {name: value for name, value in layout[key].items() if name != "labelalias"}
        if reverse:
            axis["labelalias"] = {f"{MINUS}{place}": f"{place:,}" for place in range(locus.start + 1, locus.end + 1)}
        else:
            axis |= {"tickformat": ",d", "hoverformat": ",d"}
        moved[key] = axis | {"range": [value + shift for value in axis["range"]]}
    for name in ("shapes", "annotations", "images"):
        moved[name] = [_item(item, axes, shift) for item in layout[name]]
    return [_trace(trace, axes, shift) for trace in traces], moved


def _trace(trace: dict[str, Any], axes: set[str], shift: int) -> dict[str, Any]:
    found = dict(trace)
    for letter in "xy":
        if trace.get(f"{letter}axis") not in axes:
            continue
        if letter in trace:
            found[letter] = np.asarray(trace[letter], np.float64) + shift
        if f"{letter}0" in trace:
            found[f"{letter}0"] = trace[f"{letter}0"] + shift
    return found


def _item(item: dict[str, Any], axes: set[str], shift: int) -> dict[str, Any]:
    """A shape, an annotation or an image."""
    found = dict(item)
    for letter in "xy":
        if item.get(f"{letter}ref") in axes:
            found |= {name: item[name] + shift for name in (letter, f"{letter}0", f"{letter}1") if item.get(name) is not None}
    return found
