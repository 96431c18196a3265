"""How files show that they hold a RiNALMo, in the authors' layout or in that of the safetensors port."""

from __future__ import annotations

from engine.core.card import ModelCard
from engine.models.checkpoints.evidence import Evidence
from engine.models.checkpoints.identity import Marks, Sizes
from engine.models.checkpoints.layouts import reading, setting, size_words

_TOKENS = ("<cls>", "<eos>", "<unk>", "<mask>", "<pad>", "A", "C", "G")
_OFFICIAL, _PORT = r"transformer\.blocks\.(\d+)\.", r"(?:model|rinalmo)\.encoder\.layer\.(\d+)\."


def is_official(evidence: Evidence) -> bool:
    """Whether the tensors have the names of the authors' own files."""
    return "embedding.weight" in evidence.tensors and evidence.has("transformer.blocks.0.")


def _misfit(evidence: Evidence) -> str:
    if is_official(evidence):
        gates = evidence.has("transformer.blocks.0.transition.0.linear_gate.") and evidence.has("lm_mask_head.")
        return "" if gates else "has no gated transitions and head of RiNALMo"
    if not any(".layer.0.intermediate.linear_gate." in name for name in evidence.tensors):
        return "has no blocks of RiNALMo (transformer.blocks, or an encoder with linear_gate)"
    if evidence.config.get("model_type", "rinalmo") != "rinalmo":
        return f"says model_type {str(evidence.config['model_type'])[:40]!r} in config.json"
    if not evidence.config:
        return "has no config.json"
    if evidence.untold:
        return evidence.untold
    missing = [token for token in _TOKENS if token not in evidence.vocabulary]
    if missing or not {"T", "U"} & set(evidence.vocabulary):
        return f"has no token {(missing or ['U'])[0]}"
    return ""


def _sizes(evidence: Evidence) -> Sizes:
    names = ("embedding.weight", "model.embeddings.word_embeddings.weight", "rinalmo.embeddings.word_embeddings.weight")
    words = next((shape for name in names if (shape := evidence.shape(name))), ())
    layers = evidence.numbered(_OFFICIAL if is_official(evidence) else _PORT)
    return layers, words[1] if len(words) == 2 else 0


def _looks(evidence: Evidence) -> str:
    layout = "the authors' layout" if is_official(evidence) else "the safetensors layout"
    return f"RiNALMo in {layout}, {size_words(_sizes(evidence))}, one base a token"


def _assumed(evidence: Evidence) -> tuple[str, ...]:
    if is_official(evidence):
        heads = () if "num_attention_heads" in evidence.config else ("there are 20 attention heads, as in every published preset",)
        return (*heads, "LayerNorm adds 1e-05 and masked tokens are rescaled, as in the authors' class", "at most 1,022 bases are read")
    told = {"layer_norm_eps": "LayerNorm adds 1e-05", "token_dropout": "masked tokens are rescaled"}
    return tuple(f"{clause} (no {name} in config.json)" for name, clause in told.items() if name not in evidence.config)


def _shaped(card: ModelCard, evidence: Evidence) -> ModelCard:
    """With the most bases that config.json allows, but for one token at each end."""
    most = setting(evidence, "max_position_embeddings")
    return reading(card, most, most - 2)


def _sibling(name: str) -> dict[str, str]:
    return {
        "title": f"RiNALMo {name}",
        "source": f"https://huggingface.co/multimolecule/rinalmo-{name} (from https://zenodo.org/records/15043668)",
    }


_SIBLINGS = {(30, 640): _sibling("mega"), (12, 480): _sibling("micro")}
MARKS = Marks(_misfit, _looks, _sizes, published=((33, 1280),), assumed=_assumed, siblings=_SIBLINGS, needs=(), shaped=_shaped)
