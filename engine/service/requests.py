"""Questions to the engine: the table of analyses, what a question consists of, and which ones have no answer."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.core.card import Capability, ModelCard
from engine.core.errors import ParameterError, SequenceError
from engine.core.parameters import (
    ContactParameters,
    DependencyParameters,
    EffectParameters,
    PairParameters,
    Parameters,
    ProbabilityParameters,
    SegmentationParameters,
    TokenParameters,
)
from engine.core.results import BaseProbabilities, ContactMap, DependencyMap, PairTable, Segmentation, TokenTrack, VariantEffects
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings


@dataclass(frozen=True)
class Analysis:
    """One row of the table of analyses: where its function is, what a model needs for it, which model answers when none is named
    and the setting ``model`` names one that cannot.
    """

    module: str
    function: str
    capability: Capability
    parameters: type[Parameters]
    result: type
    default_model: str = ""

    def load(self) -> Callable[..., Any]:
        """The function; its module is imported now."""
        function: Callable[..., Any] = getattr(importlib.import_module(self.module), self.function)
        return function

    @property
    def version(self) -> str:
        """Version of the analysis, part of every key."""
        return str(importlib.import_module(self.module).VERSION)


ANALYSES: dict[str, Analysis] = {
    "probabilities": Analysis(
        "engine.analyses.probabilities", "base_probabilities", Capability.PROBABILITIES, ProbabilityParameters, BaseProbabilities
    ),
    "dependency": Analysis("engine.analyses.dependency", "dependency_map", Capability.DEPENDENCY, DependencyParameters, DependencyMap),
    "effects": Analysis("engine.analyses.effects", "variant_effects", Capability.EFFECTS, EffectParameters, VariantEffects),
    "contacts": Analysis("engine.analyses.contacts", "contacts", Capability.CONTACTS, ContactParameters, ContactMap),
    "segmentation": Analysis(
        "engine.analyses.segmentation", "segmentation", Capability.SEGMENTATION, SegmentationParameters, Segmentation, "locuscope-segmenter"
    ),
    "pair": Analysis("engine.analyses.dependency", "pair_table", Capability.DEPENDENCY, PairParameters, PairTable),
    "tokens": Analysis("engine.analyses.tokens", "token_track", Capability.TOKENS, TokenParameters, TokenTrack),
}


@dataclass(frozen=True)
class Request:
    """A question: an analysis of a sequence by a model.

    Parameters
    ----------
    analysis : str
        A key of `ANALYSES`.
    sequence : NucleotideSequence
        What to analyse, exactly as the model is to see it.
    model : str
        Model id; empty = the setting ``model``, or the shipped segmenter for a segmentation.
    parameters : Parameters or None
        Of the analysis' own type; None = its defaults.
    species : str
        Species token of models that take one.
    weights : Path or None
        Checkpoint folder instead of the installed weights.
    device, dtype : str
        Empty = the settings.
    """

    analysis: str
    sequence: NucleotideSequence = field(repr=False)
    model: str = ""
    parameters: Parameters | None = None
    species: str = ""
    weights: Path | None = None
    device: str = ""
    dtype: str = ""

    def __post_init__(self) -> None:
        if self.analysis not in ANALYSES:
            raise ParameterError(f"There is no analysis {self.analysis!r}; available: {', '.join(ANALYSES)}.")
        wanted = ANALYSES[self.analysis].parameters
        if self.parameters is None:
            object.__setattr__(self, "parameters", wanted())
        elif not isinstance(self.parameters, wanted):
            raise ParameterError(f"The analysis {self.analysis} takes {wanted.__name__}, not {type(self.parameters).__name__}.")


def cannot(card: ModelCard, analysis: str) -> str:
    """One sentence why a model cannot do an analysis; empty when it can."""
    needed = ANALYSES[analysis].capability
    if card.can(needed):
        return ""
    offers = ", ".join(sorted(card.capabilities)) or "nothing of this kind"
    return f"{card.title} cannot compute {needed}; it offers {offers}."


def width_bp(request: Request) -> int:
    """Bases of the part that is analysed."""
    window = getattr(request.parameters, "window", None)
    return len(request.sequence) if window is None else window[1] - window[0]


def forward_passes(request: Request, card: ModelCard) -> int:
    """Forward passes of a request, by the definition of its analysis."""
    length, width = len(request.sequence), width_bp(request)
    if request.analysis in ("dependency", "contacts"):
        return 1 + 3 * width
    if request.analysis == "effects":
        return 1 + 3 * length + (length if card.masked and not card.causal else 0)
    if request.analysis == "probabilities":
        return length if getattr(request.parameters, "masked", False) else 1
    return 4 if request.analysis == "pair" else 1


def check_length(request: Request, card: ModelCard, settings: Settings) -> None:
    """Raise `SequenceError` for a sequence that the model, or this installation, does not take."""
    length = len(request.sequence)
    tiled = request.analysis == "segmentation"
    if request.weights is None and not tiled and not card.min_length <= length <= card.max_length:
        advice = "choose a window of it" if length > card.max_length else "give a longer one"
        raise SequenceError(
            f"The sequence has {length:,} bases; {card.title} reads {card.min_length:,} to {card.max_length:,}; {advice}, or another model."
        )
    if length > settings.max_length:
        raise SequenceError(
            f"The sequence has {length:,} bases; at most {settings.max_length:,} are computed at once here; choose a window of it."
        )
    if request.sequence.ambiguous_count == length:
        raise SequenceError("The sequence has no A, C, G, T or U at all; give one with bases that are known.")


def check_positions(request: Request) -> None:
    """Raise `ParameterError` for positions outside the sequence."""
    length = len(request.sequence)
    window = getattr(request.parameters, "window", None)
    if window is not None and window[1] > length:
        raise ParameterError(f"The window {window[0] + 1:,}-{window[1]:,} is outside the sequence; positions 1 to {length:,} exist.")
    if isinstance(request.parameters, PairParameters):
        for position in (request.parameters.changed, request.parameters.read):
            if position >= length:
                raise ParameterError(f"Position {position + 1:,} is outside the sequence; positions 1 to {length:,} exist.")
