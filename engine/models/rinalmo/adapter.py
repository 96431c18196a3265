"""RiNALMo: a masked model of non-coding RNA, one token per base.

Layouts: the authors' ``rinalmo_*_pretrained.pt`` (lbcb-sci/RiNALMo, no configuration beside it) and the safetensors layout of
``multimolecule/rinalmo-*``. Only weights are read; no code of either package is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.card import Capability, ModelCard
from engine.core.sequence import Alphabet
from engine.models.checkpoints.identity import identify
from engine.models.entry import HubFiles, LoadOptions, ModelEntry
from engine.models.groups import RNA
from engine.models.rinalmo.marks import MARKS, is_official

if TYPE_CHECKING:
    from torch import Tensor

    from engine.models.checkpoints.evidence import Evidence
    from engine.models.rinalmo.model import RinalmoModel
    from engine.models.rinalmo.network import RinalmoNet

CARD = ModelCard(
    id="rinalmo",
    title="RiNALMo",
    alphabet=Alphabet.RNA,
    max_length=1_022,
    capabilities=frozenset(
        {Capability.PROBABILITIES, Capability.DEPENDENCY, Capability.EFFECTS, Capability.CONTACTS, Capability.EMBEDDINGS}
    ),
    revision="main",
    weights_sha256="",
    licence="CC BY 4.0 (weights)",
    source="https://huggingface.co/multimolecule/rinalmo-giga (from https://zenodo.org/records/15043668)",
    description="Scores every base of a non-coding RNA from the whole molecule; its dependency maps show which bases pair.",
    organisms="36 million non-coding RNAs of all kingdoms.",
    limitations="RNA of at most 1,022 bases; not trained on messenger RNA or on DNA between genes.",
    citation="Penić et al., Nature Communications 2025, 16:5671",
)

WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "*.pt")


def network(evidence: Evidence, tensors: Mapping[str, Tensor]) -> RinalmoNet:
    """The network filled with published tensors; sizes come from config.json where there is one, else from the tensors.

    Raises `WeightsInvalid` when names or shapes do not fit.
    """
    from engine.models.checkpoints.weights import load_tensors, unfilled
    from engine.models.rinalmo.model import read_config, read_tokens
    from engine.models.rinalmo.network import UNUSED, RinalmoNet, renamed

    named = renamed(tensors, learnable_beta=bool(evidence.config.get("learnable_beta", True)))
    with unfilled():
        net = RinalmoNet(read_config(evidence.config, named, read_tokens(evidence), official=is_official(evidence)))
    load_tensors(net, named, unused=UNUSED)
    return net


def load(directory: Path, options: LoadOptions) -> RinalmoModel:
    """A RiNALMo checkpoint in either published layout."""
    from engine.models.checkpoints.weights import placed, read_state, resolve_device, resolve_dtype
    from engine.models.rinalmo.model import RinalmoModel, read_tokens

    identity, state = identify(ENTRIES["rinalmo"], directory), read_state(directory, WEIGHTS)
    evidence, tokens = identity.evidence, read_tokens(identity.evidence)
    net = network(evidence, state.tensors)
    device = resolve_device(options.device)
    dtype = resolve_dtype(options.dtype, device)
    return RinalmoModel(identity.loaded(state.sha256), net, tokens, placed(net, device, dtype), dtype)


ENTRIES: dict[str, ModelEntry] = {
    "rinalmo": ModelEntry(
        CARD,
        load,
        HubFiles(
            "multimolecule/rinalmo-giga",
            patterns=("config.json", "vocab.txt", "tokenizer_config.json"),
            size_bytes=2_600_000_000,
        ),
        marks=MARKS,
        network=network,
        weights=WEIGHTS,
        made_for=RNA,
    )
}
"""Registry rows."""
