"""GPN: a convolutional masked model of plant genomes, one token per base.

Recipes: songlab-cal/gpn, ``gpn/ss/run_vep.py`` (log-likelihood ratio) and ``gpn/ss/run_vep_influence.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.card import Capability, EffectRecipe, ModelCard, Offer
from engine.core.sequence import Alphabet
from engine.models.checkpoints.identity import identify
from engine.models.entry import HubFiles, LoadOptions, ModelEntry
from engine.models.gpn.marks import MARKS
from engine.models.groups import CRUCIFERS

if TYPE_CHECKING:
    from torch import Tensor

    from engine.models.checkpoints.evidence import Evidence
    from engine.models.gpn.model import GpnModel
    from engine.models.gpn.network import GpnNet

RECIPE = EffectRecipe(window_bp=512, both_strands=True)
"""512 bases around the variant, the variant masked, mean of both strands; beyond the sequence stands N."""

CARD = ModelCard(
    id="gpn",
    title="GPN (Brassicales)",
    alphabet=Alphabet.DNA,
    max_length=100_000,
    trained_bp=512,
    capabilities=frozenset({Capability.PROBABILITIES, Capability.DEPENDENCY, Capability.EFFECTS, Capability.EMBEDDINGS}),
    revision="main",
    weights_sha256="",
    licence="MIT",
    source="https://huggingface.co/songlab/gpn-brassicales",
    description="Scores every base of plant genomes from the sequence around it; made to rank variants of Arabidopsis and its relatives.",
    organisms="Arabidopsis thaliana and seven other Brassicales.",
    limitations="Sees about 1,000 bases to each side; trained on windows of 512 bases of plants, so other organisms are out of its range.",
    citation="Benegas, Batra and Song, PNAS 2023, doi 10.1073/pnas.2311219120",
)


def network(evidence: Evidence, tensors: Mapping[str, Tensor]) -> GpnNet:
    """The network filled with published tensors. Raises `WeightsInvalid` when they do not fit."""
    from engine.models.checkpoints.weights import load_tensors, unfilled
    from engine.models.gpn.network import GpnConfig, GpnNet, renamed

    config = GpnConfig.read(evidence.config)
    with unfilled():
        net = GpnNet(config)
    load_tensors(net, renamed(config, tensors))
    return net


def load(directory: Path, options: LoadOptions) -> GpnModel:
    """A GPN checkpoint in the published layout (class ConvNet or GPN with encoder convnet or bytenet)."""
    from engine.models.checkpoints.weights import placed, read_state, resolve_device, resolve_dtype
    from engine.models.gpn.model import GpnModel, read_tokens

    identity, state = identify(ENTRIES["gpn"], directory), read_state(directory)
    net = network(identity.evidence, state.tensors)
    tokens = read_tokens(identity.evidence)
    device = resolve_device(options.device)
    dtype = resolve_dtype(options.dtype, device)
    return GpnModel(identity.loaded(state.sha256), net, tokens, placed(net, device, dtype), dtype)


ENTRIES: dict[str, ModelEntry] = {
    "gpn": ModelEntry(
        CARD,
        load,
        HubFiles(
            "songlab/gpn-brassicales",
            patterns=("config.json", "tokenizer.json", "tokenizer_config.json"),
            size_bytes=264_000_000,
        ),
        offer=Offer(recipe=RECIPE),
        marks=MARKS,
        network=network,
        made_for=CRUCIFERS,
    )
}
"""Registry rows."""
