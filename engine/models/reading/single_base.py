"""What models with one token per base share: substitution, masking and base columns by tensor arithmetic."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from engine.core.card import EffectRecipe, ModelCard
from engine.core.errors import CapabilityMissing, SequenceError
from engine.core.protocols import Prepared
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.models.networks.batching import passes_of

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class BaseTokens:
    """Vocabulary of a model with one token per base.

    Parameters
    ----------
    base_ids : tuple of int
        Ids of A, C, G and T (or U).
    letter_ids : dict of str to int
        Id of every letter the tokenizer knows, upper case.
    unknown_id : int
        Id of any other letter.
    mask_id : int or None
        Id of the mask token.
    before, after : tuple of int
        Special tokens in front of the first base and behind the last.
    """

    base_ids: tuple[int, int, int, int]
    letter_ids: dict[str, int]
    unknown_id: int
    mask_id: int | None
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()

    def encode(self, letters: str) -> list[int]:
        """Ids of upper-case ``letters`` with the special tokens."""
        return [*self.before, *(self.letter_ids.get(letter, self.unknown_id) for letter in letters), *self.after]


def check_length(card: ModelCard, length: int) -> None:
    """Raises `SequenceError` when ``length`` bases are outside the card's limits."""
    if not card.min_length <= length <= card.max_length:
        raise SequenceError(
            f"The sequence has {length:,} bases; {card.title} takes {card.min_length:,} to {card.max_length:,}. "
            f"{'Choose a shorter window or a model with a longer context.' if length > card.max_length else 'Give a longer sequence.'}"
        )


class SingleBaseModel(ABC):
    """A loaded model with one token per base; a subclass gives `vocabulary_logits`."""

    def __init__(self, card: ModelCard, tokens: BaseTokens, device: torch.device, dtype: str, width: int = 0) -> None:
        """``width``: channels of the network's widest layer, where that is known."""
        self._card = card
        self._width = width
        self._device = device
        self._dtype = dtype
        self.tokens = tokens
        self._base_ids = torch.tensor(tokens.base_ids, dtype=torch.int64, device=device)

    @property
    def card(self) -> ModelCard:
        """Identity and limits."""
        return self._card

    @property
    def device(self) -> str:
        """Torch device of the weights."""
        return str(self._device)

    @property
    def dtype(self) -> str:
        """Precision the weights compute in."""
        return self._dtype

    @property
    def effect_recipe(self) -> EffectRecipe:
        """The whole sequence as given, one strand."""
        return EffectRecipe()

    @abstractmethod
    def vocabulary_logits(self, ids: Tensor) -> Tensor:
        """Logits float32 (B, T, V) of token ids int64 (B, T); row t scores the token at t (a causal model: the token at t + 1)."""

    def prepare(self, sequence: NucleotideSequence) -> Prepared:
        """Tokenise the reference. Raises `SequenceError` outside the model's length limits."""
        check_length(self._card, len(sequence))
        letters = sequence.as_rna() if self._card.alphabet is Alphabet.RNA else sequence.as_dna()
        return Prepared(letters, torch.tensor(self.tokens.encode(letters), dtype=torch.int64, device=self._device))

    def mutants(self, reference: Prepared, positions: Tensor, alternates: Tensor) -> Tensor:
        """Token ids (B, T): the reference with base ``positions[b]`` replaced by ``alternates[b]``."""
        places = positions.to(self._device) + len(self.tokens.before)
        return self._replaced(reference, places, self._base_ids[alternates.to(self._device)])

    def masked(self, reference: Prepared, positions: Tensor) -> Tensor:
        """Token ids (B, T): the reference with the token of base ``positions[b]`` masked."""
        if self.tokens.mask_id is None:
            raise CapabilityMissing(
                f"{self._card.title} reads from left to right and has no mask token; ask for unmasked probabilities or delta log-likelihood."
            )
        places = positions.to(self._device) + len(self.tokens.before)
        return self._replaced(reference, places, torch.full_like(places, self.tokens.mask_id))

    @staticmethod
    def _replaced(reference: Prepared, places: Tensor, ids: Tensor) -> Tensor:
        batch = reference.ids.repeat(places.shape[0], 1)
        batch[torch.arange(places.shape[0], device=batch.device), places] = ids
        return batch

    def base_logits(self, reference: Prepared, ids: Tensor, *, normalised: bool = False) -> Tensor:
        """Scores float32 (B, L, 4) of A, C, G, T at each base of ``ids`` (B, T)."""
        logits = self.vocabulary_logits(ids.to(self._device))
        if normalised:
            logits = torch.log_softmax(logits, dim=-1)
        first = self._first_row()
        return logits[:, first : first + reference.length].index_select(-1, self._base_ids)

    def _first_row(self) -> int:
        """Row of the logits that scores base 0."""
        return len(self.tokens.before)

    def passes_per_batch(self, reference: Prepared) -> int:
        """How many sequences of this length one forward pass should hold."""
        return passes_of(int(reference.ids.shape[0]), self.device, self._width)
