"""Steps along the genome: the bar over the figure, and where its buttons, keys and the figure's own edges lead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import streamlit as st

from engine.views.palettes import theme
from pages._ui import overview, polling, search, surroundings
from pages._ui.state import Around, Arrival

if TYPE_CHECKING:
    from pages._ui.figure_view import Wish
    from pages._ui.state import Session, Shared
    from pages._ui.surroundings import Surroundings


def around(shared: Shared, session: Session) -> Around:
    """What lies around what is shown; the annotation of a contig is read once while the visitor moves along it."""
    place = surroundings.surroundings(shared, session.question, session.on_screen)
    before = session.around
    if before is not None and (before.place.name, before.place.length) == (place.name, place.length) and _is_annotated_as(before, session):
        found = replace(before, place=place)
    else:
        features = surroundings.annotation(shared, place, _of_record(session))
        genes = tuple(overview.shares(features, place.length)) if place.length is not None and features is not None else ()
        found = Around(place, features or (), genes, is_read=features is not None)
    session.around = found
    return found


def follow(shared: Shared, session: Session) -> None:
    """Draw the page again once the annotation that is being read is there."""
    found = session.around
    if found is not None and not found.is_read:
        polling.follow(shared.engine, True, _look, shared, found.place.assembly)


def _look(shared: Shared, assembly: str) -> None:
    if shared.genomes.has_at_hand(assembly):
        st.rerun()


def _is_annotated_as(before: Around, session: Session) -> bool:
    return before.is_read and (not before.place.in_record or before.features == _of_record(session))


def _of_record(session: Session) -> tuple[Any, ...]:
    """Features of the whole record, in its forward letters."""
    return session.on_screen.whole_features


def most(shared: Shared, session: Session) -> int:
    """Bases that the chosen model reads at once here."""
    card = shared.engine.model(session.question.model).card
    return min(card.max_length, shared.settings.max_length)


def follows(session: Session, limit: int) -> bool:
    """Whether the window becomes what is in view: while it is longer than is computed, and until something is, while it is longer than models read
    or on the way along a genome. What a hosted model said of the window stays until the visitor leaves it."""
    runs, length = session.computing, len(session.on_screen.sequence)
    if runs.has_asked_hosted:
        return False
    return length > runs.most or (not runs.started and (length > limit or session.question.moved))


def is_movable(place: Surroundings, length: int, limit: int) -> bool:
    """Whether there is anything beside or inside what is shown to move to."""
    return place.length != length or length > limit


def facts(place: Surroundings) -> dict[str, Any]:
    """What the figure must know to be moved beyond its window."""
    return {"bounds": place.bounds}


def arrival(session: Session) -> Mapping[str, Any]:
    """Where the view starts, after a step or a session file."""
    arrived = session.exchange.arrived
    return {**arrived.view, "wish": arrived.wish} if arrived is not None and _same_place(arrived.question, session.question) else {}


def _same_place(one: Any, other: Any) -> bool:
    return (one.text, one.record, one.reverse, one.window) == (other.text, other.record, other.reverse, other.window)


def bar(session: Session, found: Around, limit: int, target: str, *, dark: bool) -> Wish | None:
    """Draw it; returns where to go."""
    place, shown = found.place, session.on_screen
    length = len(shown.sequence)
    most = session.computing.most
    then = "press Region for it to be computed" if session.computing.has_asked_hosted else "what is in view is computed"
    words = f"up to {most:,} bases are computed: zoom in and {then}" if length > most else ""
    told = {
        "target": target,
        "view": shown.identity,
        "bounds": place.bounds,
        "follows": follows(session, limit),
        "most": limit,
        "words": words,
        "colour": theme(dark=dark)["bar"],
    }
    with st.container(key="overview"):
        return overview.mount(place, list(found.genes), told)


def go(shared: Shared, session: Session, start: int, end: int, *, wish: str = "") -> None:
    """Show bases ``start`` to ``end`` (0-based half-open) of the contig, with what lies beside them where that is long.

    ``wish``: a name of its own, when the view is to move there in a window that is loaded already; else the browser has moved it.
    """
    found = session.around
    if found is None or not 0 <= end - start < 10**12:
        return
    place, limit = found.place, most(shared, session)
    bound, note = shared.settings.max_upload_bytes // 2, ""
    if end - start > bound:
        middle = (start + end) // 2
        start, end = middle - bound // 2, middle + bound // 2
        note = f"Up to {bound:,} bases are shown at once; these are those around {middle:,}."
    start, end = place.fitted(start, end)
    low, high = place.window(start, end, limit, follows=follows(session, limit), tiled=shared.settings.max_length)
    there = replace(place, start=low, end=high)
    is_here = (low, high) == (place.start, place.end)
    question = session.question if is_here else place.question(session.question, low, high)
    if not is_here or wish:
        arrived = Arrival(question, {"region": list(there.shown(start, end))}, wish if is_here else "")
        session.exchange = replace(session.exchange, arrived=arrived)
    if not is_here:
        search.ask(shared, session, question, note)


def hop(shared: Shared, session: Session, start: int, end: int, by: int) -> None:
    """Show the next gene, in a view as wide as it is now."""
    found = session.around
    if found is None:
        return
    gene = surroundings.neighbour(found.features, found.place, start, end, 1 if by > 0 else -1)
    if gene is None:
        session.say(f"No gene is annotated further on in {found.place.name}.")
        return
    session.say("")
    middle, width = (gene.start + gene.end) // 2, max(end - start, surroundings.LEAST)
    go(shared, session, middle - width // 2, middle - width // 2 + width, wish=uuid4().hex)
