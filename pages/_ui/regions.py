"""Regions that a visitor marks: kept, named, coloured, hopped through, from BED and to BED; and the place that was asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.core.errors import LocuscopeError
from engine.core.parameters import read_window
from engine.core.regions import COLOURS, LONGEST_NAME, LONGEST_NOTE, Region
from engine.sources.assemblies import assembly, find_contig
from engine.sources.locus_text import LocusText
from engine.sources.regions import MOST, bed_of, read_regions
from engine.views.evidence import Highlight
from pages._ui import history, moving, search, state
from pages._ui.buttons import button
from pages._ui.text import plain, show_caption

if TYPE_CHECKING:
    from pages._ui.state import Session, Shared
    from pages._ui.surroundings import Surroundings

ASKED = "asked for"
ASKED_COLOUR = "#8a939e"
LISTED = 30
"""Regions that have a row in the box; further ones are in the figure and in the file."""
WIDER = 4
"""A region that is hopped to takes one part in so many of the view."""


def menu(shared: Shared, session: Session) -> None:
    """The box: mark what is in view or typed, name, colour, hop, take away; BED in and out."""
    count = len(session.regions)
    with st.popover(f"Regions ({count})" if count else "Regions", help="Marked stretches, seen across all panels; also from and to BED"):
        if session.screen.shown is None:
            show_caption("Show a sequence first.")
            return
        if session.around is None:  # at a first visit, before the figure was drawn
            moving.around(shared, session)
        _new(session)
        given = st.file_uploader("Regions from a BED file", key="regions-file")
        if given is not None and given.file_id != session.files.regions:
            session.files = replace(session.files, regions=given.file_id)
            _from_file(shared, session, given)
        if count > 1:
            with st.container(horizontal=True):
                for words, by in (("‹ Previous region", -1), ("Next region ›", 1)):
                    if button(words, key=f"region-hop-{by}"):
                        hop(shared, session, by)
        for number, item in enumerate(session.regions[:LISTED]):
            _row(shared, session, number, item)
        if count > LISTED:
            show_caption(f"{count - LISTED:,} more are in the figure and in the file.")
        if count:
            st.download_button("Save as BED", bed_of(session.regions), file_name="regions.bed", mime="text/plain", on_click="ignore")
    if len(session.regions) != count:
        st.rerun()


def _new(session: Session) -> None:
    place = session.around.place if session.around is not None else None
    with st.form("region-new", border=False, clear_on_submit=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input("Name", key="region-name", max_chars=LONGEST_NAME)
            where = st.text_input("Start-end", key="region-where", placeholder="what is in view", max_chars=60)
        sent = st.form_submit_button("Mark")
    if not sent or place is None:
        return
    try:
        start, end = read_window(where) if where.strip() else in_view(session, place)
        _add(session, place, start, end, name)
    except LocuscopeError as error:
        session.say(str(error))


def in_view(session: Session, place: Surroundings) -> tuple[int, int]:
    """Bases of the contig that were in view when the figure was last left; the window where it says nothing."""
    seen = session.exchange.seen
    part: Any = seen.get("region") if seen.get("view") == session.on_screen.identity else None
    ends: list[Any] = [part.get(end) for end in "ab"] if isinstance(part, Mapping) else []
    if len(ends) == 2 and all(isinstance(end, int | float) and math.isfinite(end) for end in ends):
        return on_contig(place, math.floor(ends[0] + 0.1), math.ceil(ends[1] - 0.1))
    return place.start, place.end


def on_contig(place: Surroundings, start: int, end: int) -> tuple[int, int]:
    """Indices of what is shown as bases of the contig."""
    return (place.end - end, place.end - start) if place.reverse else (place.start + start, place.start + end)


def keep(session: Session, start: int, end: int) -> None:
    """Mark bases ``[start, end)`` of what is shown, which were selected in the figure."""
    place = session.around.place if session.around is not None else None
    if place is None:
        return
    try:
        _add(session, place, *on_contig(place, start, end), "")
    except LocuscopeError as error:
        session.say(str(error))


def _add(session: Session, place: Surroundings, start: int, end: int, name: str) -> None:
    start, end = max(0, start), end if place.length is None else min(end, place.length)
    count = len(session.regions)
    if count >= MOST:
        session.say(f"There are {MOST:,} regions, the most at once; remove some, or save them as BED and begin anew.")
        return
    item = Region(place.assembly, place.contig, start, end, name.strip() or f"region {count + 1}", COLOURS[count % len(COLOURS)])
    session.regions = (*session.regions, item)


def _from_file(shared: Shared, session: Session, given: Any) -> None:
    place = session.around.place if session.around is not None else None
    try:
        found, note = read_regions(
            given.name, state.uploaded(given, "regions"), place.assembly if place is not None else "", shared.settings
        )
    except LocuscopeError as error:
        session.say(str(error))
        return
    room = MOST - len(session.regions)
    session.regions = (*session.regions, *found[:room])
    elsewhere = place is not None and not any(_is_on(item, place) for item in found)
    here = f"None of the regions of the file lies on {place.name}. " if elsewhere and place is not None else ""
    session.say(f"{here}{note}".strip())


def _row(shared: Shared, session: Session, number: int, item: Region) -> None:
    key = f"{number}-{item.start}-{item.end}-{len(session.regions)}-{session.regions_turn}"
    with st.container(horizontal=True, vertical_alignment="center"):
        colour = st.color_picker("Colour", item.colour, key=f"region-colour-{key}", label_visibility="collapsed")
        name = st.text_input("Name", item.name, key=f"region-name-{key}", label_visibility="collapsed", max_chars=LONGEST_NAME)
        goes = button(plain(item.place), key=f"region-go-{key}", help="Show it")
        gone = button("Remove", key=f"region-remove-{key}", type="tertiary")
    note = st.text_input(
        "Note", item.note, key=f"region-note-{key}", label_visibility="collapsed", max_chars=LONGEST_NOTE, placeholder="Note"
    )
    changed = replace(item, colour=colour.lower(), name=name.strip() or item.name, note=note)
    if gone:
        session.regions = tuple(other for index, other in enumerate(session.regions) if index != number)
        st.rerun()
    if changed != item:
        session.regions = tuple(changed if index == number else other for index, other in enumerate(session.regions))
    if goes:
        go(shared, session, item)


def hop(shared: Shared, session: Session, by: int) -> None:
    """Show the next region of the list after the one shown last, or the one before it."""
    count = len(session.regions)
    if count:
        session.region_at = (session.region_at + by) % count if session.region_at is not None else (0 if by > 0 else count - 1)
        go(shared, session, session.regions[session.region_at])


def go(shared: Shared, session: Session, item: Region) -> None:
    """Show a region with as much beside it as shows where it is."""
    if item in session.regions:
        session.region_at = session.regions.index(item)
    found = session.around
    margin = max(20, (item.end - item.start) * (WIDER - 1) // 2)
    if found is not None and _is_on(item, found.place):
        moving.go(shared, session, max(0, item.start - margin), item.end + margin)
    elif item.assembly:
        search.ask(shared, session, session.question.about(str(LocusText(item.assembly, item.contig, item.start, item.end))))
    else:
        session.say(f"The region lies on {item.contig}, which is not shown; open its file first.")
    st.rerun()


def _is_on(item: Region, place: Surroundings) -> bool:
    """Whether a region lies on the contig that is shown, whatever that is called in a file."""
    if item.assembly != place.assembly:
        return False
    row = assembly(place.assembly) if place.assembly else None
    return item.contig == place.contig or find_contig(place.contig, (item.contig,), row.contigs if row else None) is not None


def placed(session: Session) -> tuple[Highlight, ...]:
    """What is coloured in the figure: the regions that meet what is shown, and the place that was asked for once the view has left it."""
    if session.around is None:
        return ()
    place = session.around.place
    asked = history.asked_for(session, place)
    items = (*session.regions, *((Region(place.assembly, place.contig, *asked, ASKED, ASKED_COLOUR),) if asked is not None else ()))
    found = []
    for item in items:
        low, high = max(item.start, place.start), min(item.end, place.end)
        if low < high and _is_on(item, place):
            found.append(Highlight(*place.shown(low, high), item.name, item.colour, item.note))
    return tuple(found)
