"""What is written and marked on a figure: titles of panels, names in them, why one is empty, marked and selected bases.

Names come from files and addresses, so they are escaped here before plotly reads them as its markup.
"""

from __future__ import annotations

import html
import textwrap
from typing import TYPE_CHECKING, Any

from engine.views.palettes import theme

if TYPE_CHECKING:
    from engine.views.bands import Band
    from engine.views.evidence import FigureStyle, LocusEvidence

LETTER_PIXELS = 6.2
"""Width of a letter of a name, on average."""
TITLE_PIXELS = 8.5
"""Width of a letter of the figure's title, which is larger and bold."""
FEWEST_LETTERS = 6
LINE, TITLE_LINE = 15, 20
"""Pixels of a line of the sentence, and of the title."""
HIGHLIGHT_OPACITY = 0.16
RULER_SHIFT = 20
"""Pixels from the ruler up to its title, over the labels of its ticks."""


def plain(text: str) -> str:
    """Text from outside, without any markup."""
    return html.escape(text, quote=False)


def heading_lines(words: str, style: FigureStyle) -> list[str]:
    """A sentence in lines that fit."""
    return textwrap.wrap(words, max(20, int(style.plot_width / LETTER_PIXELS)))


def title_lines(name: str, style: FigureStyle) -> list[str]:
    """The title in lines that fit, each part whole where it can be: what is shown, where it is, by which models."""
    joined = name.replace(" · ", " ·\u00a0")  # a line begins with the dot
    lines = textwrap.wrap(joined, max(20, int(style.plot_width / TITLE_PIXELS)), break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in lines]


def heading_height(name: str, words: str, style: FigureStyle) -> int:
    """Pixels that title and sentence take beyond one line of title."""
    return LINE * len(heading_lines(words, style)) + TITLE_LINE * (len(title_lines(name, style)) - 1)


def title(name: str, words: str, style: FigureStyle) -> dict[str, Any]:
    """The figure's title: what is shown, and the sentence below it."""
    lines = "<br>".join(plain(line) for line in heading_lines(words, style))
    below = f'<br><span style="font-size:12px;color:{theme(dark=style.dark)["faint"]}">{lines}</span>' if lines else ""
    place = {"x": 0, "xref": "paper", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top"}
    above = "<br>".join(f"<b>{plain(line)}</b>" for line in title_lines(name, style))
    return {"text": f"{above}{below}", **place, "pad": {"t": 16}, "font": {"size": 15}}


def band_title(band: Band) -> str:
    """Title, unit, model and, where it is not whole, how much of the panel is there."""
    drawn, panel = band.drawn, band.panel
    state = drawn.state.words if drawn.state is not None and drawn.traces else ""
    name = f"<b>{plain(panel.title if drawn.title is None else drawn.title)}</b>"
    parts = (panel.unit if drawn.unit is None else drawn.unit, drawn.model, state)
    return " · ".join([name, *(plain(part) for part in parts if part)])


def notes(evidence: LocusEvidence, band: Band, style: FigureStyle) -> list[dict[str, Any]]:
    """The annotations of one panel."""
    colours = theme(dark=style.dark)
    ruler = band.panel.id == "ruler"
    place = {"xref": f"{band.x_axis} domain", "yref": "paper", "x": 0, "xanchor": "left", "yanchor": "bottom", "showarrow": False}
    font = {"size": 11 if ruler else 12, "color": colours["faint" if ruler else "ink"]}
    found = [{**place, "y": band.domain[1], "text": band_title(band), "font": font, "yshift": RULER_SHIFT if ruler else 0}]
    if not band.drawn.traces and band.drawn.state is not None:
        middle = {"x": 0.5, "xanchor": "center", "y": sum(band.domain) / 2, "yanchor": "middle"}
        found.append({**place, **middle, "text": plain(band.drawn.state.words), "font": {"size": 12, "color": colours["faint"]}})
    return found + names(evidence, band, style)


def names(evidence: LocusEvidence, band: Band, style: FigureStyle) -> list[dict[str, Any]]:
    """The names that fit into the part of their box that is shown, shortened where not all of them fits."""
    first, last = style.region(len(evidence.sequence))
    width = style.base_width(len(evidence.sequence))
    found = []
    for label in band.drawn.labels:
        start, end = max(label.start, first - 0.5), min(label.end, last + 0.5)
        room = int((end - start) * width / LETTER_PIXELS)
        if room < min(len(label.text), FEWEST_LETTERS):
            continue
        text = label.text if len(label.text) <= room else label.text[: room - 1] + "…"
        place = {"x": (start + end) / 2, "y": label.y, "xref": band.x_axis, "yref": band.axis, "showarrow": False}
        found.append({**place, "text": plain(text), "font": {"size": 10, "color": theme(dark=style.dark)["ink"]}})
    return found


def marks(evidence: LocusEvidence, bands: list[Band], style: FigureStyle) -> list[dict[str, Any]]:
    """Shapes: an outlined column through all panels for each marked or selected base, and the cell of a selected pair."""
    accent = theme(dark=style.dark)["accent"]
    places = [mark.place for mark in evidence.marks] + [*style.selected]
    x_axis = bands[0].x_axis
    column = {"type": "rect", "xref": x_axis, "yref": "paper", "y0": 0, "y1": 1, "line": {"width": 1, "color": accent}, "opacity": 0.8}
    found: list[dict[str, Any]] = [{**column, "x0": place + 0.5, "x1": place + 1.5} for place in dict.fromkeys(places)]
    map_band = next((band for band in bands if band.panel.id == "map" and band.drawn.traces), None)
    if len(style.selected) == 2 and map_band is not None and style.shape != "triangle":
        i, j = style.selected
        cell = {"x0": j + 0.5, "x1": j + 1.5, "y0": i + 0.5, "y1": i + 1.5, "xref": x_axis, "yref": map_band.axis}
        found.append({"type": "rect", **cell, "line": {"width": 2, "color": accent}})
    return found


def highlights(evidence: LocusEvidence, bands: list[Band]) -> list[dict[str, Any]]:
    """Shapes: a column through all panels for each stretch that is coloured."""
    column = {"type": "rect", "xref": bands[0].x_axis, "yref": "paper", "y0": 0, "y1": 1, "line": {"width": 0}, "layer": "below"}
    return [
        {**column, "x0": item.start + 0.5, "x1": item.end + 0.5, "fillcolor": item.colour, "opacity": HIGHLIGHT_OPACITY}
        for item in evidence.highlights
    ]


def mark_names(evidence: LocusEvidence, bands: list[Band], style: FigureStyle) -> list[dict[str, Any]]:
    """What the marked bases are called, under the last panel."""
    place = {"yref": "paper", "y": 0, "yanchor": "top", "xref": bands[0].x_axis, "showarrow": False}
    font = {"size": 11, "color": theme(dark=style.dark)["accent"]}
    return [{**place, "x": mark.place + 1, "text": f"<b>{plain(mark.label)}</b>", "font": font} for mark in evidence.marks]
