"""Where the time of a batch goes: launches, waits, which kernel takes which attention, visitors who ask at once, compiling, graphs.

Compiling takes seconds for every new shape, and a graph holds the memory of its batch: whether either pays is measured here, on the passes
of one batch.
"""

from __future__ import annotations

import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention
from torch.profiler import ProfilerActivity, profile

from engine.analyses.dependency import dependency_map
from engine.analyses.substitutions import Scan, Substitutions
from engine.bench.encoders import write_synthetic
from engine.bench.gpu.maps import GpuOptions, Shape
from engine.bench.measure import Row, interleaved, random_letters
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.registry import entry
from engine.service.jobs import Job, JobMonitor
from engine.service.turns import Turns

KERNELS = {"flash": "FLASH_ATTENTION", "memory-efficient": "EFFICIENT_ATTENTION", "cuDNN": "CUDNN_ATTENTION", "plain": "MATH"}
CALLS = {"stem, heads of 52 and 20": (6, 52, 20, True), "stem, heads of 56 and 24": (6, 56, 24, True),
         "blocks, heads of 48": (4, 48, 48, False), "encoders, heads of 64": (12, 64, 64, False)}  # fmt: skip
"""Heads, width of a query, width of a value, whether a bias is added."""
WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize", "cudaMemcpyAsync")


def visitor_rows(options: GpuOptions, folder: Path) -> Iterator[Row]:
    """Several visitors who ask the shipped model at once, in turns and together in a batch where there is room, as the pages do it."""
    group = f"Visitors of the shipped model, {options.name}, {options.low}"
    model: Any = entry("locuscope").load(folder, LoadOptions(device=options.device, dtype=options.low))
    turns, lock = Turns(rounds=True), threading.Lock()
    sequences = [NucleotideSequence(random_letters(options.visitor_bp, seed)) for seed in range(options.visitors)]

    def ask(number: int, waited: list[float], began: float) -> None:
        job = Job(f"visitor {number}", None, 1.0)
        job.join(str(number))
        monitor = JobMonitor(job)
        with monitor.computing(turns, lock):
            dependency_map(model, sequences[number], monitor=monitor)
        waited.append(time.perf_counter() - began)

    def together(count: int) -> list[float]:
        waited: list[float] = []
        began = options.clock()
        asking = [threading.Thread(target=ask, args=(number, waited, began)) for number in range(count)]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
        return sorted(waited)

    together(1)
    alone, all_of_them = together(1)[-1], together(options.visitors)
    if len(all_of_them) < options.visitors:
        raise RuntimeError(f"{options.visitors - len(all_of_them)} of {options.visitors} visitors got no map")
    what = f"a map of {options.visitor_bp:,} nt"
    yield Row(group, f"{what}, alone", alone, "s")
    yield Row(group, f"{what}, first of {options.visitors}", all_of_them[0], "s")
    yield Row(group, f"{what}, last of {options.visitors}", all_of_them[-1], "s", f"{all_of_them[-1] / alone:.2g} times alone")


def attention_rows(options: GpuOptions) -> Iterator[Row]:
    """Which kernel takes which attention in half precision, and how long: heads of the shipped model's layers and of the published encoders."""
    tokens, batch = (1001, 64) if options.is_gpu else (33, 2)
    group = f"Attention of {batch} x {tokens:,} tokens, {options.name}, {options.low}"
    for call, (heads, wide, narrow, biased) in CALLS.items():
        dtype = getattr(torch, options.low)
        query, key = (torch.randn(batch, heads, tokens, wide, device=options.device, dtype=dtype) for _ in range(2))
        value = torch.randn(batch, heads, tokens, narrow, device=options.device, dtype=dtype)
        bias = torch.randn(1, heads, tokens, tokens + -tokens % 8, device=options.device, dtype=dtype)[..., :tokens] if biased else None

        def attend(query: Any = query, key: Any = key, value: Any = value, bias: Any = bias) -> None:
            scaled_dot_product_attention(query, key, value, attn_mask=bias)

        yield Row(group, f"{call}, as torch chooses", 1e3 * options.timed(attend, 3), "ms")
        for name, kernel in KERNELS.items():
            milliseconds, refused = float("nan"), ""
            with warnings.catch_warnings(record=True) as reasons:
                warnings.simplefilter("always")
                try:
                    with sdpa_kernel([getattr(SDPBackend, kernel)]):
                        milliseconds = 1e3 * options.timed(attend, 3)
                except RuntimeError as error:
                    said = " ".join(str(reason.message).partition("(Triggered")[0] for reason in reasons) or str(error).splitlines()[0]
                    refused = f"refused: {said[:200]}"
            yield Row(group, f"{call}, {name}", milliseconds, "ms", refused)


def launch_rows(options: GpuOptions, folder: Path, tables: Path) -> Iterator[Row]:
    """Launches and waits of one batch of the shipped model at 300 nt in each of its ways, and its longest operations (``profile-*.txt``)."""
    group = f"One batch of the shipped model, {300 if options.is_gpu else 20} nt, {options.name}"
    sequence = NucleotideSequence(random_letters(300 if options.is_gpu else 20))
    substitutions = Substitutions.of(sequence.letters, (0, len(sequence)))
    for dtype in (options.low, "float32"):
        model: Any = entry("locuscope").load(folder, LoadOptions(device=options.device, dtype=dtype))
        with torch.inference_mode():
            scan = Scan.of(model, sequence)
            size = min(scan.batch_size, len(substitutions) if options.is_gpu else 6) // 3 * 3
            places, others = (scan.tensor(values[:size]) for values in (substitutions.positions, substitutions.alternates))
            for precision in model.precisions:
                work = partial(model.mutant_logits, scan.reference, places, others, precision=precision)
                name = f"{dtype}, {precision}"
                yield Row(group, f"{name}: {size:,} mutants", 1e3 * options.timed(work), "ms")
                yield from _counted(options, group, name, work, tables / f"profile-{dtype}-{precision}.txt")


def _counted(options: GpuOptions, group: str, name: str, work: Callable[[], object], table: Path) -> Iterator[Row]:
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if options.is_gpu else [])]
    with profile(activities=activities) as found:
        work()
        options.clock()
    calls = Counter[str]()
    for event in found.key_averages():
        calls[event.key] += event.count
    if options.is_gpu:
        yield Row(group, f"{name}: launches", sum(count for key, count in calls.items() if "LaunchKernel" in key), "")
        waits = ", ".join(f"{key} {calls[key]:,}" for key in WAITS if calls[key])
        yield Row(group, f"{name}: waits", sum(calls[key] for key in WAITS[:3]) - 1, "", waits)
    else:
        yield Row(group, f"{name}: operations", sum(count for key, count in calls.items() if key.startswith("aten::")), "")
    order = "self_cuda_time_total" if options.is_gpu else "self_cpu_time_total"
    table.write_text(found.key_averages().table(sort_by=order, row_limit=30), encoding="utf-8")


def captured_rows(options: GpuOptions, shape: Shape) -> Iterator[Row]:
    """The passes of one batch of an encoder, as they are, as a graph and compiled."""
    group = f"{shape.model_id} of {options.layers} layers, one batch at {shape.length:,} nt, {options.name}, {options.low}"
    with tempfile.TemporaryDirectory() as folder:
        write_synthetic(Path(folder), shape.k, options.layers, rotary=shape.rotary, positions=shape.positions)
        model: Any = entry(shape.model_id).load(Path(folder), LoadOptions(device=options.device, dtype=options.low))
    reference = model.prepare(NucleotideSequence(random_letters(shape.length)))
    size = min(model.passes_per_batch(reference), shape.length)
    places = torch.arange(size, device=options.device)
    ids = model.mutants(reference, places, torch.zeros_like(places))
    with torch.inference_mode():
        plain = options.timed(lambda: model.net.hidden(ids), 3)
        yield Row(group, f"{size:,} passes", 1e3 * plain, "ms")
        if options.is_gpu:
            replay = _captured(model.net.hidden, ids)
            yield Row(group, "as a graph: times as fast", plain / options.timed(replay, 3), "x")
        compiled: Callable[[torch.Tensor], torch.Tensor] = torch.compile(
            model.net.hidden, backend="inductor" if options.is_gpu else "eager"
        )
        began = options.clock()
        compiled(ids)
        making = options.clock() - began
        best = interleaved({"eager": lambda: model.net.hidden(ids), "compiled": lambda: compiled(ids)}, 3, options.clock)
    yield Row(group, "compiled: times as fast", best["eager"] / best["compiled"], "x", f"after {making:.0f} s of compiling a shape")


def _captured(work: Callable[[torch.Tensor], torch.Tensor], ids: torch.Tensor) -> Callable[[], None]:
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            work(ids)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work(ids)
    return graph.replay
