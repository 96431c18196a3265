"""A loaded RiNALMo model and the vocabularies of its two published layouts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engine.core.card import ModelCard
from engine.core.errors import WeightsInvalid
from engine.core.sequence import NucleotideSequence
from engine.models.checkpoints.weights import count_layers, whole
from engine.models.reading.single_base import BaseTokens, SingleBaseModel
from engine.models.rinalmo.marks import is_official
from engine.models.rinalmo.network import RinalmoConfig, RinalmoNet

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from engine.models.checkpoints.evidence import Evidence

_OFFICIAL_TOKENS = ("<cls>", "<pad>", "<eos>", "<unk>", "<mask>", *"ACGTIRYKMSWBDHVN-")
_OFFICIAL_HEADS = 20


def read_tokens(evidence: Evidence) -> BaseTokens:
    """Vocabulary of a checkpoint: fixed in the official layout, from the tokenizer files in the other. U and T are one letter."""
    official = {token: index for index, token in enumerate(_OFFICIAL_TOKENS)}
    vocabulary = official if is_official(evidence) else evidence.vocabulary
    letters = {token: index for token, index in vocabulary.items() if len(token) == 1}
    letters["U"] = letters["T"] = letters.get("U", letters.get("T", -1))
    return BaseTokens(
        base_ids=(letters["A"], letters["C"], letters["G"], letters["U"]),
        letter_ids=letters,
        unknown_id=vocabulary["<unk>"],
        mask_id=vocabulary["<mask>"],
        before=(vocabulary["<cls>"],),
        after=(vocabulary["<eos>"],),
    )


def read_config(settings: Mapping[str, Any], tensors: Mapping[str, Tensor], tokens: BaseTokens, *, official: bool) -> RinalmoConfig:
    """Sizes from config.json and the shapes of the renamed tensors. Raises `WeightsInvalid`."""
    embedding, up = tensors.get("embedding.weight"), tensors.get("blocks.0.up.weight")
    if embedding is None or up is None or embedding.ndim != 2 or up.ndim != 2:
        raise WeightsInvalid("The checkpoint has no embedding or no first block of RiNALMo; its layout is not a published one.")
    layers = count_layers(int(found.group(1)) for name in tensors if (found := re.match(r"blocks\.(\d{1,9})\.", name)))
    return RinalmoConfig(
        vocabulary=embedding.shape[0],
        width=embedding.shape[1],
        layers=layers if official else whole(settings, "num_hidden_layers"),
        heads=whole(settings, "num_attention_heads", _OFFICIAL_HEADS if official else None),
        inner=up.shape[0],
        mask_id=tokens.mask_id if tokens.mask_id is not None else -1,
        pad_id=_OFFICIAL_TOKENS.index("<pad>") if official else whole(settings, "pad_token_id", 0, minimum=0),
        epsilon=float(settings.get("layer_norm_eps", 1e-5)),
        token_dropout=bool(settings.get("token_dropout", True)),
    )


class RinalmoModel(SingleBaseModel):
    """RiNALMo: (B, 1 + L + 1) ids with a token in front and one behind."""

    def __init__(self, card: ModelCard, net: RinalmoNet, tokens: BaseTokens, device: torch.device, dtype: str) -> None:
        super().__init__(card, tokens, device, dtype, net.config.width)
        self.net = net

    def vocabulary_logits(self, ids: Tensor) -> Tensor:
        """Logits float32 (B, T, V)."""
        return self.net(ids).float()  # type: ignore[no-any-return]

    def embeddings(self, sequence: NucleotideSequence) -> NDArray[np.float32]:
        """Last hidden states of the bases, float32 (L, width)."""
        with torch.inference_mode():
            hidden = self.net.hidden(self.prepare(sequence).ids[None])[0, 1:-1]
        return np.asarray(hidden.float().cpu().numpy(), dtype=np.float32)
