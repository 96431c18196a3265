"""The card of a variant: everything that is known of one allele, each part with its source or one sentence why it is empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.core.consequences import Consequence
    from engine.core.proteins import MissenseScore
    from engine.core.protocols import VariantScore
    from engine.core.variants import ScoredVariant, Variant

PARTS: dict[str, str] = {
    "consequence": "Consequence by gene models",
    "missense": "AlphaMissense",
    "alphagenome": "AlphaGenome, the strongest effect on each output",
    "language models": "Language models",
}
"""The parts of a card and their titles, in order."""


@dataclass(frozen=True, eq=False)
class VariantCard:
    """The answer: each part, ``notes`` by the name of a part, and ``sources`` (model id → revision and licence) of what spoke.

    ``effects``: of each of AlphaGenome's outputs the one score with the largest absolute quantile among common variants (without quantiles:
    the largest absolute raw score), the most unusual first; ``asked_effects`` how many scores there were. ``origins``: by what spoke (model id,
    ``reference``, ``gene_models``), everything that decides what it said, as plain values.
    """

    variant: Variant
    assembly: str
    consequences: tuple[Consequence, ...] = ()
    missense: tuple[MissenseScore, ...] = ()
    effects: tuple[VariantScore, ...] = ()
    asked_effects: int = 0
    scored: tuple[tuple[str, ScoredVariant], ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, Any] = field(default_factory=dict)

    def how_many(self, part: str) -> str:
        """Of how many scores a part shows the strongest, in words; empty where it shows all."""
        return f"{self.asked_effects:,} scores" if part == "alphagenome" and self.effects else ""

    def words(self) -> str:
        """What the parts say, in one paragraph."""
        found = [f"{self.variant} on {self.assembly or 'an unnamed assembly'}"]
        if self.consequences:
            first = self.consequences[0]
            found.append(", ".join(text for text in (first.term.replace("_", " "), first.gene, first.hgvs_p or first.hgvs_c) if text))
        if self.missense:
            best = self.missense[0]
            found.append(f"AlphaMissense {best.value:.3f}, {best.label.replace('_', ' ')}")
        if self.effects:
            top = self.effects[0]
            found.append(f"AlphaGenome's most unusual effect: {top.name} {top.value:+.3g} ({top.label or 'no quantile'}; {top.context})")
        found += [f"{title}: llr {row.llr:+.2f}" for title, row in self.scored if row.llr is not None]
        return "; ".join(found) + "."


def strongest(scores: Sequence[VariantScore]) -> tuple[VariantScore, ...]:
    """Of each output the score with the largest absolute quantile, or raw score where there are none; the most unusual first."""
    best: dict[str, VariantScore] = {}
    for score in scores:
        if score.name not in best or _unusual(score) > _unusual(best[score.name]):
            best[score.name] = score
    return tuple(sorted(best.values(), key=_unusual, reverse=True))


def _unusual(score: VariantScore) -> tuple[float, float]:
    return abs(score.quantile) if score.quantile is not None else -1.0, abs(score.value)
