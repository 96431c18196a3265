"""SpliceBERT and RNAErnie2: masked models of primary RNA transcripts and of non-coding RNA, one base a token, in transformers' BERT layout.

Input is ``[CLS] bases [SEP]``; letters other than A, C, G, T (U) are read as N, for which both vocabularies have a token.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.card import Capability, ModelCard, Offer
from engine.core.sequence import Alphabet
from engine.models.bert.marks import RNA_ERNIE_2, SPLICE_BERT
from engine.models.checkpoints.identity import identify
from engine.models.entry import HubFiles, LoadOptions, ModelEntry
from engine.models.networks.unbuilt import bert_network

if TYPE_CHECKING:
    from engine.models.bert.model import KmerBert

_CAPABILITIES = frozenset({Capability.PROBABILITIES, Capability.DEPENDENCY, Capability.EFFECTS, Capability.CONTACTS, Capability.EMBEDDINGS})


def _load(model_id: str, directory: Path, options: LoadOptions) -> KmerBert:
    """Read a BERT directory in the published layout. Raises `WeightsMissing`, `WeightsInvalid`, `ParameterError` (device, dtype)."""
    from engine.models.bert.model import KmerBert, kmer_tokens
    from engine.models.checkpoints.weights import placed, read_state, resolve_device, resolve_dtype

    identity = identify(ENTRIES[model_id], directory)
    tokens, state = kmer_tokens(identity.evidence, 1, other="N"), read_state(directory)
    net = bert_network(identity.evidence, state.tensors)
    device = resolve_device(options.device)
    dtype = resolve_dtype(options.dtype, device)
    placed(net, device, dtype)
    return KmerBert(identity.loaded(state.sha256), net, tokens, device, dtype)


ENTRIES: dict[str, ModelEntry] = {
    "splicebert": ModelEntry(
        ModelCard(
            id="splicebert",
            title="SpliceBERT",
            alphabet=Alphabet.DNA,
            max_length=1_024,
            capabilities=_CAPABILITIES,
            revision="SpliceBERT.1024nt",
            weights_sha256="",
            licence="none stated with the weights (the authors' code is BSD-3-Clause)",
            source="https://zenodo.org/records/7995778 (models.tar.gz, folder SpliceBERT.1024nt)",
            description="Reads primary transcripts (introns included) base by base; made to study splicing and what disturbs it.",
            organisms="Primary transcripts of 72 vertebrates.",
            limitations=(
                "At most 1,024 bases, trained on 64 and more, on the transcript's strand; not trained on promoters or on DNA between genes. "
                "The weights are an archive to unpack by hand; install its folder by --from."
            ),
            citation="Chen et al., Briefings in Bioinformatics 2024, doi 10.1093/bib/bbae163",
        ),
        partial(_load, "splicebert"),
        offer=Offer(precisions=("exact", "delta")),
        marks=SPLICE_BERT,
        network=bert_network,
    ),
    "rnaernie2": ModelEntry(
        ModelCard(
            id="rnaernie2",
            title="RNAErnie2",
            alphabet=Alphabet.RNA,
            max_length=2_046,
            capabilities=_CAPABILITIES,
            revision="main",
            weights_sha256="",
            licence="Apache-2.0",
            source="https://huggingface.co/LLM-EDA/RNAErnie",
            description="Scores every base of a non-coding RNA from the whole molecule.",
            organisms="31 million non-coding RNAs of RNAcentral 22.",
            limitations="RNA of at most 2,046 bases; not trained on messenger RNA or on DNA between genes.",
            citation="Wang et al., Nature Machine Intelligence 2024, doi 10.1038/s42256-024-00836-4 (first version)",
        ),
        partial(_load, "rnaernie2"),
        HubFiles(
            "LLM-EDA/RNAErnie",
            patterns=("config.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json"),
            size_bytes=349_000_000,
        ),
        offer=Offer(precisions=("exact", "delta")),
        marks=RNA_ERNIE_2,
        network=bert_network,
    ),
}
"""Registry rows."""
