"""A model as an installed package brings it: the base between two neighbours, from a table. The whole adapter is this file.

The package's pyproject.toml names it:  [project.entry-points."locuscope.models"]  example-neighbours = "locuscope_neighbours:ENTRY"
"""

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
    description="The base between two neighbours, from a table of 5 × 4 scores for each side.",
    organisms="None.",
    limitations="Knows nothing that lies further away than one base.",
)


def load(directory: Path, options: LoadOptions) -> object:
    """The model, on the device of the options; ``directory`` would hold its weights."""
    import torch

    from engine.models.reading.single_base import BaseTokens, SingleBaseModel

    place, other, mask = {"A": 0, "C": 1, "G": 2, "T": 3}, 4, 5
    table = torch.arange(2 * 6 * 6).view(2, 6, 6).mul(0.7).sin().to(options.device)

    class Neighbours(SingleBaseModel):
        def vocabulary_logits(self, ids: torch.Tensor) -> torch.Tensor:
            sides = torch.nn.functional.pad(ids, (1, 1), value=other)
            return table[0][sides[:, :-2]] + table[1][sides[:, 2:]]

    return Neighbours(CARD, BaseTokens((0, 1, 2, 3), place, other, mask), torch.device(options.device), "float32")


ENTRY = ModelEntry(CARD, load)  # type: ignore[arg-type]
