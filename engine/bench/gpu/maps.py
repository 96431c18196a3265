"""The GPU's part of the table: maps in half precision against the authors' loop and the card's own matrix products, errors, memory.

Wall-clock seconds, the device waited for on both sides of every measurement, each figure given as soon as it is there.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engine.analyses.dependency import DependencyParameters, dependency_map
from engine.bench import encoders
from engine.bench.baseline import plain_rows
from engine.bench.encoders import encoder_flops, write_synthetic
from engine.bench.measure import LENGTHS, Row, error_rows, interleaved, random_letters
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.registry import entry

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Shape:
    """A published encoder: its model id, bases a token, the length of its input and of its table of positions.

    ``bases``: changed bases that half precision is compared with float32 on; ``loop_bases``: those of the authors' loop, whose tables of a
    six-base model take a second each.
    """

    model_id: str
    k: int
    length: int
    positions: int
    rotary: bool = False
    bases: int = 64
    loop_bases: int = 64

    @property
    def passes(self) -> int:
        """Of a whole map."""
        return 3 * self.length + 1


SHAPES = (
    Shape("specieslm-fungi-k1", 1, 1003, 1024),
    Shape("specieslm-metazoa-k6", 6, 2003, 2048, rotary=True, bases=32, loop_bases=2),
)


@dataclass(frozen=True)
class GpuOptions:
    """``low``: the half precision. ``layers``: depth of the encoders (as published). ``lengths``: of the shipped model's maps. ``product``:
    side of the square matrices. ``visitors``: how many ask at once, each for a map of ``visitor_bp``.
    """

    device: str = "cuda:0"
    low: str = "float16"
    layers: int = 12
    shapes: tuple[Shape, ...] = SHAPES
    lengths: tuple[int, ...] = LENGTHS
    product: int = 8192
    visitors: int = 6
    visitor_bp: int = 300

    @classmethod
    def tiny(cls, device: str) -> GpuOptions:
        """The same measurements of next to nothing: a rehearsal that any processor ends in seconds."""
        shapes = tuple(replace(shape, length=30, positions=64, bases=2, loop_bases=2) for shape in SHAPES)
        low = "float16" if device.startswith("cuda") else "bfloat16"
        return cls(device, low, 1, shapes, (20, 30), 64, 2, 20)

    @property
    def is_gpu(self) -> bool:
        """False in rehearsals, which run the same measurements on a CPU."""
        return self.device.startswith("cuda")

    @property
    def name(self) -> str:
        """What the device calls itself."""
        return torch.cuda.get_device_name(self.device) if self.is_gpu else self.device

    def clock(self) -> float:
        """Seconds, once everything that was queued is computed."""
        if self.is_gpu:
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def timed(self, work: Callable[[], object], repeats: int = 2) -> float:
        """Shortest seconds of ``repeats`` after one call to warm up."""
        work()
        return interleaved({"work": work}, repeats, self.clock)["work"]


def gpu_rows(options: GpuOptions | None = None, shipped: Path | None = None) -> Iterator[Row]:
    """The GPU's rows of ``python -m engine bench``. ``shipped``: the folder of the shipped language model."""
    chosen = options or GpuOptions()
    yield from device_rows(chosen)
    if shipped is not None and shipped.is_dir():
        yield from shipped_rows(chosen, shipped)
    for shape in chosen.shapes:
        yield from encoder_rows(chosen, shape)
        gc.collect()


def device_rows(options: GpuOptions) -> Iterator[Row]:
    """What the card can do at most: products of two large matrices in each precision, and copies."""
    group = f"The device, {options.name}"
    if options.is_gpu:
        yield Row(group, "memory", 1e-9 * torch.cuda.get_device_properties(options.device).total_memory, "GB")
    for dtype in dict.fromkeys((options.low, "bfloat16", "float32")):
        yield Row(group, f"matrix product, {dtype}", _product_tflops(options, dtype), "TFLOP/s", f"side {options.product:,}")
    source = torch.zeros(4 * options.product**2, dtype=torch.uint8, device=options.device)
    seconds = options.timed(source.clone, 5)
    yield Row(group, "copy", 2e-12 * source.numel() / seconds, "TB/s", "read and written")


def _product_tflops(options: GpuOptions, dtype: str = "") -> float:
    a = torch.randn(options.product, options.product, device=options.device).to(getattr(torch, dtype or options.low))
    return 2e-12 * options.product**3 / options.timed(lambda: torch.mm(a, a), 5)


def _map(model: Any, letters: str, window: tuple[int, int] | None = None, precision: Any = "exact") -> NDArray[np.float32]:
    return dependency_map(model, NucleotideSequence(letters), DependencyParameters(window=window, precision=precision)).values


def encoder_rows(options: GpuOptions, shape: Shape) -> Iterator[Row]:
    """Whole maps of an encoder of published width and depth with random weights; the authors' loop and float32 on some of the bases."""
    group = f"{shape.model_id} of {options.layers} x {encoders.WIDTH}, {shape.length:,} nt, {options.name}, {options.low}"
    letters, first = random_letters(shape.length), shape.length // 2
    window = (first, first + shape.bases)
    with tempfile.TemporaryDirectory() as folder:
        plain = write_synthetic(Path(folder), shape.k, options.layers, rotary=shape.rotary, positions=shape.positions)
        load = entry(shape.model_id).load
        low: Any = load(Path(folder), LoadOptions(device=options.device, dtype=options.low))
        exact: Any = load(Path(folder), LoadOptions(device=options.device, dtype="float32"))
    found = _map(low, letters, window)
    seconds = interleaved({"map": lambda: _map(low, letters)}, 1, options.clock)["map"]  # whose batches the window has warmed up
    speed = 1e-12 * shape.passes * encoder_flops(shape.length - shape.k + 4, options.layers, shape.k) / seconds
    yield Row(group, "map", seconds, "s", f"{shape.passes:,} passes")
    yield Row(group, "map", speed, "TFLOP/s")
    product = _product_tflops(options)
    yield Row(group, "matrix product", product, "TFLOP/s")
    yield Row(group, "fraction of the product's peak", speed / product, "")
    yield from _memory_rows(options, group, lambda: _map(low, letters, window))
    yield from error_rows(group, options.low, found, _map(exact, letters, window))
    del exact
    passes = 3 * shape.loop_bases + 1
    plain = replace(plain, bert=plain.bert.to(options.device, getattr(torch, options.low)), device=options.device)
    loop = options.timed(lambda: plain_rows(plain, letters, list(range(first, first + shape.loop_bases))), 1) / passes
    yield Row(
        group, "the authors-style loop, a pass", 1e3 * loop, "ms", f"batches of {plain.batch}, from {passes:,} passes, tables on the host"
    )
    yield Row(group, "times the authors-style loop", loop * shape.passes / seconds, "x", f"a map by it: {loop * shape.passes:,.1f} s")


def _memory_rows(options: GpuOptions, group: str, work: Callable[[], object]) -> Iterator[Row]:
    if not options.is_gpu:
        return
    torch.cuda.reset_peak_memory_stats(options.device)
    before = torch.cuda.memory_allocated(options.device)
    work()
    peak = 1e-6 * (torch.cuda.max_memory_allocated(options.device) - before)
    yield Row(group, "peak memory beyond the model", peak, "MB", "one batch")


def shipped_rows(options: GpuOptions, folder: Path) -> Iterator[Row]:
    """The shipped model: how far half precision and the device's float32 are from the CPU's float32; seconds of whole maps."""
    group = f"The shipped model, {options.name}"
    load = entry("locuscope").load
    here: Any = load(folder, LoadOptions(device="cpu", dtype="float32"))
    models: dict[str, Any] = {dtype: load(folder, LoadOptions(device=options.device, dtype=dtype)) for dtype in (options.low, "float32")}
    letters = random_letters(options.lengths[0])
    wanted = _map(here, letters)
    for dtype, model in models.items():
        yield from error_rows(group, f"{dtype}: map of {options.lengths[0]:,} nt", _map(model, letters), wanted)
    for length in options.lengths:
        letters = random_letters(length)
        for dtype, model in models.items():
            seconds = options.timed(lambda model=model, letters=letters: _map(model, letters), 1)  # type: ignore[misc]
            yield Row(group, f"{dtype}: map of {length:,} nt", seconds, "s", f"{3 * length + 1:,} passes")
            yield from _memory_rows(options, f"{group}, {dtype}, {length:,} nt", lambda model=model, letters=letters: _map(model, letters))  # type: ignore[misc]
    letters = random_letters(options.lengths[1])
    for precision in models["float32"].precisions[1:]:
        seconds = options.timed(lambda precision=precision: _map(models["float32"], letters, None, precision), 1)  # type: ignore[misc]
        yield Row(group, f"float32, {precision}: map of {options.lengths[1]:,} nt", seconds, "s")
