"""How files show that they hold GROVER."""

from __future__ import annotations

from engine.core.card import ModelCard
from engine.models.checkpoints.evidence import Evidence
from engine.models.checkpoints.identity import Marks
from engine.models.checkpoints.layouts import bert_looks, bert_misfit, bert_positions, bert_sizes, lacking_roles, reading


def _misfit(evidence: Evidence) -> str:
    if reason := bert_misfit(evidence) or evidence.untold:
        return reason
    if not evidence.byte_pairs:
        return "has no byte-pair tokenizer (tokenizer.json with merges)"
    return lacking_roles(evidence, {"mask_token": "[MASK]", "pad_token": "[PAD]"})


def _shaped(card: ModelCard, evidence: Evidence) -> ModelCard:
    """With the most bases that the positions could hold: all of them with the longest token, but for one at each end."""
    most = bert_positions(evidence)
    longest = max((len(token) for token in evidence.vocabulary if not set(token.upper()) - set("ACGT")), default=0)
    return reading(card, most, (most - 2) * longest)


MARKS = Marks(_misfit, bert_looks, bert_sizes, published=((12, 768),), shaped=_shaped)
