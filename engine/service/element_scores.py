"""Questions about how well an element model agrees with an annotation, a file's places or another element model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.analyses.element_scores import ElementScores, element_scores
from engine.analyses.element_truth import truth_of_features, truth_of_model, truth_of_places
from engine.core.errors import ParameterError

if TYPE_CHECKING:
    from engine.analyses.segmentation import Segmentation
    from engine.core.features import Feature
    from engine.core.progress import Monitor
    from engine.service.engine import Engine
    from engine.service.requests import Request

BED_KIND = "region"


@dataclass(frozen=True)
class Judge:
    """What elements are held against: ``features`` on the letters, or the answer of another ``model``; ``name`` in words."""

    name: str
    features: tuple[Feature, ...] = ()
    model: str = ""
    species: str = ""

    def request(self, asked: Request) -> Request:
        """The question to the judging model."""
        return replace(asked, model=self.model, species=self.species, weights=None)


def run_element_scores(engine: Engine, asked: Request, judge: Judge, monitor: Monitor | None = None) -> ElementScores:
    """Ask the model, and the judge where it is one; what cannot be asked is said before anything is computed."""
    other = judge.request(asked) if judge.model else None
    for request in (asked, *([other] if other is not None else [])):
        engine.check(request)
    if other is not None and engine.resolved(asked).key == engine.resolved(other).key:
        raise ParameterError(f"{judge.name} would be held against itself; choose another judge.")
    found: Segmentation = engine.run(asked, monitor)
    return judged(found, judge, engine.run(other, monitor) if other is not None else None)


def judged(found: Segmentation, judge: Judge, answer: Segmentation | None = None) -> ElementScores:
    """The scores; ``answer`` is that of a judge that is a model. Raises `ParameterError` where the judge knows no element."""
    length = len(found.sequence)
    if answer is not None:
        return element_scores(found, truth_of_model(answer), judge.name)
    if only_places(judge.features):
        places = ((item.start, item.end, item.name) for item in judge.features)
        return element_scores(found, truth_of_places(places, length, found.elements), judge.name)
    return element_scores(found, truth_of_features(judge.features, length), judge.name)


def only_places(features: Sequence[Feature]) -> bool:
    """Whether these are the rows of a BED file, which says no kinds."""
    return bool(features) and all(item.kind == BED_KIND for item in features)
