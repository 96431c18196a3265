"""What a view asks of the engine, and what that will cost, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.analyses.declared import Declared, Needed, analyses, declared
from engine.core.card import Capability, ModelCard
from engine.core.errors import LocuscopeError
from engine.core.settings import Settings
from engine.service.engine import Engine, Request
from engine.service.estimate import AUTOMATIC_SECONDS, time_in_words
from pages._ui import choices
from pages._ui.question import Question, Shown
from pages._ui.runs import BAND, MAP, NO_ELEMENTS, Runs

AUTOMATIC_BASES = 400_000
"""Work that starts without being asked for: up to `AUTOMATIC_SECONDS` by earlier runs, or up to this many bases read as if by the shipped model
(some 220 on screen), whatever a first run that also warmed up the machine has said about the time."""
MOVED_SECONDS, MOVED_BASES = 2.0, 25_000
"""The same where the visitor came by moving along a genome: what is in view then changes with every step."""


def prepare(engine: Engine, visitor: str, shown: Shown, question: Question) -> Runs:
    """The computations of a view, not started: every analysis that is always shown and every one that was asked for."""
    chosen = dict(question.settings)
    requests: dict[str, Request] = {}
    impossible: dict[str, str] = {}
    for name, analysis in analyses().items():
        offered = analysis.shown == "offered" and not analysis.cannot(engine.model(question.model).card)
        if analysis.shown != "always" and not offered and name not in question.asked:
            continue
        model, reason = model_of(engine, analysis, question)
        if not model:
            impossible[name] = reason.partition("; it offers")[0].rstrip(".") + "."
            continue
        card = engine.model(model).card
        parameters = choices.parameters_of(analysis, card, chosen)
        if analysis.longer is not None and is_tiled(len(shown.sequence), card, engine.settings):
            other, parameters = analysis.longer(parameters, card)
            species = question.species if model == question.model else ""
            requests[other] = Request(other, shown.sequence, model, parameters, species)
            continue
        if _on_screen(analysis.after(analysis.settled(parameters, card), card), requests):
            requests[name] = Request(name, shown.sequence, model, parameters, species_of(analysis, model, question))
            if analysis.of_place:
                try:
                    engine.check(requests[name])
                except LocuscopeError as error:
                    impossible[name] = str(error)
                    del requests[name]
        else:
            why = "read from the usual map, not from one with other settings"
            if is_tiled(len(shown.sequence), card, engine.settings):
                why = f"read from a whole map, which {card.title} has of up to {card.max_length:,} bases; choose a shorter window"
            impossible[name] = f"{analysis.title} are {why}."
    return Runs(engine, visitor, shown, question, requests, impossible)


def is_tiled(length: int, card: ModelCard, settings: Settings) -> bool:
    """Whether a sequence is computed in tiles: it is longer than the model reads at once, and not longer than is computed here."""
    return card.max_length < length <= settings.max_length


def model_of(engine: Engine, analysis: Declared, question: Question) -> tuple[str, str]:
    """Who answers an analysis of a view, and where nobody does, why."""
    if analysis.capability is Capability.SEGMENTATION and question.elements:
        return ("", "No element track was asked for.") if question.elements == NO_ELEMENTS else (question.element_model, "")
    reason = analysis.cannot(engine.model(question.model).card)
    if not reason:
        return question.model, ""
    if _usable(engine, analysis):
        return analysis.default_model, ""
    return "", engine.model(analysis.default_model).why_not if analysis.of_place else reason


def species_of(analysis: Declared, model: str, question: Question) -> str:
    """The species that the model of an analysis is told: the one chosen for the element track, or for the model of the view."""
    if analysis.capability is Capability.SEGMENTATION and model == question.element_model:
        return question.element_species
    return question.species if model == question.model else ""


def _usable(engine: Engine, analysis: Declared) -> bool:
    """Whether an analysis has a model of its own that is here and may answer beside another one."""
    return bool(analysis.default_model) and analysis.lends and engine.model(analysis.default_model).installed


def _on_screen(needed: Mapping[str, Needed], requests: Mapping[str, Request]) -> bool:
    """Whether of the answers an analysis must read those that have a panel of their own are asked for as it needs them; otherwise it would be
    about another map. What nobody looks at by itself, such as controls, is computed with it."""
    looked_at = {name: item for name, item in needed.items() if item.required and declared(name).shown != "clicked"}
    return all(name in requests and requests[name].parameters == item.parameters for name, item in looked_at.items())


@dataclass(frozen=True)
class Price:
    """What a view will cost: forward passes, bases read (`engine.service.estimate.as_if_shipped`), seconds when known, and whether everything is
    in the store already.

    What is stored because others asked for it counts as if it were not: nobody is told what others asked.
    """

    passes: int
    work: int
    seconds: float | None
    stored: bool
    problem: str = ""
    moved: bool = False

    @property
    def automatic(self) -> bool:
        """Small enough to start without being asked."""
        if self.stored:
            return True
        if self.moved:
            return self.work <= MOVED_BASES if self.seconds is None else self.seconds <= MOVED_SECONDS
        return self.work <= AUTOMATIC_BASES or (self.seconds is not None and self.seconds <= AUTOMATIC_SECONDS)

    def words(self) -> str:
        """The cost in words."""
        if self.problem:
            return ""
        if self.stored and not self.passes:
            return "answered from stored results"
        return f"{self.passes:,} model runs, {time_in_words(self.seconds)}"


def price(runs: Runs) -> Price:
    """Estimate everything that can be answered; ``problem`` when the map itself cannot."""
    passes = work = 0
    seconds: float | None = 0.0
    stored = True
    problem = ""
    for kind, request in runs.requests.items():
        if declared(kind).of_place:  # asked by a click of its own, and computed elsewhere
            continue
        try:
            runs.engine.check(request)
            cost = runs.engine.estimate(request, list(runs.requests.values()), runs.visitor)
            is_stored = runs.engine.stored(request) is not None
            is_told = is_stored and runs.engine.asked_before(request, runs.visitor)
        except LocuscopeError as error:
            runs.problems[kind] = str(error)
            problem = str(error) if kind in (MAP, BAND) else problem
            continue
        stored = stored and is_stored
        if is_told:
            continue
        passes, work = passes + cost.passes, work + cost.work
        seconds = None if seconds is None or cost.seconds is None else seconds + cost.seconds
    runs.startable = not problem
    return Price(passes, work, seconds, stored and not problem, problem, runs.question.moved)
