"""What the page Compare asks of the engine: two maps of the same positions, and of an allele the tracks of both, its controls with them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from engine.analyses.declared import declared
from engine.analyses.dependency import DependencyMap
from engine.core.errors import LocuscopeError
from engine.service.engine import Request
from engine.service.estimate import AUTOMATIC_SECONDS
from engine.service.jobs import Job
from engine.views import wire
from engine.views.comparison import COMPARED, TrackDifferences, on_reference
from pages._ui import choices, compare_models, prepared, state
from pages._ui.changes import changed
from pages._ui.compare_controls import Controls
from pages._ui.figure_view.feed import Chosen, Feed
from pages._ui.question import Question, Shown, named

if TYPE_CHECKING:
    from engine.core.sequence import NucleotideSequence

TARGET = "compare"
AT_ONCE_BASES = 1_000_000
"""Two maps are computed without being asked for up to this many bases read as if by the shipped model (some 400 on screen), or
`AUTOMATIC_SECONDS`."""


@dataclass
class Comparison:
    """Two maps of the same positions, computed or on their way; of an allele ``beside`` them the answers whose tracks are compared, by analysis,
    with the explorer's ``settings``, and in ``missing`` why some are not asked; ``species`` that both models were told."""

    shown: Shown
    titles: tuple[str, str]
    jobs: tuple[Job, Job]
    models: tuple[str, str]
    species: tuple[str, str]
    found: DependencyMap | None = None
    chosen: Chosen | None = None
    display: dict[str, Any] = field(default_factory=dict)
    beside: tuple[dict[str, Job], dict[str, Job]] = field(default_factory=lambda: ({}, {}))
    settings: tuple[tuple[str, str], ...] = ()
    missing: str = ""
    tracks: TrackDifferences | None = None
    controls: Controls | None = None

    def __post_init__(self) -> None:
        self.feed = Feed(wire.Address(TARGET, self.identity, "difference"))

    @property
    def maps(self) -> tuple[DependencyMap, DependencyMap] | None:
        """Both maps on the positions of the first, or None while one is missing."""
        first, second = (job.result for job in self.jobs)
        if not isinstance(first, DependencyMap) or not isinstance(second, DependencyMap):
            return None
        change = self.shown.change if self.models[0] == self.models[1] else None
        return first, second if change is None else on_reference(second, first.sequence, change)

    @property
    def waiting(self) -> list[Job]:
        """What is asked beside the maps and not finished."""
        return [job for side in self.beside for job in side.values() if not job.finished]

    @property
    def cancelled(self) -> list[str]:
        """Analyses beside the maps that were cancelled."""
        return [name for name in self.beside[0] if any(side[name].state == "cancelled" for side in self.beside)]

    @property
    def identity(self) -> str:
        """What the view shows."""
        return f"{self.shown.identity}/{self.shown.change}/{self.titles[0]}/{self.titles[1]}"

    def about(self, shown: Shown, models: tuple[str, str], species: tuple[str, str]) -> bool:
        """Whether it answers this question."""
        same = (self.models, self.species) == (models, species)
        return same and self.shown.identity == shown.identity and self.shown.change == shown.change


def questions(shared: state.Shared, shown: Shown, model: str, other: str) -> tuple[Request, Request]:
    """For both maps: of the reference and the alternate where an allele is shown, else by both models."""
    second = changed(shown.sequence, shown.change) if shown.change is not None and model == other else shown.sequence
    species = species_of(shared, (model, other))
    return (
        Request("dependency", shown.sequence, model, species=species[0]),
        Request("dependency", second, other, species=species[1]),
    )


def is_small(shared: state.Shared, shown: Shown, models: tuple[str, str]) -> bool:
    """Whether both maps are computed without being asked for; what cannot be asked is said at once."""
    try:
        costs = [shared.engine.estimate(request) for request in questions(shared, shown, *models)]
    except LocuscopeError:
        return True
    known = [cost.seconds for cost in costs if cost.seconds is not None]
    quick = len(known) == len(costs) and sum(known) <= AUTOMATIC_SECONDS
    return quick or sum(cost.work for cost in costs) <= AT_ONCE_BASES


def started(shared: state.Shared, shown: Shown, model: str, other: str) -> Comparison:
    """Both maps asked for: of the reference and the alternate where an allele is shown, else by both models; of an allele also its tracks.

    Raises what the engine refuses.
    """
    session, called = state.session(), choices.titles(shared.engine)
    titles = ("reference", named(shown.change)) if shown.change is not None and model == other else (called(model), called(other))
    first, second = questions(shared, shown, model, other)
    jobs = (shared.engine.submit(first, session.visitor), shared.engine.submit(second, session.visitor))
    made = Comparison(shown, titles, jobs, (model, other), (first.species, second.species))
    if model == other:
        alleles = (first.sequence, second.sequence)
        ask_tracks(shared, made, alleles)
        made.controls = Controls.of(shared.engine, alleles, session.question, model, made.species[0], session.visitor)
    return made


def ask_tracks(shared: state.Shared, comparison: Comparison, alleles: tuple[NucleotideSequence, NucleotideSequence]) -> None:
    """Ask for the tracks of both alleles with the settings that the explorer has now. Raises what the engine refuses."""
    comparison.settings = settings_of(state.session().question)
    comparison.beside, comparison.missing = _beside(shared, *alleles, comparison.models[0], state.session().visitor)
    comparison.tracks = None


def settings_of(question: Question) -> tuple[tuple[str, str], ...]:
    """What of the explorer decides the tracks beside the letters, the model and its species."""
    return (*question.settings, ("elements", question.elements))


def _beside(
    shared: state.Shared, first: NucleotideSequence, second: NucleotideSequence, model: str, visitor: str
) -> tuple[tuple[dict[str, Job], dict[str, Job]], str]:
    """Ask of both alleles for what has tracks, with the settings of the explorer; and one sentence on what cannot be asked."""
    sides: tuple[dict[str, Job], dict[str, Job]] = ({}, {})
    question = replace(state.session().question, model=model)
    missing = []
    for name in COMPARED:
        analysis = declared(name)
        by, reason = prepared.model_of(shared.engine, analysis, question)
        reason = reason or ("" if by else f"{analysis.title} has no model here.")
        if reason:
            missing.append(reason)
            continue
        parameters = choices.parameters_of(analysis, shared.engine.model(by).card, dict(question.settings))
        for side, sequence in zip(sides, (first, second), strict=True):
            species = prepared.species_of(analysis, by, state.session().question)
            side[name] = shared.engine.submit(Request(name, sequence, by, parameters, species), visitor)
    return sides, " ".join(missing)


def species_of(shared: state.Shared, models: tuple[str, str]) -> tuple[str, str]:
    """What each of the two models is told of the species."""
    question = state.session().question
    one, other = (compare_models.species_for(shared.engine, question, model) for model in models)
    return one, other
