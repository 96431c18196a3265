"""Shuffled controls of both alleles of a comparison: asked by a click that says what they cost, then q-values of what is lost and gained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from engine.analyses.declared import declared
from engine.core.errors import LocuscopeError
from engine.service.engine import Engine, Request
from engine.service.estimate import time_in_words
from engine.service.jobs import Job
from engine.views.comparison import changed_pairs
from engine.views.controlled import ControlledChange
from pages._ui import choices, polling
from pages._ui.buttons import button
from pages._ui.grid import decimals, grid
from pages._ui.text import show_caption, show_info

if TYPE_CHECKING:
    from engine.analyses.dependency import DependencyMap
    from engine.core.alleles import Change
    from engine.core.sequence import NucleotideSequence
    from pages._ui.question import Question

NAME = "patterns"


@dataclass
class Controls(polling.Work):
    """The questions about the reference and the alternate, with the ``settings`` of the explorer; ``problem``: why they cannot be asked. `jobs`
    and `cancel` are those of `pages._ui.polling.Work`."""

    requests: tuple[Request, Request] | None
    visitor: str
    problem: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    jobs: dict[str, Job] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        engine: Engine,
        alleles: tuple[NucleotideSequence, NucleotideSequence],
        question: Question,
        model: str,
        species: str,
        visitor: str,
    ) -> Controls:
        """The patterns of both alleles with the explorer's settings; answers that are kept are taken at once."""
        analysis, card = declared(NAME), engine.model(model).card
        if why := analysis.cannot(card):
            return cls(None, visitor, why, question.settings)
        parameters = choices.parameters_of(analysis, card, dict(question.settings))
        if not getattr(parameters, "shuffles", 0):
            why = "Without shuffled controls (Analysis, Patterns: shuffled controls) there are none."
            return cls(None, visitor, why, question.settings)
        first, second = (Request(NAME, sequence, model, parameters, species) for sequence in alleles)
        found = cls((first, second), visitor, settings=question.settings)
        try:
            for request in (first, second):
                engine.check(request)
            if all(engine.stored(request) is not None for request in (first, second)):
                found.start(engine)
        except LocuscopeError as error:
            found.problem = str(error)
        return found

    def start(self, engine: Engine) -> None:
        """Ask. Raises as `engine.service.engine.Engine.submit`."""
        self.jobs = {
            name: engine.submit(request, self.visitor)
            for name, request in zip(("reference", "alternate"), self.requests or (), strict=False)
        }

    def cost(self, engine: Engine) -> str:
        """What both take, in words."""
        costs = [engine.estimate(request, (), self.visitor) for request in self.requests or ()]
        seconds = None if any(cost.seconds is None for cost in costs) else sum(cost.seconds or 0.0 for cost in costs)
        return f"{sum(cost.passes for cost in costs):,} model runs, {time_in_words(seconds)}"

    def found(self, maps: tuple[DependencyMap, DependencyMap], change: Change) -> ControlledChange | None:
        """What they say, once both are there."""
        results = [job.result for job in self.jobs.values() if job.result is not None]
        return ControlledChange((results[0], results[1]), maps, change) if len(results) == 2 else None


def section(engine: Engine, controls: Controls, maps: tuple[DependencyMap, DependencyMap], change: Change) -> None:
    """The button, the way there, or what the controls say."""
    if controls.problem:
        show_caption(f"No q-values: {controls.problem}")
        return
    if found := controls.found(maps, change):
        for sentence in found.words:
            show_caption(sentence)
        return
    if controls.running:
        polling.follow(engine, True, polling.progress, controls, "compare-controls")
        return
    for error in dict.fromkeys(str(job.error) for job in controls.jobs.values() if job.error is not None):
        show_caption(f"No q-values: {error}")
    if controls.cancelled:
        show_info(controls.cancelled)
    with st.container(horizontal=True, vertical_alignment="center"):
        asked = button("q-values by shuffled letters", key="compare-controls-ask")
        st.caption(f"holds what is lost and gained against shuffled sequences of both alleles: {controls.cost(engine)}", width="content")
    if asked:
        try:
            controls.start(engine)
        except LocuscopeError as error:
            controls.problem = str(error)
        st.rerun()


def pairs_table(maps: tuple[DependencyMap, DependencyMap], titles: tuple[str, str], controlled: ControlledChange | None) -> None:
    """The pairs that changed most, with the q-values of both values where there are controls."""
    frame, (first, second) = changed_pairs(*maps), titles
    if controlled is not None:
        frame["q_first"], frame["q_second"] = controlled.q_values(frame["first"].to_numpy(), frame["second"].to_numpy())
    named = {"position_1": "position 1", "position_2": "position 2", "bases_first": f"bases, {first}", "bases_second": f"bases, {second}"}
    named |= {"distance": "bases apart", "first": first, "second": second, "q_first": f"q, {first}", "q_second": f"q, {second}"}
    st.markdown("**Pairs that changed most**")
    grid(frame, hide_index=True, height=320, column_config=decimals(frame, named=named))
