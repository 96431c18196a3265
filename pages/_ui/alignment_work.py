"""What the page Alignment asks of the engine: the covariation, and the dependency map of the reference by a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.analyses.covariation import Covariation
from engine.analyses.dependency import DependencyMap
from engine.core.card import Capability
from engine.core.errors import LocuscopeError
from engine.service.alignment import AlignmentRequest, submit_covariation
from engine.service.engine import Engine, Request
from engine.service.jobs import Job
from pages._ui.polling import Work
from pages._ui.prepared import Price

OWN, MAP = "covariation", "dependency map"
AUTOMATIC = 2e10
"""Products of single letters up to which the columns are read without being asked; a second or two."""


@dataclass
class AlignmentWork(Work):
    """One visitor's computations on one alignment: ``jobs`` by what they are, ``problems`` in words; ``found`` is put together once both are there."""

    engine: Engine
    visitor: str
    request: AlignmentRequest
    asked: Request | None
    length: int
    problems: list[str] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    _found: Covariation | None = field(default=None, repr=False)

    @classmethod
    def of(cls, engine: Engine, visitor: str, request: AlignmentRequest) -> AlignmentWork:
        """The questions, not asked yet. Raises `ParameterError` for a reference that is not one sequence."""
        length = len(request.sequence())
        made = cls(engine, visitor, request, request.map_request() if request.model else None, length)
        if made.asked is not None:
            try:
                engine.check(made.asked)
            except LocuscopeError as error:
                made.problems.append(str(error))
                made.asked = None
        return made

    @property
    def cost(self) -> str:
        """What it will take, in words; what is there already is not counted."""
        count = len(self.request.alignment)
        own = "" if self.answered(OWN) else f"{count:,} sequences, {self.length * (self.length - 1) // 2:,} pairs of columns"
        told = self._price.words() if self._price is not None else ""
        return "; ".join(part for part in (own, f"the map of the reference: {told}" if told else "") if part)

    @property
    def _price(self) -> Price | None:
        if self.asked is None:
            return None
        cost = self.engine.estimate(self.asked)
        known = self.engine.stored(self.asked) is not None and self.engine.asked_before(self.asked, self.visitor)
        return Price(0, 0, 0.0, True) if known else Price(cost.passes, cost.work, cost.seconds, False)

    @property
    def small(self) -> bool:
        """Whether it starts without being asked for."""
        alignment, price = self.request.alignment, self._price
        products = 5.0 * len(alignment) ** 2 * alignment.columns + 16.0 * len(alignment) * self.length**2
        return products <= AUTOMATIC and (price is None or price.automatic)

    def start(self) -> None:
        """Ask both, after a Cancel what has no answer."""
        try:
            if not self.answered(OWN):
                self.jobs[OWN] = submit_covariation(self.engine, self.request, self.visitor)
            if self.asked is not None and not self.answered(MAP):
                self.jobs[MAP] = self.engine.submit(self.asked, self.visitor)
        except LocuscopeError as error:
            self.problems.append(str(error))

    def sentences(self) -> list[str]:
        """What went wrong, one sentence each."""
        failed = [str(job.error) for job in self.jobs.values() if job.finished and job.error is not None]
        return list(dict.fromkeys([*self.problems, *failed]))

    @property
    def found(self) -> Covariation | None:
        """The covariation, with the model's map once that is there."""
        own, other = self._result(OWN), self._result(MAP)
        if not isinstance(own, Covariation):
            return None
        whole = isinstance(other, DependencyMap) and other.complete
        if self._found is None or (whole and self._found.dependency is None):
            self._found = own.with_map(other) if whole and isinstance(other, DependencyMap) else own
        return self._found

    def _result(self, name: str) -> Any | None:
        job = self.jobs.get(name)
        return job.result if job is not None and job.finished else None


def models(engine: Engine) -> list[str]:
    """Models here that make dependency maps; an empty name in front stands for none."""
    return ["", *(row.card.id for row, why in engine.models_for("dependency") if not why and row.card.can(Capability.DEPENDENCY))]
