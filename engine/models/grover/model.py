"""A loaded GROVER model: tokens, and bases as sums over tokens."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from engine.core.card import EffectRecipe, ModelCard
from engine.core.errors import ParameterError, SequenceError, WeightsInvalid
from engine.core.protocols import Prepared
from engine.core.sequence import BASES, NucleotideSequence
from engine.models.networks.batching import passes_of
from engine.models.networks.bert import BertConfig, BertNet
from engine.models.reading.byte_pairs import PairTokenizer, Tokens
from engine.models.reading.single_base import check_length

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class PreparedTokens(Prepared):
    """A reference with its tokens; ``lengths`` int64 (T,) is the number of bases of each id, 0 for special tokens."""

    tokens: Tokens
    lengths: Tensor

    @property
    def layout(self) -> Hashable:
        """Shared with no other reference: where tokens end depends on the letters."""
        return id(self)


def checked_limits(config: BertConfig, tokenizer: PairTokenizer) -> tuple[int, int]:
    """Most tokens without specials, and the most bases those could hold. Raises `WeightsInvalid`."""
    if tokenizer.size > config.vocabulary:
        raise WeightsInvalid(
            f"tokenizer.json has ids up to {tokenizer.size - 1} but config.json a vocabulary of {config.vocabulary}; "
            "take both from the same publication."
        )
    most = config.positions - len(tokenizer.before) - len(tokenizer.after)
    longest = max(len(letters) for letters in tokenizer.letters.values())
    if most < 1 or longest < 1:
        raise WeightsInvalid("The checkpoint has no positions or no tokens of bases; it is not a published one.")
    return most, most * longest


class GroverModel:
    """GROVER: ids (B, T) with its special tokens; rows of other mutants may be shorter, filled with padding behind."""

    def __init__(self, card: ModelCard, net: BertNet, tokenizer: PairTokenizer, most_tokens: int, device: torch.device, dtype: str) -> None:
        self._card, self._device, self._dtype = card, device, dtype
        self.net, self.tokenizer, self.most_tokens = net, tokenizer, most_tokens
        self._mask, self._pad = tokenizer.special["mask_token"], tokenizer.special["pad_token"]
        vocabulary = net.config.vocabulary
        longest = max(len(letters) for letters in tokenizer.letters.values())
        self._lengths = torch.zeros(vocabulary, dtype=torch.int64, device=device)
        self._bases = torch.zeros(vocabulary, longest, 4, device=device)
        for index, letters in tokenizer.letters.items():
            self._lengths[index] = len(letters)
            for offset, letter in enumerate(letters):
                self._bases[index, offset, BASES.index(letter)] = 1.0
        if "unk_token" in tokenizer.special:
            self._lengths[tokenizer.special["unk_token"]] = 1

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
        """The whole sequence, one strand; the token that holds the base masked (the authors define no score of a base)."""
        return EffectRecipe()

    def prepare(self, sequence: NucleotideSequence) -> PreparedTokens:
        """Tokenise the reference. Raises `SequenceError` when it makes more tokens than the model has positions."""
        check_length(self._card, len(sequence))
        letters = sequence.as_dna()
        tokens = self.tokenizer.tokenise(letters)
        self._check_count(len(tokens.ids), len(letters))
        ids = torch.tensor(self._with_specials(tokens), dtype=torch.int64, device=self._device)
        return PreparedTokens(letters, ids, tokens, self._lengths[ids])

    def _check_count(self, count: int, length: int) -> None:
        if count > self.most_tokens:
            raise SequenceError(
                f"The {length:,} bases make {count:,} tokens; {self._card.title} takes {self.most_tokens:,} (about "
                f"{length * self.most_tokens // count:,} bases of this sequence), choose a shorter window."
            )

    def _with_specials(self, tokens: Tokens) -> list[int]:
        return [*self.tokenizer.before, *tokens.ids, *self.tokenizer.after]

    def _mutant_tokens(self, reference: Prepared, positions: Tensor, alternates: Tensor) -> list[Tokens]:
        given = _own(reference)
        pairs = zip(positions.tolist(), alternates.tolist(), strict=True)
        found = [self.tokenizer.substituted(given.letters, given.tokens, position, BASES[base]) for position, base in pairs]
        self._check_count(max((len(tokens.ids) for tokens in found), default=0), given.length)
        return found

    def mutants(self, reference: Prepared, positions: Tensor, alternates: Tensor) -> Tensor:
        """Token ids (B, T) of the mutants, tokenised anew; shorter rows are filled with padding, which `base_logits` leaves out."""
        return self._batch(self._mutant_tokens(reference, positions, alternates))

    def _batch(self, mutants: list[Tokens]) -> Tensor:
        rows = [self._with_specials(tokens) for tokens in mutants]
        width = max(map(len, rows), default=0)
        filled = [row + [self._pad] * (width - len(row)) for row in rows]
        return torch.tensor(filled, dtype=torch.int64, device=self._device).reshape(len(rows), width)

    def masked(self, reference: Prepared, positions: Tensor) -> Tensor:
        """Token ids (B, T): the token that holds base ``positions[b]`` masked."""
        given = _own(reference)
        holders = torch.tensor([given.tokens.at(position) for position in positions.tolist()], dtype=torch.int64, device=self._device)
        return self._masked_tokens(given, holders)

    def _masked_tokens(self, reference: PreparedTokens, tokens: Tensor) -> Tensor:
        batch = reference.ids.repeat(tokens.shape[0], 1)
        batch[torch.arange(tokens.shape[0], device=self._device), tokens + len(self.tokenizer.before)] = self._mask
        return batch

    def base_logits(self, reference: Prepared, ids: Tensor, *, normalised: bool = False) -> Tensor:
        """ln p of A, C, G, T at each base, float32 (B, L, 4), each row by its own tokens.

        Summed over the tokens that reach the base's place in its token; a normalisation over the four bases alone is common to the columns
        and left out. Rows of equal token count go through the model together, without padding.
        """
        given = _own(reference)
        ids = ids.to(self._device)
        counts = (ids != self._pad).sum(dim=1)
        result = torch.empty(ids.shape[0], given.length, 4, device=self._device)
        for count in torch.unique(counts).tolist():
            rows = (counts == count).nonzero().flatten()
            result[rows] = self._equal_counts(given, ids[rows, :count])
        return result

    def _equal_counts(self, reference: PreparedTokens, ids: Tensor) -> Tensor:
        """Log-probabilities (b, L, 4) of rows with the same number of tokens."""
        lengths = self._lengths[ids]
        if ids.shape[1] == reference.ids.shape[0]:
            lengths = torch.where(ids == self._mask, reference.lengths, lengths)
        probabilities = torch.softmax(self.net(ids), dim=-1)
        marginals = (probabilities @ self._bases.flatten(1)).view(-1, *self._bases.shape[1:])
        holder = torch.repeat_interleave(torch.arange(lengths.numel(), device=self._device), lengths.flatten())
        if holder.numel() != ids.shape[0] * reference.length:
            raise SequenceError("The token ids do not cover the reference's bases; make them with mutants() or masked().")
        starts = lengths.cumsum(dim=1) - lengths
        offsets = torch.arange(reference.length, device=self._device).repeat(ids.shape[0]) - starts.flatten()[holder]
        smallest = torch.finfo(torch.float32).tiny
        return marginals[holder, offsets].clamp(min=smallest).log().view(ids.shape[0], reference.length, 4)

    leaves_gaps = True
    """A mutant's scores may be no numbers: where its tokens cannot be compared with the reference's."""

    def mutant_logits(self, reference: Prepared, positions: Tensor, alternates: Tensor, *, normalised: bool = False) -> Tensor:
        """As `base_logits` of the mutants, NaN at bases whose token has another beginning or end than in the reference."""
        given = _own(reference)
        mutants = self._mutant_tokens(reference, positions, alternates)
        scores = self.base_logits(reference, self._batch(mutants), normalised=normalised)
        comparable = np.stack([_same_boundaries(given.tokens, tokens, given.length) for tokens in mutants])
        scores[~torch.from_numpy(comparable).to(self._device)] = torch.nan
        return scores

    def passes_per_batch(self, reference: Prepared) -> int:
        """Sequences in one pass."""
        return passes_of(int(reference.ids.shape[0]), self.device, self.net.config.width)

    @property
    def vocabulary_letters(self) -> tuple[str, ...]:
        """Letters of every token that stands for bases."""
        return tuple(letters for _, letters in sorted(self.tokenizer.letters.items()) if letters)

    def tokenised(self, sequence: NucleotideSequence) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Spans int64 (T, 2) and token texts, without a pass."""
        tokens = self.prepare(sequence).tokens
        return np.array(tokens.spans, dtype=np.int64).reshape(-1, 2), tuple(map(self.tokenizer.token, tokens.ids))

    def layer_states(self, sequence: NucleotideSequence) -> NDArray[np.float32]:
        """Hidden states float32 (layers + 1, T, width) of the tokens of bases."""
        reference = self.prepare(sequence)
        first, last = len(self.tokenizer.before), len(reference.ids) - len(self.tokenizer.after)
        with torch.inference_mode():
            kept = [states[0, first:last].float().cpu().numpy() for states in self.net.states(reference.ids[None])]
        return np.stack(kept).astype(np.float32)

    def token_spans(
        self, sequence: NucleotideSequence, flanks: tuple[int, int] = (0, 0)
    ) -> tuple[NDArray[np.int64], tuple[str, ...], NDArray[np.float32]]:
        """Spans int64 (T, 2), token texts, and the probability float32 (T,) of each token with itself masked.

        ``flanks``: bases at the left and right of ``sequence`` that serve as context only; tokens that reach into them are left out and
        spans count from the first base behind the left flank.
        """
        _check_flanks(flanks, len(sequence))
        reference = self.prepare(sequence)
        kept = [
            index for index, (start, end) in enumerate(reference.tokens.spans) if start >= flanks[0] and end <= len(sequence) - flanks[1]
        ]
        probabilities = self._masked_probabilities(reference, kept)
        own = torch.tensor([reference.tokens.ids[index] for index in kept], dtype=torch.int64, device=self._device)
        chosen = probabilities.gather(1, own[:, None])[:, 0].cpu().numpy()
        spans = np.array([reference.tokens.spans[index] for index in kept], dtype=np.int64).reshape(-1, 2) - flanks[0]
        return spans, tuple(self.tokenizer.token(reference.tokens.ids[index]) for index in kept), np.asarray(chosen, dtype=np.float32)

    def _masked_probabilities(self, reference: PreparedTokens, tokens: list[int]) -> Tensor:
        """p float32 (n, V) of every token of the vocabulary at each of ``tokens``, that token masked."""
        size = self.passes_per_batch(reference)
        found = [torch.empty(0, self.net.config.vocabulary, device=self._device)]
        with torch.inference_mode():
            for start in range(0, len(tokens), size):
                here = torch.tensor(tokens[start : start + size], dtype=torch.int64, device=self._device)
                scores = self.net(self._masked_tokens(reference, here))
                rows = torch.arange(len(here), device=self._device)
                found.append(torch.softmax(scores[rows, here + len(self.tokenizer.before)], dim=-1))
        return torch.cat(found)

    def token_candidates(
        self, sequence: NucleotideSequence, tokens: Sequence[int], count: int
    ) -> tuple[tuple[tuple[str, ...], ...], NDArray[np.float32]]:
        """Texts (n, count) and probabilities float32 (n, count), falling, of the likeliest tokens at each of ``tokens`` with it masked.

        Number T, one behind the last token, asks for the token that would follow. Raises `ParameterError` for one that is not there.
        """
        reference = self.prepare(sequence)
        total = len(reference.tokens.ids)
        wrong = [token for token in tokens if not 0 <= token <= total]
        if wrong or not 1 <= count <= self.tokenizer.size:
            raise ParameterError(
                f"Asked for {count} candidates at token {(wrong or [0])[0] + 1}; tokens 1 to {total + 1} (the next one) exist, "
                f"each with 1 to {self.tokenizer.size} candidates."
            )
        masked = self._masked_probabilities(reference, [token for token in tokens if token < total])
        rows = iter(masked)
        table = [self._next_probabilities(reference) if token == total else next(rows) for token in tokens]
        best = torch.topk(torch.stack(table) if table else masked, count, dim=-1)
        texts = tuple(tuple(self.tokenizer.token(index) for index in row) for row in best.indices.tolist())
        return texts, np.asarray(best.values.cpu().numpy(), dtype=np.float32)

    def _next_probabilities(self, reference: PreparedTokens) -> Tensor:
        """p float32 (V,) of a mask put behind the last token."""
        self._check_count(len(reference.tokens.ids) + 1, reference.length)
        place = len(self.tokenizer.before) + len(reference.tokens.ids)
        mask = torch.tensor([self._mask], device=self._device)
        ids = torch.cat((reference.ids[:place], mask, reference.ids[place:]))
        with torch.inference_mode():
            return torch.softmax(self.net(ids[None])[0, place], dim=-1)

    def embeddings(self, sequence: NucleotideSequence) -> NDArray[np.float32]:
        """Last hidden state of the token that holds each base, float32 (L, width)."""
        reference = self.prepare(sequence)
        with torch.inference_mode():
            hidden = self.net.hidden(reference.ids[None])[0].repeat_interleave(reference.lengths, dim=0)
        return np.asarray(hidden.float().cpu().numpy(), dtype=np.float32)


def _own(reference: Prepared) -> PreparedTokens:
    if not isinstance(reference, PreparedTokens):
        raise TypeError("the reference was prepared by another model")
    return reference


def _check_flanks(flanks: tuple[int, int], length: int) -> None:
    if min(flanks) < 0 or sum(flanks) >= length:
        raise ParameterError(f"The flanks are {flanks[0]:,} and {flanks[1]:,} bases of {length:,}; they must leave at least one base.")


def _same_boundaries(reference: Tokens, mutant: Tokens, length: int) -> NDArray[np.bool_]:
    """bool (L,): bases whose token has the same beginning and end in both."""
    same = np.zeros(length, dtype=np.bool_)
    for start, end in set(reference.spans) & set(mutant.spans):
        same[start:end] = True
    return same
