"""Genome-wide runs: windows that tile, a run that goes on, tracks that read back."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import pyBigWig
import pytest

from engine.core.errors import InputError, ParameterError, SourceUnavailable, WeightsMissing
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.genome import run
from engine.genome.run import Plan, scan, tiles
from engine.service.engine import Engine, Request
from tests.fake_model import Calls, FakeRegistry

FIRST = "ACGGTTAACC" * 7 + "ACG"
SECOND = "GGGACTTTTGTCCC"


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def settings(tmp_path: Path, calls: Calls, monkeypatch: pytest.MonkeyPatch) -> Settings:
    made = Settings(home=tmp_path / "home", model="pairs")
    engine = Engine(made, FakeRegistry(tmp_path / "models", calls), keep_on_disk=False)
    monkeypatch.setattr(run, "_engine", lambda _: engine)
    return made


@pytest.fixture
def genome(tmp_path: Path) -> str:
    path = tmp_path / "genome.fa"
    path.write_text(f">one\n{FIRST}\n>two\n{SECOND}\n>gap\n{'N' * 30}\n")
    return str(path)


@pytest.mark.parametrize(
    ("length", "window", "overlap"), [(73, 20, 6), (73, 20, 0), (20, 20, 6), (14, 20, 6), (21, 20, 19), (1000, 100, 33)]
)
def test_kept_parts_meet_without_gap_or_overlap(length: int, window: int, overlap: int) -> None:
    found = tiles("c", length, window, overlap)
    assert [tile.first for tile in found] == [0, *(tile.last for tile in found[:-1])]
    assert found[-1].last == length
    for tile in found:
        assert tile.start <= tile.first < tile.last <= tile.end
        assert tile.end - tile.start == min(length, window)
    for before, after in itertools.pairwise(found):
        assert before.end - after.start >= overlap


def test_a_run_writes_a_file_a_window_and_a_track_that_reads_back(tmp_path: Path, settings: Settings, genome: str) -> None:
    out = tmp_path / "out"
    assert scan(Plan(genome, window_bp=20, overlap_bp=6), out, settings) == 0
    assert sorted(path.name for path in (out / "windows" / "two").iterdir()) == ["1-14.npz"]
    assert not (out / "windows" / "gap").exists()
    with np.load(out / "windows" / "one" / "15-34.npz", allow_pickle=False) as archive:
        assert str(archive["sequence"]) == FIRST[14:34]
        direct = run._engine(settings).run(Request("probabilities", NucleotideSequence(FIRST[14:34])))
        assert archive["probabilities"].tobytes() == direct.values.tobytes()
    with pyBigWig.open(str(out / "tracks" / "entropy.bw")) as track:
        assert track.chroms() == {"one": 73, "two": 14, "gap": 30}
        entropy = np.array(track.values("one", 0, 73))
    assert np.isfinite(entropy).all()
    middle = direct.values.astype(np.float64)
    expected = -(middle * np.log2(middle)).sum(axis=1)
    assert entropy[20] == pytest.approx(expected[20 - 14], rel=1e-5)


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path, settings: Settings, genome: str, calls: Calls) -> None:
    out = tmp_path / "out"
    plan = Plan(genome, window_bp=20, overlap_bp=6)
    scan(plan, out, settings)
    (out / "windows" / "one" / "15-34.npz").unlink()
    run._engine(settings)._store._memory.clear()
    passes = calls.passes
    scan(plan, out, settings)
    assert calls.passes == passes + 1


def test_a_folder_with_another_run_is_refused(tmp_path: Path, settings: Settings, genome: str) -> None:
    scan(Plan(genome, window_bp=20, overlap_bp=6), tmp_path / "out", settings)
    with pytest.raises(InputError, match="other settings or weights"):
        scan(Plan(genome, window_bp=20, overlap_bp=8), tmp_path / "out", settings)


def test_a_run_of_other_weights_is_another_run(tmp_path: Path, settings: Settings, genome: str) -> None:
    plan = Plan(genome, window_bp=20, overlap_bp=6)
    scan(plan, tmp_path / "out", settings)
    (tmp_path / "models" / "pairs" / "weights.bin").write_bytes(b"\1" * 400)
    with pytest.raises(InputError, match="weights"):
        scan(plan, tmp_path / "out", settings)


def test_a_window_that_a_model_refuses_is_listed_and_the_others_are_kept(
    tmp_path: Path, settings: Settings, genome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.core.errors import SequenceError

    engine = run._engine(settings)
    usual = engine.run

    def refusing(request: Request) -> object:
        if request.sequence.letters == SECOND:
            raise SequenceError("too odd for this model")
        return usual(request)

    monkeypatch.setattr(engine, "run", refusing)
    out = tmp_path / "out"
    assert scan(Plan(genome, window_bp=20, overlap_bp=6), out, settings) == 1
    assert (out / "failed.tsv").read_text() == "two\t1\t14\ttoo odd for this model\n"
    assert (out / "windows" / "one" / "1-20.npz").exists()
    assert not (out / "tracks").exists()


def test_missing_weights_stop_the_run_at_once(tmp_path: Path, settings: Settings, genome: str) -> None:
    (tmp_path / "models" / "pairs" / "weights.bin").unlink()
    (tmp_path / "models" / "pairs").rmdir()
    with pytest.raises(WeightsMissing):
        scan(Plan(genome, window_bp=20, overlap_bp=6), tmp_path / "out", settings)


@pytest.mark.parametrize("changes", [{"analysis": "pair"}, {"analysis": "x"}, {"window_bp": 5}, {"overlap_bp": 1000}])
def test_a_plan_that_cannot_be_run_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        Plan("genome.fa", **changes)  # type: ignore[arg-type]


def test_without_ray_the_sentence_says_what_to_do(tmp_path: Path, settings: Settings, genome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SourceUnavailable, match="not installed"):
        scan(Plan(genome), tmp_path / "out", settings, ray_address="auto")


class OneProcessRay:
    """Ray's functions that are used, answering in this process."""

    def __init__(self) -> None:
        self.address = ""
        self.results: dict[object, object] = {}

    def init(self, address: str, *, ignore_reinit_error: bool) -> None:
        self.address = address

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 1.0}

    def remote(self, function: object) -> object:
        from types import SimpleNamespace

        def call(*arguments: object) -> object:
            reference = object()
            self.results[reference] = function(*arguments)  # type: ignore[operator]
            return reference

        return SimpleNamespace(remote=call)

    def wait(self, references: list[object], *, num_returns: int) -> tuple[list[object], list[object]]:
        return references[-num_returns:], references[:-num_returns]

    def get(self, reference: object) -> object:
        return self.results[reference]


def test_windows_go_through_ray_when_an_address_is_given(
    tmp_path: Path, settings: Settings, genome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = OneProcessRay()
    monkeypatch.setitem(sys.modules, "ray", ray)
    out, other = tmp_path / "out", tmp_path / "other"
    plan = Plan(genome, window_bp=20, overlap_bp=6)
    assert scan(plan, out, settings, ray_address="ray://head:10001") == 0
    scan(plan, other, settings)
    assert ray.address == "ray://head:10001"
    names = sorted(path.relative_to(out) for path in (out / "windows").rglob("*.npz"))
    assert names == sorted(path.relative_to(other) for path in (other / "windows").rglob("*.npz"))


@pytest.mark.slow
def test_several_processes_write_the_same_windows_as_one(tmp_path: Path, tiny: Path, genome: str) -> None:
    weights = str(tiny / "dependency_k1" / "checkpoint")
    settings = Settings(home=tmp_path / "home", threads=1)
    plan = Plan(genome, "probabilities", "specieslm-fungi-k1", weights, window_bp=40, overlap_bp=6)
    assert scan(plan, tmp_path / "two", settings, processes=2) == 0
    assert scan(plan, tmp_path / "one", settings) == 0
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one" / "windows").rglob("*.npz"))
    assert len(files) == 3
    for file in files:
        with np.load(tmp_path / "one" / file) as first, np.load(tmp_path / "two" / file) as second:
            assert first["probabilities"].tobytes() == second["probabilities"].tobytes()
