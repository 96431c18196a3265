"""How files show that one of transformers' own classes runs them, and that they hold MarinDNA or Carbon."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from engine.core.card import Capability, ModelCard
from engine.core.sequence import Alphabet
from engine.models.checkpoints.evidence import Evidence
from engine.models.checkpoints.identity import Marks, Sizes
from engine.models.checkpoints.layouts import around_esm, esm_is_gated, is_rotary, longest_tokens, reading, size_words, token_words

DNA_CONFIG = "dna_config.json"
MASKED_CAPABILITIES = frozenset(
    {Capability.PROBABILITIES, Capability.DEPENDENCY, Capability.EFFECTS, Capability.CONTACTS, Capability.EMBEDDINGS}
)
CAUSAL_CAPABILITIES = frozenset(
    {Capability.PROBABILITIES, Capability.DEPENDENCY, Capability.EFFECTS, Capability.DELTA_LIKELIHOOD, Capability.EMBEDDINGS}
)
_LARGEST_K = 8


@dataclass(frozen=True)
class Kind:
    """A model type of transformers: its name in words, whether it reads from left to right, and where its tensors are.

    ``words``: table of token embeddings. ``layer``: pattern whose group is a layer's number. ``head``: beginning of the head's names.
    ``activation``: what config.json calls the function between the feed-forward layers; empty where the class has one of its own.
    """

    name: str
    causal: bool
    words: str
    layer: str
    head: str
    activation: str = "hidden_act"


def _decoder(name: str) -> Kind:
    return Kind(name, True, "model.embed_tokens.weight", r"model\.layers\.(\d+)\.self_attn\.q_proj", "model.norm.")


KINDS = {
    "bert": Kind("BERT", False, "bert.embeddings.word_embeddings.weight", r"bert\.encoder\.layer\.(\d+)\.", "cls.predictions."),
    "esm": Kind("ESM", False, "esm.embeddings.word_embeddings.weight", r"esm\.encoder\.layer\.(\d+)\.", "lm_head.", ""),
    "roformer": Kind(
        "RoFormer", False, "roformer.embeddings.word_embeddings.weight", r"roformer\.encoder\.layer\.(\d+)\.", "cls.predictions."
    ),
    "modernbert": Kind(
        "ModernBERT", False, "model.embeddings.tok_embeddings.weight", r"model\.layers\.(\d+)\.attn\.", "head.dense.", "hidden_activation"
    ),
    "llama": _decoder("Llama"),
    "qwen3": _decoder("Qwen3"),
    "mistral": _decoder("Mistral"),
}
"""By ``model_type`` of config.json."""


def kind_of(evidence: Evidence) -> Kind | None:
    """The model type of a checkpoint; None for one that is not run here."""
    told = evidence.config.get("model_type")
    return KINDS.get(told) if isinstance(told, str) else None


def is_rna(evidence: Evidence) -> bool:
    """Whether the vocabulary has U and no T."""
    tokens = {token.upper() for token in evidence.vocabulary if len(token) == evidence.k}
    return any("U" in token for token in tokens) and not any("T" in token for token in tokens)


def _class_misfit(evidence: Evidence, kind: Kind | None) -> str:
    """Why transformers' own class does not run the tensors."""
    if kind is None and not evidence.config:
        return "has no config.json, which says what network it is"
    if kind is None:
        return f"says model_type {str(evidence.config.get('model_type'))[:40]!r} in config.json, which is not one of {', '.join(KINDS)}"
    classes: Any = evidence.config.get("auto_map")
    if isinstance(classes, dict) and any(str(name).startswith("AutoModel") for name in classes):
        return "needs code of its publisher (auto_map in config.json), and none but transformers' own is run"
    if not evidence.shape(kind.words) or not evidence.has(kind.head):
        return f"has no tensors of {kind.name} with its head ({kind.words}, {kind.head})"
    if kind.name == "ESM" and (esm_is_gated(evidence) or evidence.has("unet.")):
        return "has parts that transformers' ESM class has not"
    return "has rotary positions, which transformers' BERT class has not" if kind.name == "BERT" and is_rotary(evidence) else ""


def _misfit(evidence: Evidence) -> str:
    if reason := _class_misfit(evidence, kind_of(evidence)):
        return reason
    if evidence.beside.get(DNA_CONFIG):
        return f"has a {DNA_CONFIG}, which says that its tokens are made by code"
    if evidence.untold:
        return evidence.untold
    if evidence.byte_pairs:
        return "joins letters to byte-pair tokens of different lengths"
    if not 1 <= evidence.k <= _LARGEST_K:
        return "has no token for each base, nor one for each k-mer, in its vocabulary"
    if evidence.species:
        return f"has {len(evidence.species):,} species tokens, one of which stands in front of every sequence"
    return ""


def native_sizes(evidence: Evidence) -> Sizes:
    """Layers and width."""
    kind = kind_of(evidence)
    words = evidence.shape(kind.words) if kind is not None else ()
    return (evidence.numbered(kind.layer) if kind is not None else 0), words[1] if len(words) == 2 else 0


def _looks(evidence: Evidence) -> str:
    kind = kind_of(evidence)
    name, direction = (kind.name, ", read from left to right" if kind.causal else "") if kind is not None else ("?", "")
    return f"{name}, {size_words(native_sizes(evidence))}, {token_words(evidence)}{direction}"


def _shaped(card: ModelCard, evidence: Evidence) -> ModelCard:
    """The card of anybody's checkpoint, as far as its files say."""
    kind = kind_of(evidence)
    if kind is None:
        return card
    return replace(
        _limited(card, evidence),
        alphabet=Alphabet.RNA if is_rna(evidence) else Alphabet.DNA,
        min_length=evidence.k,
        capabilities=CAUSAL_CAPABILITIES if kind.causal else MASKED_CAPABILITIES,
        causal=kind.causal,
        masked=not kind.causal,
    )


def _limited(card: ModelCard, evidence: Evidence) -> ModelCard:
    """The card with the most bases that the positions of config.json reach, by the special tokens and the stride that the tokenizers of such
    checkpoints have; what this very tokenizer does is asked when it is loaded."""
    kind, most = kind_of(evidence), longest_tokens(evidence)
    if kind is None:
        return card
    if kind.causal:
        tokens = dna_tokens(evidence)
        return reading(card, most, (most - 1) * (tokens.k if tokens is not None else evidence.k))
    return reading(card, most, (most - around_esm(evidence)) * evidence.k if kind.name == "ESM" else most - 2 + evidence.k - 1)


ANYBODYS = Marks(_misfit, _looks, native_sizes, shaped=_shaped)


def _marin_misfit(evidence: Evidence) -> str:
    kind = kind_of(evidence)
    if kind is None or kind.name != "Qwen3":
        return f"says model_type {str(evidence.config.get('model_type'))[:40]!r} in config.json, not 'qwen3'"
    return _misfit(evidence) or ("" if evidence.k == 1 else f"reads {token_words(evidence)}")


def _marin_unlike(evidence: Evidence) -> str:
    rows = evidence.shape(KINDS["qwen3"].words)
    return "" if rows and rows[0] == 7 else f"has {rows[0] if rows else 0:,} tokens, not 7"


MARIN = Marks(_marin_misfit, _looks, native_sizes, published=((19, 1920),), unlike=_marin_unlike, shaped=_limited)


@dataclass(frozen=True)
class DnaTokens:
    """Carbon's tokens of DNA by dna_config.json: ``<dna>``, ``</dna>``, ``<oov>``, then the 4^k k-mers in the order A, T, C, G."""

    k: int
    start: int

    ORDER = "ATCG"

    @property
    def unknown(self) -> int:
        """Of a k-mer with another letter."""
        return self.start + 2

    @property
    def first(self) -> int:
        """Of the first k-mer."""
        return self.start + 3

    @property
    def end(self) -> int:
        """One behind the last k-mer."""
        return self.first + int(4**self.k)


def dna_tokens(evidence: Evidence) -> DnaTokens | None:
    """What dna_config.json says; None without it or when it says something else."""
    told = evidence.beside.get(DNA_CONFIG, {})
    k, start = told.get("k"), told.get("dna_start_id")
    if type(k) is not int or type(start) is not int or not 1 <= k <= _LARGEST_K or start < 0:
        return None
    return DnaTokens(k, start) if told.get("dna_special_tokens") in (None, ["<dna>", "</dna>", "<oov>"]) else None


def _carbon_misfit(evidence: Evidence) -> str:
    tokens = dna_tokens(evidence)
    if tokens is None:
        return f"has no usable {DNA_CONFIG} (k and dna_start_id)"
    kind = kind_of(evidence)
    if kind is None or kind.name != "Llama":
        return f"says model_type {str(evidence.config.get('model_type'))[:40]!r} in config.json, not 'llama'"
    rows = evidence.shape(kind.words)
    if not rows or rows[0] < tokens.end:
        return f"has {rows[0] if rows else 0:,} tokens where {DNA_CONFIG} counts to {tokens.end:,}"
    return ""


def _carbon_looks(evidence: Evidence) -> str:
    tokens = dna_tokens(evidence)
    return (
        f"Llama with tokens of DNA, {size_words(native_sizes(evidence))}, {tokens.k if tokens else 0}-mer tokens, read from left to right"
    )


CARBON = Marks(
    _carbon_misfit,
    _carbon_looks,
    native_sizes,
    published=((28, 1024),),
    siblings={
        (30, 3072): {
            "title": "Carbon 3B",
            "source": "https://huggingface.co/HuggingFaceBio/Carbon-3B",
            "description": "DNA language model of 3 billion parameters, read in 6-mers from left to right.",
        }
    },
    needs=("config.json", DNA_CONFIG),
    shaped=_limited,
)
