"""How files show that they hold a SpeciesLM."""

from __future__ import annotations

from functools import partial

from engine.core.card import ModelCard
from engine.models.checkpoints.evidence import Evidence
from engine.models.checkpoints.identity import Marks
from engine.models.checkpoints.layouts import (
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


def marks(k: int, *, rotary: bool) -> Marks:
    """Marks of the checkpoint with ``k`` bases a token, with rotary positions or with learned ones alone."""
    return Marks(
        partial(_misfit, k=k, rotary=rotary), bert_looks, bert_sizes, published=((12, 768),), assumed=_assumed, shaped=partial(_shaped, k=k)
    )


def _misfit(evidence: Evidence, k: int, *, rotary: bool) -> str:
    reason = bert_misfit(evidence) or evidence.untold
    if reason:
        return reason
    if evidence.byte_pairs or evidence.k != k:
        return f"reads {token_words(evidence)}"
    reason = lacking_roles(evidence, BERT_ROLES)
    if reason:
        return reason
    if not evidence.species:
        return "has no species tokens in its vocabulary"
    if rotary and not is_rotary(evidence):
        return "shows no rotary positions (rotary_emb_dim, rotary_emb_fraction or position_embedding_type in config.json)"
    return "has rotary positions" if is_rotary(evidence) and not rotary else ""


def _shaped(card: ModelCard, evidence: Evidence, k: int) -> ModelCard:
    """With the most bases that learned positions reach, but for the tokens around: the two of BERT, and the species."""
    most = bert_positions(evidence)
    return reading(card, most, most - 3 + k - 1)


def _assumed(evidence: Evidence) -> tuple[str, ...]:
    """Of the rotary positions; everything else has the defaults of transformers' own BERT class."""
    if not is_rotary(evidence):
        return ()
    config, found = evidence.config, []
    if not config.get("rotary_emb_base"):
        found.append("the rotary base is 10,000 (no rotary_emb_base in config.json)")
    if not config.get("rotary_emb_dim") and not config.get("rotary_emb_fraction"):
        found.append("all channels of a head are turned (no rotary_emb_dim in config.json)")
    if "rotary_emb_interleaved" not in config:
        found.append("channels are turned in halves (no rotary_emb_interleaved in config.json)")
    return tuple(found)
