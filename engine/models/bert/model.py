"""A loaded BERT whose tokens are bases, or k-mers at stride 1, between special tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from engine.core.card import EffectRecipe, ModelCard
from engine.core.errors import SequenceError, WeightsInvalid
from engine.core.protocols import Prepared
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.models.checkpoints.layouts import BERT_ROLES
from engine.models.networks.batching import in_chunks, passes_of
from engine.models.networks.kernels import float_linear
from engine.models.reading.kmers import (
    base_codes,
    kmer_ids,
    log_marginals,
    lookup_table,
    numbers,
    offset_matrix,
    overlapping_log_probabilities,
)
from engine.models.shortcuts.delta_mutants import MutantsByDifference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from engine.models.checkpoints.evidence import Evidence
    from engine.models.networks.bert import BertNet


@dataclass(frozen=True, eq=False)
class PreparedKmers(Prepared):
    """``codes``: int64 (L,) A, C, G, T = 0..3, other letters 4, on the model's device."""

    codes: torch.Tensor


@dataclass(frozen=True)
class KmerTokens:
    """Ids of a checkpoint's vocabulary; ``lead`` and ``tail`` go around the k-mers."""

    k: int
    kmers: Tensor
    table: Tensor
    lead: tuple[int, ...]
    tail: int
    mask: int
    species: str


def kmer_tokens(evidence: Evidence, k: int, species: str = "", other: str = "") -> KmerTokens:
    """Ids of a checkpoint whose marks are those of BERT over k-mers (T or U). ``other``: token of letters that are no base, else the unknown one."""
    vocabulary = {word.replace("U", "T") if set(word) <= set("ACGU") else word: number for word, number in evidence.vocabulary.items()}
    cls, sep, mask, unknown = (vocabulary[evidence.role(role, published)] for role, published in BERT_ROLES.items())
    kmers = kmer_ids(vocabulary, k)
    lead = (cls, vocabulary[species]) if species else (cls,)
    return KmerTokens(k, kmers, lookup_table(kmers, k, vocabulary.get(other, unknown)), lead, sep, mask, species)


class KmerBert:
    """A loaded BERT of bases or overlapping k-mers; implements `engine.core.protocols.PreciseMutantModel`.

    ``species``: the token in use, empty for a model without any. Letters other than A, C, G, T are one token, as ``tokens.table`` says.
    """

    def __init__(self, card: ModelCard, net: BertNet, tokens: KmerTokens, device: str, dtype: str) -> None:
        self.card, self.device, self.dtype, self.species = card, device, dtype, tokens.species
        self.net, self._k, self._mask = net, tokens.k, tokens.mask
        self._lead = tokens.lead
        self._around = torch.tensor([*tokens.lead, tokens.tail], dtype=torch.int64).to(device)
        self._table = tokens.table.to(device)
        self._kmers = tokens.kmers.to(device)
        self._matrix = offset_matrix(tokens.k).to(device) if tokens.k > 1 else None
        self._differences = MutantsByDifference(self, net, self._kmers)

    @property
    def effect_recipe(self) -> EffectRecipe:
        """The whole sequence on the gene's strand, every token with the base masked."""
        return EffectRecipe()

    def prepare(self, sequence: NucleotideSequence) -> PreparedKmers:
        """Tokenise. Raises `SequenceError` when there are more bases than positions, or fewer than one token."""
        length, card = len(sequence), self.card
        if not card.min_length <= length <= card.max_length:
            raise SequenceError(
                f"The sequence has {length:,} bases; {card.title} takes {card.min_length:,} to {card.max_length:,}: "
                f"{'give a longer one' if length < card.min_length else 'choose a shorter window'}."
            )
        letters = sequence.as_dna()
        codes = base_codes(letters).to(self.device)
        shown = sequence.as_rna() if card.alphabet is Alphabet.RNA else letters
        return PreparedKmers(shown, self._with_specials(codes[None])[0], codes)

    def mutants(self, reference: Prepared, positions: Tensor, alternates: Tensor) -> Tensor:
        """Ids of the substituted sequences: the k tokens that contain the base are looked up again."""
        codes = _codes_of(reference).repeat(len(positions), 1)
        codes.scatter_(1, positions[:, None], alternates[:, None])
        return self._with_specials(codes)

    def masked(self, reference: Prepared, positions: Tensor) -> Tensor:
        """Ids with k consecutive tokens masked: those that contain the base, shifted inwards at the ends (the authors' spans)."""
        ids = reference.ids.repeat(len(positions), 1)
        tokens = reference.length - self._k + 1
        width = min(self._k, tokens)
        first = (positions - self._k + 1).clamp(0, tokens - width)
        columns = first[:, None] + torch.arange(width, device=positions.device) + len(self._lead)
        return ids.scatter_(1, columns, self._mask)

    def base_logits(self, reference: Prepared, ids: Tensor, *, normalised: bool = False) -> Tensor:
        """Scores (B, L, 4): of the base's own token, or the log of the mean marginal over the k tokens that contain it."""
        return self.scores(reference, self.net.hidden(ids), normalised=normalised)

    def scores(self, reference: Prepared, hidden: Tensor, *, normalised: bool = False) -> Tensor:
        """`base_logits` from hidden states (B, T, width) with those of the special tokens."""
        inner = hidden[:, len(self._lead) : len(reference.ids) - 1]
        if self._k > 1:
            return self._marginal_scores(inner)
        return self._single_scores(inner, normalised=normalised)

    exact_by_passes = True

    @property
    def precisions(self) -> tuple[str, ...]:
        """How mutants can be scored here; see `engine.core.protocols.PreciseMutantModel`."""
        return self._differences.precisions

    @property
    def usual_precision(self) -> str:
        """What ``auto`` tries."""
        return self._differences.usual_precision

    def mutant_logits(
        self,
        reference: Prepared,
        positions: Tensor,
        alternates: Tensor,
        *,
        normalised: bool = False,
        precision: str = "exact",
        tau: float = 0.05,
    ) -> Tensor:
        """Scores (B, L, 4) of mutants; see `engine.core.protocols.PreciseMutantModel`."""
        return self._differences.mutant_logits(reference, positions, alternates, normalised=normalised, precision=precision)

    def embeddings(self, sequence: NucleotideSequence) -> NDArray[np.float32]:
        """Last hidden states float32 (L, width): of the base's token, or the mean over the tokens that contain it."""
        reference = self.prepare(sequence)
        with torch.inference_mode():
            inner = self.net.hidden(reference.ids[None])[0, len(self._lead) : -1].float()
            total = inner.new_zeros(reference.length, inner.shape[1])
            covering = inner.new_zeros(reference.length, 1)
            for offset in range(self._k):
                total[offset : offset + len(inner)] += inner
                covering[offset : offset + len(inner)] += 1
            states: NDArray[np.float32] = (total / covering).cpu().numpy()
        return states

    def passes_per_batch(self, reference: Prepared) -> int:
        """Sequences in one pass."""
        return passes_of(len(reference.ids), self.device, self.net.config.width)

    def _with_specials(self, codes: Tensor) -> Tensor:
        batch = len(codes)
        inner = self._table[numbers(codes, self._k)]
        around = self._around.expand(batch, -1)
        return torch.cat((around[:, :-1], inner, around[:, -1:]), dim=1)

    def _single_scores(self, hidden: Tensor, *, normalised: bool) -> Tensor:
        net = self.net
        if not normalised:
            return float_linear(net.transformed(hidden), *net.output_weights(self._kmers))
        weights = net.output_weights()
        return in_chunks(net.transformed(hidden), lambda rows: float_linear(rows, *weights).log_softmax(-1)[:, self._kmers])

    def _marginal_scores(self, hidden: Tensor) -> Tensor:
        weights, matrix = self.net.output_weights(self._kmers), self._matrix
        if matrix is None:
            raise WeightsInvalid("a model of single bases has no k-mer marginals")
        marginals = in_chunks(self.net.transformed(hidden), lambda rows: log_marginals(float_linear(rows, *weights), matrix))
        return overlapping_log_probabilities(marginals)


def _codes_of(reference: Prepared) -> Tensor:
    if not isinstance(reference, PreparedKmers):
        raise TypeError("the reference was prepared by another model")
    return reference.codes
