"""Parameters of the analyses: frozen, checked at construction, part of every result's key."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from engine.core.errors import ParameterError

Metric = Literal["log2_odds", "log_ratio"]
Precision = Literal["auto", "exact", "delta", "sparse"]
Symmetry = Literal["none", "max", "mean"]
Influence = Literal["mean_abs_log2_odds", "authors_quick_start", "authors_manuscript", "gpn"]


def _check_choice(label: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ParameterError(f"{label} is {value!r}; allowed: {', '.join(choices)}.")


@dataclass(frozen=True)
class Parameters:
    """Base of every analysis' parameters."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for provenance, keys and JSON."""
        return asdict(self)


@dataclass(frozen=True)
class ProbabilityParameters(Parameters):
    """`masked`: mask each position in turn (L passes) instead of one unmasked pass."""

    masked: bool = False


@dataclass(frozen=True)
class DependencyParameters(Parameters):
    """Dependency map (nucleotide dependency analysis, Tomaz da Silva et al., Nature Genetics 2025).

    ``metric``: ``log2_odds`` = max |Δ log2 odds|, ``log_ratio`` = max |ln p(alt)/p(ref)|.
    ``epsilon``: None for exact log odds from logits; 1e-10 reproduces the paper's saturation.
    ``window``: 0-based half-open part of the sequence that is changed and read; the whole sequence is context.
    ``precision``: ``exact`` (float32, or the model's dtype), ``delta`` (low-precision differences), ``sparse`` (thresholded), or
    ``auto``: ``delta`` where the model offers it and some exact rows of this very sequence show it within 1 %, otherwise ``exact``; the
    result's provenance names the one that was used.
    ``tau``: threshold of ``sparse``.
    """

    metric: Metric = "log2_odds"
    epsilon: float | None = None
    window: tuple[int, int] | None = None
    precision: Precision = "auto"
    tau: float = 0.05

    def __post_init__(self) -> None:
        _check_choice("metric", self.metric, get_args(Metric))
        _check_choice("precision", self.precision, get_args(Precision))
        if self.epsilon is not None and not 0 < self.epsilon < 0.1:
            raise ParameterError(f"epsilon is {self.epsilon}; allowed: above 0 and below 0.1, or none for exact log odds.")
        if self.window is not None and not 0 <= self.window[0] < self.window[1]:
            raise ParameterError(f"window is {self.window[0] + 1}-{self.window[1]}; the start is at least 1 and not after the end.")
        if not 0 < self.tau < 1:
            raise ParameterError(f"tau is {self.tau}; allowed: above 0 and below 1.")


@dataclass(frozen=True)
class EffectParameters(Parameters):
    """Variant effects of all 3L substitutions. ``influence`` names the published variant; see `engine.analyses.effects`."""

    influence: Influence = "mean_abs_log2_odds"

    def __post_init__(self) -> None:
        _check_choice("influence", self.influence, get_args(Influence))


@dataclass(frozen=True)
class ContactParameters(Parameters):
    """RNA contacts read from a dependency map: symmetrise, optional APC, minimum loop, greedy one-partner pairs.

    ``threshold``: the score a pair must exceed; None = what background cells of this map rarely reach, 0 = every positive score.
    ``any_letters``: pairs of any two letters; otherwise A-U, C-G and G-U. The published recipe is ``threshold=0, any_letters=True``.
    """

    symmetry: Symmetry = "max"
    apc: bool = False
    minimum_loop: int = 3
    threshold: float | None = None
    any_letters: bool = False

    def __post_init__(self) -> None:
        _check_choice("symmetry", self.symmetry, get_args(Symmetry))
        if not 0 <= self.minimum_loop <= 100:
            raise ParameterError(f"minimum_loop is {self.minimum_loop}; allowed: 0 to 100 bases.")
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise ParameterError(f"threshold is {self.threshold}; give a number, or none.")


@dataclass(frozen=True)
class SegmentationParameters(Parameters):
    """Element probabilities; ``overlap_bp`` of tiles (None = the model's own), ``both_strands`` averages the reverse complement."""

    overlap_bp: int | None = None
    both_strands: bool = False

    def __post_init__(self) -> None:
        if self.overlap_bp is not None and self.overlap_bp < 0:
            raise ParameterError(f"overlap_bp is {self.overlap_bp}; allowed: 0 or more, or none for the model's own.")


@dataclass(frozen=True)
class TokenParameters(Parameters):
    """Token track of a byte-pair or k-mer model.

    ``flank_bp``: bases at each end that are context only; tokens that reach into them are left out (GROVER's authors take 100).
    ``candidates``: how many of the likeliest tokens to list at each token, itself masked, and behind the last (the next token).
    """

    flank_bp: int = 0
    candidates: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.flank_bp <= 100_000:
            raise ParameterError(f"flank_bp is {self.flank_bp}; allowed: 0 to 100,000 bases.")
        if not 0 <= self.candidates <= 100:
            raise ParameterError(f"candidates is {self.candidates}; allowed: 0 to 100 tokens.")


@dataclass(frozen=True)
class PairParameters(Parameters):
    """The 4 × 4 substitution table of a pair: ``changed`` and ``read`` are 0-based positions."""

    changed: int = 0
    read: int = 1

    def __post_init__(self) -> None:
        if self.changed < 0 or self.read < 0 or self.changed == self.read:
            raise ParameterError(f"The pair is {self.changed + 1}, {self.read + 1}; two different positions of at least 1 are needed.")
