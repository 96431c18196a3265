"""All sections of the table, in order. No downloads: synthetic weights of published sizes and the shipped model.

Whole maps of long sequences are estimated from some of their passes, and their rows say from how many.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import torch

from engine.bench.accelerations import fast_rows
from engine.bench.encoders import EncoderOptions, encoder_rows
from engine.bench.goals import verdict
from engine.bench.gpu.maps import gpu_rows
from engine.bench.measure import LENGTHS, Row
from engine.bench.scan import scan_rows
from engine.bench.shipped import shipped_rows
from engine.bench.whole import LENGTHS as WHOLE_LENGTHS
from engine.bench.whole import whole_rows
from engine.models.registry import entry


def run(
    options: EncoderOptions | None = None,
    models: Path | None = None,
    tell: Callable[[Row], None] | None = None,
    *,
    quick: bool = False,
) -> list[Row]:
    """All rows, each given to ``tell`` as it is measured, with what its goal says of it. ``models``: the folder of the shipped models; ``quick``: without the slow parts."""
    rows: list[Row] = []
    for section in _sections(options or EncoderOptions(), models, quick):
        for measured in section():
            said = verdict(measured)
            row = replace(measured, note="; ".join(filter(None, (measured.note, said)))) if said else measured
            rows.append(row)
            if tell is not None:
                tell(row)
        gc.collect()
    return rows


def _sections(options: EncoderOptions, models: Path | None, quick: bool) -> Iterator[Callable[[], Iterable[Row]]]:
    """The GPU's first: where there is one it is what is asked for."""
    folder = models / (entry("locuscope").shipped or "") if models is not None else None
    if torch.cuda.is_available():
        yield lambda: gpu_rows(shipped=folder)
    yield scan_rows
    yield lambda: encoder_rows(options, 1)
    if not quick:
        yield lambda: encoder_rows(replace(options, bases=max(1, options.bases // 4)), 6)
    if folder is not None and folder.is_dir():
        yield lambda: shipped_rows(folder, LENGTHS[:2] if quick else LENGTHS)
    if models is not None:
        yield lambda: whole_rows(models, WHOLE_LENGTHS[:2] if quick else WHOLE_LENGTHS)
    if not quick:
        yield lambda: fast_rows(models=models)
