"""A model as an installed package brings it: a base by itself and its two neighbours, from a table. The whole adapter is this file.

The package's pyproject.toml names it:  [project.entry-points."locuscope.models"]  example-neighbours = "locuscope_neighbours:ENTRY"
"""

import hashlib
from dataclasses import replace
from pathlib import Path

from engine.core.card import Capability, ModelCard
from engine.core.sequence import Alphabet
from engine.models.entry import LoadOptions, ModelEntry

CARD = ModelCard(
    id="example-neighbours",
    title="Neighbours",
    alphabet=Alphabet.DNA,
    max_length=1_000,
    capabilities=frozenset({Capability.PROBABILITIES, Capability.DEPENDENCY, Capability.EFFECTS}),
    revision="1.0",
    weights_sha256="",
    licence="CC0-1.0",
    source="https://example.org/neighbours",
    limitations="Knows nothing that lies further away than one base.",
)


def load(directory: Path, options: LoadOptions) -> object:
    """The model, on the device of the options; ``directory`` would hold its weights."""
    import torch

    from engine.models.checkpoints.weights import resolve_device, resolve_dtype
    from engine.models.reading.single_base import BaseTokens, SingleBaseModel

    tokens = BaseTokens((0, 1, 2, 3), {"A": 0, "C": 1, "G": 2, "T": 3}, unknown_id=4, mask_id=5)
    device = resolve_device(options.device)
    dtype = resolve_dtype(options.dtype, device)
    table = torch.arange(3 * 6 * 6).view(3, 6, 6).mul(0.7).sin()
    card = replace(CARD, weights_sha256=hashlib.sha256(table.numpy().tobytes()).hexdigest())
    table = table.to(device, getattr(torch, dtype))

    class Neighbours(SingleBaseModel):
        def vocabulary_logits(self, ids: torch.Tensor) -> torch.Tensor:
            sides = torch.nn.functional.pad(ids, (1, 1), value=tokens.unknown_id)
            return (table[0][sides[:, :-2]] + table[1][ids] + table[2][sides[:, 2:]]).float()

    return Neighbours(card, tokens, torch.device(device), dtype)


ENTRY = ModelEntry(CARD, load)  # type: ignore[arg-type]
