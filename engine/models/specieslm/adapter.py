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

from engine.core.card import Capability, ModelCard, Offer
from engine.core.errors import ParameterError
from engine.core.quoting import quoted
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.models.checkpoints.identity import identify
from engine.models.entry import HubFiles, LoadOptions, ModelEntry
from engine.models.groups import ANIMALS, FUNGI
from engine.models.networks.unbuilt import bert_network
from engine.models.specieslm.marks import marks

if TYPE_CHECKING:
    from engine.models.bert.model import KmerBert

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


def _load(model_id: str, directory: Path, options: LoadOptions) -> KmerBert:
    """Read a BERT directory in the published layout. Raises `WeightsMissing`, `WeightsInvalid`, `ParameterError` (species)."""
    from engine.models.bert.model import KmerBert, kmer_tokens
    from engine.models.checkpoints.weights import placed, read_state, resolve_device, resolve_dtype

    identity = identify(ENTRIES[model_id], directory)
    evidence, variant = identity.evidence, _VARIANTS[model_id]
    tokens = kmer_tokens(evidence, variant.k, _choose_species(options.species, variant.species, evidence.species))
    state = read_state(directory)
    net = bert_network(evidence, state.tensors)
    device = resolve_device(options.device)
    dtype = resolve_dtype(options.dtype, device)
    placed(net, device, dtype)
    card = identity.loaded(state.sha256, species=evidence.species)
    return KmerBert(card, net, tokens, device, dtype)


def _card(model_id: str, title: str, **rest: object) -> ModelCard:
    values: dict[str, object] = {
        "alphabet": Alphabet.DNA,
        "capabilities": _CAPABILITIES,
        "revision": "main",
        "weights_sha256": "",
        "licence": "MIT",
        "min_length": _VARIANTS[model_id].k,
        "upstream_bp": _VARIANTS[model_id].upstream_bp,
        "trained_bp": _VARIANTS[model_id].upstream_bp + 3,
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
        made_for=FUNGI,
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
        made_for=ANIMALS,
        note=partial(layout_note, "specieslm-metazoa-k6"),
        marks=marks(6, rotary=True),
        network=bert_network,
    ),
}
