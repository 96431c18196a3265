"""What the scan itself costs: time a pass and memory, with a model that costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.analyses.dependency import dependency_map
from engine.bench.measure import Row, interleaved, one_thread, peak_bytes, random_letters
from engine.core.card import EffectRecipe, ModelCard
from engine.core.protocols import Prepared
from engine.core.sequence import Alphabet, NucleotideSequence

if TYPE_CHECKING:
    import torch


class Weightless:
    """A model that costs nothing, so that what is measured is the scan alone."""

    device, dtype, effect_recipe = "cpu", "float32", EffectRecipe()
    card = ModelCard("weightless", "Weightless", Alphabet.DNA, 100_000, frozenset(), "1", "", "Apache-2.0", "engine.bench")

    def prepare(self, sequence: NucleotideSequence) -> Prepared:
        """One id a base."""
        import torch

        return Prepared(sequence.letters, torch.tensor(["ACGT".index(letter) for letter in sequence.letters]))

    def mutants(self, reference: Prepared, positions: torch.Tensor, alternates: torch.Tensor) -> torch.Tensor:
        """Written in place."""
        return reference.ids.repeat(len(positions), 1).scatter_(1, positions[:, None], alternates[:, None])

    def masked(self, reference: Prepared, positions: torch.Tensor) -> torch.Tensor:
        """Nothing is masked."""
        return reference.ids.repeat(len(positions), 1)

    def base_logits(self, reference: Prepared, ids: torch.Tensor, *, normalised: bool = False) -> torch.Tensor:
        """One-hot scores."""
        from torch.nn.functional import one_hot

        return one_hot(ids, 4).float()

    def passes_per_batch(self, reference: Prepared) -> int:
        """As the shipped model's on a CPU."""
        return max(1, 2048 // reference.length)


def scan_rows() -> list[Row]:
    """What the scan itself costs: time a pass, and memory beyond the model for a whole map of 2,003 bases."""
    group = "The scan without a model"
    model = Weightless()
    dependency_map(model, NucleotideSequence(random_letters(60)))
    rows = []
    with one_thread():
        for length in (300, 1000):
            sequence = NucleotideSequence(random_letters(length))
            seconds = interleaved({"scan": lambda sequence=sequence: dependency_map(model, sequence)}, 2)["scan"]  # type: ignore[misc]
            rows.append(Row(group, f"time a pass, {length:,} nt", 1e6 * seconds / (3 * length + 1), "µs"))
        peak = peak_bytes(lambda: dependency_map(model, NucleotideSequence(random_letters(2003))))
    if peak is not None:
        rows.append(Row(group, "peak memory of a map, 2,003 nt", peak / 1e6, "MB", "beyond the model; the map itself is 16 MB"))
    return rows
