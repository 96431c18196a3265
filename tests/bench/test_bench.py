from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.analyses.dependency import dependency_map
from engine.bench import encoders, shipped
from engine.bench import run as benchmarks
from engine.bench.baseline import plain_rows
from engine.bench.encoders import EncoderOptions, encoder_rows, write_synthetic
from engine.bench.gpu.maps import SHAPES, GpuOptions, Shape, gpu_rows
from engine.bench.measure import Row, interleaved, one_thread, peak_bytes, random_letters, table
from engine.bench.scan import Weightless
from engine.commands import batch
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.locuscope.network import LocuscopeNet, NetConfig
from engine.models.registry import entry
from tests.pretend_gpu import pretend_gpu


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "WIDTH", 32)
    monkeypatch.setattr(encoders, "HEADS", 2)


@pytest.mark.parametrize("k", [1, 6])
def test_the_plain_loop_and_the_scan_make_the_same_map_of_the_same_weights(k: int, tmp_path: Path) -> None:
    plain = write_synthetic(tmp_path, k, layers=1)
    model = entry(encoders.MODELS[k]).load(tmp_path, LoadOptions())
    letters = random_letters(21)
    values = dependency_map(model, NucleotideSequence(letters)).values  # type: ignore[arg-type]
    positions = [0, 3, 10, 20]
    np.testing.assert_allclose(plain_rows(plain, letters, positions), values[positions], atol=2e-5, rtol=1e-4)
    assert values.max() > 0.01


def test_encoder_rows_hold_what_the_table_promises() -> None:
    rows = encoder_rows(EncoderOptions(layers=1, bases=2, length=30, repeats=1), 1)
    named = {row.what: row for row in rows}
    assert named["float32: largest difference to that loop"].value < 1e-3
    assert 0 < named["float32: fraction of the product's peak"].value < 1.5
    assert named["float32: times the authors-style float32 loop"].value > 0
    assert named["bfloat16: error, 99 % quantile"].value > 0


def test_operations_are_counted_as_the_matrices_are_by_hand() -> None:
    """One layer of width 32 over 5 tokens: 12 · 32² weights twice, scores and sums 4 · 5 · 32; transform 2 · 32²; 4 columns."""
    assert encoders.encoder_flops(5, 1, 1) == 5 * (24 * 32**2 + 4 * 5 * 32 + 2 * 32**2 + 2 * 32 * 4)


def test_works_take_turns_and_the_shortest_time_counts() -> None:
    order: list[str] = []
    ticks = iter([0.0, 5.0, 10.0, 13.0, 20.0, 22.0, 30.0, 39.0])
    best = interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 2, lambda: next(ticks))
    assert order == ["a", "b", "a", "b"]
    assert best == {"a": 2.0, "b": 3.0}


def test_threads_are_as_before_afterwards() -> None:
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_peak_memory_sees_what_fits_into_memory_of_earlier_work() -> None:
    def blocks() -> list[bytes]:
        return [bytes(4_000) for _ in range(8_000)]

    earlier = blocks()
    last = earlier[-1]  # what is freed below it stays with the process
    del earlier
    peak = peak_bytes(blocks)
    if peak is None:
        pytest.skip("this system does not tell its peak memory")
    assert len(last) == 4_000
    assert 25e6 < peak < 60e6


def test_a_whole_map_of_2003_bases_takes_at_most_50_megabytes_beyond_the_model() -> None:
    dependency_map(Weightless(), NucleotideSequence(random_letters(50)))
    with one_thread():
        peak = peak_bytes(lambda: dependency_map(Weightless(), NucleotideSequence(random_letters(2003))))
    if peak is None:
        pytest.skip("this system does not tell its peak memory")
    assert peak < 50e6


def test_the_table_lines_up_by_group() -> None:
    rows = [Row("One", "short", 1.23456, "s"), Row("One", "much longer", 12345.6, "GFLOP/s", "noted"), Row("Two", "x", 0.5, "")]
    assert table(rows).splitlines() == [
        "One",
        "---",
        "short            1.23 s",
        "much longer    12,346 GFLOP/s   noted",
        "",
        "Two",
        "---",
        "x                 0.5",
    ]


def test_rows_are_told_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Row("g", "w", 1.0, "s")
    monkeypatch.setattr(benchmarks, "_sections", lambda *_: iter([lambda: [row], lambda: [row, row]]))
    told: list[Row] = []
    assert benchmarks.run(tell=told.append) == told == [row, row, row]


@pytest.mark.long
def test_the_gpus_part_runs_from_end_to_end_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a pretended one, small: what it prints there means little, but nothing in it waits for a GPU to be found broken."""
    torch.manual_seed(1)
    net = LocuscopeNet(NetConfig(width=32, heads=2, layers=2, hidden=48))
    net.config.write(tmp_path / "config.json")
    save_file({name: tensor.contiguous() for name, tensor in net.state_dict().items()}, tmp_path / "model.safetensors")
    (tmp_path / "card.json").write_text(json.dumps({"id": "locuscope"}))
    with pretend_gpu(monkeypatch):
        rows = list(gpu_rows(GpuOptions.tiny("cuda:0"), tmp_path))
    named = {(row.group.split(",")[0], row.what): row for row in rows}
    assert [row.unit for row in rows if row.what == "map"] == ["s", "TFLOP/s"] * 2
    assert sum(row.what == "times the authors-style loop" and row.value > 0 for row in rows) == 2
    assert sum(row.what == "peak memory beyond the model" for row in rows) == 6
    assert named["The shipped model", "float32: map of 20 nt: error, 99 % quantile"].value < 1e-4
    assert 0 < named["The shipped model", "float16: map of 20 nt: error, 99 % quantile"].value < 1
    assert named["The shipped model", "float16: map of 30 nt"].unit == "s"
    assert named["The device", "matrix product, bfloat16"].value > 0


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.model_id)
def test_the_authors_loop_of_a_gpus_shapes_makes_the_map_of_the_same_weights(shape: Shape, tmp_path: Path) -> None:
    """But for the turned positions, which the plain loop leaves out: with every angle zero the two are equal."""
    plain = write_synthetic(tmp_path, shape.k, layers=1, rotary=shape.rotary, positions=64)
    if shape.rotary:
        config = json.loads((tmp_path / "config.json").read_text())
        assert (config["position_embedding_type"], config["rotary_emb_dim"]) == ("rotary", 16)
        (tmp_path / "config.json").write_text(json.dumps(config | {"rotary_emb_dim": 2, "rotary_emb_base": 1.0}))
    model: Any = entry(shape.model_id).load(tmp_path, LoadOptions())
    if shape.rotary:
        model.net.config = replace(model.net.config, rotary=0)
    letters = random_letters(21)
    values = dependency_map(model, NucleotideSequence(letters)).values
    positions = [0, 3, 10, 20]
    np.testing.assert_allclose(plain_rows(plain, letters, positions), values[positions], atol=2e-5, rtol=1e-4)


def test_watching_a_map_is_compared_with_computing_it_alone() -> None:
    row = shipped._watched_row("group", Weightless(), length=12)
    assert row.unit == "%"
    assert row.value > -100


def test_a_short_map_is_timed_beside_a_long_one() -> None:
    row = shipped._visitor_row("group", Weightless(), short=10, long=40)
    assert row.value > 0
    assert "alone" in row.note


def test_batches_side_by_side_are_compared_with_all_cores_in_every_product() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        seconds, ratio = shipped._cores_rows(Weightless(), (40,), 1)
    finally:
        torch.set_num_threads(before)
    assert (seconds.unit, ratio.unit) == ("s", "x")
    assert ratio.value > 0


def test_the_command_prints_each_figure_before_the_next_is_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def section() -> Iterator[Row]:
        yield Row("Group", "first", 1.0, "s")
        assert capsys.readouterr().out.endswith("Group\n-----\n" + f"{'first':<64}         1 s\n")
        yield Row("Group", "second", 2.0, "s", "noted")

    monkeypatch.setattr(benchmarks, "_sections", lambda *_: iter([section]))
    batch.bench(quick=True, layers=1, bases=1)
    assert capsys.readouterr().out == f"{'second':<64}         2 s         noted\n"
