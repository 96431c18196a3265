"""Models in memory: one load each, bounded, never dropped while in use."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from engine.core.errors import Cancelled, ResourceExhausted, WeightsInvalid, WeightsMissing
from engine.core.progress import interruptible
from engine.core.settings import Settings
from engine.models.checkpoints.identity import PROOF
from engine.models.entry import LoadOptions, ModelEntry
from engine.service.shelf import Fingerprints, ModelSpec, Shelf, ask_between_layers, directory_bytes, find_directory, memory_bytes
from tests.fake_model import Calls, FakeRegistry, card


@pytest.fixture
def registry(tmp_path: Path) -> FakeRegistry:
    return FakeRegistry(tmp_path / "models", Calls(), ("a", "b", "c"))


def spec(registry: FakeRegistry, name: str, device: str = "cpu") -> ModelSpec:
    folder = registry.directory / name
    return ModelSpec(name, folder, "content", LoadOptions(device), directory_bytes(folder))


def loaded(shelf: Shelf) -> list[str]:
    return [held.model_id for held in shelf.models()]


def test_a_model_is_loaded_once_and_stays(registry: FakeRegistry) -> None:
    shelf = Shelf(10_000)
    with shelf.borrow(registry.entry("a"), spec(registry, "a")) as first:
        pass
    with shelf.borrow(registry.entry("a"), spec(registry, "a")) as second:
        assert second is first
    assert registry.calls.loads == 1


def test_threads_that_ask_at_once_share_one_load(registry: FakeRegistry) -> None:
    shelf = Shelf(10_000)
    registry.calls.load_seconds = 0.2
    seen = []

    def work() -> None:
        with shelf.borrow(registry.entry("a"), spec(registry, "a")) as shelved:
            seen.append(shelved)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert registry.calls.loads == 1
    assert len({id(shelved) for shelved in seen}) == 1


def test_another_device_is_another_model(registry: FakeRegistry) -> None:
    shelf = Shelf(10_000)
    with (
        shelf.borrow(registry.entry("a"), spec(registry, "a")) as first,
        shelf.borrow(registry.entry("a"), spec(registry, "a", "meta")) as second,
    ):
        assert first.model.device == "cpu"
        assert second.model.device == "meta"


def test_the_least_recently_used_leaves_when_the_bound_is_reached(registry: FakeRegistry) -> None:
    shelf = Shelf(1000)  # two models of 400 bytes fit
    for name in ("a", "b", "a", "c"):
        with shelf.borrow(registry.entry(name), spec(registry, name)):
            pass
    assert loaded(shelf) == ["a", "c"]


def test_a_model_in_use_is_not_dropped_and_the_next_waits_for_room(registry: FakeRegistry) -> None:
    shelf = Shelf(500)
    entered = threading.Event()

    def second() -> None:
        with shelf.borrow(registry.entry("b"), spec(registry, "b")):
            entered.set()

    with shelf.borrow(registry.entry("a"), spec(registry, "a")):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.3)
        assert loaded(shelf) == ["a"]
    assert entered.wait(60)
    thread.join()
    assert loaded(shelf) == ["b"]


def test_waiting_for_room_can_be_given_up(registry: FakeRegistry) -> None:
    def give_up() -> None:
        raise Cancelled("enough")

    shelf = Shelf(500)
    with (
        shelf.borrow(registry.entry("a"), spec(registry, "a")),
        pytest.raises(Cancelled),
        shelf.borrow(registry.entry("b"), spec(registry, "b"), give_up),
    ):
        pass


def test_a_model_above_the_bound_is_refused_with_the_setting_to_raise(registry: FakeRegistry) -> None:
    with pytest.raises(ResourceExhausted, match="LOCUSCOPE_MODEL_BYTES"), Shelf(399).borrow(registry.entry("a"), spec(registry, "a")):
        pass
    assert registry.calls.loads == 0


def test_a_load_that_fails_can_be_tried_again(registry: FakeRegistry) -> None:
    good = registry.entry("a")

    def broken(directory: Path, options: LoadOptions) -> None:
        raise WeightsInvalid("the file is cut short")

    shelf = Shelf(1000)
    with pytest.raises(WeightsInvalid), shelf.borrow(ModelEntry(good.card, broken), spec(registry, "a")):  # type: ignore[arg-type]
        pass
    with shelf.borrow(good, spec(registry, "a")) as shelved:
        assert shelved.model.card.id == "a"


def test_what_fails_on_files_that_fit_their_publication_is_not_called_their_fault(registry: FakeRegistry) -> None:
    good = registry.entry("a").card

    def broken(directory: Path, options: LoadOptions) -> None:
        raise AttributeError("ours")

    for proof, kind in ((f"{PROOF}; the sha256 is unproven", AttributeError), ("", WeightsInvalid)):
        asked = ModelEntry(replace(good, proof=proof), broken)  # type: ignore[arg-type]
        with pytest.raises(kind), Shelf(1000).borrow(asked, spec(registry, "a")):
            pass


def test_published_files_that_are_damaged_are_said_to_be_so(registry: FakeRegistry) -> None:
    def broken(directory: Path, options: LoadOptions) -> None:
        try:
            raise OSError("cut off")
        except OSError as error:
            raise WeightsInvalid("It cannot be read; download it again.") from error

    asked = ModelEntry(replace(registry.entry("a").card, proof=PROOF), broken)  # type: ignore[arg-type]
    with pytest.raises(WeightsInvalid, match="download it again"), Shelf(1000).borrow(asked, spec(registry, "a")):
        pass


def test_a_full_device_is_cleared_of_idle_models_before_a_load_is_given_up(registry: FakeRegistry) -> None:
    import torch

    shelf = Shelf(10_000)
    room = 1
    good = registry.entry("b").load

    def load(directory: Path, options: LoadOptions) -> object:
        if len(shelf.models()) >= room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return good(directory, options)

    entry = ModelEntry(registry.entry("b").card, load)  # type: ignore[arg-type]
    with shelf.borrow(registry.entry("a"), spec(registry, "a")):
        pass
    with shelf.borrow(entry, spec(registry, "b")):
        assert loaded(shelf) == ["b"]
    shelf.clear()
    with (
        shelf.borrow(registry.entry("a"), spec(registry, "a")),
        pytest.raises(ResourceExhausted, match="does not fit into the memory of cpu"),
        shelf.borrow(entry, spec(registry, "b")),
    ):
        pass


def test_clearing_keeps_what_is_in_use(registry: FakeRegistry) -> None:
    shelf = Shelf(10_000)
    with shelf.borrow(registry.entry("b"), spec(registry, "b")):
        pass
    with shelf.borrow(registry.entry("a"), spec(registry, "a")):
        shelf.clear()
        assert loaded(shelf) == ["a"]


def test_the_size_of_a_model_is_that_of_its_parameters(registry: FakeRegistry) -> None:
    with Shelf(10_000).borrow(registry.entry("a"), spec(registry, "a")) as shelved:
        assert shelved.size_bytes == memory_bytes(shelved.model) == 400


def test_fingerprints_follow_names_and_contents_and_survive_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"1234")
    memory = tmp_path / "home" / "fingerprints.json"
    first = Fingerprints(memory).of(folder)
    (folder / ".DS_Store").write_bytes(b"x")
    assert Fingerprints(memory).of(folder) == first
    (folder / "config.json").write_text("[]")
    changed = Fingerprints(memory).of(folder)
    assert changed != first
    (folder / "config.json").rename(folder / "other.json")
    assert Fingerprints(None).of(folder) not in (first, changed)


def test_whoever_needs_a_hash_that_is_known_does_not_wait_for_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread is in the middle of hashing a large file; the same file asked for meanwhile is hashed once."""
    for name in ("large", "small"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.bin").write_bytes(name.encode())
    fingerprints = Fingerprints(None)
    assert not fingerprints.known(tmp_path / "small")
    fingerprints.of(tmp_path / "small")
    entered, release, reads = threading.Event(), threading.Event(), []

    def slowly() -> None:
        reads.append(1)
        entered.set()
        assert release.wait(120)

    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(fingerprints.of(tmp_path / "large", slowly)))]
    threads[0].start()
    assert entered.wait(60)
    threads.append(threading.Thread(target=lambda: found.append(fingerprints.of(tmp_path / "large"))))
    threads[1].start()
    began = time.monotonic()
    assert fingerprints.known(tmp_path / "small")
    assert not fingerprints.known(tmp_path / "large")
    assert fingerprints.of(tmp_path / "small") == Fingerprints(None).of(tmp_path / "small")
    assert time.monotonic() - began < 60
    release.set()
    for thread in threads:
        thread.join(10)
    assert found == [Fingerprints(None).of(tmp_path / "large")] * 2
    assert reads == [1]


def test_hashing_can_be_given_up_and_is_taken_up_by_another(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"1234")

    def give_up() -> None:
        raise Cancelled("enough")

    fingerprints = Fingerprints(None)
    with pytest.raises(Cancelled):
        fingerprints.of(tmp_path, give_up)
    assert not fingerprints.known(tmp_path)
    assert fingerprints.of(tmp_path) == Fingerprints(None).of(tmp_path)


def test_a_computation_ends_between_the_layers_of_a_model_that_was_borrowed() -> None:
    import torch

    seen: list[int] = []

    class Layer(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(1)
            return x

    class Model:
        def __init__(self) -> None:
            self.card = card()
            self.net = torch.nn.Sequential(*[Layer() for _ in range(5)])

    def stop() -> None:
        if len(seen) == 2:
            raise Cancelled("stop")

    with Shelf(1000).borrow(
        ModelEntry(card(), lambda directory, options: Model()), ModelSpec("a", Path(), "", LoadOptions("cpu"))
    ) as shelved:  # type: ignore[arg-type, return-value]
        shelved.model.net(torch.ones(1))
        assert len(seen) == 5
        seen.clear()
        with interruptible(stop), pytest.raises(Cancelled):
            shelved.model.net(torch.ones(1))
    assert len(seen) == 2


def test_a_damaged_memory_of_fingerprints_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "fingerprints.json").write_text("[1, 2")
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "a").write_bytes(b"1")
    assert Fingerprints(tmp_path / "fingerprints.json").of(folder) == Fingerprints(None).of(folder)


def test_a_named_folder_goes_before_the_installed_weights_and_must_exist(tmp_path: Path, registry: FakeRegistry) -> None:
    entry = registry.entry("a")
    assert find_directory(entry, Settings(home=tmp_path), tmp_path) == tmp_path
    with pytest.raises(WeightsInvalid, match="does not exist"):
        find_directory(entry, Settings(home=tmp_path), tmp_path / "nowhere")


def test_absent_shipped_weights_are_an_error_with_the_remedy(tmp_path: Path) -> None:
    entry = ModelEntry(card(), lambda directory, options: None, shipped=tmp_path / "gone")  # type: ignore[arg-type, return-value]
    with pytest.raises(WeightsMissing, match="come with the repository"):
        find_directory(entry, Settings(home=tmp_path))


def test_a_model_without_torch_is_loaded_while_another_thread_is_importing_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is being imported is in ``sys.modules`` already, without its names."""
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    ask_between_layers(card("folds"))
