"""Results by content: bit for bit, bounded, shared by threads and processes."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from engine.analyses.contacts import ContactMap
from engine.analyses.dependency import DependencyMap
from engine.analyses.effects import VariantEffects
from engine.analyses.pair import PairTable
from engine.analyses.probabilities import BaseProbabilities
from engine.analyses.segmentation import Segmentation
from engine.analyses.tokens import TokenTrack
from engine.core.card import Capability
from engine.core.errors import Cancelled
from engine.core.locus import Locus, Strand
from engine.core.provenance import Provenance
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.service import disk
from engine.service.store import ResultStore, content_key, decode, encode, result_bytes
from tests.conftest import ROOT
from tests.fake_model import card

SEQUENCE = NucleotideSequence("GGGACTTTTGTCCC", name="hairpin")
L = len(SEQUENCE)


def provenance(**parameters: object) -> Provenance:
    model = card(species=("yeast", "fly"), capabilities=frozenset({Capability.DEPENDENCY, Capability.EFFECTS}))
    return Provenance("dependency", "1", model, parameters, SEQUENCE.sha256, L, "", "float32", "cpu", 0.125, {"torch": "2"}, "yeast")


def some_map(seed: int = 0, width: int = L) -> DependencyMap:
    values = np.random.default_rng(seed).normal(size=(width, width)).astype(np.float32)
    values[2, 3] = np.nan
    return DependencyMap(SEQUENCE, values, provenance(window=(0, width), epsilon=None, tau=0.1), offset=L - width)


def results() -> list[object]:
    random = np.random.default_rng(1)
    square = random.random((L, L), dtype=np.float32)
    four = random.random((L, 4), dtype=np.float32)
    pairs = np.array([[0, 13], [1, 12]])
    return [
        some_map(),
        DependencyMap(SEQUENCE, square, provenance(), rows_done=np.arange(L) % 2 == 0),
        BaseProbabilities(SEQUENCE, four, provenance(masked=True)),
        PairTable(SEQUENCE, 3, 7, random.random((4, 4)), provenance()),
        VariantEffects(SEQUENCE, provenance(), llr=four, influence=four * 2),
        VariantEffects(SEQUENCE, provenance(), delta_log_likelihood=four),
        Segmentation(SEQUENCE, ("exon", "intron"), random.random((L, 2)), provenance()),
        ContactMap(SEQUENCE, square, pairs, np.array([3.0, 2.0]), "((..........))", provenance()),
        TokenTrack(SEQUENCE, np.array([[0, 6], [6, 14]]), ("GGGACT", "TTTGTCCC"), np.array([0.5, 0.25]), provenance()),
    ]


@pytest.mark.parametrize("result", results(), ids=lambda result: type(result).__name__)
def test_every_kind_of_result_comes_back_bit_for_bit_from_disk(tmp_path: Path, result: object) -> None:
    ResultStore(tmp_path, 10**6, 10**6).put("key", result)
    restored = ResultStore(tmp_path, 10**6, 10**6).get("key", SEQUENCE)
    assert type(restored) is type(result)
    for name, value in vars(result).items():
        other = getattr(restored, name)
        if isinstance(value, np.ndarray):
            assert other.dtype == value.dtype
            assert other.shape == value.shape
            assert other.tobytes() == value.tobytes()
            assert not other.flags.writeable
        else:
            assert other == value


def test_the_letters_of_the_sequence_are_not_written_to_disk(tmp_path: Path) -> None:
    ResultStore(tmp_path, 10**6, 10**6).put("key", some_map())
    assert SEQUENCE.letters.encode() not in (tmp_path / "key.npz").read_bytes()
    assert b"hairpin" not in (tmp_path / "key.npz").read_bytes()


def test_an_answer_is_said_of_the_sequence_that_was_asked_about(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, 10**6, 10**6)
    store.put("key", some_map())
    elsewhere = NucleotideSequence(SEQUENCE.letters, Alphabet.DNA, Locus("R64", "chrI", 10, 10 + L, Strand.REVERSE))
    for found in (store.get("key", elsewhere), ResultStore(tmp_path, 10**6, 10**6).get("key", elsewhere)):
        assert found.sequence == elsewhere
        assert found.provenance.locus == "R64:chrI:11-24:-"


def test_keys_depend_on_every_part_and_not_on_the_order() -> None:
    parts = {"analysis": "dependency", "parameters": {"window": (0, 3), "epsilon": 1e-10}}
    assert content_key(parts) == content_key(dict(reversed(parts.items())))
    assert content_key(parts) != content_key({**parts, "parameters": {"window": (0, 3), "epsilon": 1e-9}})


def test_memory_keeps_the_most_recently_used_within_its_bound() -> None:
    size = result_bytes(some_map())
    store = ResultStore(None, 2 * size, 1)
    store.put("a", some_map(1))
    store.put("b", some_map(2))
    assert store.get("a", SEQUENCE) is not None
    store.put("c", some_map(3))
    assert [key for key in "abc" if store.get(key, SEQUENCE) is not None] == ["a", "c"]


def test_disk_keeps_the_most_recently_used_within_its_bound(tmp_path: Path) -> None:
    ResultStore(tmp_path, 1, 10**6).put("a", some_map())
    size = (tmp_path / "a.npz").stat().st_size
    store = ResultStore(tmp_path, 1, 2 * size + 10)
    for number, key in enumerate(("a", "b")):
        store.put(key, some_map(number))
        time.sleep(0.02)
    assert store.get("a", SEQUENCE) is not None
    store.put("c", some_map(3))
    store.settle()
    assert sorted(path.stem for path in tmp_path.glob("*.npz")) == ["a", "c"]


def test_many_files_are_trimmed_a_little_below_the_bound_so_that_they_are_looked_through_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 40 files of one size the bound has room for 30; a twentieth below are 28."""
    looks = []
    scandir = os.scandir
    monkeypatch.setattr(disk.os, "scandir", lambda path: looks.append(path) or scandir(path))
    writer = ResultStore(tmp_path, 1, 10**9)
    for number in range(39):
        writer.put(f"old{number:02}", some_map(number))
    writer.settle()
    assert len(looks) == 1
    size = (tmp_path / "old00.npz").stat().st_size
    store = ResultStore(tmp_path, 1, 30 * size + 10)
    store.put("new", some_map())
    store.settle()
    assert len(looks) == 2
    assert len(list(tmp_path.glob("*.npz"))) == 28
    assert (tmp_path / "new.npz").exists()


def test_a_result_is_kept_in_milliseconds_beside_a_hundred_thousand_others(tmp_path: Path) -> None:
    for number in range(100_000):
        (tmp_path / f"{number}.npz").touch()
    store = ResultStore(tmp_path, 1, 10**9)
    store.put("first", some_map())
    store.settle()
    spent = []
    for number in range(50):
        began = time.thread_time()
        store.put(f"new{number}", some_map(number))
        spent.append(time.thread_time() - began)
    assert sorted(spent)[25] < 0.005


def test_a_result_larger_than_the_bounds_is_not_kept(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, 10, 10)
    store.put("key", some_map())
    assert store.get("key", SEQUENCE) is None


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 broken"])
def test_a_damaged_file_is_removed_and_the_question_is_computed_again(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "key.npz").write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert ResultStore(tmp_path, 10**6, 10**6).get("key", SEQUENCE) is None
    assert "damaged" in caplog.text
    assert not (tmp_path / "key.npz").exists()


def test_a_file_with_a_pickle_inside_is_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "key.npz", allow_pickle=True, json=np.array([{"format": 1}], dtype=object))
    assert ResultStore(tmp_path, 10**6, 10**6).get("key", SEQUENCE) is None


def test_a_result_of_another_length_is_not_given_for_this_sequence(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, 1, 10**6)
    store.put("key", BaseProbabilities(SEQUENCE, np.ones((L, 4), np.float32), provenance()))
    assert store.get("key", NucleotideSequence("ACGT")) is None


def test_another_format_is_refused() -> None:
    arrays = encode(some_map(), "key")
    arrays["json"] = np.frombuffer(bytes(arrays["json"]).replace(b'"format": 2', b'"format": 9'), dtype=np.uint8)
    with pytest.raises(ValueError, match="format 9"):
        decode(arrays, SEQUENCE, "key")


def test_an_entry_that_answers_another_question_is_not_given(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, 1, 10**6)
    store.put("mine", some_map())
    (tmp_path / "mine.npz").rename(tmp_path / "other.npz")
    assert store.get("other", SEQUENCE) is None
    assert not (tmp_path / "other.npz").exists()
    store.put("mine", some_map())
    same_length = NucleotideSequence("ACGT" * 3 + "AC")
    assert len(same_length) == L
    assert store.get("mine", same_length) is None


@pytest.mark.parametrize("result", [some_map(), results()[3], results()[8]], ids=lambda result: type(result).__name__)
def test_flipped_bits_give_the_same_answer_or_none(tmp_path: Path, result: object, caplog: pytest.LogCaptureFixture) -> None:
    writer = ResultStore(tmp_path, 1, 10**9)
    writer.put("key", result)
    good = (tmp_path / "key.npz").read_bytes()
    expected = encode(result, "key")
    random = np.random.default_rng(5)
    for _ in range(400):
        damaged = bytearray(good)
        for place in random.integers(0, len(good), random.integers(1, 4)):
            damaged[place] ^= 1 << int(random.integers(8))
        (tmp_path / "key.npz").write_bytes(damaged)
        found = ResultStore(tmp_path, 1, 10**9).get("key", SEQUENCE)
        if found is not None:
            again = encode(found, "key")
            assert again.keys() == expected.keys()
            assert all(np.array_equal(again[name], expected[name], equal_nan=name != "json") for name in expected)


def test_what_a_stopped_computation_left_is_found_again_until_the_result_is_complete(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, 10**6, 10**6)
    write = store.put_unfinished("key", some_map())
    assert store.unfinished("key", SEQUENCE) is not None
    assert store.get("key", SEQUENCE) is None
    assert ResultStore(tmp_path, 10**6, 10**6).unfinished("key", SEQUENCE) is None
    write()
    after_restart = ResultStore(tmp_path, 10**6, 10**6)
    assert after_restart.unfinished("key", SEQUENCE) is not None
    after_restart.remove_unfinished("key")
    assert after_restart.unfinished("key", SEQUENCE) is None
    assert not list(tmp_path.glob("*.npz"))


class Screens:
    """Two visitors with a map each on screen; the first can let go of it."""

    def __init__(self, *maps: DependencyMap) -> None:
        self.maps = list(maps)
        self.held_bytes = 0

    def let_go(self) -> bool:
        if len(self.maps) < 2:
            return False
        self.maps.pop(0)
        return True


def test_what_visitors_hold_counts_in_the_bound_of_memory() -> None:
    size = result_bytes(some_map())
    screens = Screens()
    store = ResultStore(None, 3 * size, 1, screens)
    for number in range(2):
        screens.maps.append(some_map(number))
        store.put(f"screen{number}", screens.maps[-1])
    assert store.bytes_in_use == 2 * size
    store.put("third", some_map(3))
    store.put("fourth", some_map(4))  # what nobody uses leaves first
    assert len(screens.maps) == 2
    assert store.get("third", SEQUENCE) is None
    assert store.get("screen0", SEQUENCE) is screens.maps[0]
    screens.held_bytes = size // 2
    store.put("fifth", some_map(5))  # then somebody lets go
    assert len(screens.maps) == 1
    assert store.bytes_in_use + screens.held_bytes <= 3 * size


def test_arrays_that_several_results_share_count_once_and_as_long_as_anybody_holds_them() -> None:
    found = some_map()
    elsewhere = NucleotideSequence(SEQUENCE.letters, Alphabet.DNA, Locus("R64", "chrI", 10, 10 + L, Strand.REVERSE))
    store = ResultStore(None, 1, 1)
    store.put("key", found)
    again = store.get("key", elsewhere)
    del found
    assert store.bytes_in_use == result_bytes(again)
    del again
    assert store.bytes_in_use == 0


def test_a_folder_that_cannot_be_written_leaves_memory_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        store = ResultStore(tmp_path / "file" / "results", 10**6, 10**6)
    store.put("key", some_map())
    assert store.get("key", SEQUENCE) is not None
    assert "memory only" in caplog.text


def test_what_a_crash_left_is_cleared_away_and_a_held_lock_is_not(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, 10**6, 10**6)
    for name in ("new-x.part", "old.lock"):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (1, 1))
    with store.claim("held", lambda: None):
        os.utime(tmp_path / "held.lock", (1, 1))
        store.put("key", some_map())
        store.settle()
        assert (tmp_path / "held.lock").exists()
    assert not (tmp_path / "new-x.part").exists()
    assert not (tmp_path / "old.lock").exists()


def test_a_second_thread_waits_for_the_claim_and_can_give_up(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, 10**6, 10**6)
    waited = []

    def give_up() -> None:
        waited.append(1)
        raise Cancelled("enough")

    def second() -> None:
        with pytest.raises(Cancelled), ResultStore(tmp_path, 10**6, 10**6).claim("key", give_up):
            waited.append(2)

    with store.claim("key", lambda: None):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(10)
    assert waited == [1]


def test_a_second_process_waits_for_the_claim_of_the_first(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from engine.service.store import ResultStore\n"
        "store = ResultStore(Path(sys.argv[1]), 1, 1)\n"
        "with store.claim('key', lambda: None):\n"
        "    print('held', flush=True); sys.stdin.readline()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        waits = []

        def waiting() -> None:
            waits.append(1)
            if len(waits) == 2:
                process.stdin.write("\n")  # type: ignore[union-attr]
                process.stdin.flush()  # type: ignore[union-attr]

        with ResultStore(tmp_path, 1, 1).claim("key", waiting):
            assert len(waits) >= 2


def test_a_folder_that_was_cleared_meanwhile_is_made_again(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "results", 1, 10**6)
    (tmp_path / "results").rmdir()
    with store.claim("key", lambda: None):
        store.put("key", some_map())
    assert store.get("key", SEQUENCE) is not None


def test_a_folder_that_cannot_be_made_again_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = ResultStore(tmp_path / "results", 10**6, 10**6)
    (tmp_path / "results").rmdir()
    (tmp_path / "results").write_text("in the way")
    with caplog.at_level(logging.WARNING), store.claim("key", lambda: None):
        store.put("key", some_map())
    assert store.get("key", SEQUENCE) is not None


def test_many_threads_reading_and_writing_do_not_disturb_each_other(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, 3 * result_bytes(some_map()), 10**6)
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(20):
            store.put(f"key{number}", some_map(number))
            found = store.get(f"key{number}", SEQUENCE)
            if found.values.tobytes() != some_map(number).values.tobytes():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
