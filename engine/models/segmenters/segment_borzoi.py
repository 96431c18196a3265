"""SegmentBorzoi: 14 genomic elements per base from Borzoi's trunk (de Almeida et al., Nature Methods 2025).

One window of 524,288 bases, the central 196,608 answered for. N is read as an all-zero column, so flanks may be padded with N.
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
from engine.models.segmenters.marks import SEGMENT_BORZOI

if TYPE_CHECKING:
    from torch import Tensor

    from engine.models.checkpoints.evidence import Evidence
    from engine.models.segmenters.borzoi_network import SegmentBorzoiNet
    from engine.models.segmenters.fixed_window import FixedWindowModel

WINDOW_BP = 524_288


def network(evidence: Evidence, tensors: Mapping[str, Tensor]) -> SegmentBorzoiNet:
    """The network filled with published tensors. Raises `WeightsInvalid` when they do not fit."""
    from engine.models.segmenters.borzoi_network import segment_borzoi_from_tensors

    return segment_borzoi_from_tensors(evidence.config, tensors)


def load(directory: Path, options: LoadOptions) -> FixedWindowModel:
    """Read a checkpoint directory in the published layout. Raises `WeightsMissing`, `WeightsInvalid`, `ParameterError`.

    ``sequence_length`` and ``bins_to_return`` in config.json replace the published window and output; the published configuration has
    neither field.
    """
    from engine.models.checkpoints.weights import placed, read_state, resolve_device, resolve_dtype, whole
    from engine.models.segmenters.fixed_window import FixedWindowModel

    identity, state = identify(ENTRIES["segment-borzoi"], directory), read_state(directory)
    net = network(identity.evidence, state.tensors)
    window = whole(identity.evidence.config, "sequence_length", WINDOW_BP)
    spare, unit = window - net.target * net.bases_per_bin, 4 * net.bases_per_bin
    if window % unit or spare < 0 or spare % (2 * net.bases_per_bin) or net.target % 2**net.unet_head.unet.levels:
        raise WeightsInvalid(
            f"config.json has sequence_length {window:,} and {net.target:,} bins of {net.bases_per_bin}; the window must be a multiple of "
            f"{unit} that holds the bins in its middle, and the bins a multiple of {2**net.unet_head.unet.levels}."
        )
    device = resolve_device(options.device)
    dtype = resolve_dtype("float32" if options.dtype in ("", "auto") else options.dtype, device)
    placed(net, device, dtype)
    card = identity.loaded(state.sha256)
    rule = WindowRule(fixed_bp=window, output_start=spare // 2, output_end=window - spare // 2)
    return FixedWindowModel(card, net, net.unet_head.elements, rule, (device, dtype))


CARD = ModelCard(
    id="segment-borzoi",
    title="SegmentBorzoi",
    alphabet=Alphabet.DNA,
    max_length=WINDOW_BP,
    capabilities=frozenset({Capability.SEGMENTATION}),
    revision="main",
    weights_sha256="",
    licence="CC BY-NC-SA 4.0 (non-commercial)",
    source="https://huggingface.co/InstaDeepAI/segment_borzoi",
    description="Genes, transcripts, splice sites and regulatory elements per base, 14 kinds, with 524 kb of context.",
    organisms="Human.",
    limitations=(
        "One window of 524,288 bases that answers for its central 196,608; shorter sequences are padded with N. "
        "The network equals the authors' code on small random weights; it has not been run on the published weights here, and "
        "the nesting of some tensor names is inferred."
    ),
    citation="de Almeida et al., Nature Methods 2025, doi 10.1038/s41592-025-02881-2",
    masked=False,
)

ENTRIES: dict[str, ModelEntry] = {
    "segment-borzoi": ModelEntry(
        CARD,
        load,
        HubFiles("InstaDeepAI/segment_borzoi", size_bytes=1_290_000_000),
        offer=Offer(windows=WindowRule(fixed_bp=WINDOW_BP, output_start=163_840, output_end=360_448)),
        marks=SEGMENT_BORZOI,
        network=network,
    ),
}
