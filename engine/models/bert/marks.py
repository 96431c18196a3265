"""How files show that they hold SpliceBERT or RNAErnie2."""

from __future__ import annotations

from functools import partial

from engine.core.card import ModelCard
from engine.models.checkpoints.evidence import Evidence
from engine.models.checkpoints.identity import Marks, Sizes
from engine.models.checkpoints.layouts import (
    BERT_POSITIONS,
    BERT_ROLES,
    bert_looks,
    bert_misfit,
    bert_positions,
    bert_sizes,
    is_rotary,
    lacking_roles,
    reading,
    token_words,
)


def _misfit(evidence: Evidence, letters: str) -> str:
    if reason := bert_misfit(evidence):
        return reason
    if is_rotary(evidence) or not evidence.shape(BERT_POSITIONS):
        return "has no table of learned positions alone"
    if evidence.untold:
        return evidence.untold
    if evidence.byte_pairs or evidence.k != 1:
        return f"reads {token_words(evidence)}"
    if missing := [letter for letter in letters if letter not in evidence.vocabulary]:
        return f"has no token {missing[0]}"
    if evidence.species:
        return f"has {len(evidence.species):,} species tokens in its vocabulary"
    return lacking_roles(evidence, BERT_ROLES)


def _unlike(evidence: Evidence, positions: int) -> str:
    rows = evidence.shape(BERT_POSITIONS)[0]
    return "" if rows == positions else f"has {rows:,} positions, the published checkpoint has {positions:,}"


def _shaped(card: ModelCard, evidence: Evidence) -> ModelCard:
    """With the most bases that the positions reach, but for one token at each end."""
    most = bert_positions(evidence)
    return reading(card, most, most - 2)


def marks(letters: str, published: Sizes, positions: int) -> Marks:
    """Marks of a BERT with a token for each of ``letters``, of ``published`` sizes and ``positions``."""
    parts = (partial(_misfit, letters=letters), bert_looks, bert_sizes)
    return Marks(*parts, published=(published,), unlike=partial(_unlike, positions=positions), shaped=_shaped)


SPLICE_BERT = marks("ACGTN", (6, 512), 1026)
RNA_ERNIE_2 = marks("ACGUN", (12, 768), 2048)
