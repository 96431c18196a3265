"""How files show that they hold a GPN."""

from __future__ import annotations

from engine.models.checkpoints.evidence import Evidence
from engine.models.checkpoints.identity import Marks, Sizes
from engine.models.checkpoints.layouts import size_words

_LAYER = r"model\.encoder\.(?:layer\.)?(\d+)\."


def _misfit(evidence: Evidence) -> str:
    kind, encoder = evidence.config.get("model_type"), evidence.config.get("encoder", "convnet")
    if kind not in ("ConvNet", "GPN"):
        return f"says model_type {str(kind)[:40]!r} in config.json"
    if kind == "GPN" and encoder not in ("convnet", "bytenet"):
        return f"has the encoder {str(encoder)[:40]!r}"
    if not evidence.numbered(_LAYER) or not evidence.has("cls."):
        return "has no convolutions and head of GPN"
    missing = [letter for letter in "acgt" if evidence.vocabulary and letter not in evidence.vocabulary]
    return f"has no token for {missing[0]}" if missing else ""


def _sizes(evidence: Evidence) -> Sizes:
    width = evidence.config.get("hidden_size", 512)
    return evidence.numbered(_LAYER), width if isinstance(width, int) else 0


def _looks(evidence: Evidence) -> str:
    return f"convolutions of GPN (class {evidence.config.get('model_type')}), {size_words(_sizes(evidence))}, one base a token"


def _unlike(evidence: Evidence) -> str:
    return "" if evidence.config.get("model_type") == "ConvNet" else "is of the newer class GPN; the published checkpoint is a ConvNet"


def _assumed(evidence: Evidence) -> tuple[str, ...]:
    return () if evidence.vocabulary else ("tokens have the published numbers (there is no tokenizer.json)",)


MARKS = Marks(_misfit, _looks, _sizes, published=((25, 512),), unlike=_unlike, assumed=_assumed)
