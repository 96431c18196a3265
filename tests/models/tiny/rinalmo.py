"""RiNALMo in its two published layouts, with the same numbers in both."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from tests.models.tiny.writing import tensors, write_json, write_lines, write_safetensors, write_torch

WIDTH, INNER, LAYERS, HEADS = 40, 106, 2, 20
_OFFICIAL = ["<cls>", "<pad>", "<eos>", "<unk>", "<mask>", *"ACGTIRYKMSWBDHVN-"]
_PORT = ["<pad>", "<cls>", "<eos>", "<unk>", "<mask>", "<null>", *"ACGUNRYSWKMBDHVIX|.*-?"]
_RENAMED = {
    r"transformer\.blocks\.(\d)\.mh_attn\.out_proj": r"model.encoder.layer.\1.attention.output.dense",
    r"transformer\.blocks\.(\d)\.attn_layer_norm": r"model.encoder.layer.\1.attention.layer_norm",
    r"transformer\.blocks\.(\d)\.transition\.0\.beta": r"model.encoder.layer.\1.intermediate.bias",
    r"transformer\.blocks\.(\d)\.transition\.0": r"model.encoder.layer.\1.intermediate",
    r"transformer\.blocks\.(\d)\.transition\.2": r"model.encoder.layer.\1.output.dense",
    r"transformer\.blocks\.(\d)\.out_layer_norm": r"model.encoder.layer.\1.layer_norm",
    r"transformer\.final_layer_norm": "model.encoder.layer_norm",
    r"lm_mask_head\.linear1": "lm_head.transform.dense",
    r"lm_mask_head\.layer_norm": "lm_head.transform.layer_norm",
}


def _weights() -> dict[str, torch.Tensor]:
    found: dict[str, tuple[int, ...]] = {"embedding.weight": (len(_OFFICIAL), WIDTH)}
    for layer in range(LAYERS):
        block = f"transformer.blocks.{layer}"
        found |= {f"{block}.mh_attn.Wqkv.weight": (3 * WIDTH, WIDTH), f"{block}.mh_attn.out_proj.weight": (WIDTH, WIDTH)}
        found |= {f"{block}.{norm}.{kind}": (WIDTH,) for norm in ("attn_layer_norm", "out_layer_norm") for kind in ("weight", "bias")}
        for part in ("linear", "linear_gate"):
            found |= {f"{block}.transition.0.{part}.weight": (INNER, WIDTH), f"{block}.transition.0.{part}.bias": (INNER,)}
        found |= {f"{block}.transition.2.weight": (WIDTH, INNER), f"{block}.transition.2.bias": (WIDTH,)}
    found |= {f"transformer.final_layer_norm.{kind}": (WIDTH,) for kind in ("weight", "bias")}
    found |= {"lm_mask_head.linear1.weight": (WIDTH, WIDTH), "lm_mask_head.linear1.bias": (WIDTH,)}
    found |= {f"lm_mask_head.layer_norm.{kind}": (WIDTH,) for kind in ("weight", "bias")}
    found |= {"lm_mask_head.linear2.weight": (len(_OFFICIAL), WIDTH), "lm_mask_head.linear2.bias": (len(_OFFICIAL),)}
    values = tensors(found, 1.6)
    values |= {f"transformer.blocks.{layer}.transition.0.beta": torch.tensor([1.1 - 0.2 * layer]) for layer in range(LAYERS)}
    values["embedding.weight"][_OFFICIAL.index("<pad>")] = 0
    return values


def official(folder: Path) -> None:
    """The authors' file: a pickled table of tensors, nothing beside it."""
    write_torch(folder, _weights(), "rinalmo_shared_pretrained.pt")


def safetensors_port(folder: Path) -> None:
    """The layout of ``multimolecule/rinalmo-*``: its own vocabulary and names, query, key and value apart."""
    write_json(folder, "config.json", _config())
    write_lines(folder, "vocab.txt", _PORT)
    roles = {"bos_token": "<cls>", "cls_token": "<cls>", "eos_token": "<eos>", "sep_token": "<eos>"}
    roles |= {"mask_token": "<mask>", "pad_token": "<pad>", "unk_token": "<unk>"}
    write_json(folder, "tokenizer_config.json", roles | {"replace_T_with_U": True, "nmers": 1, "tokenizer_class": "RnaTokenizer"})
    values: dict[str, torch.Tensor] = {}
    for name, value in _weights().items():
        if name.endswith("Wqkv.weight"):
            layer = name.split(".")[2]
            for part, rows in zip(("query", "key", "value"), value.chunk(3), strict=True):
                values[f"model.encoder.layer.{layer}.attention.self.{part}.weight"] = rows.clone()
        elif name == "embedding.weight":
            values["model.embeddings.word_embeddings.weight"] = _in_order(value)
        elif name.startswith("lm_mask_head.linear2"):
            values["lm_head.bias" if name.endswith("bias") else "lm_head.decoder.weight"] = _in_order(value)
        else:
            values[_renamed(name)] = value
    write_safetensors(folder, values)
    write_torch(folder, {**values, "lm_head.decoder.bias": values["lm_head.bias"].clone()})


def _in_order(rows: torch.Tensor) -> torch.Tensor:
    """Rows of the official vocabulary in the order of the other one; 0 for what the official one lacks."""
    own = {("T" if token == "U" else token): index for index, token in enumerate(_PORT)}
    values = torch.zeros(len(_PORT), *rows.shape[1:])
    for index, token in enumerate(_OFFICIAL):
        values[own[token]] = rows[index]
    return values


def _renamed(name: str) -> str:
    return next(re.sub(old, new, name) for old, new in _RENAMED.items() if re.match(old, name))


def _config() -> dict[str, object]:
    head = {"act": None, "bias": True, "dropout": 0.0, "hidden_size": None, "layer_norm_eps": 1e-05, "transform": "nonlinear"}
    tokens = {"bos_token_id": 1, "eos_token_id": 2, "mask_token_id": 4, "null_token_id": 5, "pad_token_id": 0, "unk_token_id": 3}
    sizes = {"hidden_size": WIDTH, "intermediate_size": 4 * WIDTH, "num_attention_heads": HEADS, "num_hidden_layers": LAYERS}
    return {
        **tokens,
        **sizes,
        "architectures": ["RiNALMoForPreTraining"],
        "dtype": "float32",
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-05,
        "learnable_beta": True,
        "lm_head": {**head, "transform_act": "gelu"},
        "max_position_embeddings": 1024,
        "model_type": "rinalmo",
        "position_embedding_type": "rotary",
        "tie_word_embeddings": False,
        "token_dropout": True,
        "vocab_size": len(_PORT),
    }
