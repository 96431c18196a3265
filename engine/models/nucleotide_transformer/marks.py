"""How files show that they hold a Nucleotide Transformer of version 1 or 2, or AgroNT."""

from __future__ import annotations

from engine.core.card import ModelCard
from engine.models.checkpoints.evidence import Evidence
from engine.models.checkpoints.identity import Marks
from engine.models.checkpoints.layouts import (
    around_esm,
    esm_is_gated,
    esm_looks,
    esm_misfit,
    esm_sizes,
    is_rotary,
    longest_tokens,
    reading,
    unsaid,
)


def _language_model(evidence: Evidence) -> str:
    if reason := esm_misfit(evidence):
        return reason
    if evidence.has("unet."):
        return "has a segmentation head"
    return "" if evidence.has("lm_head.dense.") else "has no head of a masked language model"


def _version_1(evidence: Evidence) -> str:
    if reason := _language_model(evidence):
        return reason
    if esm_is_gated(evidence):
        return "has a gated feed-forward part"
    return "has rotary positions (position_embedding_type in config.json), where version 1 has learned ones" if is_rotary(evidence) else ""


def version_2_misfit(evidence: Evidence) -> str:
    """What of version 2's encoder the files lack."""
    if not esm_is_gated(evidence):
        return "has a plain feed-forward part, not a gated one"
    if not is_rotary(evidence):
        return "shows no rotary positions (position_embedding_type in config.json)"
    return unsaid(evidence, "layer_norm_eps", "token_dropout")


def version_2_assumed(evidence: Evidence) -> tuple[str, ...]:
    """What the encoder of version 2 takes for granted."""
    told = {"emb_layer_norm_before": "no LayerNorm stands before the first layer", "mask_token_id": "the mask token is number 2"}
    return (
        "rotary positions have base 10,000 (config.json has no setting for it)",
        *(f"{clause} (no {name} in config.json)" for name, clause in told.items() if name not in evidence.config),
    )


def _version_2(evidence: Evidence) -> str:
    return _language_model(evidence) or version_2_misfit(evidence)


def _which_500m(evidence: Evidence) -> tuple[str, ...]:
    told = "the checkpoints of the human reference and of 3,202 human genomes have equal names and sizes: which of the two it is cannot be told"
    return (told,) if esm_sizes(evidence) == (24, 1280) else ()


def _shaped(card: ModelCard, evidence: Evidence) -> ModelCard:
    """With the most bases that learned positions reach, but for the special tokens."""
    most = longest_tokens(evidence)
    return reading(card, most, (most - around_esm(evidence)) * evidence.k)


_LARGE_SOURCE = "https://huggingface.co/InstaDeepAI/nucleotide-transformer-2.5b-multi-species (or -1000g)"
_LARGE = {
    "title": "Nucleotide Transformer v1, 2.5B",
    "source": _LARGE_SOURCE,
    "description": "General DNA language model, first version, 2.5 billion parameters.",
    "organisms": "850 genomes, or 3,202 human ones: the two checkpoints have equal names and sizes.",
}
VERSION_1 = Marks(_version_1, esm_looks, esm_sizes, ((24, 1280),), assumed=_which_500m, siblings={(32, 2560): _LARGE}, shaped=_shaped)
AGRO = Marks(_version_1, esm_looks, esm_sizes, ((40, 1500),), shaped=_shaped)
VERSION_2 = Marks(_version_2, esm_looks, esm_sizes, published=((29, 1024),), assumed=version_2_assumed)
