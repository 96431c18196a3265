"""The GPU's part of the table: maps in half precision against the authors' loop and the card's own matrix products, errors, memory.

Wall-clock seconds, the device waited for on both sides of every measurement. Whether compiling the network pays is measured here, on the
passes of one batch: compiling takes seconds for every new shape.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engine.analyses.dependency import DependencyParameters, dependency_map
from engine.bench import encoders
from engine.bench.baseline import plain_rows
from engine.bench.encoders import MODELS, encoder_flops, write_synthetic
from engine.bench.measure import LENGTHS, Row, error_rows, interleaved, random_letters
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.registry import entry

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class GpuOptions:
    """``low``: the half precision. ``layers``: depth of the encoders (as published). ``length``: their input, ``bases``: changed bases of
    the authors' loop and of the errors. ``lengths``: of the shipped model's maps. ``product``: side of the square matrices.
    """

    device: str = "cuda:0"
    low: str = "float16"
    layers: int = 12
    length: int = 1003
    bases: int = 64
    lengths: tuple[int, ...] = LENGTHS
    product: int = 8192
    compiled: bool = True

    @property
    def is_gpu(self) -> bool:
        """False in tests, which run the same measurements on a CPU."""
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


def gpu_rows(options: GpuOptions | None = None, shipped: Path | None = None) -> list[Row]:
    """All rows. ``shipped``: the folder of the shipped language model."""
    chosen = options or GpuOptions()
    rows: list[Row] = []
    for k in (1, 6):
        rows += _encoder_rows(chosen, k)
        gc.collect()
    if shipped is not None and shipped.is_dir():
        rows += _shipped_rows(chosen, shipped)
    return rows


def _product_tflops(options: GpuOptions) -> float:
    a = torch.randn(options.product, options.product, device=options.device).to(getattr(torch, options.low))
    return 2e-12 * options.product**3 / options.timed(lambda: torch.mm(a, a), 5)


def _map(model: Any, letters: str, window: tuple[int, int] | None = None) -> NDArray[np.float32]:
    return dependency_map(model, NucleotideSequence(letters), DependencyParameters(window=window, precision="exact")).values


def _encoder_rows(options: GpuOptions, k: int) -> list[Row]:
    """Whole maps of an encoder of published width and depth; the authors' loop and float32 on some of the bases."""
    group = f"Encoder of {options.layers} x {encoders.WIDTH}, {k} base{'s' if k > 1 else ''} a token, {options.length:,} nt, {options.name}, {options.low}"
    letters, first = random_letters(options.length), options.length // 2
    window, passes = (first, first + options.bases), 3 * options.length + 1
    with tempfile.TemporaryDirectory() as folder:
        plain = write_synthetic(Path(folder), k, options.layers)
        plain = replace(plain, bert=plain.bert.to(options.device, getattr(torch, options.low)), device=options.device)
        load = entry(MODELS[k]).load
        low: Any = load(Path(folder), LoadOptions(device=options.device, dtype=options.low))
        exact: Any = load(Path(folder), LoadOptions(device=options.device, dtype="float32"))
    found, wanted = _map(low, letters, window), _map(exact, letters, window)
    seconds = options.timed(lambda: _map(low, letters))
    loop = options.timed(lambda: plain_rows(plain, letters, list(range(*window))), 1) / (3 * options.bases + 1)
    speed, product = 1e-12 * passes * encoder_flops(options.length - k + 4, options.layers, k) / seconds, _product_tflops(options)
    rows = [
        Row(group, "map", seconds, "s", f"{passes:,} passes"),
        Row(group, "map", speed, "TFLOP/s"),
        Row(group, "matrix product", product, "TFLOP/s"),
        Row(group, "fraction of the product's peak", speed / product, ""),
        Row(group, "times the authors-style loop", loop * passes / seconds, "x", f"that loop from {3 * options.bases + 1:,} of its passes"),
        *error_rows(group, options.low, found, wanted),
        *_memory_rows(options, group, lambda: _map(low, letters)),
    ]
    return rows + (_compiled_rows(options, group, low, letters) if options.compiled else [])


def _memory_rows(options: GpuOptions, group: str, work: Callable[[], object]) -> list[Row]:
    if not options.is_gpu:
        return []
    torch.cuda.reset_peak_memory_stats(options.device)
    before = torch.cuda.memory_allocated(options.device)
    work()
    return [
        Row(group, "peak memory beyond the model", 1e-6 * (torch.cuda.max_memory_allocated(options.device) - before), "MB", "one batch")
    ]


def _compiled_rows(options: GpuOptions, group: str, model: Any, letters: str) -> list[Row]:
    """The passes of one batch, as they are and compiled."""
    reference = model.prepare(NucleotideSequence(letters))
    size = min(model.passes_per_batch(reference), len(letters))
    ids = model.mutants(reference, torch.arange(size, device=options.device), torch.zeros(size, dtype=torch.int64, device=options.device))
    compiled: Callable[[torch.Tensor], torch.Tensor] = torch.compile(model.net.hidden)
    with torch.inference_mode():
        began = options.clock()
        compiled(ids)
        making = options.clock() - began
        best = interleaved({"eager": lambda: model.net.hidden(ids), "compiled": lambda: compiled(ids)}, 3, options.clock)
    return [
        Row(group, "compiled passes: times as fast", best["eager"] / best["compiled"], "x", f"after {making:.0f} s of compiling a shape")
    ]


def _shipped_rows(options: GpuOptions, folder: Path) -> list[Row]:
    """Seconds of whole maps of the shipped model, and how far half precision and the device's float32 are from the CPU's float32."""
    group = f"The shipped model, {options.name}"
    load = entry("locuscope").load
    here: Any = load(folder, LoadOptions(device="cpu", dtype="float32"))
    exact: Any = load(folder, LoadOptions(device=options.device, dtype="float32"))
    low: Any = load(folder, LoadOptions(device=options.device, dtype=options.low))
    rows = []
    for length in options.lengths:
        letters = random_letters(length)
        for name, model in (("float32", exact), (options.low, low)):
            seconds = options.timed(lambda model=model, letters=letters: _map(model, letters), 1)  # type: ignore[misc]
            rows.append(Row(group, f"{name}: map of {length:,} nt", seconds, "s", f"{3 * length + 1:,} passes"))
    letters = random_letters(options.lengths[0])
    wanted = _map(here, letters)
    for name, model in (("float32", exact), (options.low, low)):
        rows += error_rows(group, f"{name}: map of {options.lengths[0]:,} nt", _map(model, letters), wanted)
    return rows
