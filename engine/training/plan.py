"""What a run of the language model's training does, and its processes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.training.drawn import Drawing


@dataclass(frozen=True)
class TrainPlan:
    """What a run does. It ends after `minutes` of training or `steps`, whichever comes first; rates decay to zero at that end.

    `learn` names the parameters that change by how their names begin, such as "blocks" or "stem.vote"; empty: all do. `bucket`: see
    `engine.training.batches.Batches`. `compiled`: the blocks by torch's compiler, once for all shapes. `light`: checkpoints without the state of
    the optimisers, half as large; a resumed run starts that state anew. `imitate`: weight of what a teacher says beside the letters; see
    `Trainer.teach`. `dna_first`, `dna_later`: share of genome batches in the first third of the run and later. `hold_votes`: the head keeps how
    loud the stem, codon and memory layers' votes are; an unripe trunk turns them down. `window`: bases of genome windows, see `Drawing`. `labels`:
    weight of what `LabelHeads` are asked for of genomes, and `codons` the share of codons that are masked as a whole for them. `spelling`: how much
    louder than in the model it starts from a run's codon layer votes; a local trunk, which hears less of a gene, gains by it.
    """

    minutes: float = 60.0
    steps: int = 10**9
    tokens: int = 4096
    accumulate: int = 1
    rate: float = 3e-3
    matrix_rate: float = 3e-3
    decay_from: float = 0.2
    warmup_steps: int = 100
    dna_first: float = 0.25
    dna_later: float = 0.3
    quiet: float = 0.5
    rank: float = 6.0
    ema: float = 0.998
    seed: int = 1
    save_minutes: float = 5.0
    log_seconds: float = 15.0
    learn: tuple[str, ...] = ()
    bucket: int = 1
    compiled: bool = False
    light: bool = False
    imitate: float = 0.0
    hold_votes: bool = False
    window: int = 0
    labels: float = 0.0
    codons: float = 0.05
    spelling: float = 1.0

    def __post_init__(self) -> None:
        if self.minutes <= 0 or self.steps <= 0 or self.tokens < 64:
            raise ParameterError(
                f"a run needs minutes > 0, steps > 0 and at least 64 tokens a batch, not {self.minutes}, {self.steps}, {self.tokens}"
            )

    @property
    def drawing(self) -> Drawing:
        """What decides the steps."""
        return Drawing(self.seed, self.tokens, self.bucket, bool(self.quiet or self.rank), self.window, self.labels > 0, self.codons)

    def rate_factor(self, step: int, progress: float) -> float:
        """Warm-up, constant, then linear decay to zero; progress is the share of the run that is done."""
        warm = min(1.0, (step + 1) / self.warmup_steps)
        return warm * min(1.0, max(0.0, (1.0 - progress) / (1.0 - self.decay_from)))

    def dna_share(self, progress: float) -> float:
        """RNA first: the share of genome batches rises once a third of the run is done."""
        return self.dna_first if progress < 1 / 3 else self.dna_later


@dataclass(frozen=True)
class Workers:
    """This process among the processes of the run."""

    rank: int = 0
    count: int = 1

    def average(self, values: Tensor) -> None:
        """Mean over the processes, in place."""
        if self.count > 1:
            torch.distributed.all_reduce(values)
            values /= self.count
