"""What analyses of a place share: their parameters, and how a hosted model is asked, so that waiting can be given up at once."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from engine.analyses.declared import Declared
from engine.core.errors import CapabilityMissing, LocusError
from engine.core.locus import Strand
from engine.core.parameters import Parameters, option
from engine.core.places import read_terms, write_terms
from engine.core.protocols import PlaceModel

if TYPE_CHECKING:
    from engine.core.locus import Locus
    from engine.core.progress import Monitor
    from engine.core.results import Result
    from engine.core.sequence import NucleotideSequence

Answer = TypeVar("Answer")
POLL_SECONDS = 0.1


def tissue(default: tuple[str, ...] = ()) -> Any:
    """The field ``tissue``: ontology terms of the tissues or cell types; none = all."""
    return option(
        default,
        "--tissue",
        "Tissues or cell types by ontology term, such as UBERON:0002048; several with commas; none = all.",
        metavar="TERM",
        read=read_terms,
        write=write_terms,
        address="tissue",
        title="Tissue or cell type (ontology term)",
    )


def width(default: int) -> Any:
    """The field ``width``: bases that the hosted model reads."""
    return option(
        default,
        "--width",
        "Bases that the hosted model reads around the locus: 16384, 131072, 524288 or 1048576; 0 = the fewest that hold it.",
        metavar="BP",
        low=0,
        high=1_048_576,
    )


@dataclass(frozen=True)
class PlaceParameters(Parameters):
    """``tissue``: ontology terms; empty = all. ``width``: bases that the hosted model reads around the place; 0 = the fewest that hold it."""

    tissue: tuple[str, ...] = tissue()
    width: int = width(0)


def hosted(answer: Callable[..., Result], **row: Any) -> Declared:
    """The declaration of an analysis that asks AlphaGenome about a place: ``answer(model, sequence, parameters, monitor)`` by one question, a locus at
    a time, unless ``row``, its other fields, says otherwise."""
    usual: dict[str, Any] = {
        "passes": lambda sequence, parameters, card, offer: 1,
        "run": lambda model, sequence, parameters, monitor, answers: answer(model, sequence, parameters, monitor),
        "default_model": "alphagenome",
        "windows": False,
        "of_place": True,
    }
    return Declared(**{**usual, **row})


def place_of(model: Any, sequence: NucleotideSequence) -> tuple[PlaceModel, Locus]:
    """The model as one that is asked about places, and the place. Raises `CapabilityMissing`, `LocusError`."""
    if not isinstance(model, PlaceModel):
        raise CapabilityMissing(f"{model.card.title} reads letters and is not asked about places; choose alphagenome.")
    if sequence.locus is None:
        raise LocusError(f"{model.card.title} is asked about a place of a genome; give a locus on {', '.join(model.card.assemblies)}.")
    return model, sequence.locus


def is_reverse(sequence: NucleotideSequence) -> bool:
    """Whether the letters run against the genome."""
    return sequence.locus is not None and sequence.locus.strand is Strand.REVERSE


def along(strand: str, sequence: NucleotideSequence) -> str:
    """A strand of the genome as seen from the letters."""
    return {"+": "-", "-": "+"}.get(strand, strand) if is_reverse(sequence) else strand


def waited(question: Callable[[], Answer], monitor: Monitor) -> Answer:
    """The answer of a service; what ``monitor.advance`` raises meanwhile goes through at once, and the answer is then thrown away."""
    found: list[Answer] = []
    failed: list[BaseException] = []
    context = contextvars.copy_context()

    def ask() -> None:
        try:
            found.append(context.run(question))
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            failed.append(error)

    thread = threading.Thread(target=ask, name="place question", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(POLL_SECONDS)
        monitor.advance(0)
    if failed:
        raise failed[0]
    return found[0]
