"""megaDNA as it is published: one whole pickled module, nothing beside it.

The classes below only bear the names that stand in the published pickle; they hold parameters and compute nothing.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tests.models.tiny.writing import numbers

WIDTHS, DEPTHS, LENGTHS = (32, 24, 16), (2, 2, 1), (8, 6, 4)
HEADS, HEAD_WIDTH, TOKENS = 8, 16, 6
_NAMES = {
    "megaDNA.megadna": ("MEGADNA",),
    "MEGABYTE_pytorch.megabyte": ("Transformer", "Attention", "RMSNorm"),
    "MEGABYTE_pytorch.attend": ("Attend",),
    "einops.layers.torch": ("Rearrange",),
}


def pickled_module(folder: Path, **attributes: Any) -> None:
    """``torch.save`` of the module, with further ``attributes``, under the published name."""
    before = dict(sys.modules)
    for module, names in _NAMES.items():
        parts = module.split(".")
        for end in range(1, len(parts)):
            sys.modules[".".join(parts[:end])] = types.ModuleType(".".join(parts[:end]))
        made = types.ModuleType(module)
        for name in names:
            setattr(made, name, type(name, (nn.Module,), {"__module__": module}))
        sys.modules[module] = made
    try:
        torch.save(_module(attributes), folder / "megaDNA_phage_tiny.pt")
    finally:
        for name in [name for name in sys.modules if name not in before]:
            del sys.modules[name]
        sys.modules.update(before)


def _empty(module: str, name: str, **attributes: Any) -> Any:
    made = getattr(sys.modules[module], name)()
    for key, value in attributes.items():
        setattr(made, key, value)
    return made


def _rearrange(pattern: str, **lengths: int) -> Any:
    return _empty("einops.layers.torch", "Rearrange", pattern=pattern, axes_lengths=lengths)


def _norm(width: int) -> Any:
    return _empty("MEGABYTE_pytorch.megabyte", "RMSNorm", scale=width**-0.5, eps=1e-8, g=nn.Parameter(torch.ones(width)))


def _attention(width: int) -> Any:
    attend = _empty("MEGABYTE_pytorch.attend", "Attend", causal=True, flash=True, attn_dropout=nn.Dropout(0.0))
    inner = HEADS * HEAD_WIDTH
    return _empty(
        "MEGABYTE_pytorch.megabyte",
        "Attention",
        scale=HEAD_WIDTH**-0.5,
        heads=HEADS,
        attend=attend,
        norm=_norm(width),
        to_q=nn.Linear(width, inner, bias=False),
        to_kv=nn.Linear(width, 2 * HEAD_WIDTH, bias=False),
        to_out=nn.Linear(inner, width, bias=False),
    )


def _transformer(width: int, depth: int) -> Any:
    layers = nn.ModuleList()
    for _ in range(depth):
        forward = nn.Sequential(_norm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Dropout(0.0), nn.Linear(4 * width, width))
        layers.append(nn.ModuleList([_attention(width), forward]))
    return _empty("MEGABYTE_pytorch.megabyte", "Transformer", layers=layers, norm=_norm(width), rotary_emb=None)


def _part_embedding(stage: int) -> nn.Sequential:
    """Tokens of one part of ``stage`` to one vector."""
    tokens = 1
    for length in LENGTHS[stage + 1 :]:
        tokens *= length
    wide = tokens * WIDTHS[-1]
    parts = (nn.Embedding(TOKENS, WIDTHS[-1]), _rearrange("... r d -> ... (r d)"), nn.LayerNorm(wide))
    return nn.Sequential(*parts, nn.Linear(wide, WIDTHS[stage]), nn.LayerNorm(WIDTHS[stage]))


def _module(attributes: dict[str, Any]) -> Any:
    last = len(WIDTHS) - 1
    downward = [
        nn.Sequential(
            _rearrange("b ... d -> b (...) d"),
            nn.Linear(WIDTHS[stage], LENGTHS[stage + 1] * WIDTHS[stage + 1]),
            _rearrange("b m (n d) -> (b m) n d", n=LENGTHS[stage + 1]),
        )
        for stage in range(last)
    ]
    model = _empty(
        "megaDNA.megadna",
        "MEGADNA",
        stages=len(WIDTHS),
        max_seq_len=LENGTHS,
        pad_id=0,
        pos_embs=None,
        start_tokens=nn.ParameterList(torch.zeros(width) for width in WIDTHS),
        token_embs=nn.ModuleList([nn.Embedding(TOKENS, WIDTHS[-1]), *(_part_embedding(stage) for stage in range(last - 1, -1, -1))]),
        transformers=nn.ModuleList(_transformer(width, depth) for width, depth in zip(WIDTHS, DEPTHS, strict=True)),
        to_next_transformer_projections=nn.ModuleList([*downward, nn.Identity()]),
        to_logits=nn.Linear(WIDTHS[-1], TOKENS),
        **attributes,
    )
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.copy_(numbers(name, tuple(value.shape), 1.6))
            if name.endswith(".g") or (value.ndim == 1 and "token_embs" in name and name.endswith(("2.weight", "4.weight"))):
                value.add_(0 if name.endswith(".g") else 1)
    return model.eval()
