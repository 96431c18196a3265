"""The export menu: every result on screen in every format that fits it, and the figure."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import streamlit as st

from engine.analyses.declared import declared
from engine.core.provenance import Provenance
from engine.exports import figure as figures
from engine.exports import formats
from engine.views.evidence import SHAPES, FigureStyle, LocusEvidence, Shape
from engine.views.figure import locus_figure
from pages._ui.question import Shown
from pages._ui.runs import Runs

FIGURES: dict[figures.Kind, str] = {
    "png": "picture for slides",
    "svg": "vector drawing, editable",
    "pdf": "vector page for print",
    "html": "interactive page, opens without any network",
}


def menu(runs: Runs, shown: Shown) -> None:
    """Draw the menu; a file is made when its button is pressed."""
    results = runs.finished_results()
    with st.popover("Export", disabled=not results, help="Files of the results and of the figure"):
        if not results:
            return
        names = {kind: declared(kind).title for kind in results}
        chosen = st.segmented_control(
            "Result", [*results, "figure"], default=next(iter(results)), format_func=lambda k: names.get(k, "Figure")
        )
        if chosen == "figure":
            _figure_choice(shown, results)
        elif chosen is not None:
            _result_buttons(shown, chosen, results[chosen])


def _result_buttons(shown: Shown, kind: str, result: Any) -> None:
    columns = st.columns(2)
    for index, item in enumerate(formats.formats_for(result)):
        _button(
            columns[index % 2],
            f"{item.suffix} · {item.title}",
            partial(formats.content, result, item.name),
            f"{stem(shown)}.{declared(kind).command}{item.suffix}",
            item.media_type,
        )


def _figure_choice(shown: Shown, results: dict[str, Any]) -> None:
    dark = st.toggle("Dark background", key="figure-dark")
    shape = st.segmented_control("Map", list(SHAPES), default="square", key="figure-shape")
    figure_buttons(shown, results, FigureStyle(dark=dark, shape=cast("Shape", shape or "square")))


def figure_buttons(shown: Shown, results: dict[str, Any], style: FigureStyle) -> None:
    """One button a file format of the figure in ``style``."""
    provenance = next(iter(results.values())).provenance
    columns = st.columns(2)
    for index, (kind, title) in enumerate(FIGURES.items()):
        make = partial(_drawn, shown, dict(results), style, kind, provenance)
        _button(columns[index % 2], f".{kind} · {title}", make, f"{stem(shown)}.{kind}", figures.MEDIA_TYPES[kind])


def _button(place: Any, label: str, data: Callable[[], bytes], name: str, media_type: str) -> None:
    place.download_button(label, data=data, file_name=name, mime=media_type, on_click="ignore", type="tertiary", key=f"download-{name}")


def _drawn(shown: Shown, results: dict[str, Any], style: FigureStyle, kind: figures.Kind, provenance: Provenance) -> bytes:
    drawn = locus_figure(evidence(shown, results), style.for_file(kind))
    height = int(cast("int", drawn.layout.height or 900))
    return figures.figure_bytes(drawn, kind, provenance, width=style.width, height=height)


def evidence(shown: Shown, results: dict[str, Any]) -> LocusEvidence:
    """What the figure draws, of the finished results by kind."""
    return LocusEvidence(shown.sequence, results, shown.features, marks=shown.marks, title=shown.title)


def stem(shown: Shown) -> str:
    """Start of a file's name: what is shown, in letters that every file system takes."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in shown.title)
    return "-".join(part for part in kept.split("-") if part)[:60].lower() or "sequence"
