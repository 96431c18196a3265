"""Verdicts beside the figures, and the line that names the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.bench import run as benchmarks
from engine.bench.goals import verdict
from engine.bench.machine import instructions, machine, processor
from engine.bench.measure import Row
from engine.bench.whole import whole_rows
from engine.models.locuscope.network import LocuscopeNet, NetConfig
from engine.training.train import write_model

ENCODER = "Encoder of 6 x 768, 1 base a token, 253 nt, one thread"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (Row(ENCODER, "float32: times the authors-style float32 loop", 1.31, "x"), "goal ≥ 1.25: met"),
        (Row(ENCODER, "delta: times the authors-style float32 loop", 2.05, "x"), "goal ≥ 2.5: missed"),
        (Row("The shipped model, 1,000 nt, 24 mutants, random bases", "sparse, tau 0.05: times as fast", 2.8, "x"), "goal ≥ 5: missed"),
        (Row("Whole maps of locuscope-local, exact, all cores, wall clock", "map of 1,000 nt", 19.0, "s"), "goal ≤ 20: met"),
        (Row("Whole maps of locuscope, exact, all cores, wall clock", "map of 1,000 nt", 150.0, "s"), ""),
        (Row(ENCODER, "float32: matrix product", 90.0, "GFLOP/s"), ""),
    ],
)
def test_a_row_is_held_against_its_goal(row: Row, said: str) -> None:
    assert verdict(row) == said


def test_the_table_says_it_beside_the_note(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Row(ENCODER, "float32: times the authors-style float32 loop", 1.1, "x", "noted")
    monkeypatch.setattr(benchmarks, "_sections", lambda *_: iter([lambda: [row]]))
    assert [told.note for told in benchmarks.run()] == ["noted; goal ≥ 1.25: missed"]


def test_whole_maps_of_both_shipped_models_are_timed(tmp_path: Path) -> None:
    sizes = {"width": 16, "layers": 1, "heads": 2, "hidden": 24, "kernel": 3, "stem_heads": 2, "stem_radius": 2}
    for folder, config in (("locuscope-lm", NetConfig(**sizes)), ("locuscope-local", NetConfig(**sizes, windows=(4,), reader=8))):
        write_model(tmp_path / folder, config, dict(LocuscopeNet(config).named_parameters()))
    rows = list(whole_rows(tmp_path, (20, 320)))
    assert [(row.group.split(",")[0].removeprefix("Whole maps of "), row.note) for row in rows if row.unit == "s"] == [
        ("locuscope", "whole"),
        ("locuscope-local", "whole"),
        ("locuscope", "estimated from 8 and 40 bases"),
        ("locuscope-local", "whole"),
    ]
    assert all(row.value > 0 for row in rows if row.unit == "s")


def test_the_processor_is_named_as_the_system_names_it() -> None:
    described = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nflags\t\t: avx512f\n\nprocessor\t: 1\nmodel name\t: other\n"
    assert processor(described) == "AMD EPYC (family 25, model 17)"
    assert processor("processor : 0\nBogoMIPS : 50\n") == ""
    assert "cores" in machine()


def test_instructions_that_are_missing_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert instructions(frozenset({"avx512f", "avx512_bf16", "avx2"})) == "AVX-512, AVX-512 bf16, no AMX bf16"
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert instructions(frozenset()) == "instructions not told"
