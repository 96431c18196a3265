"""What the script of the view must know about a live figure: its panels in words, base by base, and the colours of the map.

Whatever is said about a panel is made here, so that the script knows no panel by name (but the map). Nodes are texts or
``[tag, attributes, ...children]``; the script makes elements of them, and text stays text.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.views.palettes import DIVERGING, PALETTES, interpolated, theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

Node = Any
CLEAR = "rgba(0,0,0,0)"
KINDS = {
    **dict.fromkeys(("AT", "TA", "AU", "UA", "CG", "GC"), "complementary"),
    **dict.fromkeys(("GT", "TG", "GU", "UG"), "wobble"),
}
"""What two bases are to each other."""
THREE_LINES = 44
"""Pixels of a title with two lines under it; in a lower panel they have one."""
MOST_VALUES = 4
"""Values of a panel that are said at a base; of more than these, only the largest."""


def layout(figure: go.Figure, *, dark: bool) -> dict[str, Any]:
    """The layout of a live figure as the script takes it: quiet, the ruler on top, ticks of the panels on the right (titles are left)."""
    given = {name: value for name, value in figure.to_plotly_json()["layout"].items() if name not in ("meta", "template")}
    colours = theme(dark=dark)
    bar = {"bgcolor": CLEAR, "color": colours["faint"], "activecolor": colours["accent"]}
    quiet = {"hovermode": False, "dragmode": False, "showlegend": False, "paper_bgcolor": CLEAR, "plot_bgcolor": CLEAR, "modebar": bar}
    axes = {name: {**axis, **_axis(name)} for name, axis in given.items() if name.startswith(("xaxis", "yaxis"))}
    for axis in axes.values():
        axis.pop("title", None)
    return {**given, **quiet, **axes}


def _axis(name: str) -> dict[str, Any]:
    """What every axis of a live figure has."""
    fixed = {"fixedrange": True, "autorange": False, "showspikes": False}
    return {**fixed, "side": "right"} if name.startswith("y") else {**fixed, "anchor": "free", "position": 1, "side": "top"}


def facts(figure: go.Figure, words: Sequence[str], *, dark: bool) -> dict[str, Any]:
    """``layout.meta`` of a live figure as the script takes it; ``words`` are the sentences about its results."""
    meta: Mapping[str, Any] = figure.layout.meta
    length, ruler = int(meta["length"]), _ruler(meta["locus"])
    drawn = meta["panels"]
    missing = theme(dark=dark)["missing"]
    ramps = {**PALETTES, "diverging": DIVERGING}
    ranges = {panel["axis"]: list(figure.layout[f"yaxis{panel['axis'][1:]}"].range or (0, 1)) for panel in drawn}
    found = [
        {
            **{name: panel[name] for name in ("id", "title", "axis", "height", "state", "words", "analyses", "choices", "near", "far")},
            "key": f"yaxis{panel['axis'][1:]}",
            "letter_pixels": panel.get("letter_pixels", meta["letter_pixels"]),
            "names": [] if panel.get("pictured") else names(panel, panel["near"] or ranges[panel["axis"]]),
            "arcs": arcs(panel["arcs"], length, ranges[panel["axis"]]) if panel.get("arcs") else "",
            "say": panel["title"].lower() if len(panel["readout"] or ()) != 1 else "",
            "tags": tags(panel, ruler, length) if meta["letters"] else None,
            "head": head(panel),
            "about": about(panel),
        }
        for panel in drawn
    ]
    return {
        **{name: meta[name] for name in ("length", "letters", "map", "letter_pixels", "sentence")},
        "counts": meta["ruler"],
        "kinds": KINDS,
        "ruler": ruler,
        "panels": found,
        "words": " ".join(words),
        "ramps": {name: _ramp(tuple(anchors)) for name, anchors in ramps.items()},
        "gradients": {name: f"linear-gradient(90deg,{','.join(anchors)})" for name, anchors in ramps.items()},
        "missing": [int(missing[at : at + 2], 16) for at in (1, 3, 5)],
    }


def tags(panel: Mapping[str, Any], ruler: Mapping[str, Any], length: int) -> list[str] | None:
    """What a panel has at each base, in words; empty where it has nothing."""
    readout = panel["readout"] or ()
    if not readout:
        return _named(panel["labels"], length) if panel["labels"] and panel["id"] != "elements" else None
    values = np.stack([np.asarray(item["values"], np.float64) for item in readout])
    known = np.isfinite(values)
    if len(readout) > MOST_VALUES:
        largest = np.where(known, values, -np.inf).argmax(axis=0)
        known &= np.arange(len(readout))[:, None] == largest
    signed = bool((values[known] < 0).any())
    unit = f" {readout[0]['unit']}" if readout[0]["unit"] else ""
    found = []
    for base in range(length):
        known_here = [(k, item) for k, item in enumerate(readout) if known[k, base]]
        parts = [f"{item['label']} {_value(item, values[k, base], ruler, signed=signed)}" for k, item in known_here]
        found.append(f"{'  '.join(parts)}{unit}" if parts else "")
    return found


def _value(item: Mapping[str, Any], value: float, ruler: Mapping[str, Any], *, signed: bool) -> str:
    if item["position"]:
        return f"{ruler['first'] + ruler['step'] * (int(value) - 1):,}"
    return f"{value:{'+' if signed else ''}.{item['digits']}f}".replace("-", "−")


def _ruler(locus: Mapping[str, Any] | None) -> dict[str, Any]:
    """How the ruler counts: its first number, 1 or -1 for each further base, and the contig, empty for positions in the sequence."""
    if locus is None:
        return {"contig": "", "first": 1, "step": 1}
    if locus["strand"] == "-":
        return {"contig": locus["contig"], "first": locus["end"], "step": -1}
    return {"contig": locus["contig"], "first": locus["start"] + 1, "step": 1}


def _named(labels: Sequence[Mapping[str, Any]], length: int) -> list[str]:
    found: list[list[str]] = [[] for _ in range(length)]
    for label in labels:
        for base in range(max(0, round(label["start"] - 0.5)), min(length, round(label["end"] - 0.5))):
            found[base].append(f"{label['text']}: {label['note']}" if label["note"] else label["text"])
    return [", ".join(names[:3]) for names in found]


def names(panel: Mapping[str, Any], shown: Sequence[float]) -> list[Node]:
    """Names inside a panel whose y axis has the range ``shown``: nodes that say in bases where they lie."""
    low, high = shown
    found = []
    for label in panel["labels"] or ():
        row = (high - label["y"]) / (high - low)
        place = f"--x0:{label['start'] - 0.5:g};--x1:{label['end'] - 0.5:g};--y0:{row:.4f};--y1:{row:.4f}"
        found.append(["i", {"class": "fv-mark fv-name", "style": place}, label["text"]])
    return found


def arcs(given: Mapping[str, Any], length: int, shown: Sequence[float]) -> str:
    """The arcs again, to be clicked and marked: SVG over the whole sequence, one unit a base; nothing in it comes from outside."""
    low, high = shown
    paths = [
        f'<path data-places="{i},{j}" d="M{i - 0.5} 0A{(j - i) / 2} {height:.4f} 0 0 1 {j - 0.5} 0"/>'
        for i, j, height in zip(given["i"].tolist(), given["j"].tolist(), given["height"].tolist(), strict=True)
    ]
    box = f'viewBox="0 {-high:g} {length} {high - low:g}" preserveAspectRatio="none" style="--x0:0;--x1:{length}"'
    return f'<svg class="fv-mark" {box}>{"".join(reversed(paths))}</svg>'


def head(panel: Mapping[str, Any]) -> list[Node]:
    """Fold, title, (i), quantity and model, handle."""
    key, title = panel["id"], panel["title"]
    words = " · ".join(part for part in (panel["unit"], panel["model"]) if part)
    return [
        ["button", {"type": "button", "class": "fv-fold", "data-act": f"switch folded {key}", "aria-label": f"Fold {title}"}],
        ["b", {"title": title}, title],
        ["button", {"type": "button", "class": "fv-i", "data-act": f"open about {key}", "aria-label": f"About {title}"}, "i"],
        ["span", {"title": words, **({"class": "fv-one"} if panel["height"] < THREE_LINES else {})}, words],
        ["i", {"data-grip": key, "title": f"Drag: height of {title}"}],
    ]


def about(panel: Mapping[str, Any]) -> list[Node]:
    """What a panel shows, how it is read, its parts to switch off, and where it stands."""
    key, title = panel["id"], panel["title"]
    facts_of = [f"Unit: {panel['unit']}." if panel["unit"] else "", f"Model: {panel['model']}." if panel["model"] else ""]
    texts = [panel["help"], panel["reading"], " ".join(part for part in facts_of if part)]
    boxes = [
        [
            "label",
            {},
            ["input", {"type": "checkbox", "name": f"{key}/{item['name']}", "data-act": f"switch off {key}/{item['name']}"}],
            ["i", {"style": f"background:{item['colour']}"}],
            item["name"],
        ]
        for item in panel["choices"] or ()
    ]
    acts = (
        ("▲ Up", "up", f"move {key} -1"),
        ("▼ Down", "down", f"move {key} 1"),
        ("Taller", "taller", f"stretch {key} 1.25"),
        ("Lower", "lower", f"stretch {key} 0.8"),
    )
    buttons = [["button", {"type": "button", "data-act": act, "aria-label": f"{title}: {name}"}, text] for text, name, act in acts]
    return [
        ["h4", {}, title],
        *(["p", {}, text] for text in texts if text),
        *([["div", {"class": "fv-elements"}, *boxes]] if boxes else []),
        ["div", {"class": "fv-actions"}, *buttons],
    ]


@functools.cache
def _ramp(anchors: tuple[str, ...]) -> np.ndarray:
    colours = [interpolated(anchors, step / 255) for step in range(256)]
    ramp = np.array([int(colour[at : at + 2], 16) for colour in colours for at in (1, 3, 5)], np.uint8)
    ramp.flags.writeable = False
    return ramp
