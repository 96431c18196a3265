"""A loaded megaDNA model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from engine.core.card import ModelCard
from engine.core.errors import ParameterError
from engine.core.sequence import BASES, NucleotideSequence
from engine.models.checkpoints.evidence import find_weights
from engine.models.checkpoints.weights import StateDict, file_sha256, is_pickled_module, read_pickled_module, read_state
from engine.models.megadna.continuation import Continuation
from engine.models.megadna.marks import WEIGHTS
from engine.models.megadna.network import MegaDnaNet
from engine.models.megadna.prefix import MegaDnaPrefix, MegaDnaReference
from engine.models.reading.single_base import BaseTokens, SingleBaseModel, check_length
from engine.models.shortcuts.reference import PerReference

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from engine.core.protocols import Prepared

_A, _T, _C, _G = 1, 2, 3, 4
_START, _END = 0, 5
TOKENS = BaseTokens(
    base_ids=(_A, _C, _G, _T),
    letter_ids={"A": _A, "T": _T, "C": _C, "G": _G},
    unknown_id=_A,
    mask_id=None,
    before=(_START,),
    after=(_END,),
)
"""The authors' vocabulary ['**', 'A', 'T', 'C', 'G', '#']."""


def read_tensors(directory: Path) -> StateDict:
    """Published tensors of a checkpoint directory, also of one pickled module. Raises `WeightsMissing` or `WeightsInvalid`."""
    path = find_weights(directory, WEIGHTS)
    if path.suffix == ".safetensors" or not is_pickled_module(path):
        return read_state(directory, WEIGHTS)
    return StateDict(read_pickled_module(path).tensors(), (path,), file_sha256(path))


class MegaDnaModel(SingleBaseModel):
    """megaDNA: (B, 1 + L + 1) ids; base j is scored from the start token and the bases before it."""

    def __init__(self, card: ModelCard, net: MegaDnaNet, device: torch.device, dtype: str) -> None:
        super().__init__(card, TOKENS, device, dtype, max(net.config.widths))
        self.net = net
        self.prefix = MegaDnaPrefix(net)
        self._known: PerReference[MegaDnaReference] = PerReference(lambda reference: self.prefix.reference(reference.ids))

    def vocabulary_logits(self, ids: Tensor) -> Tensor:
        """Logits float32 (B, T, V); row t scores token t + 1. Padding is not computed."""
        return self.prefix.logits(ids).float()

    def mutant_logits(self, reference: Prepared, positions: Tensor, alternates: Tensor, *, normalised: bool = False) -> Tensor:
        """Scores float32 (B, L, 4) of the mutants, exact: only what stands behind each change is computed."""
        places = positions.to(self._device) + len(self.tokens.before)
        tokens = self._base_ids[alternates.to(self._device)]
        logits = self.prefix.mutants(self._known(reference), places, tokens)[:, : reference.length].float()
        if normalised:
            logits = torch.log_softmax(logits, dim=-1)
        return logits.index_select(-1, self._base_ids)

    def passes_per_batch(self, reference: Prepared) -> int:
        """A multiple of three, so that the alternates of one base share what stands before it."""
        return 3 * max(1, super().passes_per_batch(reference) // 3)

    def _first_row(self) -> int:
        """The row of the start token scores base 0."""
        return len(self.tokens.before) - 1

    def log_likelihoods(self, reference: Prepared, ids: Tensor) -> Tensor:
        """ln P of each row of ``ids`` (B, T), float64 (B,): every base and the end token; the leading token is not scored.

        The authors' loss is minus this divided by L + 1.
        """
        ids = ids.to(self._device)
        return self._summed(self.prefix.logits(ids), ids)

    def mutant_log_likelihoods(self, reference: Prepared, positions: Tensor, alternates: Tensor) -> Tensor:
        """As `log_likelihoods` of the mutants, float64 (B,); only what stands behind each change is computed."""
        ids = self.mutants(reference, positions, alternates)
        places = positions.to(self._device) + len(self.tokens.before)
        return self._summed(self.prefix.mutants(self._known(reference), places, self._base_ids[alternates.to(self._device)]), ids)

    def _summed(self, logits: Tensor, ids: Tensor) -> Tensor:
        """Sum over tokens behind the first of ln P, float64 (B,), from logits (B, T, V) of the token after each."""
        scores = torch.log_softmax(logits[:, :-1].double(), dim=-1)
        chosen = scores.gather(-1, ids[:, 1:, None]).squeeze(-1)
        return chosen.masked_fill(ids[:, 1:] == self.net.config.pad_id, 0.0).sum(dim=-1)

    def embeddings(self, sequence: NucleotideSequence) -> NDArray[np.float32]:
        """States of the finest stage at the bases, float32 (L, width)."""
        ids = self.prepare(sequence).ids[None]
        with torch.inference_mode():
            states = self.net.states(ids)[-1][:, 1:].flatten(0, 1)[1 : len(sequence) + 1]
        return np.asarray(states.float().cpu().numpy(), dtype=np.float32)

    def continue_sequence(
        self, sequence: NucleotideSequence, length: int, seed: int, temperature: float = 1.0, told: Callable[[int], None] = lambda _: None
    ) -> str:
        """``length`` further bases, sampled one by one among A, C, G, T (the end token is never taken); ``told`` hears of each.

        ``temperature`` 0 takes the likeliest base. Raises `ParameterError` and `SequenceError` outside the limits.
        """
        if length < 1 or not 0 <= temperature <= 10:
            raise ParameterError(f"Asked for {length:,} bases at temperature {temperature}; allowed: at least 1 base, temperature 0 to 10.")
        check_length(self._card, len(sequence) + length)
        generator = torch.Generator().manual_seed(seed)
        letters: list[str] = []
        with torch.inference_mode():
            going = Continuation(self.net, self.prepare(sequence).ids[: 1 + len(sequence)])
            for _ in range(length):
                scores = going.logits()[self._base_ids].double().cpu()
                if temperature:
                    chosen = int(torch.multinomial(torch.softmax(scores / temperature, dim=-1), 1, generator=generator))
                else:
                    chosen = int(scores.argmax())
                letters.append(BASES[chosen])
                going.append(self._base_ids[chosen])
                told(1)
        return "".join(letters)
