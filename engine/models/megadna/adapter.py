"""megaDNA: a causal model of phage genomes, one token per base, published as a whole pickled module.

Prompt: token 0, the bases, token 5 (lingxusb/megaDNA, notebook/megaDNA_mutagenesis.ipynb, ``encode_sequence``). Letters other than A, C,
G, T are read as A, as the authors' function does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.card import Capability, ModelCard
from engine.core.sequence import Alphabet
from engine.models.checkpoints.identity import identify
from engine.models.entry import HubFiles, LoadOptions, ModelEntry
from engine.models.groups import PHAGES
from engine.models.megadna.marks import MARKS, WEIGHTS, lengths

if TYPE_CHECKING:
    from torch import Tensor

    from engine.models.checkpoints.evidence import Evidence
    from engine.models.megadna.model import MegaDnaModel
    from engine.models.megadna.network import MegaDnaNet

CARD = ModelCard(
    id="megadna",
    title="megaDNA",
    alphabet=Alphabet.DNA,
    max_length=131_070,
    capabilities=frozenset(
        {
            Capability.PROBABILITIES,
            Capability.DEPENDENCY,
            Capability.EFFECTS,
            Capability.DELTA_LIKELIHOOD,
            Capability.EMBEDDINGS,
            Capability.GENERATION,
        }
    ),
    revision="main",
    weights_sha256="",
    licence="CC BY-NC 4.0",
    source="https://huggingface.co/lingxusb/megaDNA_updated",
    description="Reads phage genomes from left to right; scores how much a change costs the bases behind it, and continues sequences.",
    organisms="99,700 bacteriophage genomes.",
    limitations="Sees only what stands before a base, so effects appear downstream alone; every letter other than A, C, G, T is read as A.",
    citation="Shao and Yan, Nature Communications 2024, 15:9392, doi 10.1038/s41467-024-53759-4",
    causal=True,
    masked=False,
)


def network(evidence: Evidence, tensors: Mapping[str, Tensor]) -> MegaDnaNet:
    """The network filled with published tensors. Raises `WeightsInvalid` when they do not fit."""
    from engine.models.checkpoints.weights import load_tensors, unfilled
    from engine.models.megadna.network import MegaDnaConfig, MegaDnaNet, renamed

    told = {**evidence.config, **evidence.header.attributes}
    config = MegaDnaConfig.of(tensors, lengths(evidence), told.get("pad_id", 0))
    with unfilled():
        net = MegaDnaNet(config)
    load_tensors(net, renamed(config, tensors))
    return net


def load(directory: Path, options: LoadOptions) -> MegaDnaModel:
    """A megaDNA checkpoint: one pickled ``.pt`` as published, or a state dict with ``max_seq_len`` in config.json."""
    from engine.models.checkpoints.weights import placed, resolve_device, resolve_dtype
    from engine.models.megadna.model import MegaDnaModel, read_tensors

    identity, state = identify(ENTRIES["megadna"], directory), read_tensors(directory)
    net = network(identity.evidence, state.tensors)
    device = resolve_device(options.device)
    dtype = resolve_dtype(options.dtype, device)
    card = identity.loaded(state.sha256, max_length=max(1, net.config.longest - 2))
    return MegaDnaModel(card, net, placed(net, device, dtype), dtype)


ENTRIES: dict[str, ModelEntry] = {
    "megadna": ModelEntry(
        CARD,
        load,
        HubFiles("lingxusb/megaDNA_updated", patterns=(), weights=("megaDNA_phage_145M.pt",), size_bytes=583_000_000),
        marks=MARKS,
        network=network,
        weights=WEIGHTS,
        made_for=PHAGES,
    )
}
"""Registry rows."""
