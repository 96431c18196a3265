"""Regions that a visitor marks: kept, named, coloured, hopped through, from BED and to BED; and the place that was asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import streamlit as st

from engine.core.errors import LocuscopeError, LocusError
from engine.core.regions import COLOURS, LONGEST_NAME, LONGEST_NOTE, Region
from engine.sources.assemblies import find_contig_of
from engine.sources.locus_text import LocusText
from engine.sources.regions import MOST, bed_of, read_regions
from engine.views.evidence import Highlight
from engine.views.ruler import region_of
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
NAME, WHERE = "region-name", "region-where"
"""Keys of what is typed."""
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
    with st.form("region-new", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input("Name", key=NAME, max_chars=LONGEST_NAME)
            st.text_input("Start-end", key=WHERE, placeholder="what is in view", help="As on the ruler", max_chars=60)
        st.form_submit_button("Mark", on_click=_mark, args=(session,))


def _mark(session: Session) -> None:
    """Before the run: what was typed is taken away once it is marked, and stays to be corrected where it was refused."""
    if session.around is None:
        return
    place, where = session.around.place, str(st.session_state[WHERE])
    try:
        sequence, bounds = session.on_screen.sequence, place.bounds
        found = region_of(where, sequence.locus, len(sequence), (bounds["a"], bounds["b"])) if where.strip() else in_view(session)
        _add(session, place, *found, str(st.session_state[NAME]))
    except LocuscopeError as error:
        session.say(str(error))
    else:
        st.session_state[NAME] = st.session_state[WHERE] = ""


def in_view(session: Session) -> tuple[int, int]:
    """Bases of what is shown that were in view when the figure was last left; the window where it says nothing."""
    seen = session.exchange.seen
    part: Any = seen.get("region") if seen.get("view") == session.on_screen.identity else None
    ends: list[Any] = [part.get(end) for end in "ab"] if isinstance(part, Mapping) else []
    if len(ends) == 2 and all(isinstance(end, int | float) and math.isfinite(end) for end in ends):
        return math.floor(ends[0] + 0.1), math.ceil(ends[1] - 0.1)
    return 0, len(session.on_screen.sequence)


def keep(session: Session, start: int, end: int) -> None:
    """Mark bases ``[start, end)`` of what is shown, which were selected in the figure."""
    place = session.around.place if session.around is not None else None
    if place is None:
        return
    try:
        _add(session, place, start, end, "")
    except LocuscopeError as error:
        session.say(str(error))


def _add(session: Session, place: Surroundings, start: int, end: int, name: str) -> None:
    """Mark bases ``[start, end)`` of what is shown, where they lie in the genome if that is known. Raises `LocusError`."""
    count = len(session.regions)
    if count >= MOST:
        raise LocusError(f"There are {MOST:,} regions, the most at once; remove some, or save them as BED and begin anew.")
    start, end = place.clipped(*place.on_contig(start, end))
    assembly_name, contig = place.assembly, place.contig
    if place.locus is not None:
        part = place.locus.window(start, end)
        assembly_name, contig, start, end = part.assembly, part.contig, part.start, part.end
    item = Region(assembly_name, contig, start, end, name.strip() or f"region {count + 1}", COLOURS[count % len(COLOURS)])
    session.regions = (*session.regions, item)
    session.say("")


def _from_file(shared: Shared, session: Session, given: Any) -> None:
    place = session.around.place if session.around is not None else None
    lies = None if place is None else place.locus or place
    try:
        found, note = read_regions(given.name, state.uploaded(given, "regions"), lies.assembly if lies is not None else "", shared.settings)
    except LocuscopeError as error:
        session.say(str(error))
        return
    room = MOST - len(session.regions)
    session.regions = (*session.regions, *found[:room])
    elsewhere = place is not None and not any(_on(item, place) for item in found)
    here = f"None of the regions of the file lies on {place.locus or place.name}. " if elsewhere and place is not None else ""
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
    bases = _on(item, found.place) if found is not None else None
    if bases is not None:
        margin = max(20, (bases[1] - bases[0]) * (WIDER - 1) // 2)
        moving.go(shared, session, max(0, bases[0] - margin), bases[1] + margin, wish=uuid4().hex)
    elif item.assembly:
        search.ask(shared, session, session.question.about(str(LocusText(item.assembly, item.contig, item.start, item.end))))
    else:
        session.say(f"The region lies on {item.contig}, which is not shown; open its file first.")
    st.rerun()


def _on(item: Region, place: Surroundings) -> tuple[int, int] | None:
    """A region as bases of the contig or record that is shown, whatever its contig is called in a file; None for one that lies elsewhere.

    A record that has a place may be meant by its own name, too: sessions and files that were saved here once say it so.
    """
    if place.locus is not None and item.contig == place.contig and item.assembly in ("", place.locus.assembly):
        return item.start, item.end
    assembly_name, contig = (place.locus.assembly, place.locus.contig) if place.locus is not None else (place.assembly, place.contig)
    if item.assembly != assembly_name or find_contig_of(assembly_name, contig, (item.contig,)) is None:
        return None
    return place.locus.inside(item.start, item.end) if place.locus is not None else (item.start, item.end)


def placed(session: Session) -> tuple[Highlight, ...]:
    """What is coloured in the figure: the regions that meet what is shown, and the place that was asked for once the view has left it."""
    if session.around is None:
        return ()
    place = session.around.place
    marked = [(_on(item, place), item.name, item.colour, item.note) for item in session.regions]
    found = []
    for bases, name, colour, note in (*marked, (history.asked_for(session, place), ASKED, ASKED_COLOUR, "")):
        low, high = (max(bases[0], place.start), min(bases[1], place.end)) if bases is not None else (0, 0)
        if low < high:
            found.append(Highlight(*place.shown(low, high), name, colour, note))
    return tuple(found)
