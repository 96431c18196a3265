"""How files show that they hold GROVER."""

from __future__ import annotations

from engine.models.checkpoints.evidence import Evidence
from engine.models.checkpoints.identity import Marks
from engine.models.checkpoints.layouts import bert_looks, bert_misfit, bert_sizes, lacking_roles


def _misfit(evidence: Evidence) -> str:
    if reason := bert_misfit(evidence):
        return reason
    if not evidence.byte_pairs:
        return "has no byte-pair tokenizer (tokenizer.json with merges)"
    return lacking_roles(evidence, {"mask_token": "[MASK]", "pad_token": "[PAD]"})


MARKS = Marks(_misfit, bert_looks, bert_sizes, published=((12, 768),))
