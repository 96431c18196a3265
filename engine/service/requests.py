"""Questions to the engine: what a question consists of, and what it is once everything about it is decided."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.analyses.declared import Declared, Needed, declared, width_of
from engine.analyses.provenance import cores
from engine.core.errors import LocusError, ParameterError, SequenceError
from engine.core.parameters import Parameters
from engine.core.processor import kind
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.models.entry import ModelEntry
from engine.service.devices import code_fingerprint
from engine.service.shelf import ModelSpec
from engine.service.store import content_key


@dataclass(frozen=True)
class Request:
    """A question: an analysis of a sequence by a model.

    Parameters
    ----------
    analysis : str
        Name of a declared analysis (`engine.analyses.declared`).
    sequence : NucleotideSequence
        What to analyse, exactly as the model is to see it.
    model : str
        Model id; empty = the setting ``model``, or the analysis' own where that one cannot do it.
    parameters : Parameters or None
        Of the analysis' own type; None = its defaults.
    species : str
        Species token of models that take one.
    weights : Path or None
        Checkpoint folder instead of the installed weights.
    device, dtype : str
        Empty = the settings.
    timed : bool
        Whether the answer tells how fast the model is here; False for one that warms it up.
    """

    analysis: str
    sequence: NucleotideSequence = field(repr=False)
    model: str = ""
    parameters: Parameters | None = None
    species: str = ""
    weights: Path | None = None
    device: str = ""
    dtype: str = ""
    timed: bool = field(default=True, compare=False)

    def __post_init__(self) -> None:
        wanted = declared(self.analysis).parameters
        if self.parameters is None:
            object.__setattr__(self, "parameters", wanted())
        elif not isinstance(self.parameters, wanted):
            raise ParameterError(f"The analysis {self.analysis} takes {wanted.__name__}, not {type(self.parameters).__name__}.")


@dataclass(frozen=True)
class Resolved:
    """A request with everything about it decided, once: who answers, from which files, under which key, and what it costs."""

    request: Request
    entry: ModelEntry
    spec: ModelSpec

    @property
    def analysis(self) -> Declared:
        """What is asked."""
        return declared(self.request.analysis)

    @property
    def sequence(self) -> NucleotideSequence:
        """Of what."""
        return self.request.sequence

    @cached_property
    def parameters(self) -> Any:
        """Of the analysis, with what hangs on the model decided."""
        return self.analysis.settled(self.request.parameters, self.entry.card)

    @cached_property
    def passes(self) -> int:
        """Forward passes."""
        return self.analysis.passes(self.sequence, self.parameters, self.entry.card, self.entry.offer)

    @property
    def read_bp(self) -> int:
        """Bases that one pass reads: the sequence, or a window of the model's where the analysis cuts it, or a tile."""
        length = len(self.sequence)
        if self.parts:
            return max(end - start for start, end in self.parts.values())
        return min(length, self.entry.card.max_length) if self.analysis.tiled else length

    @cached_property
    def memory_bytes(self) -> int:
        """Bytes of the answer while it is computed."""
        return self.analysis.memory(self.sequence, self.parameters)

    @cached_property
    def width(self) -> int:
        """Bases of the part that is analysed."""
        return width_of(self.sequence, self.parameters)

    @cached_property
    def needed(self) -> dict[str, Needed]:
        """Answers of other analyses that this one reads, by name."""
        card = self.entry.card
        return {**self.analysis.after(self.parameters, card), **self.analysis.parts(self.sequence, self.parameters, card)}

    @cached_property
    def parts(self) -> dict[str, tuple[int, int]]:
        """Where the answers lie that this one is put together from, by name; empty for one that the model gives as a whole."""
        return {name: needed.part for name, needed in self.needed.items() if needed.part is not None}

    def inner(self, name: str) -> Request:
        """The question whose answer is needed under ``name``."""
        needed = self.needed[name]
        sequence = self.sequence if needed.part is None else self.sequence.window(*needed.part)
        sequence = sequence.read_as_rna() if needed.as_rna else sequence
        analysis = needed.analysis or name
        return replace(self.request, analysis=analysis, sequence=sequence, model=self.entry.card.id, parameters=needed.parameters)

    @cached_property
    def key(self) -> str:
        """Hash of everything that decides the numbers of the answer."""
        return content_key({**self.lasting, "code": code_fingerprint(), **self.machine})

    @property
    def machine(self) -> dict[str, Any]:
        """What decides the last bits on this machine: the kind of processor, and how many cores where products run on several of them."""
        device = self.spec.options.device
        if device != "cpu" or self.analysis.one_core or not self.analysis.reads_model:
            return {"processor": kind(device)}
        settings = self.spec.options.settings
        return {"processor": kind(device), "threads": (settings.threads if settings is not None else 0) or cores(device)}

    @cached_property
    def shipped_key(self) -> str:
        """Hash of what decides the answer but for code and machine, under which answers are shipped with the repository."""
        return content_key(self.lasting)

    @property
    def lasting(self) -> dict[str, Any]:
        """What decides the numbers on any machine."""
        request, options = self.request, self.spec.options
        return {
            "analysis": request.analysis,
            "version": self.analysis.version,
            "after": {
                name: [
                    declared(needed.analysis or name).version,
                    needed.parameters.as_dict(),
                    *(["RNA"] if needed.as_rna else []),
                    *([needed.analysis, *needed.part] if needed.part is not None else []),
                ]
                for name, needed in self.needed.items()
            },
            "model": self.spec.model_id,
            "revision": self.entry.card.revision,
            "weights": self.spec.fingerprint,
            "dtype": options.dtype,
            "species": request.species,
            "sequence": request.sequence.sha256,
            "alphabet": str(request.sequence.alphabet),
            "parameters": self.parameters.as_dict(),
            **({"locus": str(request.sequence.locus)} if self.analysis.of_place else {}),
        }

    @property
    def same_question(self) -> str:
        """Equal for questions whose answers are one object: who asks of another place waits at the store's claim."""
        return f"{self.key}|{self.sequence.locus}|{self.sequence.name}"

    def pace(self, passes: str = "") -> str:
        """What runs of equal pace have in common; models score the mutants of one sequence faster than unrelated passes."""
        options = self.spec.options
        precision = getattr(self.parameters, "precision", "auto")
        parts = (self.spec.model_id, str(self.request.weights or ""), options.device, options.dtype, precision)
        return "|".join((*parts, passes or self.analysis.pace))

    def check(self, settings: Settings, *, is_part: bool = False) -> None:
        """Raise `SequenceError`, `LocusError` or `ParameterError` for a sequence, place or positions that cannot be answered.

        ``is_part``: another answer is put together from this one, whose letters may all be unknown, as in a gap of an assembly.
        """
        card, length = self.entry.card, len(self.sequence)
        if self.analysis.of_place:
            self._check_place()
        whole = not self.analysis.tiled and not self.parts
        known = self.request.weights is None or self.entry.marks is not None  # else whose card it is says nothing of these files
        if known and whole and not card.min_length <= length <= card.max_length:
            advice = "choose a window of it" if length > card.max_length else "give a longer one"
            if length > card.max_length and self.analysis.longer is not None:
                advice += ", ask in tiles (the command band, or --tile)"
            raise SequenceError(
                f"The sequence has {length:,} bases; {card.title} reads {card.min_length:,} to {card.max_length:,}; {advice}, or another model."
            )
        if self.analysis.growth == "quadratic" and self.width > settings.max_length:
            raise SequenceError(
                f"The sequence has {self.width:,} bases; at most {settings.max_length:,} are computed at once here; choose a window of it."
            )
        if not is_part and self.sequence.ambiguous_count == length:
            raise SequenceError("The sequence has no A, C, G, T or U at all; give one with bases that are known.")
        self.parameters.check(length)
        if known:
            self.analysis.fits(self.sequence, self.parameters, card)

    def _check_place(self) -> None:
        card, place = self.entry.card, self.sequence.locus
        known = " and ".join((", ".join(card.assemblies[:-1]), card.assemblies[-1])) if card.assemblies else "no assembly"
        if place is None:
            raise LocusError(f"{card.title} is asked about a place of a genome, and the sequence has none; give a locus on {known}.")
        if place.assembly.split(".p", maxsplit=1)[0].casefold() not in {name.casefold() for name in card.assemblies}:
            raise LocusError(f"{card.title} knows {known}; this place is on {place.assembly or 'an assembly without a name'}.")
