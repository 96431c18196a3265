"""Small models with hand-written arithmetic, and slow second routes over them: strings, float64, one sequence at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from engine.core.card import Capability, EffectRecipe, ModelCard
from engine.core.errors import Cancelled, SequenceError
from engine.core.protocols import Prepared
from engine.core.sequence import Alphabet, NucleotideSequence

TOKENS = "ACGTN?"  # ? is the mask
EXTRA = 3  # columns of the vocabulary beyond the four bases


def toy_card(**changes: Any) -> ModelCard:
    values: dict[str, Any] = {
        "id": "toy",
        "title": "Toy",
        "alphabet": Alphabet.DNA,
        "max_length": 4096,
        "capabilities": frozenset((Capability.DEPENDENCY, Capability.EFFECTS, Capability.PROBABILITIES)),
        "revision": "1",
        "weights_sha256": "0" * 64,
        "licence": "Apache-2.0",
        "source": "tests",
    }
    return ModelCard(**(values | changes))


class ToyModel:
    """Logits at j = own[x_j] + Σ_k tanh(near[k − j, x_k]) · (1 + sin(x_k + j) / 2) over k ≠ j within reach; over k < j alone when causal."""

    device = "cpu"
    dtype = "float32"

    def __init__(
        self, seed: int = 1, *, reach: int = 400, batch: int = 7, recipe: EffectRecipe | None = None, scale: float = 1.0, **card: Any
    ) -> None:
        generator = np.random.default_rng(seed)
        self.own = generator.normal(size=(len(TOKENS), 4 + EXTRA)) * scale
        self.near = generator.normal(size=(2 * reach + 1, len(TOKENS), 4 + EXTRA)) * 0.4 * scale
        self.reach, self.batch = reach, batch
        self.card = toy_card(**card)
        self.effect_recipe = recipe or EffectRecipe()
        self.calls: list[int] = []

    def vocabulary_logits(self, letters: str) -> np.ndarray:
        """float64 (L, 4 + EXTRA), one sequence at a time."""
        ids = np.array([TOKENS.index(letter) for letter in letters])
        k, j = np.meshgrid(np.arange(len(ids)), np.arange(len(ids)))
        seen = ((k < j) if self.card.causal else (k != j)) & (abs(k - j) <= self.reach)
        offsets = np.clip(k - j + self.reach, 0, 2 * self.reach)
        pulls = np.tanh(self.near[offsets, ids[k]]) * (1 + 0.5 * np.sin(ids[k] + j))[..., None]
        out: np.ndarray = (pulls * seen[..., None]).sum(axis=1)
        return out if self.card.causal else out + self.own[ids]

    def prepare(self, sequence: NucleotideSequence) -> Prepared:
        letters = sequence.as_dna()
        if len(letters) > self.card.max_length:
            raise SequenceError("too long")
        return Prepared(letters, torch.tensor([TOKENS.index(letter if letter in "ACGT" else "N") for letter in letters]))

    def mutants(self, reference: Prepared, positions: torch.Tensor, alternates: torch.Tensor) -> torch.Tensor:
        ids = reference.ids.repeat(len(positions), 1)
        ids[torch.arange(len(positions)), positions] = alternates
        return ids

    def masked(self, reference: Prepared, positions: torch.Tensor) -> torch.Tensor:
        return self.mutants(reference, positions, torch.full_like(positions, TOKENS.index("?")))

    def base_logits(self, reference: Prepared, ids: torch.Tensor, *, normalised: bool = False) -> torch.Tensor:
        self.calls.append(len(ids))
        rows = []
        for row in ids:
            logits = torch.from_numpy(self.vocabulary_logits("".join(TOKENS[int(i)] for i in row)))
            rows.append(logits.log_softmax(-1)[:, :4] if normalised else logits[:, :4] + 5.0)
        return torch.stack(rows).float()

    def passes_per_batch(self, reference: Prepared) -> int:
        return self.batch


class PreciseToyModel(ToyModel):
    """A `ToyModel` that offers ``delta``: every change of a logit is larger by the share ``off``."""

    precisions = ("exact", "delta")
    usual_precision = "delta"
    exact_by_passes = False

    def __init__(self, off: float, **options: Any) -> None:
        super().__init__(**options)
        self.off = off
        self.asked: list[str] = []

    def mutant_logits(
        self,
        reference: Prepared,
        positions: torch.Tensor,
        alternates: torch.Tensor,
        *,
        normalised: bool = False,
        precision: str = "exact",
        tau: float = 0.05,
    ) -> torch.Tensor:
        self.asked.append(precision)
        logits = self.base_logits(reference, self.mutants(reference, positions, alternates), normalised=normalised)
        whole = self.base_logits(reference, reference.ids[None], normalised=normalised)
        return logits + (logits - whole) * (self.off if precision == "delta" else 0.0)


@dataclass
class Watcher:
    """A monitor that keeps everything and stops when told to."""

    stop_after: int | None = None
    look: bool = True
    total: int = 0
    unit: str = ""
    done: int = 0
    partials: list[Any] = field(default_factory=list)

    def start(self, total: int, unit: str = "model runs") -> None:
        self.total, self.unit = total, unit

    def advance(self, done: int) -> None:
        self.done += done
        if self.stop_after is not None and self.done >= self.stop_after:
            raise Cancelled("stopped")

    def publish(self, partial: Any) -> None:
        self.partials.append(partial)

    def wants_partial(self) -> bool:
        return self.look


def probabilities(model: ToyModel, letters: str, *, whole_vocabulary: bool = False) -> np.ndarray:
    """float64 (L, 4) by the plain softmax."""
    logits = model.vocabulary_logits(letters)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    if whole_vocabulary:
        return (odds / odds.sum(axis=1, keepdims=True))[:, :4]
    return odds[:, :4] / odds[:, :4].sum(axis=1, keepdims=True)


def renormalised(p: np.ndarray, epsilon: float) -> np.ndarray:
    p = p + epsilon
    return p / p.sum(axis=-1, keepdims=True)


def odds_of(p: np.ndarray) -> np.ndarray:
    return p / (1 - p)


def mutants_of(letters: str) -> list[tuple[int, int, str]]:
    """Every substitution as (position, alternate, letters), strings only."""
    return [
        (i, n, letters[:i] + base + letters[i + 1 :])
        for i, letter in enumerate(letters)
        for n, base in enumerate("ACGT")
        if letter in "ACGT" and letter != base
    ]
