"""Questions about two to six models on one sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.analyses.declared import declared
from engine.analyses.models_beside import Beside, ModelsBeside, check_count, influence_of, models_beside, trained_for
from engine.core.card import Capability
from engine.core.errors import ParameterError, SequenceError
from engine.core.parameters import Parameters, fields_of, parameters_from
from engine.models.groups import group_of
from engine.service.requests import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.core.progress import Monitor
    from engine.core.sequence import NucleotideSequence
    from engine.service.engine import Engine

EFFECTS = "effects"
LONGEST_BP = 2_048
"""Every base's profile is compared by ranks, for every pair of models."""


def influences() -> tuple[str, ...]:
    """The published variants of influence."""
    return next(field.option.choices for field in fields_of(declared(EFFECTS).parameters) if field.name == "influence")


@dataclass(frozen=True)
class BesideRequest:
    """``models``: ids; ``influence``: its published variant; ``organism``: species of the sequence, empty where it is not known;
    ``species``: of the model that takes it, by id."""

    sequence: NucleotideSequence
    models: tuple[str, ...]
    influence: str = "mean_abs_log2_odds"
    organism: str = ""
    species: tuple[tuple[str, str], ...] = ()
    device: str = ""
    dtype: str = ""

    def __post_init__(self) -> None:
        self.effect_parameters()
        check_count(len(set(self.models)))
        if len(set(self.models)) < len(self.models):
            raise ParameterError("A model is named twice; name different ones.")
        if len(self.sequence) > LONGEST_BP:
            raise SequenceError(
                f"The sequence has {len(self.sequence):,} bases; up to {LONGEST_BP:,} are compared at once; choose a window."
            )

    def effect_parameters(self) -> Parameters:
        """Of the effects, by the chosen variant of influence. Raises `ParameterError` for one that there is not."""
        return parameters_from(declared(EFFECTS).parameters, {"influence": self.influence})

    def questions(self, engine: Engine) -> dict[str, dict[str, Request]]:
        """By model, what is asked of it: its map, and its effects where it has any. Raises what `Engine.check` raises."""
        found: dict[str, dict[str, Request]] = {}
        species = dict(self.species)
        for model in self.models:
            shared: dict[str, Any] = {"species": species.get(model, ""), "device": self.device, "dtype": self.dtype}
            found[model] = {"dependency": Request("dependency", self.sequence, model, None, **shared)}
            if engine.model(model).card.can(Capability.EFFECTS):
                found[model][EFFECTS] = Request(EFFECTS, self.sequence, model, self.effect_parameters(), **shared)
            for request in found[model].values():
                engine.check(request)
        return found


def put_together(engine: Engine, request: BesideRequest, answers: Mapping[str, Mapping[str, Any]]) -> ModelsBeside:
    """The answers of `BesideRequest.questions` beside each other."""
    group = group_of(request.sequence, request.organism)
    models = []
    for model in request.models:
        found, effects = answers[model]["dependency"], answers[model].get(EFFECTS)
        scores = effects.arrays().get("influence") if effects is not None else None
        name = request.influence if scores is not None else "mean of the map's row"
        codes = trained_for(found.provenance.card, request.sequence, engine.group_of_model(model), group)
        notes = engine.notes(Request("dependency", request.sequence, model))
        models.append(Beside(found, influence_of(found, scores), name, codes, notes))
    return models_beside(tuple(models))


def run_models_beside(engine: Engine, request: BesideRequest, monitor: Monitor | None = None) -> ModelsBeside:
    """Ask every model, one after the other."""
    questions = request.questions(engine)
    answers = {model: {name: engine.run(asked, monitor) for name, asked in own.items()} for model, own in questions.items()}
    return put_together(engine, request, answers)
