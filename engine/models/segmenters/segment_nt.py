"""SegmentNT: 14 genomic elements per base from a Nucleotide Transformer (de Almeida et al., Nature Methods 2025).

A window is read in 6-mers; their number must be a multiple of 4 (24 bases), and N is not allowed. Beyond the 30 kb of training the rotary
positions are rescaled to tokens / 2048, as the authors' notes ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.card import Capability, ModelCard, Offer, WindowRule
from engine.core.errors import SequenceError
from engine.core.sequence import BASES, Alphabet
from engine.models.checkpoints.identity import identify
from engine.models.entry import HubFiles, LoadOptions, ModelEntry
from engine.models.segmenters.marks import SEGMENT_NT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from engine.models.checkpoints.evidence import Evidence
    from engine.models.nucleotide_transformer.adapter import KmerVocabulary
    from engine.models.segmenters.segment_nt_network import SegmentNtNet

BACKBONE_TOKENS = 2048
"""Tokens the Nucleotide Transformer was trained on; the unit of the rescaling factor."""

_CONTEXT_BP = 1_200


class SegmentNT:
    """A loaded SegmentNT; implements `engine.core.protocols.ElementModel`."""

    def __init__(self, card: ModelCard, net: SegmentNtNet, vocabulary: KmerVocabulary, device: str, dtype: str) -> None:
        self.card, self.device, self.dtype = card, device, dtype
        self.elements = net.elements
        self._net, self._vocabulary = net, vocabulary
        self.window_rule = WindowRule(
            multiple_bp=vocabulary.k * 2**net.levels, context_bp=min(_CONTEXT_BP, card.max_length // 4), allows_ambiguous=False
        )

    def rescaling_factor(self, tokens: int) -> float | None:
        """Rotary rescaling for ``tokens`` tokens with ``<cls>``: the configured one as far as it reaches, tokens / 2048 beyond."""
        configured = self._net.config.rescaling_factor
        needed = tokens / BACKBONE_TOKENS
        return needed if needed > (configured or 1.0) else configured

    def token_ids(self, letters: str) -> Tensor:
        """int64 (1, T) with ``<cls>``. Raises `SequenceError` for a length or a letter the model does not take."""
        import torch

        from engine.models.reading.kmers import base_codes, numbers

        unit, vocabulary = self.window_rule.multiple_bp, self._vocabulary
        if not letters or len(letters) % unit or len(letters) > self.card.max_length:
            raise SequenceError(
                f"The window has {len(letters):,} bases; {self.card.title} takes multiples of {unit} up to {self.card.max_length:,}: "
                "extend or shorten it."
            )
        foreign = set(letters) - set(BASES)
        if foreign:
            where = next(index for index, letter in enumerate(letters) if letter in foreign)
            raise SequenceError(
                f"The window has {letters[where]!r} at position {where + 1:,}; {self.card.title} reads A, C, G and T only: "
                "choose a region without ambiguous bases."
            )
        k = vocabulary.k
        index = numbers(base_codes(letters), k, step=k)
        place = sum((index // 5**power % 5) * 4**power for power in range(k))
        ids = torch.tensor(vocabulary.kmers, dtype=torch.int64)[place]
        before = torch.tensor(vocabulary.before, dtype=torch.int64)
        return torch.cat((before, ids))[None].to(self.device)

    def element_logits(self, letters: str) -> Tensor:
        """Scores float32 (L, E, 2) before the softmax, on the model's device."""
        import torch

        with torch.inference_mode():
            ids = self.token_ids(letters)
            scores: Tensor = self._net(ids, rescaling_factor=self.rescaling_factor(ids.shape[1]))[0]
        return scores

    def element_probabilities(self, letters: str) -> NDArray[np.float32]:
        """float32 (L, E) of one window; see `engine.core.protocols.ElementModel`."""
        from engine.models.segmenters.heads import element_probabilities

        values: NDArray[np.float32] = element_probabilities(self.element_logits(letters)).cpu().numpy()
        return values


def network(evidence: Evidence, tensors: Mapping[str, Tensor]) -> SegmentNtNet:
    """The network filled with published tensors. Raises `WeightsInvalid` when they do not fit."""
    from engine.models.segmenters.segment_nt_network import segment_nt_from_tensors

    return segment_nt_from_tensors(evidence.config, tensors, evidence.k)


def _load(model_id: str, directory: Path, options: LoadOptions) -> SegmentNT:
    """Read a checkpoint directory in the published layout. Raises `WeightsMissing`, `WeightsInvalid`, `ParameterError`."""
    from engine.models.checkpoints.weights import placed, read_state, resolve_device, resolve_dtype
    from engine.models.nucleotide_transformer.adapter import KmerVocabulary

    identity = identify(ENTRIES[model_id], directory)
    vocabulary, state = KmerVocabulary.of(identity.evidence), read_state(directory)
    net = network(identity.evidence, state.tensors)
    device = resolve_device(options.device)
    dtype = resolve_dtype(options.dtype, device)
    placed(net, device, dtype)
    return SegmentNT(identity.loaded(state.sha256), net, vocabulary, device, dtype)


def _entry(model_id: str, title: str, repository: str, organisms: str) -> ModelEntry:
    card = ModelCard(
        id=model_id,
        title=title,
        alphabet=Alphabet.DNA,
        max_length=49_992,
        min_length=24,
        capabilities=frozenset({Capability.SEGMENTATION}),
        revision="main",
        weights_sha256="",
        licence="CC BY-NC-SA 4.0 (non-commercial)",
        source=f"https://huggingface.co/{repository}",
        description="Genes, transcripts, splice sites and regulatory elements per base, 14 kinds.",
        organisms=organisms,
        limitations="No N in the input; trained on 30 kb windows and rescaled up to 50 kb; elements are independent and may overlap.",
        citation="de Almeida et al., Nature Methods 2025, doi 10.1038/s41592-025-02881-2",
        masked=False,
    )
    rule = WindowRule(multiple_bp=24, context_bp=_CONTEXT_BP, allows_ambiguous=False)
    files = ("config.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json")
    return ModelEntry(
        card,
        partial(_load, model_id),
        HubFiles(repository, patterns=files, size_bytes=2_240_000_000),
        offer=Offer(windows=rule),
        marks=SEGMENT_NT,
        network=network,
    )


ENTRIES: dict[str, ModelEntry] = {
    "segmentnt": _entry("segmentnt", "SegmentNT", "InstaDeepAI/segment_nt", "Human."),
    "segmentnt-multi-species": _entry(
        "segmentnt-multi-species", "SegmentNT multi-species", "InstaDeepAI/segment_nt_multi_species", "Human and further animals."
    ),
}
