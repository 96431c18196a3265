"""BERT directories: SpeciesLM (one base and six bases a token, rotary positions) and GROVER."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tests.models.tiny.writing import Shapes, kmers, tensors, write_json, write_lines, write_safetensors, write_torch

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
FUNGI = ["kazachstania_africana_cbs_2517_gca_000304475", "candida_glabrata", "saccharomyces_mikatae_ifo_1815_gca_000167055"]
ANIMALS = ["homo_sapiens", "mus_musculus", "drosophila_melanogaster"]
_ROLES = {"cls_token": "[CLS]", "mask_token": "[MASK]", "pad_token": "[PAD]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
_BYTE_PAIRS = (
    *("TT", "AC", "GT", "GC", "AA", "AT", "CC", "AG", "CT", "GG", "TG", "CA", "CG"),
    *("ACT", "TTT", "GTG", "GCT", "AAC", "TTC", "ACC", "CAT", "ATT", "CAG"),
    *("TTTT", "GTGT", "GCCT", "ATCG", "AAAA", "CATC", "TTTTTTTT"),
)


def config(vocabulary: int, **changes: Any) -> dict[str, Any]:
    """A config.json of BertForMaskedLM."""
    return {
        "architectures": ["BertForMaskedLM"],
        "attention_probs_dropout_prob": 0.1,
        "classifier_dropout": None,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": 16,
        "initializer_range": 0.02,
        "intermediate_size": 24,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": 64,
        "model_type": "bert",
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
        "torch_dtype": "float32",
        "transformers_version": "4.26.1",
        "type_vocab_size": 2,
        "use_cache": True,
        "vocab_size": vocabulary,
    } | changes


def shapes(sizes: dict[str, Any]) -> Shapes:
    """Published tensor names of BertForMaskedLM without those that are tied."""
    width, hidden, vocabulary = sizes["hidden_size"], sizes["intermediate_size"], sizes["vocab_size"]
    found: dict[str, tuple[int, ...]] = {
        "bert.embeddings.word_embeddings.weight": (vocabulary, width),
        "bert.embeddings.position_embeddings.weight": (sizes["max_position_embeddings"], width),
        "bert.embeddings.token_type_embeddings.weight": (sizes["type_vocab_size"], width),
    }
    linear = {"cls.predictions.transform.dense": (width, width)}
    norms = ["bert.embeddings.LayerNorm", "cls.predictions.transform.LayerNorm"]
    for layer in range(sizes["num_hidden_layers"]):
        block = f"bert.encoder.layer.{layer}"
        linear |= {f"{block}.attention.self.{part}": (width, width) for part in ("query", "key", "value")}
        linear |= {f"{block}.attention.output.dense": (width, width), f"{block}.intermediate.dense": (hidden, width)}
        linear |= {f"{block}.output.dense": (width, hidden)}
        norms += [f"{block}.attention.output.LayerNorm", f"{block}.output.LayerNorm"]
    for name, (rows, columns) in linear.items():
        found |= {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}
    for name in norms:
        found |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    return found | {"cls.predictions.bias": (vocabulary,)}


def weights(sizes: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Seeded tensors of `shapes`, with the buffer that old versions of transformers stored."""
    buffer = {"bert.embeddings.position_ids": torch.arange(sizes["max_position_embeddings"])[None]}
    return {**tensors(shapes(sizes), 1.6), **buffer}


def with_tied(values: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """As pytorch_model.bin holds it: the tied output weights and bias once more."""
    words, bias = values["bert.embeddings.word_embeddings.weight"], values["cls.predictions.bias"]
    return {**values, "cls.predictions.decoder.weight": words, "cls.predictions.decoder.bias": bias}


def write_tokenizer(folder: Path, words: list[str], species: list[str]) -> None:
    """The files of a BertTokenizer whose species are added tokens behind the words."""
    tokens = [*SPECIAL, *words]
    added = {name: len(tokens) + index for index, name in enumerate(species)}
    write_lines(folder, "vocab.txt", tokens)
    write_json(folder, "added_tokens.json", added)
    write_json(folder, "special_tokens_map.json", _ROLES)
    write_json(folder, "tokenizer_config.json", {**_ROLES, "do_lower_case": False, "tokenizer_class": "BertTokenizer"})
    write_json(
        folder,
        "tokenizer.json",
        {
            "version": "1.0",
            "added_tokens": [added_token(index, name, special=False) for name, index in added.items()],
            "normalizer": {
                "type": "BertNormalizer",
                "clean_text": True,
                "handle_chinese_chars": True,
                "strip_accents": None,
                "lowercase": False,
            },
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": around("[CLS]", "[SEP]"),
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
            "model": {
                "type": "WordPiece",
                "unk_token": "[UNK]",
                "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100,
                "vocab": {token: index for index, token in enumerate(tokens)},
            },
        },
    )


def added_token(index: int, content: str, *, special: bool) -> dict[str, Any]:
    """One entry of ``added_tokens`` in tokenizer.json."""
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": not special, "special": special}
    return {"id": index, "content": content, **flags}


def around(first: str, last: str) -> dict[str, Any]:
    """A post-processor that puts a token in front and one behind."""
    single = [{"SpecialToken": {"id": first, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    single.append({"SpecialToken": {"id": last, "type_id": 0}})
    ids = {token: {"id": token, "ids": [SPECIAL.index(token)], "tokens": [token]} for token in (first, last)}
    pair = [*single, {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": last, "type_id": 1}}]
    return {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": ids}


def _species(folder: Path, words: list[str], species: list[str], sizes: dict[str, Any]) -> None:
    write_json(folder, "config.json", sizes)
    write_tokenizer(folder, words, species)
    values = weights(sizes)
    write_safetensors(folder, values)
    write_torch(folder, with_tied(values))


def single_bases(folder: Path) -> None:
    """SpeciesLM of fungi, one base a token; embeddings padded beyond the vocabulary."""
    sizes = config(16, hidden_size=32, intermediate_size=48, num_attention_heads=4)
    _species(folder, list("ATCG"), FUNGI, sizes)


def six_bases(folder: Path) -> None:
    """SpeciesLM of fungi, overlapping 6-mers."""
    _species(folder, kmers(6), [*FUNGI, "homo_sapiens"], config(4112))


def rotary(folder: Path) -> None:
    """SpeciesLM of metazoa: overlapping 6-mers, rotary positions beside the learned ones, a separate decoder."""
    names = {"position_embedding_type": "rotary", "rotary_emb_dim": 8, "rotary_emb_base": 10000.0, "rotary_emb_interleaved": False}
    sizes = config(4112, max_position_embeddings=96, tie_word_embeddings=True, **names)
    write_json(folder, "config.json", sizes)
    write_tokenizer(folder, kmers(6), ANIMALS)
    values = weights(sizes)
    values["cls.predictions.decoder.weight"] = values["bert.embeddings.word_embeddings.weight"].clone()
    extra = {"bert.pooler.dense.weight": (16, 16), "bert.pooler.dense.bias": (16,)}
    extra |= {"cls.seq_relationship.weight": (2, 16), "cls.seq_relationship.bias": (2,)}
    write_safetensors(folder, {**values, **tensors(extra)})


def byte_pairs(folder: Path) -> None:
    """GROVER: byte-pair tokens, a pickled table of tensors only."""
    tokens = [*SPECIAL, *"ACGT", *_BYTE_PAIRS]
    sizes = config(len(tokens), hidden_size=24, intermediate_size=40, num_attention_heads=3, max_position_embeddings=80)
    write_json(folder, "config.json", sizes)
    write_json(folder, "special_tokens_map.json", _ROLES)
    write_json(folder, "tokenizer_config.json", {**_ROLES, "tokenizer_class": "PreTrainedTokenizerFast"})
    write_lines(folder, "vocab.txt", tokens)
    write_json(
        folder,
        "tokenizer.json",
        {
            "version": "1.0",
            "added_tokens": [added_token(index, token, special=True) for index, token in enumerate(SPECIAL)],
            "normalizer": None,
            "pre_tokenizer": None,
            "post_processor": around("[CLS]", "[SEP]"),
            "decoder": None,
            "model": {
                "type": "BPE",
                "unk_token": "[UNK]",
                "vocab": {token: index for index, token in enumerate(tokens)},
                "merges": [_merge(token) for token in _BYTE_PAIRS],
            },
        },
    )
    write_torch(folder, with_tied(weights(sizes)))


def _merge(token: str) -> str:
    """The two tokens that make ``token``, the longer in front where the lengths differ."""
    known = {*"ACGT", *_BYTE_PAIRS[: _BYTE_PAIRS.index(token)]}
    cuts = [cut for cut in range(len(token) - 1, 0, -1) if token[:cut] in known and token[cut:] in known]
    cut = min(cuts, key=lambda place: abs(2 * place - len(token)))
    return f"{token[:cut]} {token[cut:]}"
