"""A model whose answers can be worked out by hand, and a registry that holds it; for tests of what stands above the adapters."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch

from engine.core.card import Capability, EffectRecipe, ModelCard
from engine.core.errors import SequenceError, UnknownModel
from engine.core.protocols import Prepared
from engine.core.sequence import BASES, Alphabet, NucleotideSequence
from engine.models.entry import LoadOptions, ModelEntry

MASK = 4


def card(model_id: str = "pairs", **changes: object) -> ModelCard:
    values: dict[str, object] = {
        "id": model_id,
        "title": model_id.capitalize(),
        "alphabet": Alphabet.DNA,
        "max_length": 400,
        "capabilities": frozenset({Capability.PROBABILITIES, Capability.DEPENDENCY, Capability.EFFECTS, Capability.CONTACTS}),
        "revision": "1",
        "weights_sha256": "0" * 64,
        "licence": "Apache-2.0",
        "source": "tests",
    }
    return ModelCard(**{**values, **changes})  # type: ignore[arg-type]


@dataclass
class Calls:
    """What a test can see of the loads and passes, and how long a pass takes."""

    loads: int = 0
    passes: int = 0
    batches: list[int] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    seconds: float = 0.0
    batch: int = 8
    load_seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    hold: threading.Event | None = None


class PairModel:
    """Base j is predicted to pair with base L−1−j: score 3 for its complement, 0 for the others; a masked partner predicts nothing."""

    def __init__(self, model_card: ModelCard, calls: Calls, options: LoadOptions, size: int) -> None:
        self.card = model_card
        self.device = options.device
        self.dtype = "float32"
        self.species = options.species
        self.calls = calls
        self.net = torch.nn.Linear(size, 1, bias=False)

    @property
    def effect_recipe(self) -> EffectRecipe:
        return EffectRecipe()

    def prepare(self, sequence: NucleotideSequence) -> Prepared:
        if len(sequence) > self.card.max_length:
            raise SequenceError(f"The sequence has {len(sequence)} bases; {self.card.title} reads up to {self.card.max_length}.")
        letters = sequence.as_dna()
        return Prepared(letters, torch.tensor([BASES.find(letter) % 5 for letter in letters]))

    def mutants(self, reference: Prepared, positions: torch.Tensor, alternates: torch.Tensor) -> torch.Tensor:
        ids = reference.ids.repeat(len(positions), 1)
        ids[torch.arange(len(positions)), positions] = alternates
        return ids

    def masked(self, reference: Prepared, positions: torch.Tensor) -> torch.Tensor:
        return self.mutants(reference, positions, torch.full_like(positions, MASK))

    def base_logits(self, reference: Prepared, ids: torch.Tensor, *, normalised: bool = False) -> torch.Tensor:
        with self.calls.lock:
            self.calls.at_once += 1
            self.calls.most_at_once = max(self.calls.most_at_once, self.calls.at_once)
        if self.calls.hold is not None:
            self.calls.hold.wait(10)
        time.sleep(self.calls.seconds)
        partner = ids.flip(1)
        scores = torch.zeros(*ids.shape, 4)
        known = partner < MASK
        scores[known] = 3.0 * torch.nn.functional.one_hot(3 - partner[known], 4).float()
        with self.calls.lock:
            self.calls.at_once -= 1
            self.calls.passes += len(ids)
            self.calls.batches.append(len(ids))
        return torch.log_softmax(scores, dim=-1) if normalised else scores

    def passes_per_batch(self, reference: Prepared) -> int:
        return self.calls.batch


@dataclass
class FakeRegistry:
    """Models named by the folders of ``directory``; each folder's `weights.bin` decides the size of the model."""

    directory: Path
    calls: Calls = field(default_factory=Calls)
    names: tuple[str, ...] = ("pairs",)
    changes: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.names:
            folder = self.directory / name
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / "weights.bin").exists():
                (folder / "weights.bin").write_bytes(b"\0" * 400)

    def model_ids(self) -> tuple[str, ...]:
        return self.names

    def entry(self, model_id: str) -> ModelEntry:
        if model_id not in self.names:
            raise UnknownModel(f"There is no model {model_id!r}; available: {', '.join(self.names)}.")
        model_card = card(model_id, **self.changes)

        def load(directory: Path, options: LoadOptions) -> PairModel:
            with self.calls.lock:
                self.calls.loads += 1
            time.sleep(self.calls.load_seconds)
            size = (directory / "weights.bin").stat().st_size // 4
            return PairModel(model_card, self.calls, options, size)

        return ModelEntry(model_card, load, shipped=self.directory / model_id)
