"""How files show that they hold a megaDNA."""

from __future__ import annotations

import math
from dataclasses import replace

from engine.core.card import ModelCard
from engine.models.checkpoints.evidence import Evidence
from engine.models.checkpoints.identity import Marks, Sizes
from engine.models.checkpoints.layouts import size_words

_CLASS = "megaDNA.megadna.MEGADNA"
_LENGTHS = (128, 64, 16)
_MOST_STAGES, _LONGEST_STAGE = 8, 1_000_000
WEIGHTS = ("model.safetensors", "pytorch_model.bin", "*.pt")
_TOKENS = 6


def lengths(evidence: Evidence) -> tuple[int, ...]:
    """Most parts that each stage reads, as pickled or as config.json says; empty when neither says it usably."""
    told = _told(evidence)
    if not isinstance(told, (tuple, list)) or len(told) > _MOST_STAGES:
        return ()
    return tuple(told) if all(type(length) is int and 1 <= length <= _LONGEST_STAGE for length in told) else ()


def _told(evidence: Evidence) -> object:
    return evidence.header.attributes.get("max_seq_len", evidence.config.get("max_seq_len"))


def _misfit(evidence: Evidence) -> str:
    classes = evidence.header.classes
    if classes and classes[0] != _CLASS:
        return f"is a pickled {classes[0][:60] or 'module'}"
    if not evidence.has("token_embs.0.") or not evidence.has("transformers.0.layers.0."):
        return "has no stages of megaDNA (token_embs, transformers)"
    if not lengths(evidence):
        return f"has no usable max_seq_len (it is {str(_told(evidence))[:60]}; a whole number from 1 to 1,000,000 for each stage is needed)"
    pad = evidence.header.attributes.get("pad_id", evidence.config.get("pad_id", 0))
    if type(pad) is not int:
        return f"has the pad_id {str(pad)[:60]}"
    rows = evidence.shape("to_logits.weight")
    return "" if rows and rows[0] >= _TOKENS else f"has {rows[0] if rows else 'no'} tokens where megaDNA has {_TOKENS}"


def _sizes(evidence: Evidence) -> Sizes:
    stages = evidence.numbered(r"transformers\.(\d+)\.")
    depth = sum(evidence.numbered(rf"transformers\.{stage}\.layers\.(\d+)\.") for stage in range(stages))
    width = evidence.shape("start_tokens.0")
    return depth, width[0] if width else 0


def _looks(evidence: Evidence) -> str:
    stages = evidence.numbered(r"transformers\.(\d+)\.")
    return f"megaDNA with {stages} stages, {size_words(_sizes(evidence))}, one base a token, read from left to right"


def _unlike(evidence: Evidence) -> str:
    told = lengths(evidence)
    return "" if told == _LENGTHS else f"reads stages of {list(told)} parts, not of {list(_LENGTHS)}"


def _shaped(card: ModelCard, evidence: Evidence) -> ModelCard:
    """With the limit that the stages set, start and end token taken off."""
    told = lengths(evidence)
    return replace(card, max_length=max(1, math.prod(told) - 2)) if told else card


MARKS = Marks(_misfit, _looks, _sizes, published=((24, 512),), unlike=_unlike, needs=(), shaped=_shaped)
