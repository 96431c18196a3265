"""Networks that several families share, by evidence: torch is imported when one is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.models.checkpoints.evidence import Evidence

if TYPE_CHECKING:
    from torch import Tensor

    from engine.models.networks.bert import BertNet


def bert_network(evidence: Evidence, tensors: Mapping[str, Tensor]) -> BertNet:
    """`engine.models.networks.bert.BertNet` filled with published tensors. Raises `WeightsInvalid` when they do not fit."""
    from engine.models.networks.bert import bert_from_tensors

    return bert_from_tensors(evidence.config, tensors)
