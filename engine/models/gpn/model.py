"""A loaded GPN model."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from engine.core.card import EffectRecipe, ModelCard
from engine.core.protocols import Prepared
from engine.core.sequence import NucleotideSequence
from engine.models.gpn.adapter import RECIPE
from engine.models.gpn.cone import gpn_cone
from engine.models.gpn.network import GpnNet
from engine.models.reading.single_base import BaseTokens, SingleBaseModel
from engine.models.shortcuts.cone import Cone, ConeReference, prove
from engine.models.shortcuts.reference import PerReference

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from engine.models.checkpoints.evidence import Evidence

_DEFAULT_VOCABULARY = {"[PAD]": 0, "[MASK]": 1, "[UNK]": 2, "a": 3, "c": 4, "g": 5, "t": 6}


def read_tokens(evidence: Evidence) -> BaseTokens:
    """Ids from the tokenizer files beside the weights; the published ids where a checkpoint comes without them."""
    vocabulary = {**_DEFAULT_VOCABULARY, **evidence.vocabulary}
    letters = {letter.upper(): vocabulary[letter] for letter in "acgt"}
    base_ids = (letters["A"], letters["C"], letters["G"], letters["T"])
    return BaseTokens(base_ids, letters, vocabulary["[UNK]"], vocabulary["[MASK]"])


class GpnModel(SingleBaseModel):
    """GPN: (B, L) ids without special tokens; letters other than A, C, G, T are the unknown token."""

    def __init__(self, card: ModelCard, net: GpnNet, tokens: BaseTokens, device: torch.device, dtype: str) -> None:
        super().__init__(card, tokens, device, dtype, net.config.width)
        self.net = net
        self._cone_reference = PerReference(self._run_reference)

    @property
    def effect_recipe(self) -> EffectRecipe:
        """Window of 512 bases, centre masked, mean of the strands."""
        return RECIPE

    def vocabulary_logits(self, ids: Tensor) -> Tensor:
        """Logits float32 (B, L, V)."""
        if self.cone is None:
            return self.net(ids).float()  # type: ignore[no-any-return]
        return self.cone.full(self.net.embed(ids)).float()

    @cached_property
    def cone(self) -> Cone | None:
        """The network as local layers, proven against the network itself at first use; None where the proof failed."""
        with torch.inference_mode():
            cone = gpn_cone(self.net)
            a, c, g, t = self.tokens.base_ids
            ids = torch.tensor([[a, c, g, g, t, a, t, c, c, a, g, t, t, a, c]], device=self._device)
            return cone if cone is not None and prove(cone, self.net, self.net.embed, ids, t) else None

    def _run_reference(self, reference: Prepared) -> ConeReference:
        if self.cone is None:
            raise RuntimeError("a reference of the cone was asked for although the network is not local")
        return self.cone.reference(self.net.embed(reference.ids[None])[0])

    def mutant_logits(self, reference: Prepared, positions: Tensor, alternates: Tensor, *, normalised: bool = False) -> Tensor:
        """Scores float32 (B, L, 4) of the mutants, exact: only the rows that a change can reach are computed."""
        if self.cone is None:
            return self.base_logits(reference, self.mutants(reference, positions, alternates), normalised=normalised)
        changed = self.net.embed(self._base_ids[alternates.to(self._device)][:, None])[:, 0]
        logits = self.cone.scores(self._cone_reference(reference), positions.to(self._device), changed).float()
        if normalised:
            logits = torch.log_softmax(logits, dim=-1)
        return logits.index_select(-1, self._base_ids)

    def passes_per_batch(self, reference: Prepared) -> int:
        """How many mutants one call should hold: as many more than whole passes as the cone saves rows."""
        gain = 1.0 if self.cone is None else self.cone.gain(reference.length)
        return max(1, int(super().passes_per_batch(reference) * gain))

    def embeddings(self, sequence: NucleotideSequence) -> NDArray[np.float32]:
        """Last hidden states float32 (L, width)."""
        with torch.inference_mode():
            hidden = self.net.hidden(self.prepare(sequence).ids[None])[0]
        return np.asarray(hidden.float().cpu().numpy(), dtype=np.float32)
