"""Nucleotide Transformer versions 1 and 2 (Dalla-Torre et al., Nature Methods): masked language models over 6-mers.

A sequence is read from the left in 6-mers that do not overlap; what remains, and letters around N, are single tokens; ``<cls>`` comes
first. So a base is seen through the token it lies in: its probability is the sum over the k-mers that have it at its offset, and two
bases of one token share one prediction. The token size is read from the vocabulary (a 3-mer model works as well).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.card import Capability, EffectRecipe, ModelCard, Offer
from engine.core.errors import ParameterError, SequenceError
from engine.core.protocols import Prepared
from engine.core.sequence import BASES, Alphabet, NucleotideSequence
from engine.models.checkpoints.identity import identify
from engine.models.checkpoints.layouts import ESM_ROLES
from engine.models.entry import HubFiles, LoadOptions, ModelEntry
from engine.models.nucleotide_transformer.marks import AGRO, VERSION_1, VERSION_2

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from engine.models.checkpoints.evidence import Evidence
    from engine.models.nucleotide_transformer.network import NtNet

_LICENCE = "CC BY-NC-SA 4.0 (non-commercial)"


@dataclass(frozen=True, eq=False)
class PreparedTokens(Prepared):
    """A sequence cut into k-mer and single-letter tokens; int64 tensors on the model's device.

    ``codes`` (L,): A, C, G, T = 0..3, others 4. ``token_of`` (L,): index in ``ids`` of the token that holds the base. ``offset_of`` (L,):
    offset of the base in it. ``in_kmer`` bool (L,). ``kmer_tokens`` (n,): indices in ``ids`` of the k-mers. ``kmer_bases``, ``single_bases``:
    the bases inside k-mers and those that are tokens of their own.
    """

    codes: torch.Tensor
    token_of: torch.Tensor
    offset_of: torch.Tensor
    in_kmer: torch.Tensor
    kmer_tokens: torch.Tensor
    kmer_bases: torch.Tensor
    single_bases: torch.Tensor

    @property
    def layout(self) -> Hashable:
        """Which tokens are k-mers: an N shifts the boundaries behind it."""
        return self.length, len(self.ids), tuple(self.kmer_tokens.tolist())


@dataclass(frozen=True)
class KmerVocabulary:
    """Ids of a Nucleotide Transformer vocabulary: k, k-mers in lexicographic order, the letters A, C, G, T, N, and specials; texts by id."""

    k: int
    kmers: tuple[int, ...]
    letters: Mapping[str, int]
    unknown: int
    mask: int
    before: tuple[int, ...]
    after: tuple[int, ...]
    names: Mapping[int, str]

    @classmethod
    def of(cls, evidence: Evidence) -> KmerVocabulary:
        """From the tokenizer files of a checkpoint with the marks of the family."""
        from engine.models.reading.kmers import kmer_ids

        vocabulary, k = evidence.vocabulary, evidence.k
        start, mask, unknown = (vocabulary[evidence.role(role, published)] for role, published in ESM_ROLES.items())
        end = evidence.roles.get("eos_token") or ""
        return cls(
            k=k,
            kmers=tuple(kmer_ids(vocabulary, k).tolist()),
            letters={letter: vocabulary[letter] for letter in (*BASES, "N") if letter in vocabulary},
            unknown=unknown,
            mask=mask,
            before=(start,),
            after=(vocabulary[end],) if end in vocabulary else (),
            names={index: token for token, index in vocabulary.items()},
        )

    def cut(self, letters: str) -> list[tuple[int, int]]:
        """(start, width) of each token of upper-case ``letters``: a k-mer wherever the next k letters are all bases, else one letter."""
        spans, start = [], 0
        while start < len(letters):
            width = self.k if start + self.k <= len(letters) and not set(letters[start : start + self.k]) - set(BASES) else 1
            spans.append((start, width))
            start += width
        return spans


def number_of(kmer: str) -> int:
    """Lexicographic index of a k-mer over A, C, G, T."""
    total = 0
    for base in kmer:
        total = 4 * total + BASES.index(base)
    return total


class NucleotideTransformer:
    """A loaded Nucleotide Transformer; implements `PreciseMutantModel` and `TokenModel`."""

    def __init__(self, card: ModelCard, net: NtNet, vocabulary: KmerVocabulary, device: str, dtype: str) -> None:
        import torch

        from engine.models.reading.kmers import offset_matrix
        from engine.models.shortcuts.delta_mutants import MutantsByDifference

        self.card, self.device, self.dtype = card, device, dtype
        self.vocabulary, self.net = vocabulary, net
        self._kmers = torch.tensor(vocabulary.kmers, dtype=torch.int64, device=device)
        self._letters = torch.tensor([vocabulary.letters[base] for base in BASES], dtype=torch.int64, device=device)
        self._matrix = offset_matrix(vocabulary.k).to(device)
        self._differences = MutantsByDifference(self, net, self._kmers)

    @property
    def effect_recipe(self) -> EffectRecipe:
        """The whole sequence as given; the token that holds the base is masked and marginalised at the base's offset."""
        return EffectRecipe()

    def prepare(self, sequence: NucleotideSequence) -> PreparedTokens:
        """Tokenise. Raises `SequenceError` when there are more tokens than the model reads."""
        import torch

        from engine.models.reading.kmers import base_codes

        letters, vocabulary, limit = sequence.as_dna(), self.vocabulary, self._token_limit
        spans = vocabulary.cut(letters)
        first = len(vocabulary.before)
        if len(letters) > self.card.max_length or (limit and first + len(spans) + len(vocabulary.after) > limit):
            raise SequenceError(
                f"The sequence has {len(letters):,} bases in {len(spans):,} tokens; {self.card.title} takes up to "
                f"{self.card.max_length:,} bases without N (fewer when N splits tokens): choose a shorter window."
            )
        ids = list(vocabulary.before)
        token_of: list[int] = []
        offset_of: list[int] = []
        kmers: list[int] = []
        for index, (start, width) in enumerate(spans, start=first):
            piece = letters[start : start + width]
            if width == vocabulary.k:
                kmers.append(index)
                ids.append(vocabulary.kmers[number_of(piece)])
            else:
                ids.append(vocabulary.letters.get(piece, vocabulary.unknown))
            token_of += [index] * width
            offset_of += range(width)
        tokens = torch.tensor(token_of, device=self.device)
        kmer_tokens = torch.tensor(kmers, dtype=torch.int64, device=self.device)
        in_kmer = torch.isin(tokens, kmer_tokens)
        return PreparedTokens(
            letters,
            torch.tensor([*ids, *vocabulary.after], device=self.device),
            base_codes(letters).to(self.device),
            tokens,
            torch.tensor(offset_of, device=self.device),
            in_kmer,
            kmer_tokens,
            in_kmer.nonzero().flatten(),
            (~in_kmer).nonzero().flatten(),
        )

    @property
    def _token_limit(self) -> int:
        positions = self.net.config.positions
        return positions - self.net.config.pad - 1 if positions else 0

    def mutants(self, reference: Prepared, positions: Tensor, alternates: Tensor) -> Tensor:
        """Ids of the substituted sequences: one token changes, the boundaries stay (also at an N, which becomes a single letter)."""
        known = _tokens_of(reference)
        k = self.vocabulary.k
        ids = known.ids.repeat(len(positions), 1)
        tokens, offsets = known.token_of[positions], known.offset_of[positions]
        start = positions - offsets
        number = positions.new_zeros(len(positions))
        for offset in range(k):
            code = known.codes[(start + offset).clamp(max=known.length - 1)].clamp(max=3)
            number = 4 * number + code.where(offsets != offset, alternates)
        replaced = self._kmers[number].where(known.in_kmer[positions], self._letters[alternates])
        return ids.scatter_(1, tokens[:, None], replaced[:, None])

    def masked(self, reference: Prepared, positions: Tensor) -> Tensor:
        """Ids with the one token that holds the base masked."""
        ids = reference.ids.repeat(len(positions), 1)
        return ids.scatter_(1, _tokens_of(reference).token_of[positions][:, None], self.vocabulary.mask)

    def base_logits(self, reference: Prepared, ids: Tensor, *, normalised: bool = False) -> Tensor:
        """Scores (B, L, 4): log marginals over the k-mers at the base's offset; over the four letters in a single-letter token.

        Both are normalised over the tokens of that length, as in the authors' marginalisation for k-mer models, so ``normalised``
        makes no difference.
        """
        return self.scores(reference, self.net.hidden(ids), normalised=normalised)

    def scores(self, reference: Prepared, hidden: Tensor, *, normalised: bool = False) -> Tensor:
        """`base_logits` from hidden states (B, T, width) with those of the special tokens; ``normalised`` makes no difference."""
        import torch

        from engine.models.networks.batching import in_chunks
        from engine.models.networks.kernels import float_linear
        from engine.models.reading.kmers import log_marginals

        known, net = _tokens_of(reference), self.net
        read = net.transformed(hidden)
        scores = torch.empty(len(hidden), known.length, 4, dtype=torch.float32, device=read.device)
        if len(known.kmer_tokens):
            weights = net.output_weights(self._kmers)
            marginals = in_chunks(read[:, known.kmer_tokens], lambda rows: log_marginals(float_linear(rows, *weights), self._matrix))
            scores[:, known.kmer_bases] = marginals.flatten(1, 2)
        if len(known.single_bases):
            letters = float_linear(read[:, known.token_of[known.single_bases]], *net.output_weights(self._letters))
            scores[:, known.single_bases] = letters.log_softmax(-1)
        return scores

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

    @property
    def vocabulary_letters(self) -> tuple[str, ...]:
        """Every k-mer and single base, by id."""
        texts = (text for _, text in sorted(self.vocabulary.names.items()))
        return tuple(text for text in texts if len(text) in (1, self.vocabulary.k) and not set(text) - set(BASES))

    def tokenised(self, sequence: NucleotideSequence) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Spans int64 (T, 2) and token strings, without a pass."""
        import numpy as np

        letters = self.prepare(sequence).letters
        cut = self.vocabulary.cut(letters)
        spans = np.array([(start, start + width) for start, width in cut], dtype=np.int64).reshape(-1, 2)
        return spans, tuple(letters[start : start + width] for start, width in cut)

    def token_spans(self, sequence: NucleotideSequence) -> tuple[NDArray[np.int64], tuple[str, ...], NDArray[np.float32]]:
        """Spans int64 (T, 2), token strings, and the probability float32 (T,) of each token over the whole vocabulary, itself masked."""
        import torch

        reference = self.prepare(sequence)
        spans, texts = self.tokenised(sequence)
        places = torch.arange(len(texts), device=self.device) + len(self.vocabulary.before)
        found = [rows.gather(1, reference.ids[here][:, None])[:, 0].cpu() for here, rows in self._masked_chances(reference, places)]
        return spans, texts, torch.cat(found).numpy()

    def _masked_chances(self, reference: PreparedTokens, places: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """In batches: indices in ``ids``, and p float32 (n, V) of every token of the vocabulary there, that token masked."""
        import torch

        for here in torch.split(places, self.passes_per_batch(reference)):
            ids = reference.ids.repeat(len(here), 1).scatter_(1, here[:, None], self.vocabulary.mask)
            yield here, self._chances(ids, here)

    def _chances(self, ids: Tensor, places: Tensor) -> Tensor:
        """p float32 (n, V) of every token of the vocabulary at ``places[b]`` of ``ids[b]``."""
        import torch

        from engine.models.networks.kernels import float_linear

        with torch.inference_mode():
            hidden = self.net.hidden(ids)[torch.arange(len(places), device=self.device), places]
            return float_linear(self.net.transformed(hidden), *self.net.output_weights()).softmax(-1)

    def token_candidates(
        self, sequence: NucleotideSequence, tokens: Sequence[int], count: int
    ) -> tuple[tuple[tuple[str, ...], ...], NDArray[np.float32]]:
        """Texts (n, count) and probabilities float32 (n, count), falling, of the likeliest tokens at each of ``tokens`` with it masked.

        Number T, one behind the last token, asks for the token that would follow. Raises `ParameterError` for one that is not there.
        """
        import numpy as np
        import torch

        reference, names = self.prepare(sequence), self.vocabulary.names
        first = len(self.vocabulary.before)
        total = len(reference.ids) - first - len(self.vocabulary.after)
        wrong = [token for token in tokens if not 0 <= token <= total]
        if wrong or not 1 <= count <= len(names):
            raise ParameterError(
                f"Asked for {count} candidates at token {(wrong or [0])[0] + 1}; tokens 1 to {total + 1} (the next one) exist, each with 1 "
                f"to {len(names)} candidates."
            )
        inside = torch.tensor([token + first for token in tokens if token < total], dtype=torch.int64, device=self.device)
        best = [torch.topk(rows, count, dim=-1) for _, rows in self._masked_chances(reference, inside)] if len(inside) else []
        chances = [row for found in best for row in found.values.cpu()]
        texts = [tuple(names.get(index, "?") for index in row) for found in best for row in found.indices.tolist()]
        if total in tokens:
            following = torch.topk(self._following(reference, first + total), count)
            behind = (tuple(names.get(index, "?") for index in following.indices.tolist()), following.values.cpu())
            for place, token in enumerate(tokens):
                if token == total:
                    texts.insert(place, behind[0])
                    chances.insert(place, behind[1])
        return tuple(texts), np.asarray(torch.stack(chances).numpy(), dtype=np.float32)

    def _following(self, reference: PreparedTokens, place: int) -> Tensor:
        """p float32 (V,) of a mask put behind the last token."""
        import torch

        limit = self._token_limit
        if limit and len(reference.ids) + 1 > limit:
            raise SequenceError(
                f"{self.card.title} reads {limit:,} tokens and these are as many, so none can follow; give a shorter sequence."
            )
        mask = torch.tensor([self.vocabulary.mask], device=self.device)
        ids = torch.cat((reference.ids[:place], mask, reference.ids[place:]))
        return self._chances(ids[None], torch.tensor([place], device=self.device))[0]

    def layer_states(self, sequence: NucleotideSequence) -> NDArray[np.float32]:
        """Hidden states float32 (layers + 1, T, width) of the tokens of bases, the last behind the last norm."""
        import numpy as np
        import torch

        reference = self.prepare(sequence)
        first, last = len(self.vocabulary.before), len(reference.ids) - len(self.vocabulary.after)
        with torch.inference_mode():
            kept = [states[0, first:last].float().cpu().numpy() for states in self.net.esm.states(reference.ids[None])]
        return np.stack(kept).astype(np.float32)

    def embeddings(self, sequence: NucleotideSequence) -> NDArray[np.float32]:
        """Last hidden states float32 (L, width) of the token that holds each base."""
        import torch

        reference = self.prepare(sequence)
        with torch.inference_mode():
            hidden = self.net.hidden(reference.ids[None])[0]
            states: NDArray[np.float32] = hidden[reference.token_of].float().cpu().numpy()
        return states

    def passes_per_batch(self, reference: Prepared) -> int:
        """Sequences in one pass."""
        from engine.models.networks.batching import passes_of

        return passes_of(len(reference.ids), self.device, self.net.config.width)


def _tokens_of(reference: Prepared) -> PreparedTokens:
    if not isinstance(reference, PreparedTokens):
        raise TypeError("the reference was prepared by another model")
    return reference


def network(evidence: Evidence, tensors: Mapping[str, Tensor]) -> NtNet:
    """The network filled with published tensors. Raises `WeightsInvalid` when they do not fit."""
    from engine.models.nucleotide_transformer.network import nt_from_tensors

    return nt_from_tensors(evidence.config, tensors)


def _load(model_id: str, directory: Path, options: LoadOptions) -> NucleotideTransformer:
    """Read an ESM directory in the published layout. Raises `WeightsMissing`, `WeightsInvalid`, `ParameterError`."""
    from engine.models.checkpoints.weights import placed, read_state, resolve_device, resolve_dtype

    identity = identify(ENTRIES[model_id], directory)
    vocabulary, state = KmerVocabulary.of(identity.evidence), read_state(directory)
    net = network(identity.evidence, state.tensors)
    device = resolve_device(options.device)
    dtype = resolve_dtype(options.dtype, device)
    placed(net, device, dtype)
    return NucleotideTransformer(identity.loaded(state.sha256), net, vocabulary, device, dtype)


_TOKENIZER = ("vocab.txt", "tokenizer_config.json", "special_tokens_map.json")
_LIMITATIONS = (
    "Reads 6-mers that do not overlap: bases of one token share a prediction, so dependencies inside a token are not measured, and the "
    "result depends on where the sequence starts."
)


def _card(model_id: str, title: str, max_length: int, description: str, organisms: str, source: str) -> ModelCard:
    return ModelCard(
        id=model_id,
        title=title,
        alphabet=Alphabet.DNA,
        max_length=max_length,
        capabilities=frozenset(
            {Capability.PROBABILITIES, Capability.DEPENDENCY, Capability.EFFECTS, Capability.TOKENS, Capability.EMBEDDINGS}
        ),
        revision="main",
        weights_sha256="",
        licence=_LICENCE,
        source=source,
        description=description,
        organisms=organisms,
        limitations=_LIMITATIONS,
        citation="Dalla-Torre et al., Nature Methods 2024, doi 10.1038/s41592-024-02523-z",
    )


ENTRIES: dict[str, ModelEntry] = {
    "nt-v1": ModelEntry(
        _card(
            "nt-v1",
            "Nucleotide Transformer v1, 500M",
            5994,
            "General DNA language model of the human genome, first version; the 2.5B checkpoints load from a directory as well.",
            "Human (the 2.5B multi-species checkpoint: 850 genomes).",
            "https://huggingface.co/InstaDeepAI/nucleotide-transformer-500m-human-ref",
        ),
        partial(_load, "nt-v1"),
        HubFiles(
            "InstaDeepAI/nucleotide-transformer-500m-human-ref",
            patterns=("config.json", *_TOKENIZER),
            size_bytes=1_940_000_000,
        ),
        offer=Offer(precisions=("exact", "delta")),
        marks=VERSION_1,
        network=network,
    ),
    "nt-v2": ModelEntry(
        _card(
            "nt-v2",
            "Nucleotide Transformer v2, 500M multi-species",
            12_282,
            "General DNA language model of many genomes, second version, with a context of 12 kb.",
            "850 genomes of many phyla.",
            "https://huggingface.co/InstaDeepAI/nucleotide-transformer-v2-500m-multi-species",
        ),
        partial(_load, "nt-v2"),
        HubFiles(
            "InstaDeepAI/nucleotide-transformer-v2-500m-multi-species",
            patterns=("config.json", *_TOKENIZER),
            size_bytes=1_990_000_000,
        ),
        offer=Offer(precisions=("exact", "delta")),
        marks=VERSION_2,
        network=network,
    ),
    "agro-nt": ModelEntry(
        replace(
            _card(
                "agro-nt",
                "AgroNT 1B",
                6_138,
                "DNA language model of edible plants, 1 billion parameters, the layout of the Nucleotide Transformer's first version.",
                "Genomes of 48 plants, mostly crops.",
                "https://huggingface.co/InstaDeepAI/agro-nucleotide-transformer-1b",
            ),
            citation="Mendoza-Revilla et al., Communications Biology 2024, doi 10.1038/s42003-024-06465-2",
        ),
        partial(_load, "agro-nt"),
        HubFiles("InstaDeepAI/agro-nucleotide-transformer-1b", patterns=("config.json", *_TOKENIZER), size_bytes=3_970_000_000),
        offer=Offer(precisions=("exact", "delta")),
        marks=AGRO,
        network=network,
    ),
}
