"""ESM directories: Nucleotide Transformer versions 1 and 2, and SegmentNT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tests.models.tiny.writing import Shapes, kmers, tensors, write_json, write_lines, write_safetensors, write_torch

ELEMENTS = [
    *("protein_coding_gene", "lncRNA", "exon", "intron", "splice_donor", "splice_acceptor", "5UTR", "3UTR", "CTCF-bound"),
    *("polyA_signal", "enhancer_Tissue_specific", "enhancer_Tissue_invariant", "promoter_Tissue_specific", "promoter_Tissue_invariant"),
]
_ROLES = {"cls_token": "<cls>", "mask_token": "<mask>", "pad_token": "<pad>", "unk_token": "<unk>"}


def config(vocabulary: int, **changes: Any) -> dict[str, Any]:
    """A config.json of EsmForMaskedLM."""
    return {
        "architectures": ["EsmForMaskedLM"],
        "attention_probs_dropout_prob": 0.0,
        "emb_layer_norm_before": False,
        "esmfold_config": None,
        "hidden_dropout_prob": 0.0,
        "hidden_size": 16,
        "initializer_range": 0.02,
        "intermediate_size": 24,
        "is_folding_model": False,
        "layer_norm_eps": 1e-12,
        "mask_token_id": 2,
        "max_position_embeddings": 50,
        "model_type": "esm",
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "pad_token_id": 1,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "transformers_version": "4.32.0.dev0",
        "use_cache": False,
        "vocab_list": None,
        "vocab_size": vocabulary,
    } | changes


def shapes(sizes: dict[str, Any], *, gated: bool) -> Shapes:
    """Published tensor names of the encoder; a gated feed-forward part has twice the rows and no biases."""
    width, hidden = sizes["hidden_size"], sizes["intermediate_size"]
    found: dict[str, tuple[int, ...]] = {"esm.embeddings.word_embeddings.weight": (sizes["vocab_size"], width)}
    linear: dict[str, tuple[int, int]] = {}
    norms = ["esm.encoder.emb_layer_norm_after"]
    for layer in range(sizes["num_hidden_layers"]):
        block = f"esm.encoder.layer.{layer}"
        linear |= {f"{block}.attention.self.{part}": (width, width) for part in ("query", "key", "value")}
        linear |= {f"{block}.attention.output.dense": (width, width)}
        norms += [f"{block}.attention.LayerNorm", f"{block}.LayerNorm"]
        inner = {f"{block}.intermediate.dense": ((2 if gated else 1) * hidden, width), f"{block}.output.dense": (width, hidden)}
        found |= {f"{name}.weight": shape for name, shape in inner.items()}
        found |= {} if gated else {f"{name}.bias": shape[:1] for name, shape in inner.items()}
    for name, shape in linear.items():
        found |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    for name in norms:
        found |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    return found


def head(sizes: dict[str, Any]) -> Shapes:
    """Published tensor names of the masked language model's head, and what the class stores beside it."""
    width, vocabulary = sizes["hidden_size"], sizes["vocab_size"]
    found: dict[str, tuple[int, ...]] = {"lm_head.decoder.weight": (vocabulary, width), "lm_head.bias": (vocabulary,)}
    found |= {"lm_head.dense.weight": (width, width), "lm_head.dense.bias": (width,)}
    found |= {"lm_head.layer_norm.weight": (width,), "lm_head.layer_norm.bias": (width,)}
    found |= {"esm.embeddings.position_embeddings.weight": (sizes["max_position_embeddings"], width)}
    both = sizes["num_hidden_layers"] * sizes["num_attention_heads"]
    return found | {"esm.contact_head.regression.weight": (1, both), "esm.contact_head.regression.bias": (1,)}


def frequencies(sizes: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The rotary buffer that each layer of the published class stores."""
    channels = sizes["hidden_size"] // sizes["num_attention_heads"]
    values = 10000.0 ** (-torch.arange(0, channels, 2, dtype=torch.float32) / channels)
    names = (f"esm.encoder.layer.{layer}.attention.self.rotary_embeddings.inv_freq" for layer in range(sizes["num_hidden_layers"]))
    return {name: values.clone() for name in names}


def write_tokenizer(folder: Path, *, second: bool) -> int:
    """The files of an EsmTokenizer over 6-mers; returns the number of tokens."""
    ends = ["<eos>", "<bos>"] if second else []
    tokens = ["<unk>", "<pad>", "<mask>", "<cls>", *ends, *kmers(6), *"ATCG", "N"]
    write_lines(folder, "vocab.txt", tokens)
    write_json(folder, "special_tokens_map.json", _ROLES)
    settings = {**_ROLES, "clean_up_tokenization_spaces": True, "eos_token": None, "tokenizer_class": "EsmTokenizer"}
    write_json(folder, "tokenizer_config.json", settings | {"model_max_length": 2048 if second else 1000})
    return len(tokens)


def version_1(folder: Path) -> None:
    """Nucleotide Transformer version 1: learned positions, plain feed-forward, token dropout."""
    sizes = config(write_tokenizer(folder, second=False), position_embedding_type="absolute", token_dropout=True)
    write_json(folder, "config.json", sizes)
    write_safetensors(folder, tensors({**shapes(sizes, gated=False), **head(sizes)}, 1.6))


def version_2(folder: Path) -> None:
    """Nucleotide Transformer version 2: rotary positions, gated feed-forward without biases."""
    remote = {"AutoConfig": "esm_config.EsmConfig", "AutoModelForMaskedLM": "modeling_esm.EsmForMaskedLM"}
    settings = {"add_bias_fnn": False, "auto_map": remote, "position_embedding_type": "rotary", "token_dropout": False}
    sizes = config(write_tokenizer(folder, second=True), **settings)
    write_json(folder, "config.json", sizes)
    values = {**tensors({**shapes(sizes, gated=True), **head(sizes)}, 1.6), **frequencies(sizes)}
    write_safetensors(folder, values)
    write_torch(folder, values)


def segmenter(folder: Path) -> None:
    """SegmentNT: the encoder of version 2 and a U-Net head, a pickled table of tensors only."""
    remote = {"AutoConfig": "segment_nt_config.SegmentNTConfig", "AutoModel": "modeling_segment_nt.SegmentNT"}
    settings = {"add_bias_fnn": False, "auto_map": remote, "position_embedding_type": "rotary", "token_dropout": False}
    settings |= {"architectures": ["SegmentNT"], "features": ELEMENTS, "rescaling_factor": 2.44140625, "num_layers_head": 2}
    sizes = config(write_tokenizer(folder, second=True), intermediate_size=20, max_position_embeddings=2050, **settings)
    write_json(folder, "config.json", sizes)
    found = {**shapes(sizes, gated=True), **_unet(sizes["hidden_size"]), "fc.weight": (6 * 2 * len(ELEMENTS), sizes["hidden_size"])}
    write_torch(folder, tensors({**found, "fc.bias": (6 * 2 * len(ELEMENTS),)}, 1.6))


def _unet(width: int) -> Shapes:
    """Two levels down and up, two convolutions a block."""
    down, up = [(width, width), (2 * width, width)], [(2 * width, 2 * width), (2 * width, width)]
    found: dict[str, tuple[int, ...]] = {}
    for block, (outer, inner) in enumerate(down):
        for layer, (rows, columns) in enumerate(((outer, inner), (outer, outer))):
            name = f"unet._downsample_blocks.{block}.conv_layers.{layer}"
            found |= {f"{name}.weight": (rows, columns, 3), f"{name}.bias": (rows,)}
    for block, (inner, outer) in enumerate(up):
        for layer, (rows, columns) in enumerate(((inner, outer), (outer, outer))):
            name = f"unet._upsample_blocks.{block}.conv_layers.{layer}"
            found |= {f"{name}.weight": (rows, columns, 3), f"{name}.bias": (columns,)}
    for layer in range(2):
        name = f"unet.final_block.conv_layers.{layer}"
        found |= {f"{name}.weight": (width, width, 3), f"{name}.bias": (width,)}
    return found
