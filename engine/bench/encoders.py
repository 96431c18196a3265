"""Encoders of published width with synthetic weights, each against its authors' loop on the same weights."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engine.analyses.dependency import DependencyParameters, dependency_map
from engine.bench.baseline import PlainModel, plain_rows
from engine.bench.measure import Row, error_rows, gemm_gflops, interleaved, one_thread, random_letters, scale_of
from engine.core.parameters import Precision
from engine.core.protocols import NucleotideModel
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.registry import entry

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPECIES = {1: "kazachstania_africana_cbs_2517_gca_000304475", 6: "candida_glabrata"}
MODELS = {1: "specieslm-fungi-k1", 6: "specieslm-fungi-k6"}
METAZOAN = "homo_sapiens"
WIDTH, HEADS = 768, 12


@dataclass(frozen=True)
class EncoderOptions:
    """``layers``: depth (published: 12). ``bases``: changed bases timed in each comparison; 21 and the reference are one batch of 64, as the
    authors' notebook makes them. ``length``: bases of the synthetic input.
    """

    layers: int = 6
    bases: int = 21
    length: int = 253
    repeats: int = 2


def write_synthetic(directory: Path, k: int, layers: int, *, rotary: bool = False, positions: int = 1024) -> PlainModel:
    """A SpeciesLM checkpoint of published width with random weights, in the published layout, and the same weights for the plain loop.

    ``rotary``: of metazoa, whose positions are turned beside the learned ones. `transformers` has no BERT that turns them: the plain loop's
    leaves it out, and is the faster for it.
    """
    from transformers import BertConfig, BertForMaskedLM
    from transformers.utils import logging as their_logging

    their_logging.disable_progress_bar()
    species = METAZOAN if rotary else SPECIES[k]
    words = ["".join(letters) for letters in product("ATCG", repeat=k)]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, species]
    config = BertConfig(
        vocab_size=1408 if k == 1 else 4608,
        hidden_size=WIDTH,
        num_hidden_layers=layers,
        num_attention_heads=HEADS,
        intermediate_size=4 * WIDTH,
        max_position_embeddings=positions,
        initializer_range=WIDTH**-0.5,
    )
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(7)
        bert = BertForMaskedLM(config).eval()
    with torch.no_grad():
        bert.cls.predictions.bias[5 : 5 + len(words)] += 12  # like a trained model's, the predictions are bases
    bert.save_pretrained(directory)
    if rotary:
        written = directory / "config.json"
        values = json.loads(written.read_text(encoding="utf-8"))
        values |= {"position_embedding_type": "rotary", "rotary_emb_dim": WIDTH // HEADS, "rotary_emb_base": 10000.0}
        written.write_text(json.dumps(values | {"rotary_emb_interleaved": False}), encoding="utf-8")
    (directory / "vocab.txt").write_text("\n".join(tokens), encoding="utf-8")
    vocabulary = {token: index for index, token in enumerate(tokens)}
    return PlainModel(bert, vocabulary, k, species, 64 if k == 1 else 8)


def encoder_flops(tokens: int, layers: int, k: int) -> float:
    """Operations of one pass of ours: layers, transform, and the output columns that are needed."""
    columns = 4 if k == 1 else 4**k
    return tokens * (layers * (24 * WIDTH**2 + 4 * tokens * WIDTH) + 2 * WIDTH**2 + 2 * WIDTH * columns)


def encoder_rows(options: EncoderOptions, k: int) -> list[Row]:
    """Exact map rows of a BERT of published width against the plain loop; then differences in low precision and bfloat16 with their errors."""
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
    rows.append(Row(group, "float32: largest difference to that loop", float(np.nanmax(error)), "bits", scale_of(held["exact"])))
    rows += error_rows(group, "bfloat16", held["low"], held["exact"])
    if "delta" in held:
        rows.append(Row(group, "delta: times the authors-style float32 loop", best["plain"] / best["delta"], "x"))
        rows += error_rows(group, "delta", held["delta"], held["exact"])
    return rows


def _plain_window(plain: PlainModel, letters: str, window: tuple[int, int]) -> NDArray[np.float32]:
    return plain_rows(plain, letters, list(range(*window)))[:, window[0] : window[1]]


def _window(model: NucleotideModel, letters: str, window: tuple[int, int], precision: Precision = "exact") -> NDArray[np.float32]:
    return dependency_map(model, NucleotideSequence(letters), DependencyParameters(window=window, precision=precision)).values
