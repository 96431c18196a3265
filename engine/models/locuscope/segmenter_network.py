"""Network of the shipped segmenter: a 1D U-Net over the language model's hidden states, its reading frames and the letters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.models.locuscope.codons import CodonLayer
from engine.models.locuscope.network import LocuscopeNet, NetConfig


@dataclass(frozen=True)
class SegmenterConfig:
    """Sizes of the segmentation head and names of its elements; written as config.json beside its weights."""

    elements: tuple[str, ...]
    inner: int = 96
    outer: int = 192
    language_model: NetConfig = field(default_factory=NetConfig)
    model_type: str = "locuscope-segmenter"

    @classmethod
    def read(cls, path: Path) -> SegmenterConfig:
        """Read config.json."""
        return cls.of(json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> SegmenterConfig:
        """From the values of config.json."""
        held = dict(raw["language_model"])
        lists = {name: tuple(value) for name, value in held.items() if isinstance(value, list)}
        return cls(tuple(raw["elements"]), int(raw["inner"]), int(raw["outer"]), NetConfig(**held | lists))

    def write(self, path: Path) -> None:
        """Write config.json."""
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


class _Convolutions(nn.Module):
    """Two residual convolutions of width 3 over (B, channels, L), normalised per position."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.first = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv1d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm(x.transpose(1, 2)).transpose(1, 2)
        out: Tensor = x + self.second(functional.gelu(self.first(inner)))
        return out


class SegmenterHead(nn.Module):
    """1D U-Net over what the segmenter reads of the bases, (B, L, channels), to logits (B, L, elements).

    The first step down folds three neighbouring bases into the channels (no phase of the reading frame is lost), the next two pool by
    four, so that the lowest level sees about a thousand bases.
    """

    STRIDE = 48

    def __init__(self, config: SegmenterConfig) -> None:
        super().__init__()
        inner, outer = config.inner, config.outer
        self.entry = nn.Conv1d(config.language_model.hidden_size + CodonLayer.TRACKS + 4, inner, 5, padding=2)
        self.base = _Convolutions(inner)
        self.fold = nn.Conv1d(3 * inner, outer, 1)
        self.codons = nn.ModuleList([_Convolutions(outer), _Convolutions(outer, 2)])
        self.middle = nn.ModuleList([_Convolutions(outer), _Convolutions(outer, 2)])
        self.bottom = nn.ModuleList([_Convolutions(outer), _Convolutions(outer, 2), _Convolutions(outer, 4)])
        self.rise_middle, self.rise_codons = _Convolutions(outer), _Convolutions(outer)
        self.unfold = nn.Conv1d(outer, 3 * inner, 1)
        self.last = _Convolutions(inner)
        self.out = nn.Conv1d(inner, len(config.elements), 1)
        self.out.bias = nn.Parameter(torch.full((len(config.elements),), -3.0))

    def forward(self, read: Tensor) -> Tensor:
        length = read.shape[1]
        x = functional.pad(read.transpose(1, 2), (0, -length % self.STRIDE))
        base = self.base(self.entry(x))
        batch, inner, padded = base.shape
        folded = base.view(batch, inner, padded // 3, 3).transpose(2, 3).reshape(batch, 3 * inner, padded // 3)
        codons = _through(self.codons, self.fold(folded))
        middle = _through(self.middle, functional.max_pool1d(codons, 4))
        bottom = _through(self.bottom, functional.max_pool1d(middle, 4))
        middle = self.rise_middle(middle + bottom.repeat_interleave(4, dim=2))
        codons = self.rise_codons(codons + middle.repeat_interleave(4, dim=2))
        spread = self.unfold(codons).view(batch, inner, 3, padded // 3).transpose(2, 3).reshape(batch, inner, padded)
        out: Tensor = self.out(self.last(base + spread)).transpose(1, 2)[:, :length]
        return out


def _through(layers: nn.ModuleList, x: Tensor) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x


class LocuscopeSegmenter(nn.Module):
    """Frozen language model and head: ids (B, T), the domain token first, to logits (B, T - 1, elements); sigmoid gives probabilities."""

    def __init__(self, config: SegmenterConfig) -> None:
        super().__init__()
        self.config = config
        self.language_model = LocuscopeNet(config.language_model)
        self.head = SegmenterHead(config)

    def read(self, ids: Tensor) -> Tensor:
        """Hidden states of the bases, tracks of the codon layer and letters, (B, T - 1, channels), without gradients."""
        with torch.no_grad():
            hidden, frames = self.language_model.hidden_and_tracks(ids)
            letters = self.language_model.stem.letters(ids)
            return torch.cat((hidden, frames.to(hidden.dtype), letters.to(hidden.dtype)), dim=-1)[:, 1:]

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of the elements at every base."""
        out: Tensor = self.head(self.read(ids))
        return out

    @classmethod
    def from_pretrained(cls, directory: str | Path) -> LocuscopeSegmenter:
        """Load config.json and model.safetensors of `directory`, in float32 and evaluation mode."""
        from safetensors.torch import load_file

        folder = Path(directory)
        net = cls(SegmenterConfig.read(folder / "config.json"))
        state = load_file(folder / "model.safetensors")
        net.load_state_dict({name: tensor.float() for name, tensor in state.items()})
        return net.eval()
