"""The one command for a machine with a GPU, rehearsed on a CPU with nothing installed but what such a machine is sure to have."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.bench.gpu import __main__ as command
from engine.bench.gpu.checks import check_rows
from engine.bench.gpu.learning import LearningOptions, learning_rows, measured_rows, rehearsal_corpus, require_corpus
from engine.bench.gpu.ledger import Ledger
from engine.bench.gpu.plan import Deadline, Step, seconds_of, take
from engine.bench.measure import Row
from engine.core.errors import WeightsMissing
from engine.models.entry import LoadOptions
from engine.models.registry import entry
from engine.training.drawn import Drawer
from engine.training.plan import Workers
from engine.training.train import Trainer

ROOT = Path(__file__).resolve().parents[2]
PROMISED = ("numpy", "torch", "safetensors", "transformers", "tokenizers", "typer", "filelock", "pytest")
_ALONE = """import sys
sys.path[:] = [path for path in sys.path if "site-packages" not in path and "dist-packages" not in path]
"""


def brought_along(names: tuple[str, ...]) -> set[str]:
    """``names`` and what they require, without extras, as far as it is installed."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            held = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(name)
        waiting += [re.split(r"[ ;<>=!~\[(]", text)[0] for text in held.requires or () if "extra ==" not in text]
    return found


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment of a Python that finds the promised packages and no others: a folder of links to them and a rule that drops all else."""
    place = tmp_path_factory.mktemp("packages")
    for name in brought_along(PROMISED):
        held = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in held.files or ()} - {"..", "__pycache__"}:
            link = place / top
            if not link.exists():
                link.symlink_to(Path(str(held.locate_file(top))))
    (place / "sitecustomize.py").write_text(_ALONE, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return kept | {"PYTHONPATH": str(place), "PYTHONNOUSERSITE": "1", "OMP_NUM_THREADS": "1"}


def python(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    executable = str(getattr(sys, "_base_executable", sys.executable))
    return subprocess.run([executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def lines(folder: Path) -> Iterator[dict[str, object]]:
    for path in sorted(folder.glob("rows-*.jsonl")):
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def test_there_is_nothing_but_the_promised_packages(bare: dict[str, str]) -> None:
    done = python(bare, "-c", "import torch, pytest, streamlit")
    assert "No module named 'streamlit'" in done.stderr


@pytest.mark.long
def test_the_whole_of_it_runs_with_the_promised_packages_alone_and_a_second_call_does_nothing_again(
    bare: dict[str, str], tmp_path: Path
) -> None:
    arguments = ("-m", "engine.bench.gpu", "--device", "cpu", "--tiny", "--minutes", "12", "--tests", "dependency_k1 and float32")
    done = python(bare, *arguments, "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    first = list(lines(tmp_path))
    assert {str(line["done"]) for line in first if "done" in line} >= {
        "checks",
        "shipped model",
        "specieslm-metazoa-k6",
        "visitors",
        "training",
    }
    assert not [line for line in first if "failed" in line or "left out" in line]
    assert any("test_in_float32_a_gpu_answers_as_the_cpu[dependency_k1]" in str(line.get("what")) for line in first)
    table = (tmp_path / "table.txt").read_text(encoding="utf-8")
    assert "times the authors-style loop" in table
    assert "M tokens/s" in table
    assert "yeast (held-out genomes): Markov model" in table
    assert (tmp_path / "published" / "card.json").is_file()
    again = python(bare, *arguments, "--out", str(tmp_path))
    assert again.returncode == 0
    assert list(lines(tmp_path)) == first


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_one_sentence_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--out", str(tmp_path / "runs")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("This machine has no CUDA device that torch ")
    assert said.err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_without_torch_one_sentence_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in ("torch", "filelock") else found(name))
    for given in ([], ["--device", "cpu", "--tiny"]):
        assert command.main([*given, "--out", str(tmp_path / "runs")]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith(f"The Python {sys.executable} has no torch, filelock; install what is missing there")
        assert said.err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_a_python_without_any_package_is_told_all_of_them(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    done = python(
        kept,
        "-I",
        "-S",
        "-c",
        f"import sys, runpy; sys.path.insert(0, {str(ROOT)!r}); runpy.run_module('engine.bench.gpu', run_name='__main__')",
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert f"has no {', '.join(PROMISED)}; install" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--device", "cpu"], "add --tiny"),
        (["--device", "cpu", "--tiny", "--minutes", "0"], "--minutes must be more than 0"),
        (["--device", "cpu", "--tiny", "--piece-bytes", "1000"], "--piece-bytes at least 100,000"),
    ],
)
def test_what_it_cannot_do_is_said_in_one_sentence(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(arguments) == 2
    assert words in capsys.readouterr().err


def test_minutes_are_shared_out_tests_first_and_what_is_not_used_goes_on() -> None:
    assert [seconds_of(part, 540, left) for part, left in (("checks", 540), ("maps", 500), ("training", 400))] == [60, 120, 400]
    assert [seconds_of(part, 120, left) for part, left in (("checks", 120), ("maps", 100), ("training", 40))] == [30, 66, 40]


def test_a_step_that_fails_or_has_no_time_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    def broken() -> Iterator[Row]:
        yield Row("g", "before", 1.0, "s")
        raise RuntimeError("device-side assert")

    steps = [Step("breaks", 0, broken), Step("long", 1e6, broken), Step("holds", 0, lambda: [Row("g", "after", 2.0, "s")])]
    ledger = Ledger(tmp_path, "key")
    assert take(steps, ledger, Deadline.after(100)) == 1
    assert [(row.what, row.value) for row in ledger.rows()] == [("before", 1.0), ("after", 2.0)]
    found = list(lines(tmp_path))
    assert [line["failed"] for line in found if "failed" in line] == ["breaks"]
    assert "device-side assert" in str(next(line["text"] for line in found if "failed" in line))
    assert [line["left out"] for line in found if "left out" in line] == ["long"]
    assert [ledger.is_done(step.name) for step in steps] == [False, False, True]
    assert not Ledger(tmp_path, "another key").is_done("holds")
    assert take(steps[2:], ledger, Deadline.after(100)) == 0
    assert list(lines(tmp_path)) == found


def test_figures_survive_in_pieces_and_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    ledger = Ledger(folder, "key", piece_bytes=1000)
    for number in range(20):
        ledger.tell(Row("group", f"figure {number}", number if number else float("nan"), "s", "n" * 50))
    assert len(ledger.files()) > 2
    assert all(path.stat().st_size <= 1000 for path in ledger.files())
    with ledger.files()[-1].open("a") as handle:
        handle.write('{"what": "cut')
    again = Ledger(tmp_path / "next", "key", earlier=folder)
    assert [row.what for row in again.rows()] == [f"figure {number}" for number in range(20)]
    assert math.isnan(again.rows()[0].value)
    again.tell(Row("group", "figure 20", 1.0, "s"))
    assert again.rows()[-1].what == "figure 20"
    again.summarise()
    assert "figure 19" in (tmp_path / "next" / "table.txt").read_text()


def test_tests_that_end_too_late_leave_the_results_there_were(tmp_path: Path) -> None:
    from engine.core.errors import ResourceExhausted

    began = time.monotonic()
    with pytest.raises(ResourceExhausted, match=r"ended with status -9 after \d results"):
        list(check_rows(Deadline.after(1.0), tmp_path / "tests.txt", "cpu"))
    assert time.monotonic() - began < 30


def test_without_a_corpus_training_says_how_to_make_one(tmp_path: Path) -> None:
    def learn() -> Iterator[Row]:
        require_corpus(tmp_path / "corpus.npz")
        yield Row("g", "w", 1.0, "")

    ledger = Ledger(tmp_path, "key")
    assert take([Step("training", 0, learn)], ledger, Deadline.after(10)) == 1
    (said,) = [str(line["text"]) for line in lines(tmp_path)]
    assert said.startswith("No packed corpus at ")
    assert "--bytes-in" in said


def test_a_run_that_was_cut_off_goes_on_to_its_end_and_its_weights_are_measured(tmp_path: Path) -> None:
    corpus, ledger = rehearsal_corpus(tmp_path / "corpus.npz"), Ledger(tmp_path / "out", "key")
    options = LearningOptions.of("cpu", tiny=True, light=False, compiled=False, dna=0.5, window=255, labels=0.1)
    plan = replace(options.plan, minutes=1.0)
    (tmp_path / "out" / "training").mkdir(parents=True)
    begun = Trainer(Drawer.of_file(corpus, plan.drawing), options.config, plan, tmp_path / "out" / "training", Workers(), "cpu")
    begun.run(stop_after=2)
    with pytest.raises(WeightsMissing, match="training comes first"):
        measured_rows(options, corpus, tmp_path / "out")
    for row in learning_rows(options, corpus, tmp_path / "out", ledger, Deadline.after(60)):
        ledger.tell(row)
    for row in measured_rows(options, corpus, tmp_path / "out"):
        ledger.tell(row)
    told = {row.what: row for row in ledger.rows()}
    assert "after 6 steps" in told
    assert any("frame_dna" in line for line in (tmp_path / "out" / "training" / "log.jsonl").read_text().splitlines())
    assert "after 2 steps" not in told
    assert told["speed"].note == "6 steps in all"
    assert 0 < told["bacteria (held-out genomes)"].value < 4
    model = entry("locuscope").load(tmp_path / "out" / "published", LoadOptions())
    assert model.card.weights_sha256 == json.loads((tmp_path / "out" / "published" / "card.json").read_text())["sha256"]
