"""How figures are taken: rows of the table, processor time of interleaved works, a matrix product beside them, memory, errors.

Everything on the CPU is timed on one thread by processor time, the shortest of interleaved repeats, next to a product of two large
matrices in the same run; other work on the machine then disturbs least.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

LENGTHS = (76, 300, 1000, 2003)


@dataclass(frozen=True)
class Row:
    """One figure: what was measured, its value and unit, and what it means or was compared with."""

    group: str
    what: str
    value: float
    unit: str
    note: str = ""


def table(rows: list[Row]) -> str:
    """Rows as aligned text, one line each, grouped."""
    width = max((len(row.what) for row in rows), default=0)
    befores = [None, *rows][: len(rows)]
    return "\n".join(line for row, before in zip(rows, befores, strict=True) for line in told(row, before, width)).lstrip("\n")


def told(row: Row, before: Row | None, width: int = 64) -> list[str]:
    """The lines of one row under another: a heading where a group begins, and its own."""
    heading = ["", row.group, "-" * len(row.group)] if before is None or before.group != row.group else []
    value = f"{row.value:.3g}" if abs(row.value) < 1000 else f"{row.value:,.0f}"
    return [*heading, f"{row.what:<{width}}  {value:>8} {row.unit:<9} {row.note}".rstrip()]


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Torch on a single thread; the former number afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def interleaved(works: dict[str, Callable[[], object]], repeats: int, clock: Callable[[], float] = time.process_time) -> dict[str, float]:
    """Shortest seconds of each work, the works taking turns; the first turn warms up when there are several."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(repeats):
        for name, work in works.items():
            began = clock()
            work()
            best[name] = min(best[name], clock() - began)
    return best


def gemm_gflops(dtype: torch.dtype, size: int = 1024, repeats: int = 8) -> float:
    """10⁹ operations a second of a square matrix product, one thread."""
    import torch

    a = torch.randn(size, size, generator=torch.Generator().manual_seed(1)).to(dtype)
    torch.mm(a, a)
    return 2e-9 * size**3 / interleaved({"gemm": lambda: torch.mm(a, a)}, repeats)["gemm"]


def random_letters(length: int, seed: int = 1) -> str:
    """Uniform bases."""
    import numpy as np

    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))


def peak_bytes(work: Callable[[], object]) -> int | None:
    """How far resident memory rises above where it was while ``work`` runs; None where the system does not tell (not Linux).

    What is free is given back first: memory of earlier work that the process keeps would be used again and count as nothing.
    """
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # another C library than GNU's
        ctypes.CDLL(None).malloc_trim(0)
    try:
        reset.write_text("5")
        before = _status_bytes(status, "VmRSS")
        work()
        return max(0, _status_bytes(status, "VmHWM") - before)
    except (OSError, KeyError):
        return None


def _status_bytes(path: Path, name: str) -> int:
    values = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
    return int(values[name].split()[0]) * 1024


def scale_of(values: NDArray[np.float32]) -> str:
    """Median and largest value of a map off its diagonal, in words."""
    import numpy as np

    off = values[~np.eye(len(values), dtype=bool)]
    return f"median of the map {np.median(off):.3g}, largest {off.max():.3g}"


def error_rows(group: str, name: str, values: NDArray[np.float32], exact: NDArray[np.float32]) -> list[Row]:
    """99 % quantile of the absolute error and median of the relative one, off the diagonal."""
    import numpy as np

    off = ~np.eye(len(exact), dtype=bool)
    error = np.abs(values - exact)[off]
    return [
        Row(group, f"{name}: error, 99 % quantile", float(np.quantile(error, 0.99)), "bits", scale_of(exact)),
        Row(group, f"{name}: error, median relative", 100 * float(np.median(error / np.maximum(exact[off], 1e-12))), "%"),
    ]
