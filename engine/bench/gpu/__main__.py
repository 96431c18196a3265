"""``python -m engine.bench.gpu --minutes 9 --out FOLDER``: what a machine with a GPU is asked once, each figure printed and kept at once."""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from engine.bench.gpu.ledger import PIECE_BYTES, Ledger
from engine.bench.gpu.plan import LEAST_TRAINING, PARTS, Deadline, Step, seconds_of, take
from engine.bench.measure import Row

GRACE = 20.0
"""Seconds that a part may take beyond its own, to end what it is in, before it is stopped."""
ROOM = Path(__file__).resolve().parents[3]
NEEDED = ("numpy", "torch", "safetensors", "transformers", "tokenizers", "typer", "filelock", "pytest")
"""The packages that are imported beside the standard library; without the first two there is no figure at all."""
SHIPPED = ROOM / "assets" / "models" / "locuscope-lm"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine.bench.gpu", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=9.0, help="for everything: tests first, then maps, then training with what is left"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/gpu"), help="folder for figures and checkpoints; a second call with it goes on"
    )
    parser.add_argument("--earlier", type=Path, help="folder of an earlier run, possibly read-only, that an empty --out goes on from")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N; cpu only with --tiny, as a rehearsal")
    parser.add_argument("--tiny", action="store_true", help="next to nothing of everything, to rehearse the whole of it")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--tests", default="", metavar="WORDS", help="only tests with these words in their names, as pytest -k")
    parser.add_argument("--piece-bytes", type=int, default=PIECE_BYTES, help="most bytes of any file that is written")
    parser.add_argument("--corpus", type=Path, default=Path("runs/corpus.npz"), help="packed corpus to train from; --tiny makes its own")
    parser.add_argument("--light", action="store_true", help="checkpoints without the optimisers' state")
    parser.add_argument("--compiled", action="store_true", help="train with the blocks compiled")
    parser.add_argument("--dna", type=float, metavar="SHARE", help="of genome batches all along (default: 0.25, then 0.3)")
    parser.add_argument("--window", type=int, default=0, metavar="BASES", help="of genome windows: 255, 511 or 1023 (default: all three)")
    parser.add_argument("--labels", type=float, default=0.0, metavar="WEIGHT", help="of the loss on the labels beside the corpus")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=0.0, help=argparse.SUPPRESS)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """0, 1 when a step failed, 2 with one sentence where the command cannot be used."""
    options = _parser().parse_args(arguments)
    sentence = _unusable(options)
    if sentence:
        sys.stderr.write(f"{sentence}\n")
        return 2
    ledger = Ledger(options.out, _key(options), options.piece_bytes, options.earlier)
    if options.part:
        deadline = Deadline.after(options.seconds)
        return min(1, take(_steps(options, ledger, deadline), ledger, deadline))
    given = sys.argv[1:] if arguments is None else arguments
    return _all_parts(options, given, ledger)


def _all_parts(options: argparse.Namespace, given: list[str], ledger: Ledger) -> int:
    """Each part in a process of its own, so that one which breaks the device or hangs leaves the others theirs."""
    whole, began, status = 60 * options.minutes, time.monotonic(), 0
    for part in options.parts:
        left = whole - (time.monotonic() - began)
        seconds = seconds_of(part, whole, left)
        if left < (LEAST_TRAINING if part == "training" and not options.tiny else 1):
            ledger.say("left out", part, f"{left:.0f} s are left; a second call takes it up")
            continue
        command = [sys.executable, "-m", "engine.bench.gpu", *given, "--part", part, "--seconds", f"{seconds:.1f}"]
        try:
            ended = subprocess.run(command, cwd=ROOM, check=False, timeout=seconds + GRACE).returncode  # noqa: S603 - this module again
        except subprocess.TimeoutExpired:
            ended = 1
            ledger.say("failed", part, f"stopped {GRACE:.0f} s after its {seconds:.0f} s were over; what it had told is kept")
        if ended not in (0, 1):
            ledger.say("failed", part, f"ended with status {ended}; what it had told is kept")
        status = max(status, int(ended != 0))
    ledger.summarise()
    return status


def _unusable(options: argparse.Namespace) -> str:
    """Why the command cannot run here, or nothing."""
    if options.minutes <= 0 or options.piece_bytes < 100_000:
        return "--minutes must be more than 0 and --piece-bytes at least 100,000."
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if {"numpy", "torch"} & set(absent):
        return (
            f"The Python {sys.executable} has no {', '.join(absent)}; install what is missing there, or name another Python that has it: "
            "make gpu PYTHON=.venv/bin/python."
        )
    if options.device == "cpu":
        return "" if options.tiny else "A CPU can only rehearse this: add --tiny."
    import torch

    if not torch.cuda.is_available():
        return (
            f"This machine has no CUDA device that torch {torch.__version__} can use; run it where there is one, "
            "or rehearse it here with --device cpu --tiny."
        )
    from engine.core.errors import ParameterError
    from engine.service.devices import checked_device

    try:
        checked_device(options.device)
    except ParameterError as error:
        return str(error)
    return ""


def _key(options: argparse.Namespace) -> str:
    """What decides the figures: the code, torch, the device and how much of everything."""
    import torch

    device = options.device if options.device == "cpu" else torch.cuda.get_device_name(options.device)
    total = hashlib.sha256(f"{torch.__version__} {device} {options.tiny} {options.tests}".encode())
    for path in sorted((ROOM / "engine").rglob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


def _steps(options: argparse.Namespace, ledger: Ledger, deadline: Deadline) -> Iterator[Step]:
    """Those of ``options.part``, cheapest and most telling first."""
    device = options.device if ":" in options.device or options.device == "cpu" else f"{options.device}:0"
    if options.part == "checks":
        from engine.bench.gpu.checks import check_rows, group_of

        passed = {row.what for row in ledger.rows() if row.group == group_of(device) and "::" in row.what and row.value == 1}
        yield Step("checks", 1, lambda: check_rows(deadline, options.out / "tests.txt", device, options.tests, passed))
    elif options.part == "maps":
        yield from _map_steps(options, device)
    else:
        yield from _learning_steps(options, device, ledger, deadline)


def _learning_steps(options: argparse.Namespace, device: str, ledger: Ledger, deadline: Deadline) -> Iterator[Step]:
    from engine.bench.gpu import learning
    from engine.training import checkpoint

    checkpoint.PIECE_BYTES = int(0.98 * options.piece_bytes)  # what is before the tensors in a file takes the rest
    corpus = options.out / "corpus.npz" if options.tiny else options.corpus
    chosen = learning.LearningOptions.of(
        device,
        tiny=options.tiny,
        light=options.light,
        compiled=options.compiled,
        dna=options.dna,
        window=options.window,
        labels=options.labels,
    )

    def learn() -> Iterator[Row]:
        (learning.rehearsal_corpus if options.tiny else learning.require_corpus)(corpus)
        return learning.learning_rows(chosen, corpus, options.out, ledger, deadline)

    yield Step("training", 0 if options.tiny else LEAST_TRAINING, learn)
    yield Step("held out", 0 if options.tiny else 10, lambda: learning.measured_rows(chosen, corpus, options.out))


def _map_steps(options: argparse.Namespace, device: str) -> Iterator[Step]:
    from engine.bench.gpu import closer, maps

    chosen = maps.GpuOptions.tiny(device) if options.tiny else maps.GpuOptions(device)
    scale = 0.0 if options.tiny else 1.0
    yield Step("device", 3 * scale, lambda: maps.device_rows(chosen))
    yield Step("shipped model", 10 * scale, lambda: maps.shipped_rows(chosen, SHIPPED))
    for shape, seconds in zip(chosen.shapes, (15, 40), strict=True):
        yield Step(shape.model_id, seconds * scale, lambda shape=shape: maps.encoder_rows(chosen, shape))  # type: ignore[misc]
    yield Step("visitors", 5 * scale, lambda: closer.visitor_rows(chosen, SHIPPED))
    yield Step("attention", 5 * scale, lambda: closer.attention_rows(chosen))
    yield Step("launches", 10 * scale, lambda: closer.launch_rows(chosen, SHIPPED, options.out))
    yield Step("graph and compiled", 45 * scale, lambda: closer.captured_rows(chosen, chosen.shapes[0]))


if __name__ == "__main__":
    ended = main()
    if "--part" in sys.argv:  # what compiles in the background would keep this process for many seconds
        sys.stdout.flush()
        os._exit(ended)
    sys.exit(ended)
