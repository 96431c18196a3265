"""The export menu: every result on screen in every format that fits it, and the figure."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import streamlit as st

from engine.analyses.declared import declared
from engine.core.locus import Strand
from engine.core.provenance import Provenance
from engine.exports import browser_sessions, formats
from engine.exports import figure as figures
from engine.exports.browser_tracks import view_of
from engine.sources.outward_links import hub_names
from engine.views.evidence import FigureStyle
from engine.views.figure import locus_figure
from pages._ui.figure_view.asked import seen_style, style_of
from pages._ui.question import Shown
from pages._ui.runs import Runs
from pages._ui.state import Session

FIGURES: dict[figures.Kind, str] = {
    "png": "picture for slides",
    "svg": "vector drawing, editable",
    "pdf": "vector page for print",
    "html": "interactive page, opens without any network",
}
OTHERS = {"figure": "Figure", "browsers": "Other browsers"}


def menu(session: Session, *, dark: bool) -> None:
    """Draw the menu; a file is made when its button is pressed."""
    shown, results = session.on_screen, session.computing.finished_results()
    with st.popover("Export", disabled=not results, help="Files of the results and of the figure"):
        if not results:
            return
        names = {kind: declared(kind).title for kind in results}
        chosen = st.segmented_control(
            "Result",
            [*results, "figure", "browsers"],
            default=next(iter(results)),
            required=True,
            format_func=lambda k: {**names, **OTHERS}.get(k, k),
        )
        if chosen == "figure":
            st.caption("Exactly what is seen: shape, region, colours, panels and theme. The page Figure has them to choose.")
            figure_buttons(session.computing, partial(as_seen, session, dark=dark))
        elif chosen == "browsers":
            st.caption(
                "What is shown, with annotation and own tracks, as it opens in IGV, JBrowse and the UCSC Genome Browser; README.txt inside says how."
            )
            _button(
                st.container(),
                ".zip · igv.js and JBrowse sessions, UCSC track hub",
                partial(browsers, session),
                f"{stem(shown)}.view.zip",
                "application/zip",
            )
        else:
            _result_buttons(shown, chosen, results[chosen])


def browsers(session: Session) -> bytes:
    """The view for other genome browsers, from what is finished now."""
    shown, runs = session.on_screen, session.computing
    region = as_seen(session, dark=False).region(len(shown.sequence))
    locus = shown.sequence.locus
    names = hub_names(locus.assembly, locus.contig) if locus is not None else ("", "", "")
    view = view_of(
        shown.sequence,
        runs.finished_results().values(),
        shown.features,
        runs.own,
        runs.highlights,
        title=shown.title,
        region=(region[0] - 1, region[1]),
        names=names,
    )
    return written(".zip", partial(browser_sessions.write_zip, view))


def written(end: str, write: Callable[[Path], object]) -> bytes:
    """What ``write`` writes to a file whose name has this end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{end}"
        write(path)
        return path.read_bytes()


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


def as_seen(session: Session, *, dark: bool) -> FigureStyle:
    """The figure as the visitor's browser showed it last; before it said so, as the address asks for it."""
    seen = session.exchange.seen
    if session.work.runs is not None and seen.get("view") == session.work.runs.feed.address.view:
        found = seen_style(seen, dark=dark)
        if found is not None:
            return found
    style, asked, length = style_of(session.display, dark=dark, live=False), session.exchange.asked, len(session.on_screen.sequence)
    if asked is None or seen:
        return style
    region = asked.region if asked.region is not None and asked.region[1] <= length else (0, length)
    rows = asked.rows if asked.rows is not None and asked.rows[1] <= length and asked.rows != region else None
    style = replace(style, first=region[0] + 1, last=region[1], rows=None if rows is None else (rows[0] + 1, rows[1]))
    selected = asked.select if asked.select and max(asked.select) < length else ()
    return replace(style, selected=selected, hidden=tuple(asked.display.get("hidden", ())), **asked.figure)


def figure_buttons(runs: Runs, style: Callable[[], FigureStyle]) -> None:
    """One button a file format of the figure in the ``style`` of that moment, with everything that is drawn then."""
    columns = st.columns(2)
    for index, (kind, title) in enumerate(FIGURES.items()):
        make = partial(_drawn, runs, style, kind)
        _button(columns[index % 2], f".{kind} · {title}", make, f"{stem(runs.shown)}.{kind}", figures.MEDIA_TYPES[kind])


def chart_menu(
    name: str,
    about: str,
    files: Mapping[str, tuple[str, Callable[[], bytes | str]]],
    draw: Callable[[], Any],
    provenance: Provenance,
    width: int,
) -> None:
    """The export menu of a page with one chart: ``files`` by the end of their names, then the chart that ``draw`` makes, in every picture format."""

    def picture(kind: figures.Kind) -> bytes:
        drawn = draw()
        return figures.figure_bytes(drawn, kind, provenance, width=width, height=int(drawn.layout.height))

    with st.popover("Export", help=about):
        columns = st.columns(2)
        for index, (end, (title, make)) in enumerate(files.items()):
            file = f"{name}{end}"
            columns[index % 2].download_button(f"{end} · {title}", make, file, on_click="ignore", type="tertiary", key=file)
        for index, (kind, title) in enumerate(FIGURES.items()):
            file = f"{name}.{kind}"
            columns[index % 2].download_button(
                f".{kind} · {title}", partial(picture, kind), file, figures.MEDIA_TYPES[kind], on_click="ignore", type="tertiary", key=file
            )


def _button(place: Any, label: str, data: Callable[[], bytes], name: str, media_type: str) -> None:
    place.download_button(label, data=data, file_name=name, mime=media_type, on_click="ignore", type="tertiary", key=f"download-{name}")


def _drawn(runs: Runs, style: Callable[[], FigureStyle], kind: figures.Kind) -> bytes:
    evidence, chosen = runs.evidence(), style().for_file(kind)
    drawn = locus_figure(evidence, chosen)
    provenance = next(iter(evidence.results.values())).provenance
    height = int(cast("int", drawn.layout.height or 900))
    return figures.figure_bytes(drawn, kind, provenance, width=chosen.width, height=height)


def stem(shown: Shown) -> str:
    """Start of a file's name: what is shown and whether on the reverse strand, in letters that every file system takes."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in shown.title)
    called = "-".join(part for part in kept.split("-") if part)[:60].lower() or "sequence"
    locus = shown.sequence.locus
    return f"{called}-reverse" if locus is not None and locus.strand is Strand.REVERSE else called
