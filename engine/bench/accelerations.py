"""Figures of the accelerations: cone, causal reuse, delta form and sparse differences, each against plain whole passes in the same run.

`fast_rows` is a part of ``python -m engine bench`` (`engine.bench.run`). One thread, processor time, shortest of interleaved repeats. Mutants
are a sample spread evenly over the sequence, three alternates a base; whole maps take proportionally longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.dependency import DependencyParameters
from engine.analyses.substitutions import Scan
from engine.bench.measure import Row, gemm_gflops, interleaved, one_thread, random_letters
from engine.core.sequence import BASES, NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.registry import entry

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

TAUS = (0.05, 0.4)
Works = dict[str, Callable[[], object]]


@dataclass(frozen=True)
class FastOptions:
    """``lengths``: of the shipped model's part. ``bases``: changed bases a comparison. ``letters``: a real sequence to use instead of random
    bases, at least as long as the longest length. ``published``: GPN at published width too (a minute).
    """

    lengths: tuple[int, ...] = (300, 1000, 2000)
    bases: int = 8
    repeats: int = 3
    letters: str = ""
    published: bool = True
    taus: tuple[float, ...] = TAUS


def fast_rows(options: FastOptions | None = None, models: Path | None = None) -> Iterator[Row]:
    """All rows, as they are measured. ``models``: the folder of the shipped models (``assets/models``)."""
    import torch

    chosen = options or FastOptions()
    folder = models / (entry("locuscope").shipped or "") if models is not None else None
    with one_thread(), torch.inference_mode(), torch.random.fork_rng(devices=()):
        torch.manual_seed(5)
        yield Row("Accelerations, one thread", "float32 matrix product", gemm_gflops(torch.float32), "GFLOP/s")
        yield Row("Accelerations, one thread", "bfloat16 matrix product", gemm_gflops(torch.bfloat16), "GFLOP/s")
        for layers in (6, 7):
            yield from cone_rows(layers, chosen)
        if chosen.published:
            yield from gpn_rows(chosen)
        yield from causal_rows(chosen)
        yield from megadna_rows(chosen)
        if folder is not None and folder.is_dir():
            for length in chosen.lengths:
                yield from shipped_rows(folder, length, chosen)


def _spread(length: int, count: int) -> Tensor:
    """``count`` places spread evenly over ``length``, each three times."""
    import torch

    return (((torch.arange(count) + 0.5) * length / count).long()).repeat_interleave(3)


def _versus(group: str, name: str, works: Works, repeats: int, mutants: int, note: str = "") -> list[Row]:
    """Rows of ``works["plain"]`` against ``works["fast"]``, and the largest difference of what they return."""
    results: dict[str, Any] = {}
    best = interleaved({key: lambda key=key, work=work: results.update({key: work()}) for key, work in works.items()}, repeats)  # type: ignore[misc]
    error = float((results["fast"] - results["plain"]).abs().max())
    return [
        Row(group, f"{name}: whole passes", 1e3 * best["plain"] / mutants, "ms", "a mutant"),
        Row(group, f"{name}: times as fast", best["plain"] / best["fast"], "x", note),
        Row(group, f"{name}: largest difference of a score", error, "", f"largest score {float(results['plain'].abs().max()):.3g}"),
    ]


def cone_rows(layers: int, options: FastOptions) -> list[Row]:
    """Dilated stack of 128 channels, kernel 3, dilations 1, 2, 4, ..., 512 bases; the plain passes already in the faster layout."""
    import torch

    from engine.models.shortcuts.cone import Cone, NormWeights, PostNormConvLayer

    length, channels = 512, 128

    def draw(*shape: int) -> Tensor:
        drawn: Tensor = torch.randn(*shape) / float(np.prod(shape[1:])) ** 0.5
        return drawn

    stack = [
        PostNormConvLayer(
            draw(channels, channels, 3),
            torch.zeros(channels),
            2**index,
            NormWeights(None),
            draw(channels, channels),
            None,
            NormWeights(None),
        )
        for index in range(layers)
    ]
    head = draw(4, channels)
    cone = Cone(stack, lambda rows: rows @ head.t())
    rows, positions = torch.randn(length, channels), _spread(length, 16 * options.bases)
    changed = torch.randn(len(positions), channels)
    whole = rows.repeat(8, 1, 1)

    def plain() -> Tensor:
        parts: list[Tensor] = []
        for start in range(0, len(positions), 8):
            places = positions[start : start + 8]
            batch = whole[: len(places)].clone()
            batch[torch.arange(len(places)), places] = changed[start : start + 8]
            parts.append(cone.full(batch))
        return torch.cat(parts)

    reference = cone.reference(rows)
    name = f"receptive field {2 * cone.reach + 1}, {length} nt"
    works: Works = {"plain": plain, "fast": lambda: cone.scores(reference, positions, changed)}
    return _versus("Cone recomputation (exact)", name, works, options.repeats, len(positions), f"{cone.gain(length):.1f} in rows")


def gpn_rows(options: FastOptions) -> list[Row]:
    """GPN as published: 25 layers of 512 channels, kernel 9, receptive field 2,025, which is longer than its window of 512 bases."""
    import torch

    from engine.models.gpn.cone import gpn_cone
    from engine.models.gpn.network import GpnConfig, GpnNet

    net = GpnNet(GpnConfig.read({"model_type": "ConvNet"})).eval()
    length = 512
    ids = torch.randint(3, 7, (length,))
    positions = _spread(length, 4)
    mutants = ids.repeat(len(positions), 1)
    mutants[torch.arange(len(positions)), positions] = (mutants[0, positions] - 3 + torch.arange(1, 4).repeat(4)) % 4 + 3
    seconds = interleaved({"plain": lambda: net(mutants[:6])}, 1)["plain"] * 2  # before the weights change their layout
    cone = gpn_cone(net)
    if cone is None:
        raise ValueError("the published GPN has odd kernels")
    reference, changed = cone.reference(net.embed(ids[None])[0]), net.embed(mutants)[torch.arange(len(positions)), positions]
    works: Works = {"plain": lambda: cone.full(net.embed(mutants)), "fast": lambda: cone.scores(reference, positions, changed)}
    group, name = "Cone recomputation (exact)", f"GPN as published, {length} nt"
    rows = _versus(group, name, works, 1, len(positions), f"{cone.gain(length):.2f} in rows")
    fast = rows[0].value / rows[1].value
    return [*rows, Row(group, f"{name}: with the layout", 1e3 * seconds / len(positions) / fast, "x", "against the published layout")]


def causal_rows(options: FastOptions) -> list[Row]:
    """Plain causal transformer, 6 layers of 256, 512 tokens."""
    import torch
    from torch.nn import functional

    from engine.models.shortcuts.prefix import PrefixStack

    length, width, heads = 512, 256, 4

    @dataclass(frozen=True, eq=False)
    class Block:
        qkv: Tensor
        out: Tensor
        up: Tensor
        down: Tensor

        def project(self, rows: Tensor, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            parts = functional.linear(functional.layer_norm(rows, (width,)), self.qkv)
            query, key, value = parts.view(*rows.shape[:2], 3, heads, -1).permute(2, 0, 3, 1, 4)
            return query, key, value

        def attended(self, rows: Tensor, read: Tensor) -> Tensor:
            return rows + functional.linear(read.transpose(1, 2).flatten(2), self.out)

        def fed(self, rows: Tensor, before: Tensor) -> Tensor:
            raised = functional.gelu(functional.linear(functional.layer_norm(rows, (width,)), self.up))
            return rows + functional.linear(raised, self.down)

    def draw(outer: int, inner: int) -> Tensor:
        drawn: Tensor = torch.randn(outer, inner) / inner**0.5
        return drawn

    stack = PrefixStack(
        [Block(draw(3 * width, width), draw(width, width), draw(4 * width, width), draw(width, 4 * width)) for _ in range(6)]
    )
    rows, positions = torch.randn(length, width), _spread(length, 4 * options.bases)
    changed = torch.randn(len(positions), width)
    reference = stack.reference(rows[None])

    def batch(start: int) -> Tensor:
        whole = rows.repeat(3, 1, 1)
        whole[torch.arange(3), positions[start : start + 3]] = changed[start : start + 3]
        return whole

    def plain() -> Tensor:
        return torch.stack([stack.outputs(batch(start))[:, -1] for start in range(0, len(positions), 3)])

    def fast() -> Tensor:
        parts = []
        for start in range(0, len(positions), 3):
            first = int(positions[start])
            parts.append(stack.suffix(reference, 0, first, batch(start)[:, first:])[:, -1])
        return torch.stack(parts)

    works: Works = {"plain": plain, "fast": fast}
    return _versus("Causal reuse (exact)", f"6 x {width}, {length} tokens", works, options.repeats, len(positions))


def megadna_rows(options: FastOptions) -> list[Row]:
    """MegaDNA's three stages of published lengths (1,024 bases a patch) and depths at a quarter of the published widths."""
    import torch

    from engine.models.megadna.network import MegaDnaConfig, MegaDnaNet
    from engine.models.megadna.prefix import MegaDnaPrefix

    widths = (128, 64, 48)
    net = MegaDnaNet(MegaDnaConfig(6, widths, (8, 8, 8), (128, 64, 16), (8, 8, 8), 16, tuple(4 * width for width in widths))).eval()
    prefix = MegaDnaPrefix(net)
    rows: list[Row] = []
    for length in (100, 1000):
        ids = torch.randint(1, 5, (length + 2,))
        places = _spread(length, options.bases) + 1
        tokens = ids[places] % 4 + 1
        mutants = ids.repeat(len(places), 1)
        mutants[torch.arange(len(places)), places] = tokens
        reference = prefix.reference(ids)

        def plain(mutants: Tensor = mutants) -> Tensor:
            return torch.cat([net(mutants[start : start + 3]) for start in range(0, len(mutants), 3)])

        def fast(reference: Any = reference, places: Tensor = places, tokens: Tensor = tokens) -> Tensor:
            return prefix.mutants(reference, places, tokens)

        rows += _versus(
            "Causal reuse (exact)", f"megaDNA's stages, {length:,} nt", {"plain": plain, "fast": fast}, options.repeats, len(places)
        )
    return rows


def shipped_rows(folder: Path, length: int, options: FastOptions) -> list[Row]:
    """The shipped model in each precision it offers: speed against an authors-style float32 loop and its error against exact."""
    model: Any = entry("locuscope").load(folder, LoadOptions())
    letters = (options.letters or random_letters(length))[:length]
    group = f"The shipped model, {length:,} nt, {3 * options.bases} mutants{'' if options.letters else ', random bases'}"
    places = [int(place) for place in _spread(length, options.bases)[::3]]
    sequence = NucleotideSequence(letters)
    exactly = Scan.of(model, sequence)
    works: Works = {"plain": lambda: _authors_loop(model, sequence, places)}
    offered = [(name, DependencyParameters().tau) for name in model.precisions if name != "sparse"]
    offered += [("sparse", tau) for tau in options.taus] if "sparse" in model.precisions else []
    for name, tau in offered:
        label = f"sparse, tau {tau:g}" if name == "sparse" else name
        scan = replace(exactly, precision=name, tau=tau)
        _rows_of(scan, places[:1])  # what the mutants of a map share is made here
        works[label] = lambda scan=scan: _rows_of(scan, places)  # type: ignore[misc]
    results: dict[str, NDArray[np.float32]] = {}
    repeats = options.repeats if length <= 1000 else 1
    best = interleaved({key: lambda key=key, work=work: results.update({key: work()}) for key, work in works.items()}, repeats)  # type: ignore[misc]
    mutants = 3 * options.bases
    rows = [Row(group, "authors-style float32 loop", 1e3 * best["plain"] / mutants, "ms", "a mutant")]
    off = np.ones_like(results["exact"], dtype=bool)
    off[np.arange(len(places)), places] = False
    exact = results["exact"][off]
    for label, seconds in best.items():
        if label != "plain":
            rows.append(Row(group, f"{label}: times as fast", best["plain"] / seconds, "x", _error_note(results[label][off], exact)))
    return rows


def _error_note(values: NDArray[np.float32], exact: NDArray[np.float32]) -> str:
    if np.array_equal(values, exact):
        return f"median of the map {np.median(exact):.3g} bits, largest {exact.max():.3g}"
    error = np.abs(values - exact)
    ranks, own_ranks = (np.argsort(np.argsort(part)) for part in (exact, values))
    relative = 100 * float(np.median(error / np.maximum(exact, 1e-12)))
    return (
        f"Pearson {np.corrcoef(values, exact)[0, 1]:.5f}, Spearman {np.corrcoef(own_ranks, ranks)[0, 1]:.4f}, "
        f"99 % error {np.quantile(error, 0.99):.2g} bits, median {relative:.2g} %"
    )


def _rows_of(scan: Scan, changed: list[int]) -> NDArray[np.float32]:
    """Map rows float32 (bases, L) of the changed bases."""
    import torch

    places = torch.tensor(changed).repeat_interleave(3)
    own = torch.tensor([BASES.index(scan.reference.letters[place]) for place in places.tolist()])
    alternates = (own + torch.arange(1, 4).repeat(len(changed))) % 4
    reference = _log2_odds(scan.reference_logits(normalised=False))
    parts = []
    size = max(3, scan.batch_size // 3 * 3)
    for start in range(0, len(places), size):
        logits = scan.mutant_logits(places[start : start + size], alternates[start : start + size], normalised=False)
        parts.append((_log2_odds(logits) - reference).abs().amax(-1))
    rows: NDArray[np.float32] = torch.cat(parts).view(len(changed), 3, -1).amax(1).numpy()
    return rows


def _log2_odds(logits: Tensor) -> Tensor:
    import torch

    others = torch.stack([logits[..., [m for m in range(4) if m != n]].logsumexp(-1) for n in range(4)], -1)
    return (logits - others) / 0.6931471805599453


def _authors_loop(model: Any, sequence: NucleotideSequence, places: list[int]) -> NDArray[np.float64]:
    """The notebook's way on this network: strings, batches of 64, softmax over the vocabulary on the host, float64 table."""
    import torch

    letters = sequence.letters
    texts = [letters] + [letters[:i] + base + letters[i + 1 :] for i in places for base in BASES if base != letters[i]]
    parts = []
    for start in range(0, len(texts), 64):
        ids = torch.stack([model.prepare(NucleotideSequence(text)).ids for text in texts[start : start + 64]])
        parts.append(model.net(ids).cpu().softmax(-1)[:, 1:, 2:6].numpy())
    probabilities = np.concatenate(parts) + 1e-10
    probabilities /= probabilities.sum(-1, keepdims=True)
    odds = np.log2(probabilities) - np.log2(1 - probabilities)
    effects = np.zeros((len(places), len(letters), 3, 4))
    for index in range(len(places)):
        effects[index] = (odds[1 + 3 * index : 4 + 3 * index] - odds[0]).transpose(1, 0, 2)
    return np.asarray(np.abs(effects).max((2, 3)))
