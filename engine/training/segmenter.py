"""Training of the segmentation head on the frozen language model: focal loss, windows of annotated genomes, either strand.

The language model's forward pass costs several times the head's step, so a batch holds few windows that are new and many drawn again
from those of the last steps, whose hidden states are kept.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.models.locuscope.network import LocuscopeNet
from engine.models.locuscope.segmenter_network import LocuscopeSegmenter, SegmenterConfig
from engine.models.locuscope.tokens import BASE, DOMAIN, DOMAINS
from engine.training import checkpoint
from engine.training.annotation import ELEMENTS, Contig, annotated_contigs, bit, mirrored
from engine.training.letters import UNKNOWN, reverse_complement
from engine.training.plan import Workers

logger = logging.getLogger(__name__)

WINDOW = 1023
RARE = ("tRNA", "rRNA", "ncRNA", "intron", "splice_donor")
RARE_SHARE = 0.4
YEAST_SHARE = 0.35


@dataclass(frozen=True)
class SegmenterPlan:
    """What a run does; rates decay to zero after `minutes` of training or `steps`, whichever comes first."""

    minutes: float = 25.0
    steps: int = 10**9
    rows: int = 8
    fresh: int = 1
    kept: int = 3000
    rate: float = 2e-3
    gamma: float = 2.0
    seed: int = 1
    save_minutes: float = 3.0
    window: int = WINDOW


HEAVIEST = 12.0


def element_weights(contigs: list[Contig]) -> Tensor:
    """(elements,) weight of each element's loss, 1 for the commonest: the square root of how much rarer it is, at most `HEAVIEST`."""
    places = np.arange(len(ELEMENTS), dtype=np.uint16)
    marked = np.array([sum(int(((c.labels >> place) & 1).sum()) for c in contigs) for place in places], dtype=float)
    share = np.sqrt(marked.max() / np.maximum(marked, 1.0))
    return torch.from_numpy(np.minimum(share, HEAVIEST).astype(np.float32))


class Windows:
    """Draws labelled windows; each window is a function of (seed, rank, number)."""

    def __init__(self, contigs: list[Contig], plan: SegmenterPlan) -> None:
        self.plan = plan
        self.contigs = [c for c in contigs if c.codes.size >= plan.window]
        yeast = np.array([c.domain == "yeast" for c in self.contigs])
        weight = np.array([c.codes.size for c in self.contigs], dtype=float)
        for group, share in ((yeast, YEAST_SHARE), (~yeast, 1 - YEAST_SHARE)):
            if group.any():
                weight[group] *= share / weight[group].sum()
        self.weight = weight / weight.sum()
        rare = sum(bit(e) for e in RARE)
        found = [np.flatnonzero(c.labels & rare) for c in self.contigs]
        self.rare = {e: self._places(found, e) for e in RARE}
        self.rare = {e: places for e, places in self.rare.items() if places.size}

    def _places(self, found: list[np.ndarray[Any, Any]], element: str) -> np.ndarray[Any, Any]:
        rows = [np.stack((np.full(f.size, i), f))[:, (self.contigs[i].labels[f] & bit(element)) > 0] for i, f in enumerate(found) if f.size]
        return np.concatenate(rows, axis=1) if rows else np.empty((2, 0), dtype=np.int64)

    def _place(self, rng: np.random.Generator) -> tuple[Contig, int]:
        window = self.plan.window
        if self.rare and rng.random() < RARE_SHARE:
            places = self.rare[str(rng.choice(list(self.rare)))]
            contig_number, position = places[:, int(rng.integers(places.shape[1]))]
            contig = self.contigs[int(contig_number)]
            low = int(position) - int(rng.integers(0, window))
        else:
            contig = self.contigs[int(rng.choice(len(self.contigs), p=self.weight))]
            low = int(rng.integers(0, contig.codes.size - window + 1))
        return contig, min(max(low, 0), contig.codes.size - window)

    def numbers(self, rank: int, step: int) -> list[int]:
        """Windows of a batch: the newest `fresh` ones, the others from the last `kept`."""
        plan, rng = self.plan, np.random.default_rng((self.plan.seed, rank, step))
        newest = (step + 1) * plan.fresh
        again = rng.integers(max(0, newest - plan.kept), newest, size=plan.rows - plan.fresh)
        return [*range(newest - plan.fresh, newest), *(int(number) for number in again)]

    def draw(self, rank: int, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """ids (T,), labels (T - 1, elements) 0 or 1, known (1, elements) 1 where the annotation lists the element."""
        rng = np.random.default_rng((self.plan.seed, rank, number, 1))
        contig, low = self._place(rng)
        part = slice(low, low + self.plan.window)
        codes, marks = contig.codes[part], contig.labels[part]
        if rng.random() < 0.5:
            codes, marks = reverse_complement(codes), mirrored(marks)
        domain = 0 if rng.random() < 0.15 else DOMAINS.index(contig.domain)
        ids = np.concatenate(([domain + DOMAIN], np.minimum(codes, UNKNOWN).astype(np.int64) + BASE))
        places = np.arange(len(ELEMENTS))
        marked = (marks[:, None] >> places) & 1
        listed = (np.array([contig.known])[:, None] >> places) & 1
        return torch.from_numpy(ids), torch.from_numpy(marked.astype(np.float32)), torch.from_numpy(listed.astype(np.float32))


def focal_loss(logits: Tensor, labels: Tensor, known: Tensor, gamma: float, weight: Tensor | float = 1.0) -> Tensor:
    """Mean over known entries of -(1 - p_true)^gamma ln p_true, p_true the probability given to the label (Lin et al. 2017).

    `weight` (elements,) multiplies what an element adds to the sum.
    """
    entropy = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    wrong = 1 - torch.exp(-entropy)
    return (entropy * wrong**gamma * known * weight).sum() / known.expand_as(entropy).sum().clamp(min=1)


class SegmenterTrainer:
    """Head, optimiser, average and counters of a run in one process."""

    def __init__(
        self, contigs: list[Contig], language_model: LocuscopeNet, plan: SegmenterPlan, folder: Path, workers: Workers, device: str
    ) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.folder, self.workers, self.device = plan, folder, workers, torch.device(device)
        self.net = LocuscopeSegmenter(SegmenterConfig(ELEMENTS, language_model=language_model.config))
        self.net.language_model.load_state_dict(language_model.state_dict())
        self.net.to(self.device)
        self.windows = Windows(contigs, plan)
        self.weight = element_weights(contigs).to(self.device)
        self._read: dict[int, tuple[Tensor, ...]] = {}
        self.parameters = dict(self.net.head.named_parameters())
        self.optimizer = torch.optim.AdamW(self.parameters.values(), lr=plan.rate, weight_decay=0.01)
        self.average = {name: p.detach().clone() for name, p in self.parameters.items()}
        self.step, self.seconds, self.progress = 0, 0.0, 0.0
        self._resume()

    def start_from(self, directory: Path) -> None:
        """Take the head of a segmenter's model directory; a run that has steps behind it keeps its own."""
        if self.step:
            return
        self.net.head.load_state_dict(LocuscopeSegmenter.from_pretrained(directory).head.state_dict())
        for name, p in self.parameters.items():
            self.average[name].copy_(p.detach())

    def _resume(self) -> None:
        held = checkpoint.load(self.folder / "checkpoint")
        if held is None:
            return
        with torch.no_grad():
            for name, p in self.parameters.items():
                p.copy_(held.tensors["head." + name])
                self.average[name].copy_(held.tensors["ema." + name])
        checkpoint.restore_optimizer("adam", self.optimizer, held.tensors)
        self.step, self.seconds, self.progress = held.counters["step"], held.counters["seconds"], held.counters["progress"]

    def save(self) -> None:
        """Write the checkpoint and, in average/, the whole segmenter (language model and averaged head)."""
        tensors = {"head." + n: p.detach() for n, p in self.parameters.items()} | {"ema." + n: t for n, t in self.average.items()}
        tensors |= checkpoint.flatten_optimizer("adam", self.optimizer)
        counters = {"step": self.step, "seconds": self.seconds, "progress": self.progress, "plan": asdict(self.plan)}
        checkpoint.save(self.folder / "checkpoint", checkpoint.TrainingState(tensors, counters))
        from safetensors.torch import save_file

        whole = {"language_model." + n: t for n, t in self.net.language_model.state_dict().items()}
        whole |= {"head." + n: t for n, t in self.average.items()}
        target = self.folder / "average"
        target.mkdir(parents=True, exist_ok=True)
        self.net.config.write(target / "config.json")
        save_file({n: t.detach().float().cpu().contiguous() for n, t in whole.items()}, target / "model.safetensors")

    def _batch(self) -> tuple[Tensor, ...]:
        """What the head reads (B, L, channels), labels and known of this step's windows; what was read before is kept, in bfloat16."""
        numbers = self.windows.numbers(self.workers.rank, self.step)
        for number in numbers:
            if number not in self._read:
                ids, labels, known = (t.to(self.device) for t in self.windows.draw(self.workers.rank, number))
                self._read[number] = self.net.read(ids[None])[0].to(torch.bfloat16), labels, known
        for number in [n for n in self._read if n < numbers[0] - self.plan.kept]:
            del self._read[number]
        rows = [self._read[number] for number in numbers]
        return tuple(torch.stack(part) for part in zip(*rows, strict=True))

    def advance(self) -> float:
        """One optimiser step; this process's loss."""
        begun = time.monotonic()
        self.optimizer.zero_grad()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.plan.window > 255):
            read, labels, known = self._batch()
            logits = self.net.head(read.float())
        loss = focal_loss(logits.float(), labels, known, self.plan.gamma, self.weight)
        loss.backward()  # type: ignore[no-untyped-call]
        done = max(self.seconds / (60 * self.plan.minutes), self.step / self.plan.steps)
        flat = torch.cat(
            [*(p.grad.flatten() for p in self.parameters.values() if p.grad is not None), torch.tensor([done], device=self.device)]
        )
        self.workers.average(flat)
        self.progress = float(flat[-1])
        self._update(flat)
        self.step += 1
        self.seconds += time.monotonic() - begun
        return float(loss.detach())

    def _update(self, flat: Tensor) -> None:
        offset = 0
        for p in self.parameters.values():
            p.grad = flat[offset : offset + p.numel()].view_as(p)
            offset += p.numel()
        nn.utils.clip_grad_norm_(self.parameters.values(), 1.0)
        warm = min(1.0, (self.step + 1) / 100)
        self.optimizer.param_groups[0]["lr"] = self.plan.rate * warm * min(1.0, 2 * max(0.0, 1 - self.progress))
        self.optimizer.step()
        keep = min(0.995, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for name, p in self.parameters.items():
                self.average[name].lerp_(p, 1 - keep)

    @property
    def finished(self) -> bool:
        """Whether the run is done; the same in every process."""
        return self.progress >= 1.0 or self.step >= self.plan.steps

    def run(self) -> None:
        """Train to the end, saving and logging on the way."""
        saved = logged = time.monotonic()
        losses: list[float] = []
        while not self.finished:
            losses.append(self.advance())
            now = time.monotonic()
            if self.workers.rank == 0 and (now - logged > 15 or self.finished):
                row = {"step": self.step, "minutes": round(self.seconds / 60, 2), "progress": round(self.progress, 4)}
                row["focal_loss"] = round(float(np.mean(losses)), 6)
                with (self.folder / "log.jsonl").open("a", encoding="utf-8") as handle:
                    handle.write(json.dumps(row) + "\n")
                filled = int(30 * min(1.0, self.progress))
                logger.info("[%s%s] %s", "#" * filled, "." * (30 - filled), json.dumps(row))
                losses, logged = [], now
            if self.workers.rank == 0 and now - saved > 60 * self.plan.save_minutes:
                self.save()
                saved = now
        if self.workers.rank == 0:
            self.save()


def _work(rank: int, count: int, arguments: tuple[Path, Path, SegmenterPlan, Path, str, Path | None], port: int) -> None:
    data, language_model, plan, folder, device, start = arguments
    logging.basicConfig(level=logging.INFO if rank == 0 else logging.WARNING, format="%(asctime)s %(message)s")
    if device == "cpu":
        torch.set_num_threads(1)
    if count > 1:
        torch.distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=count)
    contigs = annotated_contigs(data, held_out=False)
    net = LocuscopeNet.from_pretrained(language_model).without_memory()
    trainer = SegmenterTrainer(contigs, net, plan, folder, Workers(rank, count), device)
    if start is not None:
        trainer.start_from(start)
    trainer.run()
    if count > 1:
        torch.distributed.destroy_process_group()


def train_segmenter(
    data: Path, language_model: Path, plan: SegmenterPlan, folder: Path, workers: int, device: str, start: Path | None = None
) -> None:
    """Run to the end, from the head in `start` or from random weights, in `workers` processes of one thread each (CPU) or in this one (GPU)."""
    folder.mkdir(parents=True, exist_ok=True)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    arguments = (data, language_model, plan, folder, device, start)
    if device != "cpu" or workers == 1:
        _work(0, 1, arguments, 0)
        return
    from torch.multiprocessing.spawn import spawn

    spawn(_work, args=(workers, arguments, 29518), nprocs=workers)  # type: ignore[no-untyped-call]
