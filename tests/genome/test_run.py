"""Genome-wide runs: windows that tile, a run that goes on, tracks that read back."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyBigWig
import pytest

from engine.core.errors import InputError, ParameterError, SequenceError, SourceUnavailable, WeightsMissing
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.genome import run, tracks, workers
from engine.genome.plan import check_window
from engine.genome.run import Plan, scan
from engine.genome.windows import folder_name, stretches, windows
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
    monkeypatch.setattr(run, "engine_of", lambda _: engine)
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
    found = windows("c", length, window, overlap)
    assert [tile.first for tile in found] == [0, *(tile.last for tile in found[:-1])]
    assert found[-1].last == length
    for tile in found:
        assert tile.start <= tile.first < tile.last <= tile.end
        assert tile.end - tile.start == min(length, window)
    for before, after in itertools.pairwise(found):
        assert before.end - after.start >= overlap


def test_a_run_writes_a_file_a_stretch_and_a_track_that_reads_back(tmp_path: Path, settings: Settings, genome: str) -> None:
    out = tmp_path / "out"
    assert scan(Plan(genome, window_bp=20, overlap_bp=6), out, settings) == 0
    assert [path.name for path in (out / "windows" / "one").iterdir()] == ["1-73.npz"]
    with np.load(out / "windows" / "gap" / "1-30.npz") as archive:
        assert archive.files == []
    with np.load(out / "windows" / "one" / "1-73.npz", allow_pickle=False) as archive:
        assert str(archive["15-34/sequence"]) == FIRST[14:34]
        direct = run.engine_of(settings).run(Request("probabilities", NucleotideSequence(FIRST[14:34])))
        assert archive["15-34/probabilities"].tobytes() == direct.values.tobytes()
    with pyBigWig.open(str(out / "tracks" / "contigs" / "one" / "entropy.bw")) as track:
        assert track.chroms() == {"one": 73}
        alone = track.values("one", 0, 73)
    with pyBigWig.open(str(out / "tracks" / "entropy.bw")) as track:
        assert track.chroms() == {"one": 73, "two": 14, "gap": 30}
        entropy = np.array(track.values("one", 0, 73))
        assert np.isfinite(track.values("two", 0, 14)).all()
    assert entropy.tolist() == alone
    assert np.isfinite(entropy).all()
    middle = direct.values.astype(np.float64)
    expected = -(middle * np.log2(middle)).sum(axis=1)
    assert entropy[20] == pytest.approx(expected[20 - 14], rel=1e-5)


def test_a_human_genome_would_be_few_files() -> None:
    per_contig = list(stretches({"chr1": 248_956_422}, 1000, 200, 16_000))
    assert len(per_contig) == 1216  # 311,196 windows, 256 a file
    assert sum(len(part.windows) for part in per_contig) == 311_196
    assert len(next(stretches({"c": 100_000}, 1000, 200, 4_000_000)).windows) == 16  # large answers: 16 windows are 64 MB


def test_a_stopped_run_goes_on_where_it_was(
    tmp_path: Path, settings: Settings, genome: str, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.genome.windows.WINDOWS_PER_STRETCH", 2)
    out = tmp_path / "out"
    plan = Plan(genome, window_bp=20, overlap_bp=6)
    scan(plan, out, settings)
    before = {path.relative_to(out): path.read_bytes() for path in out.rglob("*.bw")}
    (out / "windows" / "one" / "29-62.npz").unlink()
    run.engine_of(settings)._store._kept.clear()
    passes = calls.passes
    scan(plan, out, settings)
    assert calls.passes == passes + 2
    assert {path.relative_to(out): path.read_bytes() for path in out.rglob("*.bw")} == before


def test_a_run_killed_within_a_stretch_goes_on_where_it_was(
    tmp_path: Path, settings: Settings, genome: str, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, out, whole = Plan(genome, window_bp=20, overlap_bp=6), tmp_path / "out", tmp_path / "whole"
    scan(plan, whole, settings)
    monkeypatch.setattr(run, "KEEP_SECONDS", 0)
    usual, begun = run._window_arrays, itertools.count(1)

    def killed(*arguments: Any) -> dict[str, Any]:
        if next(begun) == 4:
            raise Killed
        return usual(*arguments)

    monkeypatch.setattr(run, "_window_arrays", killed)
    with pytest.raises(Killed):
        scan(plan, out, settings)
    assert [path.name for path in (out / "windows" / "one").iterdir()] == ["1-73.partial.npz"]
    (out / "windows" / "one" / "1-73.99999.part").write_bytes(b"cut off")
    computed: list[str] = []

    def noted(*arguments: Any) -> dict[str, Any]:
        computed.append(f"{arguments[1].contig}:{arguments[1].name}")
        return usual(*arguments)

    monkeypatch.setattr(run, "_window_arrays", noted)
    assert scan(plan, out, settings) == 0
    assert computed == ["one:43-62", "one:54-73", "two:1-14", "gap:1-20", "gap:11-30"]
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())
    for file in files:
        if file.suffix == ".npz":
            with np.load(whole / file) as first, np.load(out / file) as second:
                assert first.files == second.files
                for name in first.files:
                    assert name.endswith("provenance") or first[name].tobytes() == second[name].tobytes()
        else:
            assert (whole / file).read_bytes() == (out / file).read_bytes()


def test_what_is_kept_of_a_stretch_and_cannot_be_read_is_computed_anew(tmp_path: Path, settings: Settings, genome: str) -> None:
    plan, out = Plan(genome, window_bp=20, overlap_bp=6), tmp_path / "out"
    scan(plan, out, settings)
    whole = out / "windows" / "one" / "1-73.npz"
    content = whole.read_bytes()
    for cut in (b"", bytes(len(content)), content[: len(content) // 2]):
        whole.unlink()
        whole.with_suffix(".partial.npz").write_bytes(cut)
        assert scan(plan, out, settings) == 0
        assert [path.name for path in whole.parent.iterdir()] == [whole.name]


def test_only_the_windows_that_failed_are_tried_again(
    tmp_path: Path, settings: Settings, genome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, out = Plan(genome, window_bp=20, overlap_bp=6), tmp_path / "out"
    usual, tried = run._window_arrays, list[str]()

    def refusing(*arguments: Any) -> dict[str, Any]:
        tried.append(arguments[1].name)
        return _refused() if arguments[1].name == "15-34" else usual(*arguments)

    monkeypatch.setattr(run, "_window_arrays", refusing)
    assert scan(plan, out, settings) == 1
    tried.clear()
    assert scan(plan, out, settings) == 1
    assert tried == ["15-34"]


class Killed(BaseException):
    """What no code of ours catches, as the end of the process."""


@pytest.mark.parametrize("stopped_in", ["_add", "_copy"])
@pytest.mark.parametrize("at", [1, 2])
def test_a_run_killed_while_it_writes_its_tracks_leaves_none_that_is_cut_off(
    tmp_path: Path, settings: Settings, genome: str, monkeypatch: pytest.MonkeyPatch, stopped_in: str, at: int
) -> None:
    plan, out, whole = Plan(genome, window_bp=20, overlap_bp=6), tmp_path / "out", tmp_path / "whole"
    scan(plan, whole, settings)
    usual, calls = getattr(tracks, stopped_in), itertools.count(1)

    def killed(*arguments: object) -> object:
        if next(calls) == at:
            raise Killed
        return usual(*arguments)

    monkeypatch.setattr(tracks, stopped_in, killed)
    with pytest.raises(Killed):
        scan(plan, out, settings)
    monkeypatch.setattr(tracks, stopped_in, usual)
    for path in out.rglob("*.bw"):  # none under its name, or whole
        if "unfinished" not in path.parts:
            assert path.read_bytes() == (whole / path.relative_to(out)).read_bytes()
    assert scan(plan, out, settings) == 0
    expected = {path.relative_to(whole): path.read_bytes() for path in (whole / "tracks").rglob("*") if path.is_file()}
    assert {path.relative_to(out): path.read_bytes() for path in (out / "tracks").rglob("*") if path.is_file()} == expected


def test_a_track_with_gaps_does_not_outlive_the_windows_that_fill_them(
    tmp_path: Path, settings: Settings, genome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, out = Plan(genome, window_bp=20, overlap_bp=6), tmp_path / "out"
    engine = run.engine_of(settings)
    usual = engine.run
    monkeypatch.setattr(engine, "run", lambda request: _refused() if request.sequence.letters == SECOND else usual(request))
    assert scan(plan, out, settings) == 1
    monkeypatch.setattr(engine, "run", usual)
    write = run.contig_tracks
    monkeypatch.setattr(run, "contig_tracks", lambda *_: _killed())
    with pytest.raises(Killed):
        scan(plan, out, settings)
    monkeypatch.setattr(run, "contig_tracks", write)
    assert scan(plan, out, settings) == 0
    with pyBigWig.open(str(out / "tracks" / "entropy.bw")) as track:
        assert np.isfinite(track.values("two", 0, 14)).all()


def test_a_run_killed_while_it_notes_what_it_is_can_go_on(
    tmp_path: Path, settings: Settings, genome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, out = Plan(genome, window_bp=20, overlap_bp=6), tmp_path / "out"
    scan(plan, out, settings)
    usual = Path.write_text

    def cut_off(path: Path, text: str, **options: str) -> int:
        usual(path, text[:40], **options)
        raise Killed

    monkeypatch.setattr(Path, "write_text", cut_off)
    with pytest.raises(Killed):
        scan(plan, out, settings)
    monkeypatch.setattr(Path, "write_text", usual)
    assert scan(plan, out, settings) == 0


def _refused() -> Any:
    raise SequenceError("too odd for this model")


def _killed() -> None:
    raise Killed


def test_contigs_whose_names_differ_in_a_slash_do_not_share_a_folder() -> None:
    assert len({folder_name(name) for name in ("a/b", "a_b", "a%2Fb", "a b", "..", ".")}) == 6
    assert not any("/" in folder_name(name) or folder_name(name) in (".", "..") for name in ("a/b", "..", "."))
    longest = [folder_name(name) for name in (":" * 255, ":" * 254, "é" * 255, "a" * 255, "a" * 254 + "b")]
    assert len(set(longest)) == 5
    assert max(map(len, longest)) <= 255


def test_a_genome_of_other_letters_is_another_run(tmp_path: Path, settings: Settings, genome: str) -> None:
    plan = Plan(genome, window_bp=20, overlap_bp=6)
    scan(plan, tmp_path / "out", settings)
    Path(genome).write_text(f">one\n{FIRST[::-1]}\n>two\n{SECOND}\n>gap\n{'N' * 30}\n")
    with pytest.raises(InputError, match="other genome letters"):
        scan(plan, tmp_path / "out", settings)


def test_the_same_letters_at_another_place_are_the_same_run(tmp_path: Path, settings: Settings, genome: str) -> None:
    folder, copy = tmp_path / "run", tmp_path / "copy.fa"
    scan(Plan(genome, window_bp=60, overlap_bp=20), folder, settings)
    copy.write_bytes(Path(genome).read_bytes())
    assert scan(Plan(str(copy), window_bp=60, overlap_bp=20), folder, settings) == 0


def test_letters_that_no_model_reads_are_told_before_the_run_and_are_part_of_its_identity(
    tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    genome, folder = tmp_path / "odd.fa", tmp_path / "run"
    genome.write_text(f">one\n{FIRST}\n>gap\nACGT-{FIRST}\n>none\n>three\n{FIRST}Q\n")
    assert scan(Plan(str(genome), window_bp=20, overlap_bp=4), folder, settings) > 0
    told = f"gap has '-' at position 5; none has no letters; three has 'Q' at position {len(FIRST) + 1}: the windows with such letters"
    assert caplog.messages[0].startswith(told)
    genome.write_text(f">one\n{FIRST}\n>gap\nACGT-{FIRST[::-1]}\n>none\n>three\n{FIRST}Q\n")
    with pytest.raises(InputError, match="other genome letters"):
        scan(Plan(str(genome), window_bp=20, overlap_bp=4), folder, settings)


def test_a_contig_without_letters_is_told_as_such(tmp_path: Path, settings: Settings) -> None:
    genome, folder = tmp_path / "empty.fa", tmp_path / "run"
    genome.write_text(">one\nACGTTGCAACGGATCCTTAGACC\n>none\n>two\nACGTTGCAACGGATCCTTAGACC\n")
    assert scan(Plan(str(genome), window_bp=20, overlap_bp=4), folder, settings) == 1
    assert "The contig none has no letters." in (folder / "failed.tsv").read_text()


def test_a_run_of_other_code_is_another_run(tmp_path: Path, settings: Settings, genome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(genome, window_bp=20, overlap_bp=6)
    scan(plan, tmp_path / "out", settings)
    monkeypatch.setattr("engine.genome.plan.code_fingerprint", lambda: "other")
    with pytest.raises(InputError, match="other code"):
        scan(plan, tmp_path / "out", settings)


def test_a_folder_with_another_run_is_refused(tmp_path: Path, settings: Settings, genome: str) -> None:
    scan(Plan(genome, window_bp=20, overlap_bp=6), tmp_path / "out", settings)
    with pytest.raises(InputError, match="other settings"):
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
    engine = run.engine_of(settings)
    usual = engine.run

    def refusing(request: Request) -> object:
        if request.sequence.letters == SECOND:
            raise SequenceError("too odd for this model")
        return usual(request)

    monkeypatch.setattr(engine, "run", refusing)
    out = tmp_path / "out"
    assert scan(Plan(genome, window_bp=20, overlap_bp=6), out, settings) == 1
    assert (out / "failed.tsv").read_text() == "two\t1\t14\ttoo odd for this model\n"
    assert (out / "windows" / "one" / "1-73.npz").exists()
    with pyBigWig.open(str(out / "tracks" / "entropy.bw")) as track:
        assert np.isfinite(track.values("one", 0, 73)).all()
        assert track.intervals("two") is None
    monkeypatch.setattr(engine, "run", usual)
    assert scan(Plan(genome, window_bp=20, overlap_bp=6), out, settings) == 0
    assert not (out / "failed.tsv").exists()
    with pyBigWig.open(str(out / "tracks" / "entropy.bw")) as track:
        assert np.isfinite(track.values("two", 0, 14)).all()


def test_windows_that_the_model_does_not_read_are_refused_before_the_start(
    tmp_path: Path, tiny: Path, genome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = str(tiny / "dependency_k1" / "checkpoint")  # reads 61, which its folder does not say before it is loaded
    settings, out = Settings(home=tmp_path / "home", threads=1), tmp_path / "out"
    how: dict[str, Any] = {"model": "specieslm-fungi-k1", "weights": weights}
    with pytest.raises(
        ParameterError, match=r"is 1,000 bases; the model, .*, reads at most 61 at once; give --window 61 --overlap 12, or another"
    ):
        scan(Plan(genome, **how), out, settings)
    with pytest.raises(ParameterError, match="give --window 61, or another"):
        scan(Plan(genome, window_bp=62, overlap_bp=12, **how), out, settings, processes=2)
    assert not out.exists()
    assert scan(Plan(genome, window_bp=61, overlap_bp=12, **how), out, settings) == 0
    (tmp_path / "short.fa").write_text(f">short\n{SECOND}\n")
    assert scan(Plan(str(tmp_path / "short.fa"), **how), tmp_path / "short", settings) == 0


def test_a_run_of_weights_that_are_not_the_published_ones_says_so(
    tmp_path: Path, tiny: Path, settings: Settings, genome: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    weights = str(tiny / "dependency_k1" / "checkpoint")
    assert scan(Plan(genome, window_bp=20, overlap_bp=6), tmp_path / "published", settings) == 0
    assert caplog.messages == []
    monkeypatch.undo()
    own = Settings(home=tmp_path / "home", threads=1)
    assert scan(Plan(genome, model="specieslm-fungi-k1", weights=weights, window_bp=61, overlap_bp=12), tmp_path / "own", own) == 0
    assert [told for told in caplog.messages if told.startswith("The folder checkpoint runs as an unnamed checkpoint (")]


def test_windows_above_what_is_computed_here_are_refused_before_the_start(tmp_path: Path, genome: str) -> None:
    settings = Settings(home=tmp_path / "home", model="pairs", max_length=50)
    engine = Engine(settings, FakeRegistry(tmp_path / "models", Calls()), keep_on_disk=False)
    with pytest.raises(ParameterError, match=r"Windows of 60 bases cannot be computed, give a smaller --window: .* at most 50"):
        check_window(Plan(genome, "dependency", window_bp=60, overlap_bp=10), engine, {"one": 73})
    check_window(Plan(genome, "dependency", window_bp=60, overlap_bp=10), engine, {"one": 50})


def test_windows_shorter_than_the_model_reads_are_refused_before_the_start(tmp_path: Path, settings: Settings, genome: str) -> None:
    engine = Engine(settings, FakeRegistry(tmp_path / "models", Calls(), changes={"min_length": 24}), keep_on_disk=False)
    with pytest.raises(ParameterError, match="is 20 bases; the model, Pairs, reads 24 to 400; give --window 24"):
        check_window(Plan(genome, window_bp=20, overlap_bp=6), engine, {"one": 73})


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
    monkeypatch.setattr(workers, "_check_port", lambda address, refusal: None)
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
            assert first.files == second.files
            assert all(first[name].tobytes() == second[name].tobytes() for name in first.files if not name.endswith("provenance"))


def test_an_address_where_no_cluster_listens_is_told_within_seconds(
    tmp_path: Path, settings: Settings, genome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", OneProcessRay())
    began = time.monotonic()
    for address in ("127.0.0.1:9", "ray://127.0.0.1:9", "ray://[broken"):
        with pytest.raises(SourceUnavailable, match="No Ray cluster answers"):
            scan(Plan(genome, window_bp=20, overlap_bp=6), tmp_path / "out", settings, ray_address=address)
    assert time.monotonic() - began < 15


def test_a_cluster_that_does_not_answer_is_given_up(
    tmp_path: Path, settings: Settings, genome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = OneProcessRay()
    monkeypatch.setattr(ray, "init", lambda **_: time.sleep(5))
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr(workers, "RAY_SECONDS", 0.2)
    with pytest.raises(SourceUnavailable, match="No Ray cluster answers"):
        scan(Plan(genome, window_bp=20, overlap_bp=6), tmp_path / "out", settings, ray_address="auto")


@pytest.mark.slow
def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, sys, time\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from multiprocessing import get_context\n"
        "from engine.genome.workers import begin_worker\n"
        "if __name__ == '__main__':\n"
        "    pool = ProcessPoolExecutor(2, mp_context=get_context('spawn'), initializer=begin_worker, initargs=(os.getpid(),))\n"
        "    for _ in range(2): pool.submit(time.sleep, 300)\n"
        "    time.sleep(1.5)\n"
        "    print(*[process.pid for process in pool._processes.values()], flush=True)\n"
        "    time.sleep(300)\n"
    )
    script = tmp_path / "parent.py"
    script.write_text(code)
    root = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen(
        [sys.executable, str(script)], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    workers_of_it = [int(word) for word in parent.stdout.readline().split()]
    assert len(workers_of_it) == 2
    parent.kill()
    parent.wait(10)
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(_alive(worker) for worker in workers_of_it):
        time.sleep(0.1)
    assert not any(_alive(worker) for worker in workers_of_it)


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
