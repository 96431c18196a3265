"""What all pages share: the engine, the genomes, and the visitor's question."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from engine.sources.genomes import GenomeSet

from engine.core.settings import Settings
from engine.service import Engine


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
    """What one visitor has on screen; lives in ``st.session_state``."""

    visitor: str
    question: Any = None
    shown: Any = None
    problem: str = ""
    notes: tuple[str, ...] = ()
    runs: dict[str, Any] = field(default_factory=dict)
    envelopes: dict[str, Any] = field(default_factory=dict)
    initial: dict[str, Any] = field(default_factory=dict)
    started: bool = False
