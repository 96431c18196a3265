"""Directories of transformers' own classes: SpliceBERT, RNAErnie2, AgroNT, and the decoders MarinDNA and Carbon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.models.tiny import bert, esm
from tests.models.tiny.writing import Shapes, tensors, write_json, write_lines, write_safetensors, write_torch

DNA_START = 20
_ROLES = {"cls_token": "[CLS]", "mask_token": "[MASK]", "pad_token": "[PAD]", "sep_token": "[SEP]", "unk_token": "[UNK]"}


def _letters(folder: Path, tokens: list[str], **changes: Any) -> None:
    """A BERT with a token a letter, its tokenizer the vocabulary alone."""
    sizes = bert.config(len(tokens), **changes)
    write_json(folder, "config.json", sizes)
    write_lines(folder, "vocab.txt", tokens)
    write_json(folder, "special_tokens_map.json", _ROLES)
    settings = {**_ROLES, "do_lower_case": False, "tokenizer_class": "BertTokenizer", "tokenize_chinese_chars": True, "strip_accents": None}
    write_json(folder, "tokenizer_config.json", settings)
    write_safetensors(folder, tensors(bert.shapes(sizes), 1.6))


def splice_bert(folder: Path) -> None:
    """SpliceBERT."""
    _letters(folder, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"NACGT"])


def rna_ernie_2(folder: Path) -> None:
    """RNAErnie2, U in place of T."""
    _letters(folder, ["[PAD]", "[UNK]", "[CLS]", "[EOS]", "[SEP]", "[MASK]", *"AUCGN"], hidden_size=24, num_attention_heads=3)


def agro_nt(folder: Path) -> None:
    """AgroNT: the layout of the Nucleotide Transformer's first version, a pickled table of tensors only."""
    settings = {"position_embedding_type": "absolute", "token_dropout": False, "hidden_size": 20}
    sizes = esm.config(esm.write_tokenizer(folder, second=False), **settings)
    write_json(folder, "config.json", sizes)
    write_torch(folder, tensors({**esm.shapes(sizes, gated=False), **esm.head(sizes)}, 1.6))


def decoder(vocabulary: int, **changes: Any) -> dict[str, Any]:
    """A config.json of a Llama-like decoder."""
    return {
        "attention_bias": False,
        "attention_dropout": 0.0,
        "head_dim": 8,
        "hidden_act": "silu",
        "hidden_size": 16,
        "initializer_range": 0.02,
        "intermediate_size": 24,
        "max_position_embeddings": 64,
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-06,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "transformers_version": "4.57.1",
        "use_cache": True,
        "vocab_size": vocabulary,
    } | changes


def decoder_shapes(sizes: dict[str, Any], *, normed: bool = False) -> Shapes:
    """Tensor names of LlamaForCausalLM; of Qwen3 (``normed``) queries and keys are normalised."""
    width, hidden, head = sizes["hidden_size"], sizes["intermediate_size"], sizes["head_dim"]
    queries, keys = head * sizes["num_attention_heads"], head * sizes["num_key_value_heads"]
    found: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (sizes["vocab_size"], width), "model.norm.weight": (width,)}
    for layer in range(sizes["num_hidden_layers"]):
        block = f"model.layers.{layer}"
        found |= {f"{block}.input_layernorm.weight": (width,), f"{block}.post_attention_layernorm.weight": (width,)}
        found |= {f"{block}.self_attn.q_proj.weight": (queries, width), f"{block}.self_attn.o_proj.weight": (width, queries)}
        found |= {f"{block}.self_attn.{part}_proj.weight": (keys, width) for part in "kv"}
        found |= {f"{block}.self_attn.{part}_norm.weight": (head,) for part in "qk" if normed}
        found |= {f"{block}.mlp.{part}_proj.weight": (hidden, width) for part in ("gate", "up")}
        found |= {f"{block}.mlp.down_proj.weight": (width, hidden)}
    tied = sizes["tie_word_embeddings"]
    return found if tied else found | {"lm_head.weight": (sizes["vocab_size"], width)}


def marin(folder: Path) -> None:
    """MarinDNA: Qwen3, one base a token, a start token that the tokenizer puts in front."""
    tokens = ["<pad>", "<bos>", "<unk>", *"acgt"]
    sizes = decoder(len(tokens), architectures=["Qwen3ForCausalLM"], model_type="qwen3", bos_token_id=1, use_sliding_window=False)
    write_json(folder, "config.json", sizes)
    roles = {"bos_token": "<bos>", "pad_token": "<pad>", "unk_token": "<unk>"}
    write_json(folder, "tokenizer_config.json", {**roles, "tokenizer_class": "PreTrainedTokenizerFast"})
    single = [{"SpecialToken": {"id": "<bos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    write_json(
        folder,
        "tokenizer.json",
        {
            "version": "1.0",
            "added_tokens": [bert.added_token(index, token, special=True) for index, token in enumerate(tokens[:3])],
            "normalizer": {"type": "Lowercase"},
            "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False},
            "post_processor": {
                "type": "TemplateProcessing",
                "single": single,
                "pair": [*single, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"<bos>": {"id": "<bos>", "ids": [1], "tokens": ["<bos>"]}},
            },
            "decoder": None,
            "model": {"type": "WordLevel", "vocab": {token: index for index, token in enumerate(tokens)}, "unk_token": "<unk>"},
        },
    )
    write_safetensors(folder, tensors(decoder_shapes(sizes, normed=True), 1.6))


def carbon(folder: Path) -> None:
    """Carbon: Llama over non-overlapping 6-mers whose ids dna_config.json counts; the tokenizer is code and is not there."""
    size = DNA_START + 3 + 4**6 + 1
    sizes = decoder(size, architectures=["LlamaForCausalLM"], model_type="llama", bos_token_id=None, hidden_size=12, num_attention_heads=2)
    write_json(folder, "config.json", sizes)
    specials = ["<dna>", "</dna>", "<oov>"]
    settings = {"k": 6, "dna_start_id": DNA_START, "dna_vocab_size": 3 + 4**6, "dna_special_tokens": specials, "auto_dna_tags": False}
    write_json(folder, "dna_config.json", settings)
    classes = {"AutoTokenizer": ["tokenizer.HybridDNATokenizer", None]}
    write_json(folder, "tokenizer_config.json", {"auto_map": classes, "tokenizer_class": "HybridDNATokenizer"})
    write_safetensors(folder, tensors(decoder_shapes(sizes), 1.6))
