"""What the page RNA asks of the engine: contacts, the map they are read from, probabilities, and the structure by energies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.analyses.compensation import CompensationParameters
from engine.analyses.contacts import ContactMap, ContactParameters
from engine.analyses.declared import declared
from engine.analyses.dependency import DependencyParameters
from engine.core.card import Capability
from engine.core.errors import LocuscopeError
from engine.core.sequence import NucleotideSequence
from engine.service.engine import Engine, Request
from engine.service.estimate import AUTOMATIC_SECONDS
from engine.service.jobs import Job
from pages._ui.polling import Work
from pages._ui.prepared import AUTOMATIC_BASES

FOLDER = "viennarna"
READ = ("contacts", "fold")
"""Analyses that say which bases pair."""
Reading = ContactParameters
"""How the model's contacts are read off its map."""


@dataclass
class RnaWork(Work):
    """One visitor's computations on one RNA: ``requests`` and ``jobs`` by analysis, ``problems`` those that cannot be answered, in words."""

    engine: Engine
    visitor: str
    sequence: NucleotideSequence
    model: str
    species: str
    requests: dict[str, Request]
    problems: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)

    @classmethod
    def of(cls, engine: Engine, visitor: str, sequence: NucleotideSequence, model: str, species: str, parameters: Reading) -> RnaWork:
        """The questions, not asked yet; letters are read as RNA."""
        rna = sequence.read_as_rna()
        card = engine.model(model).card
        usual = {
            "dependency": DependencyParameters(precision=parameters.precision, tau=parameters.tau),
            "contacts": parameters,
            "probabilities": declared("probabilities").starting(card),
        }
        asked = {name: Request(name, rna, model, given, species) for name, given in usual.items()}
        found = cls(engine, visitor, rna, model, species, {**asked, "fold": Request("fold", rna, FOLDER)})
        for name, request in found.requests.items():
            try:
                engine.check(request)
            except LocuscopeError as error:
                found.problems[name] = str(error)
        return found

    def same_question(self, other: RnaWork | None) -> bool:
        """Whether ``other`` asks the same."""
        return other is not None and other.requests == self.requests

    def test(self, pair: tuple[int, ...]) -> Request:
        """The compensation test of two 0-based bases. Raises `ParameterError` for one base twice."""
        return Request("compensation", self.sequence, self.model, CompensationParameters(*pair), self.species)

    @property
    def usable(self) -> dict[str, Request]:
        """Questions that can be answered."""
        return {name: request for name, request in self.requests.items() if name not in self.problems}

    @property
    def small(self) -> bool:
        """Whether it starts without being asked for."""
        asked = list(self.usable.values())
        if all(self.engine.stored(request) is not None for request in asked):
            return True
        costs = [self.engine.estimate(request, asked) for request in asked]
        seconds = [cost.seconds for cost in costs]
        known = all(value is not None for value in seconds) and sum(value or 0.0 for value in seconds) <= AUTOMATIC_SECONDS
        return known or sum(cost.work for cost in costs) <= AUTOMATIC_BASES

    def start(self) -> None:
        """Ask everything that can be answered, after a Cancel what has no answer."""
        for name, request in self.usable.items():
            if self.answered(name):
                continue
            try:
                self.jobs[name] = self.engine.submit(request, self.visitor)
            except LocuscopeError as error:
                self.problems[name] = str(error)

    def result(self, name: str) -> Any | None:
        """The finished answer, or None."""
        job = self.jobs.get(name)
        return job.result if job is not None and job.finished else None

    @property
    def contacts(self) -> ContactMap | None:
        """The model's contacts."""
        found = self.result("contacts")
        return found if isinstance(found, ContactMap) else None

    def sentences(self) -> list[str]:
        """What went wrong, one sentence each."""
        failed = [str(job.error) for job in self.jobs.values() if job.finished and job.error is not None]
        return list(dict.fromkeys([*self.problems.values(), *failed]))


def models(engine: Engine) -> list[str]:
    """Models here that read contacts."""
    return [row.card.id for row in engine.models_that_can(Capability.CONTACTS)]
