"""Masked language model training: one command for a GPU or for processes of one thread each on CPU cores."""

from __future__ import annotations

import json
import logging
import math
import os
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.core.errors import ParameterError
from engine.models.locuscope.network import MINIMUM_LOOP, LocuscopeNet, NetConfig
from engine.models.locuscope.tokens import ANY, BASE
from engine.training import checkpoint
from engine.training.batches import IGNORE, Batch, Batches, Mixture, substituted
from engine.training.corpus import Corpus
from engine.training.scoring import log2_odds

logger = logging.getLogger(__name__)

RANKED = 2000  # other bases that each partner is compared with in a step
STEP = 0.7  # width of the logistic step between two changes, in natural logarithms
NEAR = 3.0  # how much oftener than others the bases too near to pair are drawn: the recipe of contacts counts them, too
SHAPED = ("rna", "invented")
"""Kinds of batches whose maps are shaped by annotated pairs; in genomes the loudness of the stem layer is left to the letters alone."""


@dataclass(frozen=True)
class TrainPlan:
    """What a run does. It ends after `minutes` of training or `steps`, whichever comes first; rates decay to zero at that end.

    `learn` names the parameters that change by how their names begin, such as "blocks" or "stem.vote"; empty: all do.
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
    learn: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.minutes <= 0 or self.steps <= 0 or self.tokens < 64:
            raise ParameterError(
                f"a run needs minutes > 0, steps > 0 and at least 64 tokens a batch, not {self.minutes}, {self.steps}, {self.tokens}"
            )

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


class Trainer:
    """Parameters, optimisers, moving average and counters of a run in one process."""

    def __init__(self, corpus: Corpus, config: NetConfig, plan: TrainPlan, folder: Path, workers: Workers, device: str) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.folder, self.workers, self.device = plan, folder, workers, torch.device(device)
        self.net = LocuscopeNet(config).to(self.device)
        self.batches = Batches(corpus, plan.seed, plan.tokens, Mixture())
        parameters = learning(self.net, plan.learn)
        matrices = [p for name, p in parameters.items() if name.startswith("blocks.") and p.ndim == 2 and "conv" not in name]
        chosen = {id(p) for p in matrices}
        others = [p for p in parameters.values() if id(p) not in chosen]
        self.rates = {"matrix": plan.matrix_rate, "adam": plan.rate}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        if matrices:
            self.optimizers["matrix"] = torch.optim.Muon(matrices, lr=plan.matrix_rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
        if others:
            self.optimizers["adam"] = torch.optim.AdamW(
                others, lr=plan.rate, betas=(0.9, 0.98), weight_decay=0.0, fused=self.device.type == "cuda"
            )
        total = sum(p.numel() for p in parameters.values())
        self.gradient = torch.zeros(total + 1, device=self.device)
        self.average = {name: p.detach().clone() for name, p in self.net.named_parameters()}
        self._bind_gradients(parameters)
        self.step, self.seconds, self.tokens, self.progress = 0, 0.0, 0, 0.0
        self._resume()

    def start_from(self, directory: Path) -> None:
        """Take the weights of a model directory, such as a shipped one; a run that has steps behind it keeps its own.

        A run with more layers or hidden units grows the model: the new ones begin silent, so that it starts with the same output. A memory
        is left behind; it is made anew for the trained weights (`engine.training.memory`).
        """
        if self.step:
            return
        grow(LocuscopeNet.from_pretrained(directory).without_memory(), self.net)
        for name, p in self.net.named_parameters():
            self.average[name].copy_(p.detach())

    def _bind_gradients(self, parameters: dict[str, nn.Parameter]) -> None:
        offset = 0
        for p in parameters.values():
            p.grad = self.gradient[offset : offset + p.numel()].view_as(p)
            offset += p.numel()

    def _resume(self) -> None:
        held = checkpoint.load(self.folder / "checkpoint")
        if held is None:
            return
        tensors = {name: t.to(self.device) for name, t in held.tensors.items()}
        with torch.no_grad():
            for name, p in self.net.named_parameters():
                p.copy_(tensors["net." + name])
                self.average[name].copy_(tensors["ema." + name])
        for name, optimizer in self.optimizers.items():
            checkpoint.restore_optimizer(name, optimizer, tensors)
        counters = held.counters
        self.step, self.seconds, self.tokens, self.progress = (
            counters["step"],
            counters["seconds"],
            counters["tokens"],
            counters["progress"],
        )
        logger.info("resumed at step %d after %.1f minutes", self.step, self.seconds / 60)

    def save(self) -> None:
        """Write the checkpoint of the run and, in average/, the moving average in the layout of a model directory."""
        tensors = {"net." + n: p.detach() for n, p in self.net.named_parameters()} | {"ema." + n: t for n, t in self.average.items()}
        for name, optimizer in self.optimizers.items():
            tensors |= checkpoint.flatten_optimizer(name, optimizer)
        counters = {"step": self.step, "seconds": self.seconds, "tokens": self.tokens, "progress": self.progress, "plan": asdict(self.plan)}
        checkpoint.save(self.folder / "checkpoint", checkpoint.TrainingState(tensors, counters))
        write_model(self.folder / "average", self.net.config, self.average)

    def _autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16) if self.plan.tokens >= 1024 else nullcontext()

    def _backward(self, batch: Batch, weight: float) -> float:
        ids, targets = torch.from_numpy(batch.ids).to(self.device), torch.from_numpy(batch.targets).to(self.device)
        chosen = targets.flatten() != IGNORE
        with self._autocast():
            hidden = self.net.hidden(ids).flatten(0, 1)[chosen]
            logits = self.net.head(hidden)
        loss = functional.cross_entropy(logits.float(), targets.flatten()[chosen])
        (loss * weight).backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def _shape_map(self, batch: Batch, rng: np.random.Generator) -> dict[str, float]:
        """Backward pass of two terms on what one substitution changes elsewhere in rows read without masks, as maps are; the terms by name.

        `change`: the mean |change of log2 odds| after the substitution of a base without a known partner, an L1 penalty: what a base does
        to unrelated ones goes to zero. `rank`: how often, smoothly, another base of an annotated RNA changes more than a substituted base's
        partner does; 1 - AUROC of the map with a logistic step in place of the sharp one (Yan et al. 2003).
        """
        ids, places = substituted(batch, max(1, len(batch.ids) // 3), rng)
        count = len(places)
        rows, place = torch.arange(count, device=self.device), torch.from_numpy(places).to(self.device)
        with self._autocast():
            logits = self.net.head(self.net.hidden(torch.from_numpy(ids).to(self.device)))[..., BASE:ANY]
        odds = log2_odds(logits.float())
        elsewhere = torch.ones(odds.shape[1], dtype=torch.bool, device=self.device).repeat(count, 1)
        elsewhere[:, 0] = elsewhere[rows, place] = False
        change = (odds[count:] - odds[:count]).abs().amax(dim=-1)
        partner = torch.from_numpy(batch.partners[np.arange(count), places]).to(self.device)
        paired = partner > 0
        terms: dict[str, Tensor] = {}
        if not bool(paired.all()):
            terms["change"] = change[~paired][elsewhere[~paired]].mean()
        if bool(paired.any()):
            strength = (change + 1e-4).log()
            others = elsewhere & (partner != IGNORE)[:, None]
            others[rows[paired], partner[paired]] = False
            drawn = strength[others]
            column = torch.arange(odds.shape[1], device=self.device)
            near = ((column - place[:, None]).abs() <= MINIMUM_LOOP)[others]
            heap = (1 + (NEAR - 1) * near.float()).cumsum(0)
            height = torch.from_numpy(rng.random(RANKED, dtype=np.float32)).to(self.device) * heap[-1]
            drawn = drawn[torch.searchsorted(heap, height).clamp(max=len(drawn) - 1)]
            behind = drawn[None, :] - strength[rows[paired], partner[paired]][:, None]
            terms["rank"] = functional.softplus(behind / STEP).mean()
        weights = {"change": self.plan.quiet, "rank": self.plan.rank}
        total = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
        (total / self.plan.accumulate).backward()  # type: ignore[no-untyped-call]
        return {f"{name}_{batch.kind}": float(term.detach()) for name, term in terms.items()}

    def advance(self) -> dict[str, float]:
        """One optimiser step; the mean loss of each kind of batch seen by this process."""
        begun = time.monotonic()
        self.gradient.zero_()
        losses: dict[str, float] = {}
        for micro in range(self.plan.accumulate):
            batch = self.batches.draw(self.workers.rank, self.step, micro, self.plan.dna_share(self.progress))
            losses[f"bits_{batch.kind}"] = self._backward(batch, 1 / self.plan.accumulate) / math.log(2)
            if batch.kind in SHAPED and (self.plan.quiet or self.plan.rank):
                rng = np.random.default_rng((self.plan.seed, self.workers.rank, self.step, micro, 1))
                losses |= self._shape_map(batch, rng)
            self.tokens += batch.ids.size * self.workers.count
        done = max(self.seconds / (60 * self.plan.minutes), self.step / self.plan.steps)
        self.gradient[-1] = done
        self.workers.average(self.gradient)
        self.progress = float(self.gradient[-1])
        self._update()
        self.step += 1
        self.seconds += time.monotonic() - begun
        return losses

    def _update(self) -> None:
        nn.utils.clip_grad_norm_([p for p in self.net.parameters() if p.requires_grad], 1.0)
        factor = self.plan.rate_factor(self.step, self.progress)
        for name, optimizer in self.optimizers.items():
            optimizer.param_groups[0]["lr"] = self.rates[name] * factor
            optimizer.step()
        keep = min(self.plan.ema, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            names = list(self.average)
            held = dict(self.net.named_parameters())
            torch._foreach_lerp_([self.average[n] for n in names], [held[n] for n in names], 1 - keep)

    @property
    def finished(self) -> bool:
        """Whether the agreed share of the run has reached one; the same in every process."""
        return self.progress >= 1.0 or self.step >= self.plan.steps

    def run(self, stop_after: int | None = None) -> None:
        """Train to the end (or for `stop_after` more steps), saving and logging on the way."""
        saved, logged = time.monotonic(), time.monotonic()
        sums: dict[str, list[float]] = {}
        first = self.step
        while not self.finished and (stop_after is None or self.step - first < stop_after):
            for kind, loss in self.advance().items():
                sums.setdefault(kind, []).append(loss)
            now = time.monotonic()
            if self.workers.rank == 0 and now - logged > 15:
                self._log({kind: sum(v) / len(v) for kind, v in sums.items()})
                sums, logged = {}, now
            if self.workers.rank == 0 and now - saved > 60 * self.plan.save_minutes:
                self.save()
                saved = now
        if self.workers.rank == 0:
            self._log({kind: sum(v) / len(v) for kind, v in sums.items()})
            self.save()

    def _log(self, losses: dict[str, float]) -> None:
        row = {"step": self.step, "minutes": round(self.seconds / 60, 2), "progress": round(self.progress, 4), "tokens": self.tokens}
        row |= {kind: round(loss, 4) for kind, loss in losses.items()}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(row) + "\n")
        filled = int(30 * min(1.0, self.progress))
        logger.info("[%s%s] %s", "#" * filled, "." * (30 - filled), json.dumps(row))


def learning(net: LocuscopeNet, parts: tuple[str, ...]) -> dict[str, nn.Parameter]:
    """Parameters whose names begin with one of `parts` (all of them where it is empty), by name; the others are set to need no gradient."""
    names = [name for name, _ in net.named_parameters()]
    idle = [part for part in parts if not any(name.startswith(part) for name in names)]
    if idle:
        known = ", ".join(sorted({name.split(".")[0] for name in names}))
        raise ParameterError(f"no parameter's name begins with {', '.join(idle)}; names begin with {known}")
    for name, p in net.named_parameters():
        p.requires_grad_(not parts or name.startswith(parts))
    return {name: p for name, p in net.named_parameters() if p.requires_grad}


def grow(small: LocuscopeNet, large: LocuscopeNet) -> None:
    """Write the weights of `small` into `large`, in place; layers and hidden units that `small` has not add nothing at first."""
    one, two = asdict(small.config), asdict(large.config)
    fixed = {key for key in one if one[key] != two[key]} - {"layers", "hidden", "words"}
    if fixed or small.config.layers > large.config.layers or small.config.hidden > large.config.hidden:
        raise ParameterError(
            f"a run can start from a model of its own sizes or of fewer layers or hidden units; the model has {one}, the run {two}"
        )
    held = small.state_dict()
    with torch.no_grad():
        for name, tensor in large.state_dict().items():
            if name.endswith(("out.weight", "down.weight")):
                tensor.zero_()
            if name in held:
                tensor[tuple(slice(size) for size in held[name].shape)] = held[name]


def write_model(folder: Path, config: NetConfig, tensors: dict[str, Tensor]) -> None:
    """config.json and model.safetensors (float32; bytes of a memory as they are) of a model directory."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config.write(folder / "config.json")
    fresh = folder / "model.safetensors.new"
    held = {name: t.detach().float() if t.is_floating_point() else t for name, t in tensors.items()}
    save_file({name: t.cpu().contiguous() for name, t in held.items()}, fresh)
    fresh.replace(folder / "model.safetensors")


def _work(rank: int, count: int, arguments: tuple[Path, NetConfig, TrainPlan, Path, str, Path | None], port: int) -> None:
    corpus_path, config, plan, folder, device, start = arguments
    logging.basicConfig(level=logging.INFO if rank == 0 else logging.WARNING, format="%(asctime)s %(message)s")
    if device == "cpu":
        torch.set_num_threads(1)
    if count > 1:
        torch.distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=count)
    trainer = Trainer(Corpus.load(corpus_path), config, plan, folder, Workers(rank, count), device)
    if start is not None:
        trainer.start_from(start)
    trainer.run()
    if count > 1:
        torch.distributed.destroy_process_group()


def train(corpus: Path, config: NetConfig, plan: TrainPlan, folder: Path, workers: int, device: str, start: Path | None = None) -> None:
    """Run to the end, from the weights in `start` or from random ones, in `workers` processes of one thread each (CPU) or in this process (GPU)."""
    folder.mkdir(parents=True, exist_ok=True)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    arguments = (corpus, config, plan, folder, device, start)
    if device != "cpu" or workers == 1:
        _work(0, 1, arguments, 0)
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from torch.multiprocessing.spawn import spawn

    spawn(_work, args=(workers, arguments, 29517), nprocs=workers)  # type: ignore[no-untyped-call]
