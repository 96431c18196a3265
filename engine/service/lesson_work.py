"""What a step of a lesson asks of the engine, and what comes of it: numbers, the revealed texts, the figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.declared import declared
from engine.core.alleles import Change
from engine.core.base_pairs import pairs_of_dot_bracket
from engine.core.errors import InputError, LocusError
from engine.core.features import Feature
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.service.lesson_files import Lesson, Step, file_of
from engine.service.lesson_numbers import SLOT, Value, parameters_of, worked_out
from engine.service.requests import Request
from engine.sources.examples import example
from engine.sources.records import read_file
from engine.views.evidence import FigureStyle, LocusEvidence, Mark
from engine.views.panel import panels

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from numpy.typing import NDArray

    from engine.core.results import Result
    from engine.core.settings import Settings
    from engine.service.engine import Engine
    from engine.sources.genomes import GenomeSet
    from engine.sources.understand import Understood

WIDTH = 980
"""Pixels of a figure on the page."""
BARE_TOP = 48
"""Pixels above the panels of a figure without a title."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What a step looks at: the letters, with the step's change in them where it has one, features and known structure in their indices.

    ``text``: what the box of the explorer is to hold for it. ``others``: what other steps look at, by their numbers, where a number here is of them.
    """

    step: Step
    lesson: Lesson
    sequence: NucleotideSequence
    changed: NucleotideSequence | None
    features: tuple[Feature, ...]
    known: NDArray[np.int64]
    text: str
    change: Change | None = None
    others: Mapping[int, Scene] = field(default_factory=dict)

    @classmethod
    def of(cls, lesson: Lesson, step: Step, genomes: GenomeSet, settings: Settings) -> Scene:
        """Read what the step shows. Raises `InputError` or `SourceUnavailable`."""
        numbers = dict.fromkeys(number.step for number in step.numbers if number.step)
        others = {number: cls._looked_at(lesson, lesson.steps[number - 1], genomes, settings) for number in numbers}
        return replace(cls._looked_at(lesson, step, genomes, settings), others=others)

    @classmethod
    def _looked_at(cls, lesson: Lesson, step: Step, genomes: GenomeSet, settings: Settings) -> Scene:
        from engine.sources.understand import understand

        text = step.show
        if step.file:
            path = file_of(step.file, lesson.source)
            found: Understood = _of_file(path, settings) if path is not None else understand("", genomes, settings)
            text = found.records[0].letters
        else:
            found = understand(step.show, genomes, settings)
        whole, features = found.records[0], found.features
        shown = example(step.show)
        known = pairs_of_dot_bracket(shown.structure) if shown is not None and shown.structure else np.empty((0, 2), np.int64)
        start, end = step.window or (0, len(whole))
        if end > len(whole):
            raise LocusError(
                f"A step of the lesson {lesson.title} asks for bases {start + 1:,}-{end:,} of {len(whole):,}; mend its window."
            )
        placed = [item.relative_to(whole.locus) if item.contig and whole.locus is not None else item for item in features]
        cut = (item.cut(start, end) for item in placed if item is not None and item.start < end and item.end > start)
        inside = tuple(replace(item, start=item.start - start, end=item.end - start) for item in cut)
        sequence = whole if step.window is None else whole.window(start, end)
        change = _change_of(step.change, sequence)
        changed = replace(sequence, letters=change.applied(sequence.letters)) if change is not None else None
        pairs = known[((known >= start) & (known < end)).all(axis=1)] - start
        return cls(step, lesson, sequence, changed, inside, pairs, text, change)

    def requests(self, engine: Engine) -> tuple[Request, ...]:
        """Everything the step asks, each once: what its figures show, and what its numbers are of."""
        asked: list[Request] = []
        for number in self.step.numbers:
            asked += self._of_number(engine, number.name)
        asked += [request for letters in self._letters for request in self._of_figure(engine, letters)]
        return tuple(dict.fromkeys(asked))

    @property
    def _letters(self) -> tuple[NucleotideSequence, ...]:
        return (self.sequence,) if self.changed is None else (self.sequence, self.changed)

    def _of_figure(self, engine: Engine, letters: NucleotideSequence) -> list[Request]:
        names = dict.fromkeys(name for panel in panels() if panel.id in self.step.panels for name in panel.analyses)
        found = [self._request(engine, name, "", letters) for name in names if declared(name).shown == "always"]
        return [request for request in found if request is not None]

    def _request(self, engine: Engine, analysis: str, model: str, letters: NucleotideSequence) -> Request | None:
        """A question as the explorer asks it; None when the lesson's model cannot answer it and no other one is named for it."""
        row = declared(analysis)
        given = model or self.lesson.model or engine.settings.model
        name = given if model or not row.cannot(engine.model(given).card) else row.default_model
        return Request(analysis, letters, name, row.starting(engine.model(name).card)) if name else None

    def _of_number(self, engine: Engine, name: str) -> list[Request]:
        number = next(item for item in self.step.numbers if item.name == name)
        if not number.analysis:
            return []
        scene = self.others.get(number.step, self)
        letters = scene.changed if number.changed else scene.sequence
        if letters is None:
            raise InputError(
                f"The number {number.name} of the lesson {self.lesson.title} is of changed letters, and the step changes none."
            )
        request = self._request(engine, number.analysis, number.model, letters)
        if request is None:
            raise InputError(f"The number {number.name} of the lesson {self.lesson.title} has no model; name one beside its analysis.")
        parameters = parameters_of(number, letters, scene.known)
        return [request] if parameters is None else [replace(request, parameters=given) for given in parameters]

    def outcome(self, engine: Engine, answer: Callable[[Request], Result]) -> Outcome:
        """What comes of the answers. Raises `ParameterError` for a number that cannot be worked out."""
        values: dict[str, Value] = {}
        shown: dict[str, Value] = {}
        results: dict[Request, Result] = {}
        for number in self.step.numbers:
            asked = self._of_number(engine, number.name)
            results |= {request: answer(request) for request in asked if request not in results}
            scene = self.others.get(number.step, self)
            letters = scene.changed if number.changed and scene.changed is not None else scene.sequence
            values[number.name] = worked_out(number, letters, scene.known, tuple(results[request] for request in asked), shown)
            shown[number.name] = number.shown(values[number.name])
        figures = [{request.analysis: answer(request) for request in self._of_figure(engine, letters)} for letters in self._letters]
        return Outcome(self, values, tuple(figures), tuple(results.values()))

    @property
    def allele(self) -> Change | None:
        """The change in letters of the whole, as DNA."""
        change, start = self.change, self.step.window[0] if self.step.window is not None else 0
        if change is None:
            return None
        reference, alternate = (text.replace("U", "T") for text in (change.reference, change.alternate))
        return Change(change.start + start, reference, alternate)

    @property
    def title(self) -> str:
        """Name of what is looked at."""
        shown = example(self.step.show)
        return shown.title if shown is not None else self.sequence.name.split(" ")[0] or self.step.show or self.step.file

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """The changed base."""
        change = self.change
        return () if change is None else (Mark(change.start, f"{change.reference}{change.start + 1}{change.alternate}"),)


@dataclass(frozen=True, eq=False)
class Outcome:
    """``values`` by the names of the numbers; ``figures``: results by analysis, of the letters and of the changed ones; ``results`` all behind the
    numbers."""

    scene: Scene
    values: Mapping[str, Value]
    figures: tuple[Mapping[str, Any], ...]
    results: tuple[Result, ...]

    def text(self, name: str) -> str:
        """One of the revealed texts with its numbers."""
        numbers = {number.name: number for number in self.scene.step.numbers}
        return SLOT.sub(lambda found: numbers[found[1]].text(self.values[found[1]]), str(getattr(self.scene.step, name)))

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each expectation that does not hold here."""
        return tuple(words for item in self.scene.step.expectations if (words := item.words(self.values)))

    def question(self, *, dark: bool = False, width: int = WIDTH) -> tuple[go.Figure, ...]:
        """The figure beside the question: of the letters, with the panels that give nothing away and no sentence about what was found."""
        figures = self._drawn(self.scene.step.before, dark=dark, width=width)[:1]
        for figure in figures:
            less = int(figure.layout.margin.t) - BARE_TOP
            figure.update_layout(title=None, meta=None, margin_t=BARE_TOP, height=int(figure.layout.height) - less)
        return figures

    def answer(self, *, dark: bool = False, width: int = WIDTH) -> tuple[go.Figure, ...]:
        """The figures of the answer: of the letters, and of the changed ones under them."""
        return self._drawn(self.scene.step.panels, dark=dark, width=width)

    def _drawn(self, shown: Sequence[str], *, dark: bool, width: int) -> tuple[go.Figure, ...]:
        from engine.views.figure import locus_figure

        step = self.scene.step
        hidden = tuple(panel.id for panel in panels() if panel.id not in (*shown, "ruler"))
        region = step.region or (0, len(self.scene.sequence))
        style = FigureStyle(
            dark=dark,
            width=width,
            shape=step.shape,  # type: ignore[arg-type]
            hidden=hidden,
            heights=step.heights,
            first=region[0] + 1,
            last=min(region[1], len(self.scene.sequence)),
            selected=step.select,
        )
        titles = (f"{self.scene.title}", f"{self.scene.title}, {self.scene.marks[0].label}" if self.scene.marks else "")
        found = []
        for letters, results, title in zip(self.scene._letters, self.figures, titles, strict=False):
            marks = self.scene.marks if letters is self.scene.changed else ()
            if results:
                found.append(locus_figure(LocusEvidence(letters, results, self.scene.features, {}, marks, title), style))
        return tuple(found)


def _of_file(path: Path, settings: Settings) -> Understood:
    """A FASTA file, with the features of a GFF3 file of the same name beside it."""
    from engine.sources.door import Bounds
    from engine.sources.understand import read_features_with_note
    from engine.sources.understood import Understood, of_records

    found = of_records(read_file(path.name, path.read_bytes(), Bounds.of(settings)))
    beside = path.with_suffix(".gff3")
    if not beside.is_file():
        return found
    features, _ = read_features_with_note(beside.name, beside.read_bytes(), found.records[0], settings)
    return Understood(found.records[:1], found.kind, found.notes, (features,))


def _change_of(text: str, sequence: NucleotideSequence) -> Change | None:
    """A step's change in letters of what is looked at. Raises `LocusError` where the letters are others."""
    if not text:
        return None
    place, _, letters = text.partition("-")
    reference, _, alternate = letters.upper().partition("-")
    if sequence.alphabet is Alphabet.RNA:
        reference, alternate = reference.replace("T", "U"), alternate.replace("T", "U")
    if not (
        place.isascii()
        and place.isdigit()
        and len(reference) == len(alternate)
        and reference
        and set(reference + alternate) <= set("ACGTU")
    ):
        raise LocusError(f"The lesson changes {text[:40]!r}; write position-reference-alternate of equal lengths, such as 374-C-T.")
    change = Change(int(place) - 1, reference, alternate)
    found = sequence.letters[change.start : change.end]
    if found != reference:
        raise LocusError(f"The lesson changes {text[:40]}, but {found or 'nothing'} is there; mend the position or the letters.")
    return change
