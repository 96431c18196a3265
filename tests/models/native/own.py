"""Small random checkpoints of every model type that may be brought, written by transformers itself, with what their class is to give."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    EsmConfig,
    EsmForMaskedLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    RoFormerConfig,
    RoFormerForMaskedLM,
)

SMALL: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def words(k: int) -> list[str]:
    """All k-mers in the order A, C, G, T."""
    return ["".join(word) for word in itertools.product("ACGT", repeat=k)]


def fast_tokenizer(folder: Path, tokens: list[str], pattern: str, first: str, last: str, roles: dict[str, str]) -> None:
    """tokenizer.json that splits by ``pattern``, with a token in front and perhaps one behind."""
    single: list[Any] = [{"SpecialToken": {"id": first, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    single += [{"SpecialToken": {"id": last, "type_id": 0}}] if last else []
    ends = {name: {"id": name, "ids": [tokens.index(name)], "tokens": [name]} for name in (first, last) if name}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    whole = {
        "version": "1.0",
        "added_tokens": [{"id": tokens.index(name), "content": name, **flags} for name in roles.values()],
        "normalizer": None,
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
        "post_processor": {"type": "TemplateProcessing", "single": single, "pair": single, "special_tokens": ends},
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": {token: index for index, token in enumerate(tokens)}, "unk_token": roles["unk_token"]},
    }
    (folder / "tokenizer.json").write_text(json.dumps(whole))
    (folder / "tokenizer_config.json").write_text(json.dumps({**roles, "tokenizer_class": "PreTrainedTokenizerFast"}))


_MASKED = {"cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
_CAUSAL = {"bos_token": "[CLS]", "pad_token": "[PAD]", "unk_token": "[UNK]"}


def masked_tokenizer(folder: Path, tokens: list[str]) -> None:
    """A letter a token between [CLS] and [SEP]."""
    fast_tokenizer(folder, tokens, ".", "[CLS]", "[SEP]", _MASKED)


def causal_tokenizer(folder: Path, tokens: list[str], k: int) -> None:
    """k letters a token behind [CLS]; what is left of a cut, one."""
    fast_tokenizer(folder, tokens, rf"[ACGT]{{{k}}}|.", "[CLS]", "", _CAUSAL)


def bert_words(folder: Path, tokens: list[str]) -> None:
    """A BertTokenizer: words between spaces."""
    (folder / "vocab.txt").write_text("\n".join(tokens))
    (folder / "tokenizer_config.json").write_text(json.dumps({**_MASKED, "do_lower_case": False, "tokenizer_class": "BertTokenizer"}))


@dataclass(frozen=True)
class Own:
    """``told``: beginning of its description. ``spaced``: the tokenizer is given words between spaces, at stride 1."""

    told: str
    causal: bool
    k: int
    text: str
    tokens: tuple[str, ...]
    make: Callable[[int], Any]
    tokenizer: Callable[[Path, list[str]], None]
    spaced: bool = False

    def write(self, folder: Path) -> None:
        """The checkpoint, with seeded weights far from their small first values."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            net = self.make(len(self.tokens))
            with torch.no_grad():
                for parameter in net.parameters():
                    if parameter.ndim > 1:
                        parameter.normal_(0, 0.4)
        net.save_pretrained(folder)
        self.tokenizer(folder, list(self.tokens))

    def ids(self, folder: Path) -> list[int]:
        """What the tokenizer makes of the text."""
        k, text = self.k, self.text
        given = " ".join(text[start : start + k] for start in range(len(text) - k + 1)) if self.spaced else text
        found: list[int] = AutoTokenizer.from_pretrained(folder)(given)["input_ids"]
        return found

    def expected(self, logits: torch.Tensor) -> list[list[float]]:
        """Probabilities of A, C, G, T at each base, from logits (T, V), by sums over k-mers one by one."""
        rows = logits[:-1] if self.causal else logits[1:-1]
        kmers, found = words(self.k), []
        chances = [row[[self.tokens.index(word) for word in kmers]].softmax(-1).tolist() for row in rows]
        if self.spaced and self.k > 1:
            for place in range(len(self.text)):
                covering = range(max(0, place - self.k + 1), min(len(chances), place + 1))
                sums = [sum(self._marginal(chances[token], kmers, place - token, base) for token in covering) for base in "ACGT"]
                found.append([value / sum(sums) for value in sums])
            return found
        whole = len(self.text) // self.k
        for token in range(whole):
            found += [[self._marginal(chances[token], kmers, offset, base) for base in "ACGT"] for offset in range(self.k)]
        singles = [self.tokens.index(letter) for letter in "ACGT"]
        return found + [row[singles].softmax(-1).tolist() for row in rows[whole : whole + len(self.text) % self.k]]

    @staticmethod
    def _marginal(chance: list[float], kmers: list[str], offset: int, base: str) -> float:
        return sum(p for p, word in zip(chance, kmers, strict=True) if word[offset] == base)


LETTERS = (*SPECIAL, "N", *"ACGT")
TRIPLETS = (*SPECIAL, *words(3), *"ACGT")
TEXT = "ACGTTGCAAGGTCATCCAGATTACATGGCA"
_POSITIONS = {"max_position_embeddings": 64}

OWN: dict[str, Own] = {
    "bert": Own(
        "BERT, 2 layers × 16, one base a token",
        False,
        1,
        TEXT,
        LETTERS,
        lambda size: BertForMaskedLM(BertConfig(vocab_size=size, **SMALL, **_POSITIONS)),
        bert_words,
        spaced=True,
    ),
    "bert-3mers": Own(
        "BERT, 2 layers × 16, 3-mer tokens",
        False,
        3,
        TEXT,
        (*SPECIAL, *words(3)),
        lambda size: BertForMaskedLM(BertConfig(vocab_size=size, **SMALL, **_POSITIONS)),
        bert_words,
        spaced=True,
    ),
    "esm": Own(
        "ESM, 2 layers × 16, one base a token",
        False,
        1,
        TEXT,
        LETTERS,
        lambda size: EsmForMaskedLM(
            EsmConfig(
                vocab_size=size,
                mask_token_id=4,
                pad_token_id=0,
                position_embedding_type="rotary",
                token_dropout=True,
                **SMALL,
                **_POSITIONS,
            )
        ),
        masked_tokenizer,
    ),
    "roformer": Own(
        "RoFormer, 2 layers × 16, one base a token",
        False,
        1,
        TEXT,
        LETTERS,
        lambda size: RoFormerForMaskedLM(RoFormerConfig(vocab_size=size, embedding_size=16, **SMALL, **_POSITIONS)),
        masked_tokenizer,
    ),
    "modernbert": Own(
        "ModernBERT, 2 layers × 16, one base a token",
        False,
        1,
        TEXT,
        LETTERS,
        lambda size: ModernBertForMaskedLM(
            ModernBertConfig(
                vocab_size=size,
                pad_token_id=0,
                bos_token_id=2,
                eos_token_id=3,
                cls_token_id=2,
                sep_token_id=3,
                local_attention=8,
                **SMALL,
                **_POSITIONS,
            )
        ),
        masked_tokenizer,
    ),
    "llama": Own(
        "Llama, 2 layers × 16, one base a token, read from left to right",
        True,
        1,
        TEXT,
        LETTERS,
        lambda size: LlamaForCausalLM(
            LlamaConfig(vocab_size=size, num_key_value_heads=1, bos_token_id=2, eos_token_id=3, **SMALL, **_POSITIONS)
        ),
        lambda folder, tokens: causal_tokenizer(folder, tokens, 1),
    ),
    "llama-3mers": Own(
        "Llama, 2 layers × 16, 3-mer tokens, read from left to right",
        True,
        3,
        TEXT + "GT",
        TRIPLETS,
        lambda size: LlamaForCausalLM(LlamaConfig(vocab_size=size, bos_token_id=2, eos_token_id=3, **SMALL, **_POSITIONS)),
        lambda folder, tokens: causal_tokenizer(folder, tokens, 3),
    ),
    "qwen3": Own(
        "Qwen3, 2 layers × 16, one base a token, read from left to right",
        True,
        1,
        TEXT,
        LETTERS,
        lambda size: Qwen3ForCausalLM(
            Qwen3Config(
                vocab_size=size,
                num_key_value_heads=2,
                head_dim=8,
                bos_token_id=2,
                eos_token_id=3,
                tie_word_embeddings=True,
                **SMALL,
                **_POSITIONS,
            )
        ),
        lambda folder, tokens: causal_tokenizer(folder, tokens, 1),
    ),
    "mistral": Own(
        "Mistral, 2 layers × 16, one base a token, read from left to right",
        True,
        1,
        TEXT,
        LETTERS,
        lambda size: MistralForCausalLM(
            MistralConfig(vocab_size=size, num_key_value_heads=2, sliding_window=8, bos_token_id=2, eos_token_id=3, **SMALL, **_POSITIONS)
        ),
        lambda folder, tokens: causal_tokenizer(folder, tokens, 1),
    ),
}
"""Name → checkpoint; mistral's attention slides, so nothing of it is reused."""
