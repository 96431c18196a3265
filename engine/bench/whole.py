"""Whole exact maps of the shipped language models as a user waits for them: all cores, the wall clock, one after the other in one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.analyses.dependency import DependencyParameters, dependency_map
from engine.bench.measure import Row, interleaved, peak_bytes, random_letters
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.registry import entry

LENGTHS = (76, 300, 1000, 2000)
WHOLE = 300
"""Longer maps of a model whose cost grows with the square of the length are estimated from some of their bases."""
FEW, MANY = 8, 40
MODELS = ("locuscope", "locuscope-local")


def whole_rows(models: Path, lengths: tuple[int, ...] = LENGTHS) -> Iterator[Row]:
    """Seconds of exact maps of every shipped language model, and the most memory beyond the model that the longest takes."""
    loaded: dict[str, Any] = {}
    for model_id in MODELS:
        folder = models / str(entry(model_id).shipped)
        if folder.is_dir():
            loaded[model_id] = entry(model_id).load(folder, LoadOptions())
    for length in lengths:
        for model_id, model in loaded.items():
            seconds, note = _seconds(model, length)
            yield Row(_group(model_id), f"map of {length:,} nt", seconds, "s", note)
    for model_id, model in loaded.items():
        if model.local is not None:
            peak = peak_bytes(lambda model=model: _map(model, lengths[-1]))  # type: ignore[misc]
            if peak is not None:
                yield Row(_group(model_id), f"peak memory, {lengths[-1]:,} nt", peak / 1e6, "MB", "beyond the model, the map included")


def _group(model_id: str) -> str:
    return f"Whole maps of {model_id}, exact, all cores, wall clock"


def _map(model: Any, length: int, bases: int | None = None) -> None:
    window = None if bases is None else (length // 2, length // 2 + bases)
    dependency_map(model, NucleotideSequence(random_letters(length)), DependencyParameters(window=window, precision="exact"))


def _seconds(model: Any, length: int) -> tuple[float, str]:
    if length <= WHOLE or model.local is not None:
        return interleaved({"map": lambda: _map(model, length)}, 2 if length <= WHOLE else 1, time.perf_counter)["map"], "whole"
    works: dict[str, Callable[[], object]] = {"few": lambda: _map(model, length, FEW), "many": lambda: _map(model, length, MANY)}
    best = interleaved(works, 2, time.perf_counter)
    a_base = (best["many"] - best["few"]) / (MANY - FEW)
    return best["few"] + a_base * (length - FEW), f"estimated from {FEW} and {MANY} bases"
