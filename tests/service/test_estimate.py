"""What computations cost, remembered between sessions; where they run."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import ParameterError
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.core.settings import Settings
from engine.service import devices
from engine.service.devices import checked_device, checked_dtype, code_fingerprint, deciding_files
from engine.service.engine import Engine, Request
from engine.service.estimate import SHIPPED_BYTES, Timings, as_if_shipped, is_small
from tests.fake_model import FakeRegistry


def test_seconds_are_the_pace_of_the_nearest_length_times_the_work(tmp_path: Path) -> None:
    timings = Timings(tmp_path / "timings.json")
    assert timings.seconds("a", 100, 10) is None
    timings.note("a", 64, 100, 6.4)  # 1 ms a base
    timings.note("a", 1024, 10, 20.48)  # 2 ms a base
    assert timings.seconds("a", 80, 10) == pytest.approx(0.8)
    assert timings.seconds("a", 2048, 1) == pytest.approx(4.096)
    assert timings.seconds("b", 80, 10) is None


def test_newer_runs_weigh_half() -> None:
    timings = Timings(None)
    timings.note("a", 10, 10, 1.0)
    timings.note("a", 10, 10, 3.0)
    assert timings.seconds("a", 10, 10) == pytest.approx(2.0)


def test_timings_survive_a_restart(tmp_path: Path) -> None:
    Timings(tmp_path / "home" / "timings.json").note("a", 10, 10, 1.0)
    assert Timings(tmp_path / "home" / "timings.json").seconds("a", 10, 10) == pytest.approx(1.0)


def test_what_starts_by_itself_hangs_on_the_size_of_a_model_whose_speed_here_is_not_known() -> None:
    assert as_if_shipped(1_000, SHIPPED_BYTES // 10) == as_if_shipped(1_000, 0) == 1_000  # a small model is not taken to be faster
    assert as_if_shipped(1_000, 200 * SHIPPED_BYTES) == 200_000  # half a billion parameters
    assert is_small(as_if_shipped(1_000, SHIPPED_BYTES), None)
    assert not is_small(as_if_shipped(1_000, 200 * SHIPPED_BYTES), None)
    assert is_small(as_if_shipped(1_000, 200 * SHIPPED_BYTES), 3.0)  # a measured time decides


@pytest.mark.parametrize("text", ["", "[]", '{"a": 3}', '{"a": {"x": 1}}', '{"a": {"3": "fast"}}', "{"])
def test_a_damaged_memory_of_timings_is_ignored(tmp_path: Path, text: str) -> None:
    (tmp_path / "timings.json").write_text(text)
    assert Timings(tmp_path / "timings.json").seconds("a", 10, 10) is None


@pytest.mark.parametrize(("length", "passes", "seconds"), [(0, 1, 1.0), (1, 0, 1.0), (1, 1, 0.0), (1, 1, -1.0)])
def test_runs_without_work_or_time_are_not_noted(length: int, passes: int, seconds: float) -> None:
    timings = Timings(None)
    timings.note("a", length, passes, seconds)
    assert timings.seconds("a", 10, 10) is None


@pytest.mark.parametrize(
    ("name", "count", "expected"),
    [("auto", 0, "cpu"), ("auto", 2, "cuda:0"), ("cuda", 1, "cuda:0"), ("cuda:1", 2, "cuda:1"), ("cpu", 2, "cpu")],
)
def test_every_way_to_name_a_device_means_one(monkeypatch: pytest.MonkeyPatch, name: str, count: int, expected: str) -> None:
    monkeypatch.setattr(devices, "_cuda_devices", lambda: count)
    assert checked_device(name) == expected


@pytest.mark.parametrize(
    ("name", "count", "words"), [("cuda", 0, "no CUDA devices"), ("cuda:1", 1, "1 CUDA device;"), ("tpu", 1, "allowed: auto")]
)
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, count: int, words: str) -> None:
    monkeypatch.setattr(devices, "_cuda_devices", lambda: count)
    with pytest.raises(ParameterError, match=words):
        checked_device(name)


def test_the_usual_precision_is_float32_on_the_cpu_and_the_models_own_elsewhere() -> None:
    assert checked_dtype("auto", "cpu") == "float32"
    assert checked_dtype("auto", "cuda:0") == "auto"
    assert checked_dtype("bfloat16", "cpu") == "bfloat16"


def test_the_fingerprint_of_the_code_is_the_same_within_a_process() -> None:
    assert code_fingerprint() == code_fingerprint()
    assert len(code_fingerprint()) == 64


def test_every_file_below_the_deciding_packages_is_part_of_the_fingerprint() -> None:
    names = [name for name, _ in deciding_files()]
    assert {"core/results.py", "analyses/dependency.py", "models/gpn/network.py", "models/shortcuts/delta.py"} <= set(names)
    assert len(names) == len(set(names))
    folder = Path(devices.__file__).parents[1]
    assert len(names) == sum(1 for layer in devices.DECIDING for _ in (folder / layer).glob("**/*.py"))


def test_what_is_read_from_a_map_beside_it_is_not_counted_again(tmp_path: Path) -> None:
    """A map of 14 bases takes 1 + 42 passes; contacts read from it take none more, the effects the 14 masked ones."""
    engine = Engine(Settings(home=tmp_path), FakeRegistry(tmp_path / "models"))
    letters = NucleotideSequence("GGGACUUUUGUCCC", Alphabet.RNA)
    asked = {name: Request(name, letters, "pairs") for name in ("dependency", "effects", "contacts")}
    alone = {name: engine.estimate(request).passes for name, request in asked.items()}
    together = {name: engine.estimate(request, list(asked.values())).passes for name, request in asked.items()}
    assert alone == {"dependency": 43, "effects": 57, "contacts": 43}
    assert together == {"dependency": 43, "effects": 14, "contacts": 0}
