"""What a view asks of the engine, and what that will cost, before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from engine.analyses.declared import Declared, Needed, analyses, declared
from engine.core.card import Capability, ModelCard
from engine.core.errors import LocuscopeError
from engine.core.settings import Settings
from engine.service.engine import Engine, Request
from engine.service.estimate import AUTOMATIC_SECONDS, time_in_words
from pages._ui import choices
from pages._ui.question import Question, Shown
from pages._ui.runs import BAND, ELEMENTS, MAP, NO_ELEMENTS, Runs

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
    in the store already. ``at_once``: the analyses that start without being asked for; where others wait for a click, it is what those cost.

    What is stored because others asked for it counts as if it were not: nobody is told what others asked.
    """

    passes: int
    work: int
    seconds: float | None
    stored: bool
    problem: str = ""
    moved: bool = False
    at_once: tuple[str, ...] = ()

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
    known: dict[str, _Known] = {}
    problem = ""
    for kind, request in runs.requests.items():
        if declared(kind).of_place:  # asked by a click of its own, and computed elsewhere
            continue
        try:
            runs.engine.check(request)
            is_stored = runs.engine.stored(request) is not None
            is_told = is_stored and runs.engine.asked_before(request, runs.visitor)
        except LocuscopeError as error:
            runs.problems[kind] = str(error)
            problem = str(error) if kind in (MAP, BAND) else problem
            continue
        known[kind] = _Known(is_stored, is_told)
    runs.startable = not problem
    if problem:
        return replace(_total(runs, known, known), stored=False, problem=problem)
    at_once = _by_itself(runs, known)
    return replace(_total(runs, known, [kind for kind in known if kind not in at_once] or known, known), at_once=at_once)


@dataclass(frozen=True)
class _Known:
    """Whether an answer is stored, and whether the visitor may be told."""

    stored: bool
    told: bool


def _total(runs: Runs, known: Mapping[str, _Known], kinds: Collection[str], beside: Collection[str] = ()) -> Price:
    """What these analyses cost, where they and those ``beside`` them are asked."""
    passes = work = 0
    seconds: float | None = 0.0
    asked = [runs.requests[kind] for kind in {*kinds, *beside}]
    for kind in kinds:
        if known[kind].told:
            continue
        cost = runs.engine.estimate(runs.requests[kind], asked, runs.visitor)
        passes, work = passes + cost.passes, work + cost.work
        seconds = None if seconds is None or cost.seconds is None else seconds + cost.seconds
    return Price(passes, work, seconds, all(known[kind].stored for kind in kinds), moved=runs.question.moved)


def _by_itself(runs: Runs, known: Mapping[str, _Known]) -> tuple[str, ...]:
    """What starts without being asked for: what the visitor has already, or has under way; the usual analyses where all that is missing of them is small, and of
    an example in any case; then, the smallest first, what was chosen beside them, as long as all of it is small together."""
    question = runs.question
    chosen = {*question.asked} - {MAP, BAND} | ({ELEMENTS} if question.element_model else set())

    def is_small(kinds: list[str]) -> bool:
        return _total(runs, known, [kind for kind in kinds if kind not in runs.jobs], kinds).automatic

    there = [kind for kind in known if known[kind].told or kind in runs.jobs]
    found = list(dict.fromkeys([*there, *(kind for kind in known if kind not in chosen)]))
    if runs.shown.example is None and not is_small(found):
        return tuple(there)
    costs = {kind: _total(runs, known, [kind], found).work for kind in known if kind not in found}
    for kind in sorted(costs, key=costs.__getitem__):
        if is_small([*found, kind]):
            found.append(kind)
    return tuple(found)
