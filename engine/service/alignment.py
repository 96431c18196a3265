"""Questions about an alignment: its own covariation, and the dependency map of one of its sequences by a model."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.analyses.covariation import Covariation, CovariationParameters, covariation
from engine.service.jobs import waited_for
from engine.service.requests import Request

if TYPE_CHECKING:
    from engine.core.alignment import Alignment
    from engine.core.progress import Monitor
    from engine.core.sequence import NucleotideSequence
    from engine.service.engine import Engine
    from engine.service.jobs import Job, JobMonitor


@dataclass(frozen=True, eq=False)
class AlignmentRequest:
    """``reference``: name of the sequence whose columns are read, empty = the first; ``model``: whose dependency map of it stands beside, empty = none.

    ``species``, ``weights``, ``device``, ``dtype``: of the model, as in `engine.service.requests.Request`.
    """

    alignment: Alignment
    reference: str = ""
    parameters: CovariationParameters = field(default_factory=CovariationParameters)
    model: str = ""
    species: str = ""
    weights: Path | None = None
    device: str = ""
    dtype: str = ""

    def sequence(self) -> NucleotideSequence:
        """The reference without its gaps. Raises `ParameterError` for a name that no sequence has."""
        return self.alignment.sequence(self.alignment.row(self.reference))[0]

    def map_request(self) -> Request:
        """The question to the model."""
        return Request("dependency", self.sequence(), self.model, None, self.species, self.weights, self.device, self.dtype)


def submit_covariation(engine: Engine, request: AlignmentRequest, visitor: str = "") -> Job:
    """Start reading the columns; the result is a `Covariation` without a model's map, kept with the job only.

    Raises `ParameterError` for a reference that the alignment does not have.
    """
    request.alignment.row(request.reference)

    def work(monitor: JobMonitor) -> Covariation:
        return covariation(request.alignment, request.reference, request.parameters, monitor)

    return engine.jobs.start(f"covariation-{uuid.uuid4().hex}", request, work, visitor)


def run_alignment(engine: Engine, request: AlignmentRequest, monitor: Monitor | None = None) -> Covariation:
    """The covariation, with the map of the model where one is named.

    Raises what `covariation` and `Engine.run` raise; what the model cannot do is said before anything is computed.
    """
    asked = request.map_request() if request.model else None
    if asked is not None:
        engine.check(asked)
    found: Covariation = waited_for(partial(submit_covariation, engine, request), monitor)
    return found if asked is None else found.with_map(engine.run(asked, monitor))
