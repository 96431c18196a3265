"""Questions about what a model expects around many places of one kind."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.card import Capability
from engine.core.motif import AlignedPlaces, Motif, MotifParameters
from engine.service.estimate import pace_of
from engine.service.jobs import waited_for
from engine.service.motif_places import read_aligned

if TYPE_CHECKING:
    from engine.core.progress import Monitor
    from engine.service.embedding_places import Genome
    from engine.service.engine import Engine
    from engine.service.jobs import Job, JobMonitor


@dataclass(frozen=True, eq=False)
class MotifRequest:
    """Chosen places of a genome, and the model that reads them, as in `engine.service.requests.Request`."""

    genome: Genome
    aligned: AlignedPlaces
    parameters: MotifParameters = field(default_factory=MotifParameters)
    model: str = ""
    species: str = ""
    weights: Path | None = None
    device: str = ""
    dtype: str = ""


def passes(engine: Engine, request: MotifRequest) -> int:
    """Passes through the model."""
    from engine.analyses.motif import passes_of

    return passes_of(len(request.aligned.places), engine.model(request.model).card, request.parameters)


def seconds_of(engine: Engine, request: MotifRequest) -> float | None:
    """Expected seconds by earlier runs of the model here; None before the first."""
    return engine.timings.seconds(pace_of("motif", request, engine.settings), request.parameters.context_bp, passes(engine, request))


def submit_motif(engine: Engine, request: MotifRequest, visitor: str = "") -> Job:
    """Start reading the places; the result is a `Motif`, kept with the job only. Raises `CapabilityMissing`, `WeightsMissing`."""

    def work(model: Any, monitor: JobMonitor) -> Motif:
        from engine.analyses.motif import motif

        read = read_aligned(request.genome, request.aligned, request.parameters, model.card.max_length)
        began = time.perf_counter()
        found = motif(model, request.aligned, read, request.parameters, monitor)
        seconds = time.perf_counter() - began
        engine.timings.note(pace_of("motif", request, engine.settings), request.parameters.context_bp, passes(engine, request), seconds)
        return found

    return engine.submit_on_model("motif", request, Capability.PROBABILITIES, work, visitor)


def run_motif(engine: Engine, request: MotifRequest, monitor: Monitor | None = None) -> Motif:
    """`submit_motif`, after waiting for it."""
    found: Motif = waited_for(partial(submit_motif, engine, request), monitor)
    return found
