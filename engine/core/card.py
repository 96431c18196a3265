"""What a model is: its card, its abilities and how it was meant to be used."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.core.sequence import Alphabet


class Capability(StrEnum):
    """An analysis a model can take part in."""

    PROBABILITIES = "probabilities"
    DEPENDENCY = "dependency map"
    EFFECTS = "variant effects"
    CONTACTS = "RNA contacts"
    DELTA_LIKELIHOOD = "delta log-likelihood"
    SEGMENTATION = "segmentation"
    TOKENS = "token track"
    TRACKS = "predicted tracks"
    JUNCTIONS = "splice junctions"
    CHROMATIN = "chromatin contacts"
    MUTAGENESIS = "in-silico mutagenesis"
    VARIANT_SCORES = "variant scores"
    SPLICING = "splice changes"
    EMBEDDINGS = "embeddings"
    GENERATION = "generation"
    FOLDING = "secondary structure"


@dataclass(frozen=True)
class ModelCard:
    """Identity, limits and terms of a model; goes into every provenance.

    Parameters
    ----------
    id, title : str
        Identifier on the command line and name on screen.
    alphabet : Alphabet
        Letters the model reads; the other alphabet's T/U is converted.
    max_length, min_length : int
        Longest and shortest input in bases (no special tokens counted).
    capabilities : frozenset of Capability
        Analyses the model can do.
    revision : str
        Published revision, release or training run.
    weights_sha256 : str
        Hexadecimal sha256 of the weights in use; empty for a remote service.
    licence, source : str
        Terms of the weights; where they are published.
    description, organisms, limitations : str
        One sentence each, in plain words: what it is for, what it was trained on, what it cannot do.
    causal : bool
        Base j sees only bases before it: a change has effects only downstream.
    masked : bool
        The model has a mask token, so a masked log-likelihood ratio is defined.
    species : tuple of str
        Allowed values of the species parameter; empty when it has none.
    remote : bool
        The model answers over the network.
    proof : str
        What the files of the weights in use showed; empty before they are looked at.
    assumed : tuple of str
        What was taken for granted because no file of the checkpoint says it, a clause each.
    contact_recipe : str
        Recipe by which RNA contacts are read from its maps when none is named (`engine.analyses.contacts`).
    without_memory : str
        The ``species`` under which a model that looks masked letters up in a table of training sequences, too, does not; empty without one.
    contact_growth : float or None
        By what the score that a stem must exceed in the recipes along stems grows with the length (`engine.core.stems.stem_threshold`), set by the
        PPV on held-out RNAs; None = by the background of each map. With another one the analysis needs another version.
    upstream_bp : int
        Bases before a start codon that it was trained on, with the codon behind them; 0 = it has no such layout.
    assemblies : tuple of str
        Public assemblies whose places it is asked about; empty = it reads letters.
    trained_bp : int
        Bases of the windows that it was trained on; 0 = as many as ``max_length``.
    folds_at : float or None
        Temperature in °C of the energies by which it folds an RNA, where no other is asked for; None = it knows no temperature.
    """

    id: str
    title: str
    alphabet: Alphabet
    max_length: int
    capabilities: frozenset[Capability]
    revision: str
    weights_sha256: str
    licence: str
    source: str
    min_length: int = 1
    description: str = ""
    organisms: str = ""
    limitations: str = ""
    citation: str = ""
    causal: bool = False
    masked: bool = True
    species: tuple[str, ...] = ()
    remote: bool = False
    proof: str = ""
    assumed: tuple[str, ...] = ()
    contact_recipe: str = "cells"
    contact_growth: float | None = None
    without_memory: str = ""
    upstream_bp: int = 0
    assemblies: tuple[str, ...] = ()
    trained_bp: int = 0
    folds_at: float | None = None

    def can(self, capability: Capability) -> bool:
        """Whether the model can do this analysis."""
        return capability in self.capabilities

    def cannot(self, capability: Capability) -> str:
        """One sentence why the model cannot do this analysis; empty when it can."""
        if self.can(capability):
            return ""
        offers = ", ".join(sorted(self.capabilities)) or "nothing of this kind"
        return f"{self.title} cannot compute {capability}; it offers {offers}."


@dataclass(frozen=True)
class EffectRecipe:
    """How a model's authors compute the log-likelihood ratio of a substitution.

    Parameters
    ----------
    window_bp : int or None
        Width of the window centred on the variant (base ``window_bp // 2``, on the reverse complement
        ``window_bp // 2 - 1`` for even widths); None = the whole sequence as given.
    both_strands : bool
        Average the ratio over the sequence and its reverse complement.
    """

    window_bp: int | None = None
    both_strands: bool = False


@dataclass(frozen=True)
class WindowRule:
    """Which input lengths an element or track model takes, and which bases it answers for.

    Parameters
    ----------
    multiple_bp : int
        Length must be a multiple of this.
    fixed_bp : int or None
        The one length it takes; None = any multiple up to the card's ``max_length``.
    output_start, output_end : int or None
        Bases answered for inside a fixed input (0-based half-open); None = all.
    context_bp : int
        Bases at each edge whose answers are poorer for want of context; the overlap of tiles.
    allows_ambiguous : bool
        Whether N may be in the input.
    """

    multiple_bp: int = 1
    fixed_bp: int | None = None
    output_start: int | None = None
    output_end: int | None = None
    context_bp: int = 0
    allows_ambiguous: bool = True


@dataclass(frozen=True)
class Offer:
    """What a model offers, known from its registry row before anything loads; a contract test holds it against the loaded model.

    Parameters
    ----------
    recipe : EffectRecipe
        How its log-likelihood ratios are computed.
    windows : WindowRule or None
        Which lengths an element or track model takes; None for others.
    precisions : tuple of str
        What ``precision`` of a map may be in float32, ``exact`` first.
    """

    recipe: EffectRecipe = EffectRecipe()
    windows: WindowRule | None = None
    precisions: tuple[str, ...] = ("exact",)


def checkpoint_title(name: str) -> str:
    """What a checkpoint of nobody's publication is called, by its folder or id: ``checkpoint mine``, and ``checkpoint-500`` as it is."""
    return name if name.casefold().startswith("checkpoint") else f"checkpoint {name}"
