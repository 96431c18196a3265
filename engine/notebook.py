"""The door for notebooks: the same questions, answers and figure as the pages and the command line.

>>> from engine.notebook import locus
>>> trna = locus("GGGGCUAUAGCUCAGCUGGGAGAGCGCUUGCAUGGCAUGCAAGAGGUCAGCGGUUCGAUCCCGCUUAGCUCCACCA")
>>> trna.map().values.shape
(76, 76)
>>> trna.effects().words()
'Effects of 228 substitutions ...'
>>> trna.figure()  # a plotly.graph_objects.Figure of everything asked so far

``map``, ``effects``, ``probabilities``, ``contacts``, ``segment`` and every other command of ``python -m engine`` that is about one sequence
are methods; their keyword arguments are the fields of the analysis' parameters.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.analyses.declared import analyses, declared
from engine.commands.arguments import read_sequence, settings_of_command_line
from engine.core.errors import ParameterError
from engine.core.results import Result
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.service.engine import Engine
from engine.service.requests import Request

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from engine.core.features import Feature
    from engine.views.evidence import FigureStyle


@functools.cache
def engine_of(settings: Settings) -> Engine:
    """The engine of a notebook: one for all loci."""
    return Engine(settings)


class Locus:
    """A sequence and what was asked about it.

    Parameters
    ----------
    sequence : NucleotideSequence
        What the models see, exactly.
    model, species : str
        Who answers when a question names nobody; empty = the installation's default.
    weights : Path or None
        A checkpoint folder instead of installed weights.
    features : tuple of Feature
        Annotation drawn in the figure, in indices of the sequence.
    """

    def __init__(
        self,
        sequence: NucleotideSequence,
        *,
        model: str = "",
        species: str = "",
        weights: Path | None = None,
        features: tuple[Feature, ...] = (),
        engine: Engine | None = None,
    ) -> None:
        self.sequence = sequence
        self.model, self.species, self.weights, self.features = model, species, weights, features
        self.results: dict[str, Result] = {}
        self._engine = engine or engine_of(settings_of_command_line())

    def ask(self, analysis: str, *, model: str = "", species: str = "", **parameters: Any) -> Any:
        """The answer of the analysis called ``analysis``; ``parameters`` are the fields of its parameters.

        The model of the locus answers, or ``model``; where neither was named, the analysis' own where the installation's default cannot.
        Raises `ParameterError` for a field there is not, and what the command line would say in one sentence.
        """
        row = declared(analysis)
        try:
            chosen = row.parameters(**parameters)
        except TypeError as error:
            names = ", ".join(row.parameters.__dataclass_fields__)
            raise ParameterError(f"{analysis} has no parameter of that name ({error}); it takes {names or 'none'}.") from error
        who = model or self.model
        mine = who == self.model and bool(who or not row.cannot(self._engine.model().card))
        request = Request(analysis, self.sequence, who, chosen, species or (self.species if mine else ""), self.weights if mine else None)
        self.results[analysis] = self._engine.run(request)
        return self.results[analysis]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """The command called ``name`` as a method."""
        for row in analyses().values():
            if row.command.replace("-", "_") == name:
                return functools.partial(self.ask, row.name)
        raise AttributeError(f"{name!r} is no command; there are {', '.join(row.command for row in analyses().values())}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(row.command.replace("-", "_") for row in analyses().values())]

    def figure(self, style: FigureStyle | None = None) -> go.Figure:
        """The linked figure of everything asked so far; without a question before, of what the explorer asks with every question."""
        from engine.views.evidence import LocusEvidence
        from engine.views.figure import locus_figure

        if not self.results:
            card = self._engine.model(self.model).card
            for row in analyses().values():
                if row.shown == "always" and not row.cannot(card):
                    self.ask(row.name)
        return locus_figure(LocusEvidence(self.sequence, self.results, self.features), style)


def locus(
    text: str | None = None,
    *,
    fasta: str | Path | None = None,
    name: str | None = None,
    model: str = "",
    species: str = "",
    weights: str | Path | None = None,
) -> Locus:
    """A locus from letters or anything else that the box of the explorer takes, or from a record of a FASTA or GenBank file.

    Raises `InputError` in one sentence.
    """
    settings = settings_of_command_line()
    letters = text is not None and set("".join(text.split()).upper()) <= set("ACGTUNRYKMSWBDHV")
    sequence = read_sequence(
        text if letters else None, None if fasta is None else Path(fasta), name, None if letters or text is None else text, settings
    )
    return Locus(sequence, model=model, species=species, weights=None if weights is None else Path(weights))
