"""What all pages share: the engine, the genomes, and the visitor's question."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.core.features import Feature
from engine.core.own_tracks import OwnTrack
from engine.core.regions import Region
from engine.core.settings import Settings, user_path
from engine.service import metrics
from engine.service.engine import Engine
from engine.service.visitors import JobTable
from engine.sources.genomes import GenomeSet
from engine.sources.server_tracks import ServerTracks
from engine.sources.understand import Understood
from pages._ui import visitor_person
from pages._ui.address import AddressState
from pages._ui.prepared import Price
from pages._ui.question import Question, Shown
from pages._ui.runs import Runs
from pages._ui.steps import History
from pages._ui.surroundings import Surroundings

if TYPE_CHECKING:
    from pages._ui.lessons_page import Place
    from pages._ui.own_tracks import Brought


@dataclass(frozen=True)
class Shared:
    """One for all visitors of a process."""

    engine: Engine
    genomes: GenomeSet
    tracks: ServerTracks

    @property
    def settings(self) -> Settings:
        """Settings of this installation."""
        return self.engine.settings


@st.cache_resource(show_spinner=False)
def shared() -> Shared:
    """The engine and the registered genomes, made at the first visit; the default model starts to load at once."""
    engine = Engine()
    engine.preload()
    if engine.settings.metrics:
        metrics.write_always(engine, user_path(engine.settings.metrics))
    return Shared(engine, GenomeSet(engine.settings), ServerTracks(engine.settings.tracks))


@dataclass(frozen=True)
class Screen:
    """What is on screen: the question, what it turned out to be, and the one sentence about what went wrong last."""

    question: Question = field(default_factory=lambda: Question(""))
    shown: Shown | None = None
    problem: str = ""


@dataclass(frozen=True)
class Files:
    """What was read: the last text and what it was, the last uploads, features of uploaded files by the hash of the sequence they lie on."""

    understood: tuple[str, Understood] | None = None
    upload: str = ""
    annotated: str = ""
    session: str = ""
    regions: str = ""
    annotation: Mapping[str, tuple[Feature, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Around:
    """What lies around what is shown, with its annotation (``is_read``: unless that is still being read) and, for the bar over the figure, how much of
    each stretch of it are genes."""

    place: Surroundings
    features: tuple[Feature, ...] = ()
    genes: tuple[str, ...] = ()
    is_read: bool = True


@dataclass(frozen=True)
class Work:
    """The computations of what is on screen, their price, and whether the figure knows that all of them are done."""

    runs: Runs | None = None
    price: Price | None = None
    settled: bool = True


@dataclass(frozen=True)
class Arrival:
    """Where the view of a question starts that a step along the genome or a session file led to. ``wish``: a name of its own, when the view is to
    start there although it is on screen already."""

    question: Question
    view: Mapping[str, Any]
    wish: str = ""


@dataclass(frozen=True)
class Exchange:
    """What the address asked for when the visit began, the last wish of the figure that was granted, what the page wants selected there, how it
    shall look, where the view of a question starts that a step along the genome or a session file led to, and what the visitor saw of the figure last."""

    asked: AddressState | None = None
    granted: tuple[str, ...] = ()
    focused: tuple[tuple[int, ...], str] = ((), "")
    display: Mapping[str, Any] | None = None
    arrived: Arrival | None = None
    seen: Mapping[str, Any] = field(default_factory=dict)


class Session:
    """One visitor: four frozen values, each replaced whole, and the uploads by their place: name and bytes."""

    def __init__(self, visitor: str) -> None:
        self.visitor = visitor
        self.screen = Screen()
        self.files = Files()
        self.work = Work()
        self.exchange = Exchange()
        self.around: Around | None = None
        self.lesson: Place | None = None
        self.tracks: tuple[Brought, ...] = ()
        self.tracks_read: frozenset[str] = frozenset()
        self.tracks_waiting = False
        self.tracks_placed: tuple[Any, tuple[OwnTrack, ...]] | None = None
        self.regions: tuple[Region, ...] = ()
        self.region_at: int | None = None
        self.regions_turn = 0
        self.history = History()
        self.uploads: dict[str, tuple[str, int]] = {}
        self.kept: dict[str, int] = {}
        """Bytes of answers that a page of this visitor keeps and the store does not know of."""

    @property
    def held_bytes(self) -> int:
        """Bytes that this visitor takes in memory beside the arrays of results: what was packed for the browser, letters, uploaded files."""
        packed = self.work.runs.held_bytes if self.work.runs is not None else 0
        read = self.files.understood
        letters = len(read[0]) + sum(len(record) for record in read[1].records) if read is not None else 0
        tracks = sum(track.file.nbytes for track in self.tracks)
        uploads = sum(size for _, size in list(self.uploads.values()))
        return packed + letters + tracks + uploads + sum(list(self.kept.values()))

    def let_go(self) -> None:
        """Forget results; they are asked for again when the visitor is back."""
        if self.work.runs is not None:
            self.work.runs.let_go()

    def say(self, problem: str) -> None:
        """Tell the visitor what went wrong; an empty text takes it back."""
        self.screen = replace(self.screen, problem=problem)

    def focus(self, *places: int) -> None:
        """Have the view select these 0-based positions (one base, or a changed and a read one) when it is next drawn."""
        self.exchange = replace(self.exchange, focused=(places, uuid.uuid4().hex))

    def saw(self, seen: Mapping[str, Any]) -> None:
        """Keep what the visitor sees of the figure, as its browser says."""
        self.exchange = replace(self.exchange, seen=dict(seen))

    @property
    def display(self) -> Mapping[str, Any]:
        """Settings of the figure: those chosen last in it, else those of the address."""
        if self.exchange.display is not None:
            return self.exchange.display
        return self.exchange.asked.display if self.exchange.asked is not None else {}

    @property
    def question(self) -> Question:
        """What is asked."""
        return self.screen.question

    @property
    def on_screen(self) -> Shown:
        """What is shown; `LookupError` before the first question was understood."""
        if self.screen.shown is None:
            raise LookupError("nothing is on screen yet")
        return self.screen.shown

    @property
    def computing(self) -> Runs:
        """The computations of what is shown; `LookupError` before they were prepared."""
        if self.work.runs is None:
            raise LookupError("nothing was asked of the engine yet")
        return self.work.runs


def session() -> Session:
    """The visitor's own state; made at the first run."""
    if "locuscope" not in st.session_state:
        st.session_state["locuscope"] = Session(uuid.uuid4().hex)
    found: Session = st.session_state["locuscope"]
    here(shared(), found)
    return found


def count_calls() -> Callable[[str], None]:
    """What counts a question to a public service for this visitor, and refuses it when there were enough; may be called from any thread."""
    quotas, visitor = shared().engine.jobs.quotas, session().visitor
    return lambda _service: quotas.take(visitor, "calls", 1)


def uploaded(file: Any, place: str) -> bytes:
    """The bytes of a file that was uploaded at ``place``, where it takes that of the one before.

    They count once for the visitor, and in memory as long as they are there. Raises `ResourceExhausted` when they are too many for this hour.
    """
    uploads = session().uploads
    if uploads.get(place, ("", 0))[0] != file.file_id:
        shared().engine.jobs.quotas.take(session().visitor, "upload_bytes", file.size)
        uploads[place] = (file.file_id, file.size)
    content: bytes = file.getvalue()
    return content


@dataclass(frozen=True)
class Presence:
    """That a visitor's browser is connected."""

    jobs: JobTable
    visitor: str

    def ended(self) -> None:
        """The connection has ended."""
        self.jobs.leave_soon(self.visitor)


@st.cache_resource(scope="session", show_spinner=False, on_release=Presence.ended)
def _presence(_jobs: JobTable, visitor: str) -> Presence:
    """Made at the first run after each connection, released by Streamlit when it ends: nothing else says that a visitor has gone."""
    return Presence(_jobs, visitor)


def here(shared: Shared, session: Session) -> None:
    """The visitor is present, with the computations of what is on screen; called at every run and every look."""
    _presence(shared.engine.jobs, session.visitor)
    shared.engine.jobs.quotas.introduce(session.visitor, visitor_person.here(shared.settings).name)
    shared.engine.jobs.here(session.visitor, session)
    if session.work.runs is not None:
        session.work.runs.come_back()
