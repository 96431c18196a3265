"""The table of figures of this machine: ``python -m engine bench``. No downloads: synthetic weights of published sizes and the shipped model.

Everything on the CPU is timed on one thread by processor time, the shortest of interleaved repeats, next to a product of two large
matrices in the same run; other work on the machine then disturbs least. Whole maps of long sequences are estimated from some of their
passes, and their rows say from how many.
"""

from __future__ import annotations

import gc
import logging
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.dependency import dependency_map
from engine.core.card import EffectRecipe, ModelCard
from engine.core.parameters import DependencyParameters, Precision
from engine.core.protocols import NucleotideModel, Prepared
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.registry import entry

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from engine.bench_baseline import PlainModel

_log = logging.getLogger(__name__)

LENGTHS = (76, 300, 1000, 2003)
SPECIES = {1: "kazachstania_africana_cbs_2517_gca_000304475", 6: "candida_glabrata"}
MODELS = {1: "specieslm-fungi-k1", 6: "specieslm-fungi-k6"}
WIDTH, HEADS = 768, 12


@dataclass(frozen=True)
class Row:
    """One figure: what was measured, its value and unit, and what it means or was compared with."""

    group: str
    what: str
    value: float
    unit: str
    note: str = ""


@dataclass(frozen=True)
class BenchOptions:
    """``layers``: depth of the synthetic encoders (published: 12). ``bases``: changed bases timed in each comparison; 21 and the reference
    are one batch of 64, as the authors' notebook makes them. ``length``: bases of the synthetic input. ``quick``: without the slow parts.
    """

    layers: int = 6
    bases: int = 21
    length: int = 253
    repeats: int = 2
    quick: bool = False


def run(options: BenchOptions | None = None, models: Path | None = None, tell: Callable[[Row], None] | None = None) -> list[Row]:
    """All rows, each given to ``tell`` as it is measured. ``models``: the folder of the shipped models (``assets/models``)."""
    chosen = options or BenchOptions()
    rows: list[Row] = []
    for section in _sections(chosen, models):
        for row in section():
            rows.append(row)
            if tell is not None:
                tell(row)
        gc.collect()
    return rows


def table(rows: list[Row]) -> str:
    """Rows as aligned text, one line each, grouped."""
    lines = []
    width = max((len(row.what) for row in rows), default=0)
    for index, row in enumerate(rows):
        if index == 0 or rows[index - 1].group != row.group:
            lines += ["", row.group, "-" * len(row.group)]
        value = f"{row.value:.3g}" if abs(row.value) < 1000 else f"{row.value:,.0f}"
        lines.append(f"{row.what:<{width}}  {value:>8} {row.unit:<9} {row.note}".rstrip())
    return "\n".join(lines).lstrip("\n")


def _sections(options: BenchOptions, models: Path | None) -> Iterator[Callable[[], list[Row]]]:
    import torch

    yield scan_rows
    yield lambda: encoder_rows(options, 1)
    if not options.quick:
        yield lambda: encoder_rows(replace(options, bases=max(1, options.bases // 4)), 6)
    folder = models / (entry("locuscope").shipped or "") if models is not None else None
    if folder is not None and folder.is_dir():
        yield lambda: _shipped(folder, LENGTHS[:2] if options.quick else LENGTHS)
    if not options.quick:
        yield lambda: _accelerations(models)
    if torch.cuda.is_available():
        yield lambda: _on_gpu(folder)


def _accelerations(models: Path | None) -> list[Row]:
    from engine.bench_fast import fast_rows

    return fast_rows(models=models)


def _shipped(folder: Path, lengths: tuple[int, ...]) -> list[Row]:
    from engine.bench_shipped import shipped_rows

    return shipped_rows(folder, lengths)


def _on_gpu(shipped: Path | None) -> list[Row]:
    from engine.bench_gpu import gpu_rows

    return gpu_rows(shipped=shipped)


@contextmanager
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


class Weightless:
    """A model that costs nothing, so that what is measured is the scan alone."""

    device, dtype, effect_recipe = "cpu", "float32", EffectRecipe()
    card = ModelCard("weightless", "Weightless", Alphabet.DNA, 100_000, frozenset(), "1", "", "Apache-2.0", "engine.bench")

    def prepare(self, sequence: NucleotideSequence) -> Prepared:
        """One id a base."""
        import torch

        return Prepared(sequence.letters, torch.tensor(["ACGT".index(letter) for letter in sequence.letters]))

    def mutants(self, reference: Prepared, positions: torch.Tensor, alternates: torch.Tensor) -> torch.Tensor:
        """Written in place."""
        return reference.ids.repeat(len(positions), 1).scatter_(1, positions[:, None], alternates[:, None])

    def masked(self, reference: Prepared, positions: torch.Tensor) -> torch.Tensor:
        """Nothing is masked."""
        return reference.ids.repeat(len(positions), 1)

    def base_logits(self, reference: Prepared, ids: torch.Tensor, *, normalised: bool = False) -> torch.Tensor:
        """One-hot scores."""
        from torch.nn.functional import one_hot

        return one_hot(ids, 4).float()

    def passes_per_batch(self, reference: Prepared) -> int:
        """As the shipped model's on a CPU."""
        return max(1, 2048 // reference.length)


def random_letters(length: int, seed: int = 1) -> str:
    """Uniform bases."""
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))


def scan_rows() -> list[Row]:
    """What the scan itself costs: time a pass, and memory beyond the model for a whole map of 2,003 bases."""
    group = "The scan without a model"
    model = Weightless()
    dependency_map(model, NucleotideSequence(random_letters(60)))
    rows = []
    with one_thread():
        for length in (300, 1000):
            sequence = NucleotideSequence(random_letters(length))
            seconds = interleaved({"scan": lambda sequence=sequence: dependency_map(model, sequence)}, 2)["scan"]  # type: ignore[misc]
            rows.append(Row(group, f"time a pass, {length:,} nt", 1e6 * seconds / (3 * length + 1), "µs"))
        peak = peak_bytes(lambda: dependency_map(model, NucleotideSequence(random_letters(2003))))
    if peak is not None:
        rows.append(Row(group, "peak memory of a map, 2,003 nt", peak / 1e6, "MB", "beyond the model; the map itself is 16 MB"))
    return rows


def peak_bytes(work: Callable[[], object]) -> int | None:
    """How far resident memory rises above where it was while ``work`` runs; None where the system does not tell (not Linux)."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    gc.collect()
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


def write_synthetic(directory: Path, k: int, layers: int) -> PlainModel:
    """A SpeciesLM checkpoint of published width with random weights, in the published layout, and the same weights for the plain loop."""
    import torch
    from transformers import BertConfig, BertForMaskedLM
    from transformers.utils import logging as their_logging

    from engine.bench_baseline import PlainModel

    their_logging.disable_progress_bar()
    words = ["".join(letters) for letters in product("ATCG", repeat=k)]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, SPECIES[k]]
    config = BertConfig(
        vocab_size=1408 if k == 1 else 4608,
        hidden_size=WIDTH,
        num_hidden_layers=layers,
        num_attention_heads=HEADS,
        intermediate_size=4 * WIDTH,
        max_position_embeddings=1024,
        initializer_range=WIDTH**-0.5,
    )
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(7)
        bert = BertForMaskedLM(config).eval()
    with torch.no_grad():
        bert.cls.predictions.bias[5 : 5 + len(words)] += 12  # like a trained model's, the predictions are bases
    bert.save_pretrained(directory)
    (directory / "vocab.txt").write_text("\n".join(tokens), encoding="utf-8")
    vocabulary = {token: index for index, token in enumerate(tokens)}
    return PlainModel(bert, vocabulary, k, SPECIES[k], 64 if k == 1 else 8)


def encoder_flops(tokens: int, layers: int, k: int) -> float:
    """Operations of one pass of ours: layers, transform, and the output columns that are needed."""
    columns = 4 if k == 1 else 4**k
    return tokens * (layers * (24 * WIDTH**2 + 4 * tokens * WIDTH) + 2 * WIDTH**2 + 2 * WIDTH * columns)


def encoder_rows(options: BenchOptions, k: int) -> list[Row]:
    """Exact map rows of a BERT of published width against the plain loop; then differences in low precision and bfloat16 with their errors."""
    import torch

    group = f"Encoder of {options.layers} x {WIDTH}, {k} base{'s' if k > 1 else ''} a token, {options.length:,} nt, one thread"
    letters = random_letters(options.length)
    first = options.length // 2
    window = (first, first + options.bases)
    passes = 3 * options.bases + 1
    tokens = options.length - k + 1 + 3
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, one_thread():
        plain = write_synthetic(Path(folder), k, options.layers)
        load = entry(MODELS[k]).load
        exact: NucleotideModel = load(Path(folder), LoadOptions(dtype="float32"))  # type: ignore[assignment]
        low: NucleotideModel = load(Path(folder), LoadOptions(dtype="bfloat16"))  # type: ignore[assignment]
        held: dict[str, Any] = {}
        works: dict[str, Callable[[], object]] = {
            "plain": lambda: held.update(plain=_plain_window(plain, letters, window)),
            "exact": lambda: held.update(exact=_window(exact, letters, window)),
            "bfloat16": lambda: held.update(low=_window(low, letters, window)),
        }
        if "delta" in getattr(exact, "precisions", ()):
            works["delta"] = lambda: held.update(delta=_window(exact, letters, window, "delta"))
        best = interleaved(works, options.repeats)
        peaks = {"float32": gemm_gflops(torch.float32), "bfloat16": gemm_gflops(torch.bfloat16)}
    flops = 1e-9 * passes * encoder_flops(tokens, options.layers, k)
    for name, key in (("float32", "exact"), ("bfloat16", "bfloat16")):
        reached = flops / best[key]
        rows += [
            Row(group, f"{name}: matrix product", peaks[name], "GFLOP/s"),
            Row(group, f"{name}: map", reached, "GFLOP/s", f"{best[key] / passes:.3f} s a pass"),
            Row(group, f"{name}: fraction of the product's peak", reached / peaks[name], ""),
            Row(group, f"{name}: times the authors-style float32 loop", best["plain"] / best[key], "x"),
        ]
    error = np.abs(held["exact"] - held["plain"])
    rows.append(Row(group, "float32: largest difference to that loop", float(np.nanmax(error)), "bits", _scale_of(held["exact"])))
    rows += error_rows(group, "bfloat16", held["low"], held["exact"])
    if "delta" in held:
        rows.append(Row(group, "delta: times the authors-style float32 loop", best["plain"] / best["delta"], "x"))
        rows += error_rows(group, "delta", held["delta"], held["exact"])
    return rows


def _plain_window(plain: PlainModel, letters: str, window: tuple[int, int]) -> NDArray[np.float32]:
    from engine.bench_baseline import plain_rows

    return plain_rows(plain, letters, list(range(*window)))[:, window[0] : window[1]]


def _window(model: NucleotideModel, letters: str, window: tuple[int, int], precision: Precision = "exact") -> NDArray[np.float32]:
    return dependency_map(model, NucleotideSequence(letters), DependencyParameters(window=window, precision=precision)).values


def _scale_of(values: NDArray[np.float32]) -> str:
    off = values[~np.eye(len(values), dtype=bool)]
    return f"median of the map {np.median(off):.3g}, largest {off.max():.3g}"


def error_rows(group: str, name: str, values: NDArray[np.float32], exact: NDArray[np.float32]) -> list[Row]:
    """99 % quantile of the absolute error and median of the relative one, off the diagonal."""
    off = ~np.eye(len(exact), dtype=bool)
    error = np.abs(values - exact)[off]
    return [
        Row(group, f"{name}: error, 99 % quantile", float(np.quantile(error, 0.99)), "bits", _scale_of(exact)),
        Row(group, f"{name}: error, median relative", 100 * float(np.median(error / np.maximum(exact[off], 1e-12))), "%"),
    ]


def machine() -> str:
    """One line on what the figures were measured on."""
    import torch

    return f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, torch {torch.__version__}, {torch.get_num_threads()} threads"
