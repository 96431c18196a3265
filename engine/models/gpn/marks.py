"""How files show that they hold a GPN."""

from __future__ import annotations

from engine.models.checkpoints.evidence import Evidence
from engine.models.checkpoints.identity import Marks, Sizes
from engine.models.checkpoints.layouts import size_words

_READ = ("[MASK]", "[UNK]", "a", "c", "g", "t")
_PUBLISHED_TOKENS = 7
_LAYER = r"model\.encoder\.(?:layer\.)?(\d+)\."


def _misfit(evidence: Evidence) -> str:
    kind, encoder = evidence.config.get("model_type"), evidence.config.get("encoder", "convnet")
    if kind not in ("ConvNet", "GPN"):
        return f"says model_type {str(kind)[:40]!r} in config.json"
    if kind == "GPN" and encoder not in ("convnet", "bytenet"):
        return f"has the encoder {str(encoder)[:40]!r}"
    if not evidence.numbered(_LAYER) or not evidence.has("cls."):
        return "has no convolutions and head of GPN"
    missing = [token for token in _READ if evidence.vocabulary and token not in evidence.vocabulary]
    if missing:
        return f"has no token {missing[0]}"
    size = evidence.config.get("vocab_size", _PUBLISHED_TOKENS)
    largest = max((evidence.vocabulary.get(token, 0) for token in _READ), default=0)
    fits = isinstance(size, int) and largest < size
    return "" if fits else f"has token ids up to {largest:,} but config.json has a vocabulary of {str(size)[:40]}"


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
