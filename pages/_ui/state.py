"""What all pages share: the engine, the genomes, and the visitor's question."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

import streamlit as st

from engine.core.features import Feature
from engine.core.settings import Settings
from engine.service.engine import Engine
from engine.sources.genomes import GenomeSet
from engine.sources.understand import Understood
from pages._ui.address import AddressState
from pages._ui.question import Question, Shown
from pages._ui.runs import Price, Runs


@dataclass(frozen=True)
class Shared:
    """One for all visitors of a process."""

    engine: Engine
    genomes: GenomeSet

    @property
    def settings(self) -> Settings:
        """Settings of this installation."""
        return self.engine.settings


@st.cache_resource(show_spinner=False)
def shared() -> Shared:
    """The engine and the registered genomes, made at the first visit; the default model starts to load at once."""
    engine = Engine()
    engine.preload()
    return Shared(engine, GenomeSet(engine.settings))


@dataclass
class Session:
    """What one visitor has on screen.

    ``question`` and ``shown`` belong together; ``runs`` and ``price`` to them; ``problem`` is the one sentence about what went wrong last;
    ``understood`` the last text and what it was; ``upload`` and ``annotated`` the last files;
    ``annotation`` features of uploaded files by the hash of the sequence they lie on; ``finished`` whether the figure knew that all was computed;
    ``granted`` the last wish from inside the view that was done.
    """

    visitor: str
    question: Question = field(default_factory=lambda: Question(""))
    shown: Shown | None = None
    runs: Runs | None = None
    price: Price | None = None
    problem: str = ""
    notes: tuple[str, ...] = ()
    understood: tuple[str, Understood] | None = None
    upload: str = ""
    annotated: str = ""
    annotation: dict[str, tuple[Feature, ...]] = field(default_factory=dict)
    asked: AddressState = field(default_factory=AddressState)
    started: bool = False
    finished: bool = True
    granted: str = ""
    focused: tuple[tuple[int, ...], str] = ((), "")

    def focus(self, *places: int) -> None:
        """Have the view select these 0-based positions (one base, or a changed and a read one) when it is next drawn."""
        self.focused = (places, uuid.uuid4().hex)

    @property
    def on_screen(self) -> Shown:
        """What is shown; `LookupError` before the first question was understood."""
        if self.shown is None:
            raise LookupError("nothing is on screen yet")
        return self.shown

    @property
    def computing(self) -> Runs:
        """The computations of what is shown; `LookupError` before they were prepared."""
        if self.runs is None:
            raise LookupError("nothing was asked of the engine yet")
        return self.runs


def session() -> Session:
    """The visitor's own state; made at the first run."""
    if "locuscope" not in st.session_state:
        st.session_state["locuscope"] = Session(uuid.uuid4().hex)
    found: Session = st.session_state["locuscope"]
    return found
