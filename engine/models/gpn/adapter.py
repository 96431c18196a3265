"""GPN: a convolutional masked model of plant genomes, one token per base.

Recipes: songlab-cal/gpn, ``gpn/ss/run_vep.py`` (log-likelihood ratio) and ``gpn/ss/run_vep_influence.py``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.card import Capability, EffectRecipe, ModelCard, Offer
from engine.core.sequence import Alphabet
from engine.models.entry import HubFiles, LoadOptions, ModelEntry

if TYPE_CHECKING:
    from engine.models.gpn.model import GpnModel

RECIPE = EffectRecipe(window_bp=512, both_strands=True)
"""512 bases around the variant, the variant masked, mean of both strands; beyond the sequence stands N."""

CARD = ModelCard(
    id="gpn",
    title="GPN (Brassicales)",
    alphabet=Alphabet.DNA,
    max_length=100_000,
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


def load(directory: Path, options: LoadOptions) -> GpnModel:
    """A GPN checkpoint in the published layout (class ConvNet or GPN with encoder convnet or bytenet)."""
    from engine.models.checkpoints.weights import load_tensors, placed, read_json, read_state, resolve_device, resolve_dtype, unfilled
    from engine.models.gpn.model import GpnModel
    from engine.models.gpn.network import GpnConfig, GpnNet, renamed

    config = GpnConfig.read(read_json(directory))
    state = read_state(directory)
    with unfilled():
        net = GpnNet(config)
    load_tensors(net, renamed(config, state.tensors))
    device = resolve_device(options.device)
    dtype = resolve_dtype(options.dtype, device)
    card = replace(CARD, weights_sha256=state.sha256)
    return GpnModel(card, net, placed(net, device, dtype), dtype, directory)


ENTRIES: dict[str, ModelEntry] = {
    "gpn": ModelEntry(
        CARD,
        load,
        HubFiles(
            "songlab/gpn-brassicales",
            patterns=("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"),
            size_bytes=264_000_000,
        ),
        offer=Offer(recipe=RECIPE),
    )
}
"""Registry rows."""
