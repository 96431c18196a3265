"""Tracks that a visitor brings: read, named, coloured, shown as panels of the figure, and held against the model's."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from engine.core.errors import LocuscopeError
from engine.core.locus import Strand
from engine.core.own_tracks import SCALES, OwnTrack, Rows, Scale, TrackFile, TrackSource, on_one_scale
from engine.core.quoting import file_name
from engine.sources import apart
from engine.sources.assemblies import find_contigs_of, nearest
from engine.views.correlation import correlated, scatter
from engine.views.own_panels import PREFIX
from engine.views.palettes import element_colour
from pages._ui import reading, state
from pages._ui.buttons import button
from pages._ui.surroundings import surroundings
from pages._ui.text import plain, show_caption

if TYPE_CHECKING:
    from pages._ui.runs import Runs
    from pages._ui.state import Session, Shared
    from pages._ui.surroundings import Surroundings

READING = "tracks"
"""Where what is being read is shown."""
MOST_BYTES = 300_000_000
"""Of all tracks of a visitor, in memory."""
MOST_TRACKS = 12
FULL = f"There are {MOST_TRACKS} tracks, the most at once; remove one under Tracks."
LONGEST_NAME = 60
_UPLOADER = "tracks"


@dataclass(frozen=True)
class Brought:
    """A track of a visitor: the file, how it is shown, and its name in the setting ``tracks`` when it comes from there."""

    id: str
    file: TrackSource
    name: str
    colour: str
    is_shown: bool = True
    server: str = ""
    scale: Scale = "own"
    low: float = 0.0
    high: float = 1.0
    heat: bool = False

    @property
    def limits(self) -> tuple[float, float] | None:
        """Of a fixed scale."""
        return (self.low, self.high) if self.scale == "fixed" else None


def menu(shared: Shared, session: Session) -> None:
    """The popover: bring files; name, colour, show, take away."""
    count = len(session.tracks)
    with st.popover(f"Tracks ({count})" if count else "Tracks", help="Own tracks beside the model's: BED, bigWig, VCF and others"):
        given = st.file_uploader(
            "BED, bedGraph, wiggle, bigWig, bigBed, narrowPeak, GFF3, GTF, VCF, BEDPE, Stockholm with a structure line, or a CSV of values a base; also .gz",
            key=_UPLOADER,
            accept_multiple_files=True,
        )
        fresh = [file for file in given or () if file.file_id not in session.tracks_read]
        if fresh and not session.tracks_waiting:
            session.say("")
        for file in fresh:
            _bring(shared, session, file)
        session.tracks_waiting = any(file.file_id not in session.tracks_read for file in fresh)
        _from_server(shared, session)
        for track in session.tracks:
            _row(session, track)
        if count:
            st.caption("Order, height and folding: the i left of a panel.")
    if len(session.tracks) != count:
        st.rerun()


def _from_server(shared: Shared, session: Session) -> None:
    """Those that whoever runs the server offers for this assembly."""
    shown = session.screen.shown
    assembly_shown = surroundings(shared, session.question, shown).assembly if shown is not None else ""
    there = {track.server for track in session.tracks}
    names = [name for name in shared.tracks.names(assembly_shown) if name not in there]
    if not names:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("From this server", names, key="server-tracks")
        if button("Add", key="add-server-track") and chosen in names:
            session.say("")
            if len(session.tracks) >= MOST_TRACKS:
                _say(session, FULL)
            else:
                reading.begin(
                    READING,
                    chosen[:80],
                    lambda _monitor: shared.tracks.track(chosen),
                    lambda found: _add(session, found, server=chosen),
                    lambda problem: _say(session, problem),
                )


def _row(session: Session, track: Brought) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        is_shown = st.checkbox(f"Show {plain(track.name)}", track.is_shown, key=f"show-{track.id}", label_visibility="collapsed")
        colour = st.color_picker(f"Colour of {plain(track.name)}", track.colour, key=f"colour-{track.id}", label_visibility="collapsed")
        name = st.text_input(
            f"Name of {plain(track.name)}", track.name, key=f"name-{track.id}", label_visibility="collapsed", max_chars=LONGEST_NAME
        )
        gone = button("Remove", help=f"Take {plain(track.name)} away", key=f"remove-{track.id}", type="tertiary")
    changed = replace(track, is_shown=is_shown, colour=colour, name=name.strip() or track.name)
    if track.file.kind == "signal":
        changed = _scaled(session, changed)
    if gone:
        session.tracks = tuple(other for other in session.tracks if other.id != track.id)
        st.rerun()
    elif changed != track:
        session.tracks = tuple(changed if other.id == track.id else other for other in session.tracks)


SCALE_WORDS = {"own": "own scale", "shared": "shared scale", "fixed": "fixed scale"}


def _scaled(session: Session, track: Brought) -> Brought:
    """How a signal is drawn: its scale, and as an area or a strip of colours."""
    with st.container(horizontal=True, vertical_alignment="center"):
        picked = st.selectbox(
            f"Scale of {track.name}",
            SCALES,
            index=SCALES.index(track.scale),
            format_func=SCALE_WORDS.__getitem__,
            key=f"scale-{track.id}",
            label_visibility="collapsed",
            width=150,
        )
        heat = st.checkbox("Heat strip", track.heat, key=f"heat-{track.id}")
        low, high = track.low, track.high
        if picked == "fixed":
            low = st.number_input("From", value=low, key=f"low-{track.id}", label_visibility="collapsed", width=110)
            high = st.number_input("To", value=high, key=f"high-{track.id}", label_visibility="collapsed", width=110)
    changed = replace(track, scale=picked, heat=heat)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        _say(session, f"The scale of {track.name} goes from {low:g} to {high:g}; the first must be below the second.")
        return changed
    return replace(changed, low=float(low), high=float(high))


def _bring(shared: Shared, session: Session, file: Any) -> None:
    """Read one file; several are read one after the other."""
    if reading.under_way(READING):
        return
    session.tracks_read = session.tracks_read | {file.file_id}
    if len(session.tracks) >= MOST_TRACKS:
        _say(session, FULL)
        return
    try:
        data = state.uploaded(file, f"track {file.file_id}")
    except LocuscopeError as error:
        _say(session, str(error))
        return
    name = file.name

    def work(monitor: reading.Reading) -> TrackFile:
        return apart.read_track(name, data, shared.settings, monitor)

    def failed(problem: str) -> None:
        shown = file_name(name)
        _say(session, problem if shown in problem else f"{shown}: {problem}")

    reading.begin(READING, file_name(name), work, lambda found: _add(session, found), failed)


def uploaded() -> frozenset[str]:
    """Ids of the files that lie in the menu's uploader."""
    return frozenset(file.file_id for file in st.session_state.get(_UPLOADER) or ())


def go_on(session: Session) -> None:
    """Draw the page again where another of several files is still to be read."""
    if session.tracks_waiting and not reading.under_way(READING):
        st.rerun()


def _say(session: Session, sentence: str) -> None:
    """Beside what was said of other files that came with this one."""
    if sentence and sentence not in session.screen.problem:
        session.say(f"{session.screen.problem} {sentence}".strip())


def _add(session: Session, found: TrackSource, server: str = "") -> None:
    held = sum(track.file.nbytes for track in session.tracks) + found.nbytes
    if held > MOST_BYTES:
        _say(
            session,
            f"The tracks would take {held / 1e6:,.0f} MB; {MOST_BYTES / 1e6:,.0f} MB are there for a visitor: remove one, or cut out the part needed.",
        )
        return
    number = len(session.tracks)
    colour = element_colour(number, dark=False)
    name = server[:LONGEST_NAME] or found.name.removesuffix(".gz")[:LONGEST_NAME]
    session.tracks = (*session.tracks, Brought(f"{PREFIX}{uuid.uuid4().hex[:8]}", found, name, colour, server=server))
    problem = _nothing_here(session, found)
    _say(session, " ".join(filter(None, (problem, found.note))))


def _nothing_here(session: Session, found: TrackSource) -> str:
    """One sentence when a file has nothing on the contig that is shown."""
    around = session.around
    if around is None or stretch_in(found, around.place).contigs:
        return ""
    lies = around.place.locus or around.place
    known = nearest(lies.contig, (contig[:40] for contig in found.contigs))
    return f"The file {file_name(found.name)} has nothing on {around.place.locus or around.place.name}; its contigs are {known}."


@dataclass(frozen=True)
class Stretch:
    """What is shown as a file sees it: all its names of the contig (none where it has nothing there), bases ``[start, end)`` of it, and whether they
    are read backwards."""

    contigs: tuple[str, ...]
    start: int
    end: int
    reverse: bool


def stretch_in(found: TrackSource, place: Surroundings) -> Stretch:
    """Values without a contig are those of the record or contig that is shown; a record that has a place is found by its own name, else by that place."""
    if set(found.contigs) == {""}:
        return Stretch(("",), place.start, place.end, place.reverse)
    contigs = find_contigs_of(place.assembly, place.contig, found.contigs)
    if contigs or place.locus is None:
        return Stretch(contigs, place.start, place.end, place.reverse)
    part = place.locus.window(place.start, place.end)
    contigs = find_contigs_of(part.assembly, part.contig, found.contigs)
    return Stretch(contigs, part.start, part.end, place.reverse != (part.strand is Strand.REVERSE))


def placed(session: Session) -> tuple[OwnTrack, ...]:
    """The tracks that are shown, on what is shown; the same objects as long as neither changes."""
    around = session.around
    if around is None:
        return ()
    made_of = (session.tracks, around.place)
    if session.tracks_placed is None or session.tracks_placed[0] != made_of:
        shown = [_on(track, around.place) for track in session.tracks if track.is_shown]
        shared = {track.id for track in session.tracks if track.scale == "shared"}
        session.tracks_placed = (made_of, on_one_scale(shown, shared))
    return session.tracks_placed[1]


def _on(track: Brought, place: Surroundings) -> OwnTrack:
    at = stretch_in(track.file, place)
    look: dict[str, Any] = {"reverse": at.reverse, "id": track.id, "name": track.name, "colour": track.colour}
    try:
        found = OwnTrack.of(track.file, at.contigs, at.start, at.end, **look)
    except LocuscopeError as error:
        return OwnTrack(track.id, track.name, track.file.kind, track.colour, Rows.none(str(error)), np.empty(0, np.float32))
    return replace(found, limits=track.limits, heat=track.heat)


def against_model(runs: Runs, own: tuple[OwnTrack, ...], *, dark: bool) -> None:
    """A signal track beside a track of a model: the correlation over the window as a number and a scatter."""
    signals = {
        track.id: track for track in own if track.kind == "signal" and not track.rows.note
    }  # means of stretches are not values of bases
    results = runs.finished_results()
    models = {f"{kind}/{track.name}": (track, result) for kind, result in results.items() for track in result.tracks()}
    if not signals or not models:
        return
    box = st.expander("Own signal against a model's track", on_change="rerun", key="against-open")
    with box:
        if not box.open:
            return
        left, right = st.columns(2)
        one = left.selectbox("Own signal", list(signals), format_func=lambda name: signals[name].name, key="against-own")
        other = right.selectbox("Track of the model", list(models), format_func=lambda name: models[name][0].title, key="against-model")
        if one not in signals or other not in models:
            return
        signal, (track, result) = signals[one], models[other]
        show_caption(correlated(signal.values, track.values).words())
        titles = (signal.name, track.title)
        figure = scatter(signal.values, track.values, titles, colour=signal.colour, dark=dark)
        st.plotly_chart(figure, key="against-scatter", theme=None)
        show_caption(f"{track.title} by {result.provenance.card.title}; each point is a base of the window that is shown.")
