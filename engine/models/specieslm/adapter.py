"""SpeciesLM: species-aware masked language models of the regions around genes (Karollus et al. 2024, Tomaz da Silva et al. 2025).

One base a token (fungi k1), or overlapping 6-mers at stride 1 (fungi k6, metazoa k6). Input is ``[CLS] species tokens [SEP]``. Published
checkpoints are Hugging Face BERT directories; the metazoa model adds rotary positions.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.card import Capability, EffectRecipe, ModelCard, Offer
from engine.core.errors import ParameterError, SequenceError, WeightsInvalid
from engine.core.protocols import Prepared
from engine.core.quoting import quoted
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.models.checkpoints.identity import identify
from engine.models.entry import HubFiles, LoadOptions, ModelEntry
from engine.models.networks.unbuilt import bert_network
from engine.models.specieslm.marks import ROLES, marks

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from engine.models.checkpoints.evidence import Evidence
    from engine.models.networks.bert import BertNet

START_CODON = "ATG"
_CAPABILITIES = frozenset({Capability.PROBABILITIES, Capability.DEPENDENCY, Capability.EFFECTS, Capability.EMBEDDINGS, Capability.CONTACTS})
_PAPER = "Tomaz da Silva et al., Nature Genetics 2025, doi 10.1038/s41588-025-02347-3"
_PAPER_2024 = "Karollus et al., Genome Biology 2024 (species-aware DNA language models)"


@dataclass(frozen=True)
class _Variant:
    """What differs between the published checkpoints: token size, the species when none is named, bases before the start codon."""

    k: int
    species: str
    upstream_bp: int


_VARIANTS = {
    "specieslm-fungi-k1": _Variant(1, "kazachstania_africana_cbs_2517_gca_000304475", 1000),
    "specieslm-fungi-k6": _Variant(6, "candida_glabrata", 1000),
    "specieslm-metazoa-k6": _Variant(6, "homo_sapiens", 2000),
}


@dataclass(frozen=True, eq=False)
class PreparedKmers(Prepared):
    """``codes``: int64 (L,) A, C, G, T = 0..3, other letters 4, on the model's device."""

    codes: torch.Tensor


@dataclass(frozen=True)
class _Tokens:
    """Ids of a checkpoint's vocabulary; ``lead`` and ``tail`` go around the k-mers."""

    k: int
    kmers: Tensor
    table: Tensor
    lead: tuple[int, ...]
    tail: int
    mask: int
    species: str


class SpeciesLM:
    """A loaded SpeciesLM; implements `engine.core.protocols.PreciseMutantModel`.

    ``species``: the token in use. Letters other than A, C, G, T become the unknown token, as in the authors' tokenizer.
    """

    def __init__(self, card: ModelCard, net: BertNet, tokens: _Tokens, device: str, dtype: str) -> None:
        from engine.models.reading.kmers import offset_matrix
        from engine.models.shortcuts.delta_mutants import MutantsByDifference

        self.card, self.device, self.dtype, self.species = card, device, dtype, tokens.species
        self.net, self._k, self._mask = net, tokens.k, tokens.mask
        self._lead, self._tail = tokens.lead, tokens.tail
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
        from engine.models.reading.kmers import base_codes

        length, card = len(sequence), self.card
        if not card.min_length <= length <= card.max_length:
            raise SequenceError(
                f"The sequence has {length:,} bases; {card.title} takes {card.min_length:,} to {card.max_length:,}: "
                f"{'give a longer one' if length < card.min_length else 'choose a shorter window'}."
            )
        letters = sequence.as_dna()
        codes = base_codes(letters).to(self.device)
        return PreparedKmers(letters, self._with_specials(codes[None])[0], codes)

    def mutants(self, reference: Prepared, positions: Tensor, alternates: Tensor) -> Tensor:
        """Ids of the substituted sequences: the k tokens that contain the base are looked up again."""
        codes = _codes_of(reference).repeat(len(positions), 1)
        codes.scatter_(1, positions[:, None], alternates[:, None])
        return self._with_specials(codes)

    def masked(self, reference: Prepared, positions: Tensor) -> Tensor:
        """Ids with k consecutive tokens masked: those that contain the base, shifted inwards at the ends (the authors' spans)."""
        import torch

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
        import torch

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
        from engine.models.networks.batching import passes_of

        return passes_of(len(reference.ids), self.device)

    def layout_note(self, sequence: NucleotideSequence) -> str:
        """One sentence on what is missing from the layout the model was trained on, or an empty text."""
        return layout_note(self.card.id, sequence)

    def _with_specials(self, codes: Tensor) -> Tensor:
        import torch

        from engine.models.reading.kmers import numbers

        batch = len(codes)
        inner = self._table[numbers(codes, self._k)]
        lead = torch.tensor(self._lead, dtype=torch.int64, device=codes.device).expand(batch, -1)
        tail = torch.full((batch, 1), self._tail, dtype=torch.int64, device=codes.device)
        return torch.cat((lead, inner, tail), dim=1)

    def _single_scores(self, hidden: Tensor, *, normalised: bool) -> Tensor:
        from engine.models.networks.batching import in_chunks
        from engine.models.networks.kernels import float_linear

        net = self.net
        if not normalised:
            return float_linear(net.transformed(hidden), *net.output_weights(self._kmers))
        weights = net.output_weights()
        return in_chunks(net.transformed(hidden), lambda rows: float_linear(rows, *weights).log_softmax(-1)[:, self._kmers])

    def _marginal_scores(self, hidden: Tensor) -> Tensor:
        from engine.models.networks.batching import in_chunks
        from engine.models.networks.kernels import float_linear
        from engine.models.reading.kmers import log_marginals, overlapping_log_probabilities

        weights, matrix = self.net.output_weights(self._kmers), self._matrix
        if matrix is None:
            raise WeightsInvalid("a model of single bases has no k-mer marginals")
        marginals = in_chunks(self.net.transformed(hidden), lambda rows: log_marginals(float_linear(rows, *weights), matrix))
        return overlapping_log_probabilities(marginals)


def _codes_of(reference: Prepared) -> Tensor:
    if not isinstance(reference, PreparedKmers):
        raise TypeError("the reference was prepared by another model")
    return reference.codes


def layout_note(model_id: str, sequence: NucleotideSequence) -> str:
    """What ``sequence`` lacks of the layout the model was trained on (bases before the start codon, then the codon), or an empty text."""
    upstream = _VARIANTS[model_id].upstream_bp
    whole = upstream + len(START_CODON)
    missing = []
    if len(sequence) != whole:
        missing.append(f"it has {len(sequence):,} bases")
    if not sequence.as_dna().endswith(START_CODON):
        missing.append("it does not end with ATG")
    if not missing:
        return ""
    return (
        f"{model_id} was trained on {upstream:,} bases before a start codon and the codon itself ({whole:,} bases on the gene's strand); "
        f"this sequence differs: {' and '.join(missing)}."
    )


def _choose_species(asked: str, default: str, available: tuple[str, ...]) -> str:
    """The species token to use, empty for a model without any. Raises `ParameterError` with the nearest names."""
    name = "_".join(asked.lower().split())
    if not available:
        if name:
            raise ParameterError(f"The species is {quoted(asked)} but this checkpoint has no species tokens; leave the species out.")
        return ""
    if name in available:
        return name
    if not name and default in available:
        return default
    if not name and len(available) == 1:
        return available[0]
    if not name:
        raise ParameterError(f"This checkpoint needs a species; it has {len(available):,}, such as {', '.join(available[:3])}: name one.")
    near = difflib.get_close_matches(name, available, n=3, cutoff=0.5) or [s for s in available if s.startswith(name.split("_")[0])][:3]
    hint = f"did you mean {' or '.join(near)}?" if near else f"it has {len(available):,}, such as {', '.join(available[:3])}."
    raise ParameterError(f"The species is {quoted(asked)}, which this checkpoint has no token for; {hint}")


def _tokens(evidence: Evidence, k: int, species: str) -> _Tokens:
    from engine.models.reading.kmers import kmer_ids, lookup_table

    vocabulary = evidence.vocabulary
    cls, sep, mask, unknown = (vocabulary[evidence.role(role, published)] for role, published in ROLES.items())
    kmers = kmer_ids(vocabulary, k)
    lead = (cls, vocabulary[species]) if species else (cls,)
    return _Tokens(k, kmers, lookup_table(kmers, k, unknown), lead, sep, mask, species)


def _load(model_id: str, directory: Path, options: LoadOptions) -> SpeciesLM:
    """Read a BERT directory in the published layout. Raises `WeightsMissing`, `WeightsInvalid`, `ParameterError` (species)."""
    from engine.models.checkpoints.weights import placed, read_state, resolve_device, resolve_dtype

    identity = identify(ENTRIES[model_id], directory)
    evidence, variant = identity.evidence, _VARIANTS[model_id]
    tokens = _tokens(evidence, variant.k, _choose_species(options.species, variant.species, evidence.species))
    state = read_state(directory)
    net = bert_network(evidence, state.tensors)
    device = resolve_device(options.device)
    dtype = resolve_dtype(options.dtype, device)
    placed(net, device, dtype)
    longest = net.config.positions - len(tokens.lead) - 1 + variant.k - 1 if net.config.positions else identity.card.max_length
    card = identity.loaded(state.sha256, max_length=longest, species=evidence.species)
    return SpeciesLM(card, net, tokens, device, dtype)


def _card(model_id: str, title: str, **rest: object) -> ModelCard:
    values: dict[str, object] = {
        "alphabet": Alphabet.DNA,
        "capabilities": _CAPABILITIES,
        "revision": "main",
        "weights_sha256": "",
        "licence": "MIT",
        "min_length": _VARIANTS[model_id].k,
        "citation": _PAPER,
        "limitations": (
            f"Trained only on {_VARIANTS[model_id].upstream_bp:,} bases before a start codon plus the codon, on the gene's strand; "
            "elsewhere its answers are less reliable. Letters other than A, C, G, T are read as unknown."
        ),
    }
    return ModelCard(id=model_id, title=title, **(values | rest))  # type: ignore[arg-type]


_PATTERNS = ("config.json", "vocab.txt", "added_tokens.json", "special_tokens_map.json", "tokenizer*.json")

ENTRIES: dict[str, ModelEntry] = {
    "specieslm-fungi-k1": ModelEntry(
        _card(
            "specieslm-fungi-k1",
            "SpeciesLM fungi, single bases",
            max_length=1021,
            source="https://huggingface.co/johahi/specieslm-fungi-upstream-k1",
            description="Regulatory elements and structured RNA before fungal genes, base by base.",
            organisms="Fungi; the species is part of the input (for S. cerevisiae, which was held out, K. africana stands in).",
        ),
        partial(_load, "specieslm-fungi-k1"),
        HubFiles("johahi/specieslm-fungi-upstream-k1", patterns=_PATTERNS, size_bytes=352_000_000),
        offer=Offer(precisions=("exact", "delta")),
        note=partial(layout_note, "specieslm-fungi-k1"),
        marks=marks(1, rotary=False),
        network=bert_network,
    ),
    "specieslm-fungi-k6": ModelEntry(
        _card(
            "specieslm-fungi-k6",
            "SpeciesLM fungi, 6-mers",
            max_length=1026,
            revision="upstream_species_lm",
            source="https://huggingface.co/gagneurlab/SpeciesLM",
            description="The first SpeciesLM: regulatory elements before fungal genes, read in overlapping 6-mers.",
            organisms="Fungi; the species is part of the input (for S. cerevisiae, which was held out, C. glabrata stands in).",
            citation=_PAPER_2024,
        ),
        partial(_load, "specieslm-fungi-k6"),
        HubFiles("gagneurlab/SpeciesLM", "upstream_species_lm", _PATTERNS, size_bytes=360_000_000),
        offer=Offer(precisions=("exact", "delta")),
        note=partial(layout_note, "specieslm-fungi-k6"),
        marks=marks(6, rotary=False),
        network=bert_network,
    ),
    "specieslm-metazoa-k6": ModelEntry(
        _card(
            "specieslm-metazoa-k6",
            "SpeciesLM metazoa, 6-mers",
            max_length=8194,
            source="https://huggingface.co/johahi/specieslm-metazoa-upstream-k6",
            description="Promoters and regulatory elements before animal genes, read in overlapping 6-mers.",
            organisms="494 metazoa of Ensembl 110; the species is part of the input (homo_sapiens when none is named).",
        ),
        partial(_load, "specieslm-metazoa-k6"),
        HubFiles("johahi/specieslm-metazoa-upstream-k6", patterns=_PATTERNS, size_bytes=398_500_000),
        offer=Offer(precisions=("exact", "delta")),
        note=partial(layout_note, "specieslm-metazoa-k6"),
        marks=marks(6, rotary=True),
        network=bert_network,
    ),
}
