"""SegmentEnformer: 14 genomic elements per base from Enformer's trunk (de Almeida et al., Nature Methods 2025).

One window of 196,608 bases, every base answered for. N is read as an all-zero column, so shorter sequences are padded with N.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.card import Capability, ModelCard, Offer, WindowRule
from engine.core.errors import WeightsInvalid
from engine.core.sequence import Alphabet
from engine.models.checkpoints.identity import identify
from engine.models.entry import HubFiles, LoadOptions, ModelEntry
from engine.models.segmenters.marks import SEGMENT_ENFORMER

if TYPE_CHECKING:
    from torch import Tensor

    from engine.models.checkpoints.evidence import Evidence
    from engine.models.segmenters.enformer_network import SegmentEnformerNet
    from engine.models.segmenters.fixed_window import FixedWindowModel

WINDOW_BP = 196_608


def network(evidence: Evidence, tensors: Mapping[str, Tensor]) -> SegmentEnformerNet:
    """The network filled with published tensors. Raises `WeightsInvalid` when they do not fit."""
    from engine.models.segmenters.enformer_network import segment_enformer_from_tensors

    return segment_enformer_from_tensors(evidence.config, tensors)


def load(directory: Path, options: LoadOptions) -> FixedWindowModel:
    """Read a checkpoint directory in the published layout. Raises `WeightsMissing`, `WeightsInvalid`, `ParameterError`.

    ``sequence_length`` in config.json replaces the published window; the published configuration has no such field.
    """
    from engine.models.checkpoints.weights import placed, read_state, resolve_device, resolve_dtype, whole
    from engine.models.segmenters.fixed_window import FixedWindowModel

    identity, state = identify(ENTRIES["segment-enformer"], directory), read_state(directory)
    net = network(identity.evidence, state.tensors)
    window = whole(identity.evidence.config, "sequence_length", WINDOW_BP)
    unit = net.bases_per_token * 2**net.unet_head.unet.levels
    if window % unit:
        raise WeightsInvalid(f"config.json has sequence_length {window:,}; this network needs a multiple of {unit}.")
    device = resolve_device(options.device)
    dtype = resolve_dtype("float32" if options.dtype in ("", "auto") else options.dtype, device)
    placed(net, device, dtype)
    card = identity.loaded(state.sha256)
    rule = WindowRule(fixed_bp=window, context_bp=window // 8)
    return FixedWindowModel(card, net, net.unet_head.elements, rule, (device, dtype))


CARD = ModelCard(
    id="segment-enformer",
    title="SegmentEnformer",
    alphabet=Alphabet.DNA,
    max_length=WINDOW_BP,
    capabilities=frozenset({Capability.SEGMENTATION}),
    revision="main",
    weights_sha256="",
    licence="CC BY-NC-SA 4.0 (non-commercial)",
    source="https://huggingface.co/InstaDeepAI/segment_enformer",
    description="Genes, transcripts, splice sites and regulatory elements per base, 14 kinds, with 197 kb of context.",
    organisms="Human.",
    limitations=(
        "One window of 196,608 bases; shorter sequences are padded with N. "
        "The network equals the authors' code on small random weights; it has not been run on the published weights here, and "
        "the nesting of the head's tensor names is inferred."
    ),
    citation="de Almeida et al., Nature Methods 2025, doi 10.1038/s41592-025-02881-2",
    masked=False,
)

ENTRIES: dict[str, ModelEntry] = {
    "segment-enformer": ModelEntry(
        CARD,
        load,
        HubFiles("InstaDeepAI/segment_enformer", size_bytes=1_520_000_000),
        offer=Offer(windows=WindowRule(fixed_bp=WINDOW_BP, context_bp=WINDOW_BP // 8)),
        marks=SEGMENT_ENFORMER,
        network=network,
    ),
}
