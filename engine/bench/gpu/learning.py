"""The last part: training with whatever time is left, its speed, the weights it ends with and what they say of held-out sequences."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.bench.gpu.ledger import Ledger
from engine.bench.gpu.plan import Deadline
from engine.bench.measure import Row
from engine.core.errors import WeightsMissing
from engine.models.locuscope.network import LocuscopeNet, NetConfig
from engine.models.locuscope.tokens import DOMAINS
from engine.training import checkpoint
from engine.training.augment import invented_rna
from engine.training.corpus import HELD_OUT_FAMILY, HELD_OUT_SEQUENCE, TRAIN, Corpus
from engine.training.drawn import DrawerAhead
from engine.training.labels import Labels, beside, gene
from engine.training.letters import UNKNOWN
from engine.training.markov import Markov, ladder, ladder_bits
from engine.training.measure_language import MASKED, dna_samples, masked_bits, rna_samples
from engine.training.plan import TrainPlan, Workers
from engine.training.publish import publish, run_summary
from engine.training.scoring import Scorer
from engine.training.train import Trainer

ORDERS, LEARNT = (3, 5, 8), 8_000_000
"""Orders of the Markov models beside the language model, the best of which counts, and of how many letters of each domain they learn."""


@dataclass(frozen=True)
class LearningOptions:
    """``config``: sizes of the network (6 million parameters). ``plan``: of the run but for its minutes. ``reserve``: seconds kept back for the
    last checkpoint, the weights and the table; ``windows``: held-out windows a sample.
    """

    device: str
    config: NetConfig = NetConfig(width=288, layers=6, heads=6, hidden=1152)
    plan: TrainPlan = TrainPlan(tokens=32_768, bucket=32, save_minutes=1.5, log_seconds=10.0)
    processes: int = 1
    reserve: float = 40.0
    windows: int = 60

    @classmethod
    def of(
        cls, device: str, *, tiny: bool, light: bool, compiled: bool, dna: float | None = None, window: int = 0, labels: float = 0.0
    ) -> LearningOptions:
        """As large as the device deserves, or next to nothing. ``dna``, ``window``, ``labels``: as `TrainPlan` has them, ``dna`` all along."""
        cores = os.cpu_count() or 2
        plan = replace(cls.plan, light=light, window=window, labels=labels)
        if dna is not None:
            plan = replace(plan, dna_first=dna, dna_later=dna)
        if not tiny:
            return cls(device, plan=replace(plan, compiled=compiled), processes=max(1, min(12, cores - 2)))
        plan = replace(plan, tokens=256, steps=6, warmup_steps=2, save_minutes=0.05, log_seconds=0.0)
        return cls(device, NetConfig(width=16, layers=1, heads=2, hidden=32, max_length=512), plan, 1, 1.0, 2)


def learning_rows(options: LearningOptions, corpus: Path, folder: Path, ledger: Ledger, deadline: Deadline) -> Iterator[Row]:
    """Train until ``deadline`` but for the reserve, or to the end of a run that was begun, and publish.

    The run lies in ``folder``/training, its weights as float16 in ``folder``/published; every log line is told at once.
    """
    run = folder / "training"
    run.mkdir(parents=True, exist_ok=True)
    device = torch.cuda.get_device_name(options.device) if options.device.startswith("cuda") else options.device
    group = f"Training, {options.config.layers} x {options.config.width}, {options.plan.tokens:,} tokens a step, {device}"
    held = checkpoint.load(run / "checkpoint")
    before = 0.0 if held is None else float(held.counters["seconds"])
    seconds = max(1.0, deadline.left - options.reserve)
    plan = replace(options.plan, minutes=(before + seconds) / 60)
    drawer = DrawerAhead(corpus, plan.drawing, options.processes, plan.accumulate)
    try:
        trainer = Trainer(drawer, options.config, plan, run, Workers(), options.device)
        last = [trainer.tokens, trainer.seconds]

        def told(row: dict[str, Any]) -> None:
            if trainer.tokens == last[0]:
                return
            speed = (trainer.tokens - last[0]) / max(1e-9, trainer.seconds - last[1])
            last[:] = trainer.tokens, trainer.seconds
            losses = ", ".join(
                f"{name} {value}"
                for name, value in row.items()
                if name.startswith(("bits_", "change_", "rank_", "frame_", "site_", "amino_acid_"))
            )
            ledger.tell(Row(group, f"after {row['step']:,} steps", 1e-6 * speed, "M tokens/s", losses))

        trainer.told = told
        first, began = trainer.tokens, trainer.seconds
        trainer.run()
    finally:
        drawer.close()
    yield Row(group, "parameters", 1e-6 * sum(p.numel() for p in trainer.net.parameters()), "M")
    if trainer.tokens > first:
        yield Row(
            group, "speed", 1e-6 * (trainer.tokens - first) / (trainer.seconds - began), "M tokens/s", f"{trainer.step:,} steps in all"
        )
    if options.device.startswith("cuda"):
        yield Row(group, "peak memory", 1e-9 * torch.cuda.max_memory_allocated(options.device), "GB")
    card = {"id": "locuscope-lm", "revision": "gpu", "note": f"trained on {device}", "run": run_summary(run)}
    publish(run / "average", folder / "published", card, largest=1 << 30)
    size = sum(path.stat().st_size for path in (folder / "published").glob("*.safetensors"))
    yield Row(group, "published weights, float16", 1e-6 * size, "MB", f"{folder.name}/published")


def measured_rows(options: LearningOptions, corpus: Path, folder: Path) -> Iterator[Row]:
    """`held_out_rows` of the weights in ``folder``/published. Raises `WeightsMissing` before there are some."""
    if not (folder / "published" / "card.json").is_file():
        raise WeightsMissing(f"{folder} has no published/ yet: training comes first.")
    net = LocuscopeNet.from_pretrained(folder / "published").to(options.device)
    return held_out_rows(net, Corpus.load(corpus), options.windows)


def held_out_rows(net: LocuscopeNet, corpus: Corpus, windows: int, seed: int = 11) -> Iterator[Row]:
    """Bits per base of masked letters of genomes and RNAs that were not trained on, with 95 % intervals over sequences, beside a Markov model."""
    group, rng, scorer = "Held out: bits a base", np.random.default_rng(seed), Scorer(net, tokens=32_768)
    for sample in [*dna_samples(corpus, windows, 511, seed), *rna_samples(corpus, windows, seed)]:
        chains = ladder(_markov(corpus, sample.domain), ORDERS)
        own: list[float] = []
        others: dict[int, list[float]] = {order: [] for order in ORDERS}
        for codes in sample.sequences:
            chosen = rng.random(codes.size) < MASKED
            if chosen.any():
                own.append(float(masked_bits(scorer, codes, sample.domain, chosen, 50).mean()))
                for order, bits in ladder_bits(chains, codes).items():
                    others[order].append(float(bits[chosen].mean()))
        if own:
            yield Row(group, sample.title, float(np.mean(own)), "bits", f"± {_interval(own):.3f}, {len(own)} sequences")
            best = min(ORDERS, key=lambda order: float(np.mean(others[order])))
            told = f"± {_interval(others[best]):.3f}, order {best}, the best of {', '.join(map(str, ORDERS))}"
            yield Row(group, f"{sample.title}: Markov model", float(np.mean(others[best])), "bits", told)


def _interval(values: list[float]) -> float:
    return 1.96 * float(np.std(values, ddof=1)) / len(values) ** 0.5 if len(values) > 1 else float("nan")


def _markov(corpus: Corpus, domain: str) -> Markov:
    if domain == "rna":
        rows = (corpus.rna_sequence(int(index))[0] for index in np.flatnonzero(corpus.split == TRAIN))
        return Markov.learn(ORDERS[-1], (codes for codes in rows if (codes < UNKNOWN).all()), both_strands=False)
    pieces = np.flatnonzero((corpus.domain == DOMAINS.index(domain)) & ~corpus.held_out)
    sizes = np.cumsum([corpus.piece(int(piece)).size for piece in pieces])
    return Markov.learn(
        ORDERS[-1], (corpus.piece(int(piece)) for piece in pieces[: 1 + int(np.searchsorted(sizes, LEARNT))]), both_strands=True
    )


def rehearsal_corpus(path: Path) -> Path:
    """A corpus of random genomes, all of them labelled as coding, and invented RNAs, to rehearse with."""
    rng = np.random.default_rng(5)
    drawn = [invented_rna(40 + i % 9, rng) for i in range(40)]
    starts = np.arange(7) * 3000
    splits = [HELD_OUT_FAMILY if i % 10 == 0 else HELD_OUT_SEQUENCE if i % 10 == 1 else TRAIN for i in range(len(drawn))]
    names = {
        "genomes": list("abcdef"),
        "families": ["RF00005", "RF99999"],
        "titles": ["tRNA", "other"],
        "rna": [f"r{i}" for i in range(40)],
    }
    corpus = Corpus(
        dna=rng.integers(0, 4, 18_000).astype(np.uint8),
        start=starts,
        domain=np.array([1, 1, 2, 2, 3, 3], dtype=np.uint8),
        held_out=np.array([False, True] * 3),
        genome=np.arange(6, dtype=np.int32),
        rna=np.concatenate([codes for codes, _ in drawn]),
        rna_start=np.concatenate(([0], np.cumsum([codes.size for codes, _ in drawn]))),
        partner=np.concatenate([partner for _, partner in drawn]),
        column=np.concatenate([np.arange(codes.size, dtype=np.uint16) for codes, _ in drawn]),
        family=np.array([0 if i % 10 else 1 for i in range(len(drawn))], dtype=np.int32),
        split=np.array(splits, dtype=np.uint8),
        names=names,
    )
    corpus.save(path)
    Labels.of(corpus, {piece: gene([(0, 3000)], 1 - piece % 4) for piece in (0, 2, 4)}, {}).save(beside(path))
    return path


def require_corpus(path: Path) -> Path:
    """``path``, where there is one. Raises `WeightsMissing` with the command that makes one."""
    if path.is_file():
        return path
    told = json.dumps(str(path))
    raise WeightsMissing(
        f"No packed corpus at {told}; make one where the genomes are: python -m engine.training corpus --data DIR --out FILE --bytes-in 40000000"
    )
