"""A loaded checkpoint of one of transformers' own classes, one base or one k-mer a token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engine.core.card import EffectRecipe, ModelCard
from engine.core.errors import CapabilityMissing, SequenceError
from engine.core.protocols import Prepared
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.models.native.tokenizer import Reading
from engine.models.networks.batching import in_chunks, passes_of
from engine.models.networks.kernels import float_linear
from engine.models.reading.kmers import base_codes, log_marginals, lookup_table, numbers, offset_matrix, overlapping_log_probabilities
from engine.models.reading.single_base import check_length
from engine.models.shortcuts.prefix import groups
from engine.models.shortcuts.reference import PerReference

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class PreparedCodes(Prepared):
    """``codes``: int64 (L,) A, C, G, T = 0..3, other letters 4, on the model's device."""

    codes: Tensor


class NativeModel:
    """What models that read both sides and models that read from left to right share; implements `engine.core.protocols.NucleotideModel`."""

    def __init__(self, card: ModelCard, net: nn.Module, reading: Reading, device: str, dtype: str) -> None:
        self.card, self.device, self.dtype = card, device, dtype
        self.net: Any = net
        self.reading = reading
        kmers = torch.tensor(reading.kmers, dtype=torch.int64)
        self._kmers = kmers.to(device)
        self._table = lookup_table(kmers, reading.k, reading.unknown if reading.unknown is not None else -1).to(device)
        self._letters = torch.tensor(reading.letters, dtype=torch.int64, device=device)
        self._around = tuple(torch.tensor(ids, dtype=torch.int64).to(device) for ids in (reading.before, reading.after))
        self._matrix = offset_matrix(reading.k).to(device) if reading.k > 1 else None

    @property
    def effect_recipe(self) -> EffectRecipe:
        """The whole sequence as given, one strand."""
        return EffectRecipe()

    def prepare(self, sequence: NucleotideSequence) -> PreparedCodes:
        """Tokenise. Raises `SequenceError` for a length or a letter the checkpoint does not take."""
        check_length(self.card, len(sequence))
        letters, reading = sequence.as_dna(), self.reading
        codes = base_codes(letters)
        if reading.unknown is None and bool((codes > 3).any()):
            raise SequenceError(f"{self.card.title} reads A, C, G and T only; choose a region without N or other ambiguous bases.")
        if len(letters) % reading.step and not reading.letters and not reading.filled:
            raise SequenceError(
                f"The sequence has {len(letters):,} bases; {self.card.title} takes multiples of {reading.step}: extend or shorten it."
            )
        shown = sequence.as_rna() if self.card.alphabet is Alphabet.RNA else letters
        codes = codes.to(self.device)
        return PreparedCodes(shown, self._ids(codes[None])[0], codes)

    def _ids(self, codes: Tensor) -> Tensor:
        """Token ids (B, T) of codes (B, L)."""
        reading, length = self.reading, codes.shape[-1]
        whole = length // reading.step * reading.step
        parts = [self._table[numbers(codes[:, :whole], reading.k, reading.step)]] if whole >= reading.k else []
        if reading.step > 1 and whole < length:
            parts.append(self._rest(codes[:, whole:]))
        before, after = (around.expand(len(codes), -1) for around in self._around)
        return torch.cat((before, *parts, after), dim=1)

    def _rest(self, codes: Tensor) -> Tensor:
        """Tokens of the bases behind the last whole k-mer: single letters, or one k-mer filled up with A."""
        if not self.reading.filled:
            return self._letters[codes]
        filled = torch.nn.functional.pad(codes, (0, self.reading.k - codes.shape[-1]))
        return self._table[numbers(filled, self.reading.k, self.reading.k)]

    def mutants(self, reference: Prepared, positions: Tensor, alternates: Tensor) -> Tensor:
        """Ids of the substituted sequences: the tokens that contain the base are looked up again."""
        codes = _codes_of(reference).repeat(len(positions), 1)
        codes.scatter_(1, positions.to(codes.device)[:, None], alternates.to(codes.device)[:, None])
        return self._ids(codes)

    def masked(self, reference: Prepared, positions: Tensor) -> Tensor:
        """Ids with every token that contains the base masked; of overlapping k-mers k of them, shifted inwards at the ends."""
        reading = self.reading
        if reading.mask is None:
            raise CapabilityMissing(f"{self.card.title} reads from left to right and has no mask token; ask for unmasked probabilities.")
        ids = reference.ids.repeat(len(positions), 1)
        tokens = len(reference.ids) - len(reading.before) - len(reading.after)
        width = min(reading.k, tokens) if reading.step == 1 else 1
        first = (positions - reading.k + 1).clamp(0, tokens - width) if reading.step == 1 else self._token_of(reference.length)[positions]
        columns = first[:, None] + torch.arange(width, device=ids.device) + len(reading.before)
        return ids.scatter_(1, columns, reading.mask)

    def _token_of(self, length: int) -> Tensor:
        """int64 (L,): which token of a cut, specials not counted, holds each base."""
        step = self.reading.step
        place, whole = torch.arange(length, device=self.device), length // step
        rest = place - whole * step if self.reading.letters else torch.zeros_like(place)
        return torch.where(place < whole * step, place // step, whole + rest)

    def base_logits(self, reference: Prepared, ids: Tensor, *, normalised: bool = False) -> Tensor:
        """Scores (B, L, 4): of the base's own token, or log marginals over the k-mers (then ``normalised`` makes no difference)."""
        return self.scores(reference, self.rows(ids), normalised=normalised)

    def rows(self, ids: Tensor) -> Tensor:
        """What the head reads of token ids (B, T), for the tokens between the special ones (B, n, width)."""
        hidden = self.net.base_model(input_ids=ids).last_hidden_state
        return self._between(hidden, len(ids[0]))

    def _between(self, hidden: Tensor, tokens: int) -> Tensor:
        first = len(self.reading.before)
        return hidden[:, first : tokens - len(self.reading.after)]

    def columns(self, rows: Tensor, tokens: Tensor | None) -> Tensor:
        """Scores float32 of ``tokens`` (all when None) for what the head reads."""
        raise NotImplementedError

    def scores(self, reference: Prepared, rows: Tensor, *, normalised: bool = False) -> Tensor:
        """`base_logits` from what the head reads."""
        reading, matrix = self.reading, self._matrix
        if matrix is None:
            if not normalised:
                return self.columns(rows, self._kmers)
            return in_chunks(rows, lambda part: self.columns(part, None).log_softmax(-1)[:, self._kmers])
        marginals = in_chunks(rows, lambda part: log_marginals(self.columns(part, self._kmers), matrix))
        if reading.step == 1:
            return overlapping_log_probabilities(marginals)
        whole = reference.length // reading.step
        found = marginals[:, :whole].flatten(1, 2)
        if reference.length % reading.step == 0:
            return found
        if reading.filled:
            rest = marginals[:, whole, : reference.length - whole * reading.step]
        else:
            rest = self.columns(rows[:, whole:], self._letters).log_softmax(-1)
        return torch.cat((found, rest), dim=1)

    def embeddings(self, sequence: NucleotideSequence) -> NDArray[np.float32]:
        """Last hidden states float32 (L, width): of the base's token, or the mean over the tokens that contain it."""
        reference = self.prepare(sequence)
        with torch.inference_mode():
            hidden = self.net.base_model(input_ids=reference.ids[None]).last_hidden_state[0].float()
            first = len(self.reading.before)
            inner = hidden[first : len(hidden) - len(self.reading.after)]
            if self.reading.step > 1:
                inner = inner[self._token_of(reference.length)]
            elif self.reading.k > 1:
                inner = _spread(inner, self.reading.k, reference.length)
            states: NDArray[np.float32] = inner.cpu().numpy()
        return states

    def passes_per_batch(self, reference: Prepared) -> int:
        """Sequences in one pass."""
        return passes_of(len(reference.ids), self.device, getattr(self.net.config, "hidden_size", 0))


def _spread(inner: Tensor, k: int, length: int) -> Tensor:
    total, covering = inner.new_zeros(length, inner.shape[1]), inner.new_zeros(length, 1)
    for offset in range(k):
        total[offset : offset + len(inner)] += inner
        covering[offset : offset + len(inner)] += 1
    return total / covering


def _codes_of(reference: Prepared) -> Tensor:
    if not isinstance(reference, PreparedCodes):
        raise TypeError("the reference was prepared by another model")
    return reference.codes


class NativeMasked(NativeModel):
    """A checkpoint that reads both sides of a base."""

    def columns(self, rows: Tensor, tokens: Tensor | None) -> Tensor:
        """Scores of the masked head."""
        scores = self._head(rows).float()
        return scores if tokens is None else scores[..., tokens]

    def _head(self, rows: Tensor) -> Tensor:
        net = self.net
        if hasattr(net, "cls"):
            return net.cls(rows)  # type: ignore[no-any-return]
        return net.lm_head(rows) if hasattr(net, "lm_head") else net.decoder(net.head(rows))  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class _Known:
    """Of a reference: what the head reads of every token but the last, and keys and values (1, heads, T, m) of every layer."""

    hidden: Tensor
    layers: Sequence[tuple[Tensor, Tensor]]


class NativeCausal(NativeModel):
    """A checkpoint that reads from left to right; implements `engine.core.protocols.MutantModel` by reuse of what stands before a change."""

    def __init__(self, card: ModelCard, net: nn.Module, reading: Reading, device: str, dtype: str) -> None:
        super().__init__(card, net, reading, device, dtype)
        self._known: PerReference[_Known] = PerReference(self._run)

    def _between(self, hidden: Tensor, tokens: int) -> Tensor:
        """The row in front of each token scores it."""
        first = len(self.reading.before)
        return hidden[:, first - 1 : tokens - 1]

    def columns(self, rows: Tensor, tokens: Tensor | None) -> Tensor:
        """Scores of the output weights' rows that are asked for; the whole vocabulary may have 150,000."""
        head = self.net.lm_head
        weight, bias = head.weight, head.bias if head.bias is not None else head.weight.new_zeros(len(head.weight))
        return float_linear(rows, weight, bias) if tokens is None else float_linear(rows, weight[tokens], bias[tokens])

    def _run(self, reference: Prepared) -> _Known:
        found = self.net.base_model(input_ids=reference.ids[None], use_cache=True)
        return _Known(found.last_hidden_state, [(layer.keys, layer.values) for layer in found.past_key_values.layers])

    @property
    def _whole_cache(self) -> bool:
        """Whether every layer keeps the keys of the whole sequence: none slides."""
        config = self.net.config
        sliding = getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True)
        return not sliding and "sliding_attention" not in (getattr(config, "layer_types", None) or ())

    def mutant_logits(self, reference: Prepared, positions: Tensor, alternates: Tensor, *, normalised: bool = False) -> Tensor:
        """Scores (B, L, 4) of the mutants, exact: only what stands behind each change is computed."""
        ids = self.mutants(reference, positions, alternates)
        if not self._whole_cache:
            return self.base_logits(reference, ids, normalised=normalised)
        known, first = self._known(reference), len(self.reading.before)
        places = first + (
            self._token_of(reference.length)[positions.to(self.device)] if self.reading.step > 1 else positions.to(self.device)
        )
        scores = torch.empty(len(ids), reference.length, 4, dtype=torch.float32, device=ids.device)
        for start, chosen in groups(places, ids.shape[1]):
            hidden = self._suffix(known, start, ids[chosen, start:])
            scores[chosen] = self.scores(reference, self._between(hidden, ids.shape[1]), normalised=normalised)
        return scores

    def _suffix(self, known: _Known, start: int, ids: Tensor) -> Tensor:
        """Hidden states (B, T, width) of mutants whose first ``start`` tokens are the reference's."""
        from transformers import DynamicCache

        count, cache = len(ids), DynamicCache()
        for index, (keys, values) in enumerate(known.layers):
            cache.update(keys[:, :, :start].expand(count, -1, -1, -1), values[:, :, :start].expand(count, -1, -1, -1), index)
        places = torch.arange(start, start + ids.shape[1], device=ids.device)[None].expand(count, -1)
        found = self.net.base_model(input_ids=ids, past_key_values=cache, position_ids=places, use_cache=True)
        return torch.cat((known.hidden[:, :start].expand(count, -1, -1), found.last_hidden_state), dim=1)

    def passes_per_batch(self, reference: Prepared) -> int:
        """A multiple of three, so that the alternates of one base share what stands before it."""
        return 3 * max(1, super().passes_per_batch(reference) // 3)
