"""Marks of the two layouts that several families share: BERT and ESM directories, told by names, shapes and configuration. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from engine.core.card import ModelCard
from engine.models.checkpoints.evidence import Evidence
from engine.models.checkpoints.identity import Sizes

_ROTARY_SETTINGS = ("rotary_emb_dim", "rotary_emb_fraction")
_BERT, _ESM = "bert.encoder.layer.0.", "esm.encoder.layer.0."
BERT_ROLES = {"cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]", "unk_token": "[UNK]"}
ESM_ROLES = {"cls_token": "<cls>", "mask_token": "<mask>", "unk_token": "<unk>"}
"""Special tokens by role, with their published texts."""

BERT_POSITIONS = "bert.embeddings.position_embeddings.weight"
_GATE = "esm.encoder.layer.0.intermediate.dense."


def size_words(sizes: Sizes) -> str:
    """``6 layers × 512``."""
    return f"{sizes[0]} layer{'' if sizes[0] == 1 else 's'} × {sizes[1]:,}"


def token_words(evidence: Evidence) -> str:
    """How many letters a token has."""
    if evidence.byte_pairs:
        return f"{len(evidence.vocabulary):,} byte-pair tokens"
    return {0: "tokens of no fixed length", 1: "one base a token"}.get(evidence.k, f"{evidence.k}-mer tokens")


def lacking_roles(evidence: Evidence, named: dict[str, str]) -> str:
    """A clause on the first special token that the vocabulary lacks; ``named``: role → its published text, where no file names it."""
    for role, published in named.items():
        token = evidence.roles.get(role, published)
        if token is None or token not in evidence.vocabulary:
            return f"has no {role.replace('_', ' ')} ({published}) in its vocabulary"
    return ""


def beyond_embeddings(evidence: Evidence, name: str) -> str:
    """A clause when the vocabulary has larger ids than the table of embeddings ``name`` has rows; special tokens that are never read apart."""
    rows = evidence.shape(name)
    largest = max((number for token, number in evidence.vocabulary.items() if not token.startswith(("[", "<"))), default=0)
    return f"has token ids up to {largest:,} for {rows[0]:,} embeddings" if rows and largest >= rows[0] else ""


def says_rotary(config: Mapping[str, Any], names: Iterable[str]) -> bool:
    """Whether configuration or names of tensors show rotary positions: a setting, a tensor, or a class of the publisher's that is named so."""
    if config.get("position_embedding_type") == "rotary" or any(config.get(name) for name in _ROTARY_SETTINGS):
        return True
    classes = config.get("auto_map")
    told = [*(classes.values() if isinstance(classes, Mapping) else ()), *(config.get("architectures") or ())]
    return any("rotary" in str(name).lower() for name in (*told, *names))


def is_rotary(evidence: Evidence) -> bool:
    """Whether a checkpoint shows rotary positions."""
    return says_rotary(evidence.config, evidence.tensors)


def bert_misfit(evidence: Evidence) -> str:
    """Why the files are no BERT masked language model."""
    if not evidence.has(_BERT):
        return "has no BERT encoder"
    if not evidence.has("cls.predictions.transform."):
        return "has a BERT encoder without the head of a masked language model"
    kind = evidence.config.get("model_type", "bert")
    if kind != "bert":
        return f"says model_type {str(kind)[:40]!r} in config.json"
    return beyond_embeddings(evidence, "bert.embeddings.word_embeddings.weight")


def bert_sizes(evidence: Evidence) -> Sizes:
    """Layers and width of a BERT directory."""
    words = evidence.shape("bert.embeddings.word_embeddings.weight")
    return evidence.numbered(r"bert\.encoder\.layer\.(\d+)\."), words[1] if len(words) == 2 else 0


def bert_looks(evidence: Evidence) -> str:
    """A BERT directory in words."""
    rotary = " with rotary positions" if is_rotary(evidence) else ""
    species = f", {len(evidence.species):,} species tokens" if evidence.species else ""
    return f"BERT{rotary}, {size_words(bert_sizes(evidence))}, {token_words(evidence)}{species}"


def esm_misfit(evidence: Evidence) -> str:
    """Why the files have no ESM encoder that reads k-mers."""
    if not evidence.has(_ESM):
        return "has no ESM encoder"
    if evidence.untold:
        return evidence.untold
    if evidence.k < 2:
        return "has no complete set of k-mers in its vocabulary"
    if missing := [base for base in "ACGT" if base not in evidence.vocabulary]:
        return f"has no token for a single {missing[0]}"
    return lacking_roles(evidence, ESM_ROLES) or beyond_embeddings(evidence, "esm.embeddings.word_embeddings.weight")


def esm_is_gated(evidence: Evidence) -> bool:
    """Whether the feed-forward part is gated: twice the configured rows, no biases."""
    rows = evidence.shape(f"{_GATE}weight")
    hidden = evidence.config.get("intermediate_size")
    return bool(rows) and isinstance(hidden, int) and rows[0] == 2 * hidden and f"{_GATE}bias" not in evidence.tensors


def esm_sizes(evidence: Evidence) -> Sizes:
    """Layers and width of an ESM directory."""
    words = evidence.shape("esm.embeddings.word_embeddings.weight")
    return evidence.numbered(r"esm\.encoder\.layer\.(\d+)\."), words[1] if len(words) == 2 else 0


def esm_looks(evidence: Evidence) -> str:
    """An ESM directory in words."""
    gated = " with a gated feed-forward part" if esm_is_gated(evidence) else ""
    return f"ESM{gated}, {size_words(esm_sizes(evidence))}, {token_words(evidence)}"


def unsaid(evidence: Evidence, *names: str) -> str:
    """A clause on the first setting that config.json does not state although only its publisher's own code knows the default."""
    missing = [name for name in names if name not in evidence.config]
    return f"does not say {missing[0]} in config.json, which cannot be guessed" if missing else ""


def longest_tokens(evidence: Evidence) -> int:
    """Tokens that the positions of config.json reach, special ones included; 0 when it does not say."""
    most = setting(evidence, "max_position_embeddings")
    absolute = evidence.config.get("model_type") == "esm" and not is_rotary(evidence)
    pad = evidence.config.get("pad_token_id", 1)
    return most - (pad if isinstance(pad, int) else 1) - 1 if absolute and most else most


def setting(evidence: Evidence, name: str) -> int:
    """A whole number above 0 in config.json; 0 when it says none."""
    told = evidence.config.get(name)
    return told if type(told) is int and told > 0 else 0


def reading(card: ModelCard, told: int, bases: int) -> ModelCard:
    """``card`` with the most ``bases`` that the files let a model read at once; as it is where ``told``, what they say of it, is 0."""
    return replace(card, max_length=max(1, bases)) if told else card


def around_esm(evidence: Evidence) -> int:
    """Special tokens around the k-mers of an ESM directory: its start, and its end where the vocabulary has one."""
    return 1 + ((evidence.roles.get("eos_token") or "") in evidence.vocabulary)


def bert_positions(evidence: Evidence) -> int:
    """Tokens that a BERT directory's table of learned positions reaches; 0 without such a table."""
    return longest_tokens(evidence) if evidence.shape(BERT_POSITIONS) else 0
