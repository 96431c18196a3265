"""Masked language model training: one command for a GPU or for processes of one thread each on CPU cores."""

from __future__ import annotations

import json
import logging
import math
import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from engine.core.errors import ParameterError
from engine.models.locuscope.network import LocuscopeNet, NetConfig
from engine.models.locuscope.tokens import ANY, BASE
from engine.training import checkpoint
from engine.training.drawn import Drawer, DrawerAhead, Drawn, Labelled, Shaped
from engine.training.label_heads import LabelHeads, combined
from engine.training.muon import BatchedMuon
from engine.training.plan import TrainPlan, Workers
from engine.training.scoring import log2_odds

logger = logging.getLogger(__name__)

STEP = 0.7  # width of the logistic step between two changes, in natural logarithms
HEADS = "heads"  # before the names of the parameters of the label heads, in checkpoints
HEADS_RATE = 3e-3  # of the label heads, also where what was trained before goes on at a low rate
AHEAD = 2  # steps that the host may queue on a GPU before it waits for the first of them


class Trainer:
    """Parameters, optimisers, moving average and counters of a run in one process."""

    def __init__(
        self, drawer: Drawer | DrawerAhead, config: NetConfig, plan: TrainPlan, folder: Path, workers: Workers, device: str
    ) -> None:
        """``drawer``: gives the steps of ``plan.drawing``."""
        torch.manual_seed(plan.seed)
        self.plan, self.folder, self.workers, self.device = plan, folder, workers, torch.device(device)
        self.net = LocuscopeNet(config).to(self.device)
        self.drawer = drawer
        if plan.compiled:
            for block in self.net.blocks:
                block.compile(dynamic=True)
        self.heads = LabelHeads(config.width).to(self.device) if plan.labels else None
        parameters = learning(self.net, plan.learn)
        matrices = [p for name, p in parameters.items() if name.startswith("blocks.") and p.ndim == 2 and "conv" not in name]
        chosen = {id(p) for p in matrices}
        others = [p for p in parameters.values() if id(p) not in chosen]
        self.rates = {"matrix": plan.matrix_rate, "adam": plan.rate, "labels": HEADS_RATE}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        if matrices:
            self.optimizers["matrix"] = BatchedMuon(matrices, lr=plan.matrix_rate, weight_decay=0.01)
        if others:
            self.optimizers["adam"] = self._adam(others, plan.rate)
        if self.heads is not None:
            self.optimizers["labels"] = self._adam(list(self.heads.parameters()), HEADS_RATE)
            parameters |= {f"{HEADS}.{name}": p for name, p in self.heads.named_parameters()}
        total = sum(p.numel() for p in parameters.values())
        self.gradient = torch.zeros(total + 1, device=self.device)
        self.average = {name: p.detach().clone() for name, p in self.net.named_parameters()}
        self._bind_gradients(parameters)
        self.step, self.seconds, self.tokens, self.progress = 0, 0.0, 0, 0.0
        self.teacher: LocuscopeNet | None = None
        self._queued: deque[torch.cuda.Event] = deque()
        self.told: Callable[[dict[str, Any]], None] | None = None
        self._resume()

    def _adam(self, parameters: list[nn.Parameter], rate: float) -> torch.optim.Optimizer:
        return torch.optim.AdamW(parameters, lr=rate, betas=(0.9, 0.98), weight_decay=0.0, fused=self.device.type == "cuda")

    def start_from(self, directory: Path) -> None:
        """Take the weights of a model directory, such as a shipped one; a run that has steps behind it keeps its own.

        A run with more layers or hidden units grows the model: the new ones begin silent, so that it starts with the same output. A memory
        is left behind; it is made anew for the trained weights (`engine.training.memory`).
        """
        if self.step:
            return
        grow(LocuscopeNet.from_pretrained(directory).without_memory(), self.net)
        with torch.no_grad():
            self.net.codons.spelling.mul_(self.plan.spelling)
        for name, p in self.net.named_parameters():
            self.average[name].copy_(p.detach())

    def teach(self, directory: Path) -> None:
        """Take a model directory as the teacher: distillation (Hinton et al. 2015) of what it says, its memory left out.

        At every base, masked or shown, the loss has the Kullback-Leibler divergence of this network's four letters from the teacher's; on what a
        substitution changes elsewhere, the mean |difference| of both networks' changes of log2 odds.
        """
        self.teacher = LocuscopeNet.from_pretrained(directory).without_memory().eval().requires_grad_(False).to(self.device)

    def _bind_gradients(self, parameters: dict[str, nn.Parameter]) -> None:
        offset = 0
        for p in parameters.values():
            p.grad = self.gradient[offset : offset + p.numel()].view_as(p)
            offset += p.numel()

    def _resume(self) -> None:
        held = checkpoint.load(self.folder / "checkpoint")
        if held is None:
            return
        begun = float(held.counters.get("plan", {}).get("labels", 0.0))
        if bool(begun) != bool(self.plan.labels):
            raise ParameterError(
                f"the run in {self.folder} was begun with labels of weight {begun:g}; go on with them or name another folder"
            )
        tensors = {name: t.to(self.device) for name, t in held.tensors.items()}
        with torch.no_grad():
            for name, p in self.net.named_parameters():
                p.copy_(tensors["net." + name])
                self.average[name].copy_(tensors["ema." + name])
            for name, p in () if self.heads is None else self.heads.named_parameters():
                p.copy_(tensors[f"{HEADS}.{name}"])
        for name, optimizer in self.optimizers.items():
            if not held.counters.get("light"):
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
        if self.heads is not None:
            tensors |= {f"{HEADS}.{name}": p.detach() for name, p in self.heads.named_parameters()}
        for name, optimizer in self.optimizers.items() if not self.plan.light else ():
            tensors |= checkpoint.flatten_optimizer(name, optimizer)
        counters = {"step": self.step, "seconds": self.seconds, "tokens": self.tokens, "progress": self.progress, "plan": asdict(self.plan)}
        counters["light"] = self.plan.light
        checkpoint.save(self.folder / "checkpoint", checkpoint.TrainingState(tensors, counters))
        write_model(self.folder / "average", self.net.config, self.average)

    def _autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16) if self.plan.tokens >= 1024 else nullcontext()

    def _there(self, values: NDArray[Any]) -> Tensor:
        """On the device, not waited for."""
        held = torch.from_numpy(values)
        return (held.pin_memory() if self.device.type == "cuda" else held).to(self.device, non_blocking=True)

    def _backward(self, batch: Drawn, weight: float) -> dict[str, Tensor]:
        """Backward pass of the masked letters, and of what the teacher says of all; mean losses on the device, that of the letters in bits."""
        ids = self._there(batch.ids).long()
        places, letters = self._there(batch.places), self._there(batch.letters).long()
        with self._autocast():
            hidden = self.net.hidden(ids).flatten(0, 1)
            logits = self.net.head(hidden if self.teacher is not None else hidden[places]).float()
        asked = logits if self.teacher is None else logits[places]
        loss = functional.cross_entropy(asked, letters)
        told = {f"bits_{batch.kind}": loss.detach() / math.log(2)}
        if self.teacher is not None:
            apart = divergence(logits.view(*ids.shape, -1)[:, 1:, BASE:ANY], self._taught(ids)[:, 1:])
            told[f"apart_{batch.kind}"] = apart.detach()
            loss = loss + self.plan.imitate * apart
        if self.heads is not None and batch.labelled is not None:
            asked_labels = self._label_losses(self.heads, hidden, batch.labelled)
            told |= {f"{name}_{batch.kind}": term.detach() for name, term in asked_labels.items()}
            loss = loss + self.plan.labels * combined(asked_labels)
        (loss * weight).backward()  # type: ignore[no-untyped-call]
        return told

    def _label_losses(self, heads: LabelHeads, hidden: Tensor, given: Labelled) -> dict[str, Tensor]:
        marks, amino_acids = self._there(given.marks).long().flatten(), self._there(given.amino_acids)
        return heads.losses(hidden, marks, self._there(given.places), amino_acids)

    def _taught(self, ids: Tensor) -> Tensor:
        """The teacher's logits float32 (B, T, 4)."""
        if self.teacher is None:
            raise ParameterError("the run has no teacher")
        with torch.no_grad(), self._autocast():
            logits: Tensor = self.teacher(ids)
        return logits[..., BASE:ANY].float()

    def _shape_map(self, kind: str, given: Shaped) -> dict[str, Tensor]:
        """Backward pass of two terms on what one substitution changes elsewhere in rows read without masks, as maps are; the terms by name.

        `change`: the mean |change of log2 odds| after the substitution of a base without a known partner, an L1 penalty: what a base does
        to unrelated ones goes to zero. `rank`: how often, smoothly, another base of an annotated RNA changes more than a substituted base's
        partner does; 1 - AUROC of the map with a logistic step in place of the sharp one (Yan et al. 2003).
        """
        ids = self._there(given.ids).long()
        with self._autocast():
            logits = self.net.head(self.net.hidden(ids))[..., BASE:ANY].float()
        moved = _moved(logits)
        change = moved.abs().amax(dim=-1)
        terms: dict[str, Tensor] = {}
        if self.teacher is not None:
            taught = self._taught(ids)
            terms["unlike"] = (moved - _moved(taught))[:, 1:].abs().mean()
            terms["apart_map"] = divergence(logits[:, 1:], taught[:, 1:])
        quiet = int(given.quiet.sum())
        if quiet:
            terms["change"] = (change * self._there(given.quiet)).sum() / quiet
        if len(given.others):
            strength = (change + 1e-4).log().flatten()
            behind = strength[self._there(given.others)][None, :] - strength[self._there(given.partners)][:, None]
            terms["rank"] = functional.softplus(behind / STEP).mean()
        weights = {"change": self.plan.quiet, "rank": self.plan.rank, "unlike": self.plan.imitate, "apart_map": self.plan.imitate}
        if terms:
            total = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
            (total / self.plan.accumulate).backward()  # type: ignore[no-untyped-call]
        return {f"{name}_{kind}": term.detach() for name, term in terms.items()}

    def advance(self) -> dict[str, float]:
        """One optimiser step; the mean loss of each kind of batch seen by this process."""
        return {name: float(loss) for name, loss in self.queue_step().items()}

    def queue_step(self) -> dict[str, Tensor]:
        """`advance` without waiting for the losses. On a GPU the host waits for the step before the last one, so that it is never far ahead."""
        begun = time.monotonic()
        self.gradient.zero_()
        losses: dict[str, Tensor] = {}
        for micro in range(self.plan.accumulate):
            batch = self.drawer(self.workers.rank, self.step, micro, self.plan.dna_share(self.progress))
            losses |= self._backward(batch, 1 / self.plan.accumulate)
            if batch.shaped is not None:
                losses |= self._shape_map(batch.kind, batch.shaped)
            self.tokens += batch.ids.size * self.workers.count
        done = max(self.seconds / (60 * self.plan.minutes), self.step / self.plan.steps)
        if self.workers.count > 1:
            self.gradient[-1] = done
            self.workers.average(self.gradient)
            done = float(self.gradient[-1])
        self.progress = done
        self._update()
        self.step += 1
        if self.device.type == "cuda":
            self._queued.append(torch.cuda.current_stream(self.device).record_event())
            if len(self._queued) > AHEAD:
                self._queued.popleft().synchronize()
        self.seconds += time.monotonic() - begun
        return losses

    def _update(self) -> None:
        if self.plan.hold_votes and self.net.head.weight.grad is not None:
            self.net.head.weight.grad[:, self.net.config.width :] = 0
        own = self.gradient[:-1]
        own.mul_((1 / (torch.linalg.vector_norm(own) + 1e-6)).clamp(max=1.0))
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
        sums: dict[str, list[Tensor]] = {}
        first = self.step
        while not self.finished and (stop_after is None or self.step - first < stop_after):
            for kind, loss in self.queue_step().items():
                sums.setdefault(kind, []).append(loss)
            now = time.monotonic()
            if self.workers.rank == 0 and now - logged > self.plan.log_seconds:
                self._log(sums)
                sums, logged = {}, now
            if self.workers.rank == 0 and now - saved > 60 * self.plan.save_minutes:
                self.save()
                saved = now
        if self.workers.rank == 0:
            self._log(sums)
            self.save()

    def _log(self, losses: dict[str, list[Tensor]]) -> None:
        row: dict[str, Any] = {
            "step": self.step,
            "minutes": round(self.seconds / 60, 2),
            "progress": round(self.progress, 4),
            "tokens": self.tokens,
        }
        row |= {kind: round(float(torch.stack(values).mean()), 4) for kind, values in losses.items()}
        if self.told is not None:
            self.told(row)
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(row) + "\n")
        filled = int(30 * min(1.0, self.progress))
        logger.info("[%s%s] %s", "#" * filled, "." * (30 - filled), json.dumps(row))


def divergence(logits: Tensor, taught: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence, in nats, of the letters by logits (..., 4) from those by the teacher's."""
    known = taught.log_softmax(-1)
    return (known.exp() * (known - logits.log_softmax(-1))).sum(-1).mean()


def _moved(logits: Tensor) -> Tensor:
    """Changes of log2 odds (rows, T, 4) from the first half of the rows to the second."""
    odds = log2_odds(logits)
    count = len(odds) // 2
    return odds[count:] - odds[:count]


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
    fixed = {key for key in one if one[key] != two[key]} - {"layers", "hidden", "words", "windows", "reader", "frames"}
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


def write_model(folder: Path, config: NetConfig, tensors: dict[str, Tensor], dtype: torch.dtype = torch.float32) -> None:
    """config.json and weights of a model directory (bytes of a memory as they are): one file, or several with an index where one would be large."""
    folder.mkdir(parents=True, exist_ok=True)
    config.write(folder / "config.json")
    checkpoint.write_weights(folder, {name: t.detach().to(dtype) if t.is_floating_point() else t for name, t in tensors.items()})


def drawer_for(corpus: Path, plan: TrainPlan, device: str) -> Drawer | DrawerAhead:
    """Steps drawn in this process for a CPU, whose cores have enough to do; ahead of a GPU by the other cores."""
    if device == "cpu":
        return Drawer.of_file(corpus, plan.drawing)
    return DrawerAhead(corpus, plan.drawing, max(1, min(12, (os.cpu_count() or 2) - 1)), plan.accumulate)


def _work(rank: int, count: int, arguments: tuple[Path, NetConfig, TrainPlan, Path, str, Path | None, Path | None], port: int) -> None:
    corpus_path, config, plan, folder, device, start, teacher = arguments
    logging.basicConfig(level=logging.INFO if rank == 0 else logging.WARNING, format="%(asctime)s %(message)s")
    if device == "cpu":
        torch.set_num_threads(1)
    if count > 1:
        torch.distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=count)
    drawer = drawer_for(corpus_path, plan, device)
    trainer = Trainer(drawer, config, plan, folder, Workers(rank, count), device)
    if start is not None:
        trainer.start_from(start)
    if teacher is not None:
        trainer.teach(teacher)
    trainer.run()
    if isinstance(drawer, DrawerAhead):
        drawer.close()
    if count > 1:
        torch.distributed.destroy_process_group()


def train(
    corpus: Path,
    config: NetConfig,
    plan: TrainPlan,
    folder: Path,
    workers: int,
    device: str,
    start: Path | None = None,
    teacher: Path | None = None,
) -> None:
    """Run to the end, from the weights in `start` or from random ones, in `workers` processes of one thread each (CPU) or in this process (GPU).

    `teacher`: model directory that `plan.imitate` weighs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    arguments = (corpus, config, plan, folder, device, start, teacher)
    if device != "cpu" or workers == 1:
        _work(0, 1, arguments, 0)
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from torch.multiprocessing.spawn import spawn

    spawn(_work, args=(workers, arguments, 29517), nprocs=workers)  # type: ignore[no-untyped-call]
