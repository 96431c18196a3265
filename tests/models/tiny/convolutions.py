"""GPN, and the two segmenters that read one-hot windows."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.models.tiny.writing import tensors, write_json, write_safetensors, write_torch

PUBLISHED_WITH_OUTPUTS = Path(__file__).resolve().parents[1] / "segmenters" / "data"
"""Small checkpoints of SegmentEnformer and SegmentBorzoi that the authors' code was run on."""

_TOKENS = ("[PAD]", "[MASK]", "[UNK]", "a", "c", "g", "t")


def gpn(folder: Path) -> None:
    """GPN of 2023 (class ConvNet): one base a token, no special tokens around."""
    width, layers, kernel = 24, 8, 9
    settings = {"architectures": ["ConvNetForMaskedLM"], "aux_features_vocab_size": 5, "n_aux_features": 0, "hidden_act": "gelu"}
    dilation = {"dilation_base": 2, "dilation_cycle": 6, "dilation_double_every": 1, "dilation_max": 32}
    sizes = {"hidden_size": width, "kernel_size": kernel, "n_layers": layers, "vocab_size": len(_TOKENS)}
    write_json(folder, "config.json", settings | dilation | sizes | {"model_type": "ConvNet", "transformers_version": "4.49.0"})
    _gpn_tokenizer(folder)
    found: dict[str, tuple[int, ...]] = {"cls.decoder.0.weight": (width, width), "cls.decoder.0.bias": (width,)}
    found |= {"cls.decoder.3.weight": (len(_TOKENS), width), "cls.decoder.3.bias": (len(_TOKENS),)}
    for layer in range(layers):
        block = f"model.encoder.{layer}"
        found |= {f"{block}.conv.1.weight": (width, width, kernel), f"{block}.conv.1.bias": (width,)}
        found |= {f"{block}.ffn.0.weight": (width, width), f"{block}.ffn.0.bias": (width,)}
    values = tensors(found, 1.2)
    norms = ["cls.decoder.2", *(f"model.encoder.{layer}.{part}" for layer in range(layers) for part in ("conv.4", "ffn.2"))]
    for norm in norms:
        values[f"{norm}.weight"] = 1 + tensors({f"{norm}.weight": (width,)})[f"{norm}.weight"]
        values |= tensors({f"{norm}.bias": (width,)})
    write_safetensors(folder, values)
    write_torch(folder, values)


def _gpn_tokenizer(folder: Path) -> None:
    roles = {"mask_token": "[MASK]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    write_json(folder, "special_tokens_map.json", roles)
    write_json(folder, "tokenizer_config.json", roles | {"tokenizer_class": "PreTrainedTokenizerFast"})
    write_json(
        folder,
        "tokenizer.json",
        {
            "version": "1.0",
            "added_tokens": [{"id": index, "content": token, **flags} for index, token in enumerate(_TOKENS[:3])],
            "normalizer": {"type": "Lowercase"},
            "pre_tokenizer": {"type": "Whitespace"},
            "post_processor": None,
            "decoder": None,
            "model": {
                "type": "BPE",
                "unk_token": "[UNK]",
                "vocab": {token: index for index, token in enumerate(_TOKENS)},
                "merges": [],
            },
        },
    )


def segment_enformer(folder: Path) -> None:
    """SegmentEnformer, as it lies beside its tests."""
    _copied("segment_enformer", folder)


def segment_borzoi(folder: Path) -> None:
    """SegmentBorzoi, as it lies beside its tests."""
    _copied("segment_borzoi", folder)


def _copied(name: str, folder: Path) -> None:
    for file in ("config.json", "model.safetensors"):
        shutil.copyfile(PUBLISHED_WITH_OUTPUTS / name / file, folder / file)
