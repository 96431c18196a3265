"""In-silico mutagenesis by a hosted model: what every substitution of a place does to expression, accessibility or binding around it."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engine.analyses.declared import Declared
from engine.analyses.place_questions import PlaceParameters, is_reverse, place_of, waited, width
from engine.analyses.provenance import stamp
from engine.core.card import Capability
from engine.core.errors import Cancelled, InputError, ParameterError
from engine.core.parameters import option
from engine.core.places import MUTAGENESIS_BP, WIDTHS_BP, width_of
from engine.core.results import Result, Table, Track, frozen_array
from engine.core.sequence import BASES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from engine.core.progress import Monitor
    from engine.core.provenance import Provenance
    from engine.core.sequence import NucleotideSequence

VERSION = "1"
MOST_BP = 500
"""Bases of one question: fifty calls of the service, which asks for thousands a day, not millions."""
Output = Literal["DNASE", "ATAC", "CAGE", "PROCAP", "CHIP_HISTONE", "CHIP_TF"]


@dataclass(frozen=True)
class MutagenesisParameters(PlaceParameters):
    """``output``: what the substitutions are scored by."""

    width: int = width(WIDTHS_BP[0])
    output: Output = option(
        "DNASE", "--output", "What the substitutions are scored by.", address="mutagenesis", title="In-silico mutagenesis: scored by"
    )

    def check(self, length: int) -> None:
        """Raise `ParameterError` for more bases than are asked for at once, or than the width holds."""
        if length > MOST_BP:
            raise ParameterError(
                f"The sequence has {length:,} bases; in-silico mutagenesis by a hosted model takes up to {MOST_BP}: zoom in, or give a window."
            )
        width_of(length, self.width)


@dataclass(frozen=True, eq=False)
class Mutagenesis(Result):
    """``values`` float32 (L, 4): raw score of the service's recommended scorer of ``output`` for each substitution, mean over the tracks asked for;
    NaN at the reference base and where nothing was asked yet. Above 0: more of it with the new base."""

    faces = frozenset({"tracks", "main track", "substitutions"})
    repeatable = False
    of_place = True
    sequence: NucleotideSequence
    values: NDArray[np.float32]
    output: str
    provenance: Provenance

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (len(self.sequence), 4), "in-silico mutagenesis"))

    @property
    def complete(self) -> bool:
        """Whether every base was changed."""
        return not self.provenance.partial

    def strongest(self) -> NDArray[np.float32]:
        """Of each base the substitution with the largest absolute score, float32 (L,), NaN where there is none."""
        sizes = np.where(np.isfinite(self.values), np.abs(self.values), -1)
        return np.asarray(self.values[np.arange(len(self.values)), sizes.argmax(axis=1)], np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``mutagenesis``, ``bases``, ``output``."""
        return {"mutagenesis": self.values, "bases": np.array(list(BASES)), "output": np.array(self.output)}

    def rows(self) -> Table:
        """One row a substitution."""
        base, to = np.nonzero(np.isfinite(self.values))
        letters = self.sequence.letters
        columns: dict[str, Any] = {"position": base + 1, "reference": [letters[k] for k in base], "alternate": [BASES[k] for k in to]}
        return Table({**columns, "score": self.values[base, to]}, base)

    def readable(self) -> Table:
        """The substitutions with the largest absolute scores."""
        found = self.rows()
        order = np.argsort(-np.abs(np.asarray(found.columns["score"])), kind="stable")[:200]
        return Table({name: [values[k] for k in order] for name, values in found.columns.items()}, found.bases[order])

    def tracks(self) -> tuple[Track, ...]:
        """The strongest substitution of each base."""
        return (Track("strongest_substitution", f"strongest substitution of a base, {self.output}", self.strongest()),)

    def substitutions(self) -> Mapping[str, NDArray[np.float32]]:
        """The scores."""
        return {"mutagenesis": self.values}

    def words(self) -> str:
        """The strongest substitution."""
        found = self.readable().columns
        start = f"In-silico mutagenesis by {self.provenance.card.title}, {self.output}"
        if not len(found["score"]):
            return f"{start}: nothing is there yet."
        change = f"{found['reference'][0]}{found['position'][0]:,}{found['alternate'][0]}"
        return f"{start}: the strongest of {int(np.isfinite(self.values).sum()):,} substitutions is {change} ({found['score'][0]:+.3g})."


def mutagenesis(
    model: Any, sequence: NucleotideSequence, parameters: MutagenesisParameters, monitor: Monitor, known: Mutagenesis | None = None
) -> Mutagenesis:
    """Ten bases a question; ``known``: what a stopped run left, which goes on from there.

    Raises what `engine.core.protocols.PlaceModel` does, and `InputError` where the genome of the service has other letters.
    """
    asked, place = place_of(model, sequence)
    began, earlier = time.perf_counter(), 0.0 if known is None else known.provenance.seconds
    forward = sequence.reverse_complement() if is_reverse(sequence) else sequence
    letters, length = forward.as_dna(), len(sequence)
    values = np.full((length, 4), np.nan, np.float32) if known is None else _turned(known.values, sequence).copy()
    steps = [(at, min(at + MUTAGENESIS_BP, length)) for at in range(0, length, MUTAGENESIS_BP)]
    monitor.start(len(steps), "questions")

    def ask(low: int, high: int) -> tuple[NDArray[np.float32], str]:
        first, end = place.start + low, place.start + high
        return asked.mutagenesis(place.assembly, place.contig, first, end, parameters.output, parameters.tissue, parameters.width)

    def result(*, partial: bool) -> Mutagenesis:
        seconds = earlier + time.perf_counter() - began
        stamped = stamp("mutagenesis", VERSION, model, parameters, sequence, seconds, partial)
        return Mutagenesis(sequence, _turned(values, sequence), parameters.output, stamped)

    try:
        for low, high in steps:
            if not np.isfinite(values[low:high]).any():
                found, reference = waited(functools.partial(ask, low, high), monitor)
                _check_letters(letters[low:high], reference, place.start + low, model)
                values[low:high] = found
            monitor.advance(1)
            if high < length and monitor.wants_partial():
                monitor.publish(result(partial=True))
    except Cancelled:
        if np.isfinite(values).any():
            monitor.publish(result(partial=True))
        raise
    return result(partial=False)


def _turned(values: NDArray[np.float32], sequence: NucleotideSequence) -> NDArray[np.float32]:
    """Between the forward strand and the letters: on the reverse strand bases and alleles run the other way."""
    return values[::-1, ::-1] if is_reverse(sequence) else values


def _check_letters(own: str, there: str, start: int, model: Any) -> None:
    for step, (mine, other) in enumerate(zip(own, there, strict=True)):
        if mine in BASES and other in BASES and mine != other:
            raise InputError(
                f"The letters have {mine} at {start + step + 1:,}, the genome of {model.card.title} has {other}; give the reference sequence."
            )


DECLARED = (
    Declared(
        name="mutagenesis",
        command="mutagenesis",
        version=VERSION,
        title="In-silico mutagenesis",
        summary="What every substitution of a locus does to accessibility, expression or binding around it, by AlphaGenome.",
        capability=Capability.MUTAGENESIS,
        parameters=MutagenesisParameters,
        result=Mutagenesis,
        passes=lambda sequence, parameters, card, offer: -(-len(sequence) // MUTAGENESIS_BP),
        run=lambda model, sequence, parameters, monitor, answers: mutagenesis(
            model, sequence, parameters, monitor, answers.get("mutagenesis")
        ),
        default_model="alphagenome",
        out="mutagenesis.tsv",
        order=83,
        windows=False,
        of_place=True,
    ),
)
