"""How files show that they hold a model of `engine.training`, and the one that comes with the repository."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from engine.models.checkpoints.evidence import Evidence, json_object
from engine.models.checkpoints.identity import Marks, Sizes
from engine.models.checkpoints.layouts import size_words

_ASSETS = Path(__file__).resolve().parents[3] / "assets" / "models"
_BLOCK = r"(?:language_model\.)?blocks\.(\d+)\."


def _misfit(evidence: Evidence, kind: str, local: bool = False) -> str:
    told = evidence.config.get("model_type")
    if told != kind:
        return f"says model_type {str(told)[:40]!r} in config.json, not {kind!r}"
    if local and not evidence.config.get("windows"):
        return "names no windows in config.json"
    return "" if evidence.numbered(_BLOCK) else "has no blocks"


def _unlike(evidence: Evidence, local: bool) -> str:
    if bool(evidence.config.get("windows")) == local:
        return ""
    return "names no windows in config.json" if local else "names windows in config.json"


def _sizes(evidence: Evidence) -> Sizes:
    told = evidence.config.get("language_model", evidence.config)
    width = told.get("width") if isinstance(told, dict) else None
    return evidence.numbered(_BLOCK), width if isinstance(width, int) else 0


def _looks(evidence: Evidence, what: str) -> str:
    return f"{what} of this project's training, {size_words(_sizes(evidence))}, one base a token"


def _shipped_sha256(folder: str) -> str:
    return str(json_object(_ASSETS / folder / "card.json").get("sha256", ""))


LANGUAGE_MODEL = Marks(
    partial(_misfit, kind="locuscope-lm"),
    partial(_looks, what="a language model"),
    _sizes,
    published=((6, 128),),
    unlike=partial(_unlike, local=False),
    sha256=partial(_shipped_sha256, "locuscope-lm"),
)
LOCAL_LANGUAGE_MODEL = replace(
    LANGUAGE_MODEL,
    misfit=partial(_misfit, kind="locuscope-lm", local=True),
    looks=partial(_looks, what="a local language model"),
    unlike=partial(_unlike, local=True),
    sha256=partial(_shipped_sha256, "locuscope-local"),
)
SEGMENTER = Marks(
    partial(_misfit, kind="locuscope-segmenter"),
    partial(_looks, what="a segmenter"),
    _sizes,
    published=((6, 128),),
    sha256=partial(_shipped_sha256, "locuscope-segmenter"),
)
