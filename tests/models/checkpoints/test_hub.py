"""Downloads: only what is needed, size and licence first, resumed, verified, offline afterwards; every bad answer is one sentence."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.core.errors import Cancelled, LocuscopeError, ResourceExhausted, SourceUnavailable, WeightsInvalid, WeightsMissing
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.models.checkpoints import download
from engine.models.checkpoints import hub as asking
from engine.models.checkpoints.installed import installed
from engine.models.entry import HubFiles, LoadOptions, ModelEntry
from engine.models.gpn import adapter
from engine.models.registry import entry as registered
from engine.models.registry import model_ids
from engine.service.engine import Engine, Request
from tests.models.checkpoints.hub_server import COMMIT, Hub, serving

WEIGHTS = random.Random(0).randbytes(3_000_000)
FILES = {
    "config.json": b'{"hidden_size": 8}',
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"not wanted",
    "README.md": b"not wanted",
    "tokenizer.json": b"{}",
    "data/chr1.pkl": b"not wanted",
}


@pytest.fixture
def entry() -> ModelEntry:
    hub = HubFiles("lab/model", patterns=("config.json", "tokenizer.json"), size_bytes=3_000_000)
    return replace(registered("gpn"), hub=hub)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(download, "RETRY_SECONDS", (0.01, 0.01, 0.01))
    monkeypatch.setattr(asking, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(download, "_CHUNK_BYTES", 1 << 16)
    with serving(Hub("lab/model", dict(FILES), large=("model.safetensors",))) as server:
        yield server


class Watcher:
    def __init__(self, stop_after: int | None = None) -> None:
        self.total, self.done, self.unit, self.stop_after = 0, 0, "", stop_after

    def start(self, total: int, unit: str = "") -> None:
        self.total, self.unit = total, unit

    def advance(self, done: int) -> None:
        assert done >= 0
        self.done += done
        if self.stop_after is not None and self.done >= self.stop_after:
            raise Cancelled("stopped")

    def publish(self, partial: Any) -> None: ...

    def wants_partial(self) -> bool:
        return False


def test_size_licence_and_files_are_known_before_anything_is_downloaded(entry: ModelEntry, hub: Hub) -> None:
    plan = asking.plan(entry, hub.endpoint)
    assert [file.name for file in plan.files] == ["config.json", "tokenizer.json", "model.safetensors"]
    assert plan.size_bytes == len(WEIGHTS) + 20
    assert (plan.licence, plan.commit) == ("mit", COMMIT)
    assert [method for method, _, _ in hub.log] == ["GET"]


def test_only_needed_files_arrive_whole_with_progress_in_bytes(entry: ModelEntry, hub: Hub, tmp_path: Path) -> None:
    assert installed(entry, tmp_path) is None
    watcher = Watcher()
    folder = download.install(entry, tmp_path, hub.endpoint, watcher)
    assert sorted(path.name for path in folder.iterdir()) == [".installed.json", "config.json", "model.safetensors", "tokenizer.json"]
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert (watcher.total, watcher.done, watcher.unit) == (len(WEIGHTS) + 20, len(WEIGHTS) + 20, "bytes")
    manifest = json.loads((folder / ".installed.json").read_text())
    assert manifest["files"]["model.safetensors"]["sha256"] == hashlib.sha256(WEIGHTS).hexdigest()
    assert not list((tmp_path / "models" / ".incoming").iterdir())


def test_afterwards_no_network_is_needed(entry: ModelEntry, hub: Hub, tmp_path: Path) -> None:
    folder = download.install(entry, tmp_path, hub.endpoint)
    asked = len(hub.log)
    hub.status = 503
    assert installed(entry, tmp_path) == folder
    assert download.install(entry, tmp_path, hub.endpoint) == folder
    assert len(hub.log) == asked


def test_a_folder_that_lost_a_file_is_not_installed_and_is_repaired(entry: ModelEntry, hub: Hub, tmp_path: Path) -> None:
    folder = download.install(entry, tmp_path, hub.endpoint)
    (folder / "model.safetensors").write_bytes(WEIGHTS[:-1])
    assert installed(entry, tmp_path) is None
    download.install(entry, tmp_path, hub.endpoint)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


def test_a_connection_that_breaks_is_resumed_where_it_broke(entry: ModelEntry, hub: Hub, tmp_path: Path) -> None:
    hub.files.pop("config.json")
    hub.files.pop("tokenizer.json")
    hub.cut_after = [1_000_000, 500_000]
    folder = download.install(entry, tmp_path, hub.endpoint)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    ranges = [asked for method, path, asked in hub.log if method == "GET" and path.startswith("/cdn/")]
    starts = [int(asked.removeprefix("bytes=").rstrip("-") or 0) for asked in ranges]
    assert len(starts) == 3
    assert starts[0] == 0
    assert 1_000_000 - (1 << 16) <= starts[1] <= 1_000_000
    assert starts[1] + 500_000 - (1 << 16) <= starts[2] <= starts[1] + 500_000


def test_a_stopped_download_goes_on_in_the_next_attempt(entry: ModelEntry, hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        download.install(entry, tmp_path, hub.endpoint, Watcher(stop_after=1_000_000))
    assert installed(entry, tmp_path) is None
    watcher = Watcher()
    folder = download.install(entry, tmp_path, hub.endpoint, watcher)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert watcher.done == watcher.total
    starts = [int(asked.removeprefix("bytes=").rstrip("-")) for _, path, asked in hub.log if path.startswith("/cdn/") and asked]
    assert starts
    assert starts[0] >= 900_000


def test_a_server_that_ignores_ranges_sends_everything_again(entry: ModelEntry, hub: Hub, tmp_path: Path) -> None:
    hub.cut_after = [10, 2, 1_000_000]
    hub.ignore_range = True
    watcher = Watcher()
    folder = download.install(entry, tmp_path, hub.endpoint, watcher)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert watcher.done == watcher.total


def test_a_damaged_file_is_fetched_once_more_and_then_refused(entry: ModelEntry, hub: Hub, tmp_path: Path) -> None:
    hub.corrupt = 1
    assert (download.install(entry, tmp_path / "a", hub.endpoint) / "config.json").read_bytes() == FILES["config.json"]
    hub.corrupt = 1_000
    with pytest.raises(WeightsInvalid, match="damaged"):
        download.install(entry, tmp_path / "b", hub.endpoint)
    assert installed(entry, tmp_path / "b") is None


def test_a_published_hash_is_held_against_what_the_hub_states(entry: ModelEntry, hub: Hub, tmp_path: Path) -> None:
    assert entry.hub is not None
    good = replace(entry, hub=replace(entry.hub, sha256={"model.safetensors": hashlib.sha256(WEIGHTS).hexdigest()}))
    assert download.install(good, tmp_path / "a", hub.endpoint)
    bad = replace(entry, hub=replace(entry.hub, sha256={"model.safetensors": "0" * 64}))
    with pytest.raises(WeightsInvalid, match="replaced"):
        download.install(bad, tmp_path / "b", hub.endpoint)


@pytest.mark.parametrize(
    ("behaviour", "error", "told"),
    [
        ({"status": 403, "error_code": "GatedRepo"}, WeightsMissing, "accept"),
        ({"status": 401, "error_code": "RepoNotFound"}, SourceUnavailable, "does not have"),
        ({"status": 404, "error_code": "RevisionNotFound"}, SourceUnavailable, "does not have"),
        ({"status": 503}, SourceUnavailable, "status 503"),
        ({"status": 429}, SourceUnavailable, "status 429"),
        ({"rubbish": True}, SourceUnavailable, "does not answer as a model hub"),
        ({"files": {"README.md": b""}}, SourceUnavailable, "none of the weights"),
        ({"stall_seconds": 0.7}, SourceUnavailable, "did not answer"),
        ({"cut_after": [0] * 50}, SourceUnavailable, "cannot be reached"),
    ],
)
def test_bad_answers_are_one_sentence(
    behaviour: dict[str, Any], error: type[LocuscopeError], told: str, entry: ModelEntry, hub: Hub, tmp_path: Path
) -> None:
    for name, value in behaviour.items():
        setattr(hub, name, value)
    with pytest.raises(error, match=told) as caught:
        download.install(entry, tmp_path, hub.endpoint)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert installed(entry, tmp_path) is None


def test_an_endpoint_where_nobody_listens_is_told(entry: ModelEntry, hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="cannot be reached"):
        download.install(entry, tmp_path, "http://127.0.0.1:9")
    with pytest.raises(SourceUnavailable):
        download.install(entry, tmp_path, "not an address")


def test_a_full_disk_is_told_before_the_download(entry: ModelEntry, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1_000_000})())
    with pytest.raises(ResourceExhausted, match="make room"):
        download.install(entry, tmp_path, hub.endpoint)
    assert all(path.startswith("/api/") for _, path, _ in hub.log)


def test_two_callers_download_once(entry: ModelEntry, hub: Hub, tmp_path: Path) -> None:
    folders: list[Path] = []
    threads = [threading.Thread(target=lambda: folders.append(download.install(entry, tmp_path, hub.endpoint))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert folders == [tmp_path / "models" / "gpn"] * 3
    assert sum(path == "/cdn/model.safetensors" for method, path, _ in hub.log if method == "GET") == 1


def test_names_are_chosen_by_pattern_and_never_lead_outside() -> None:
    names = ("a.safetensors", "vocab.txt", "config.json", "../x.json", "sub/c.txt", ".hidden.json", "/etc/d.json", "x\\y.json")
    assert asking.chosen_names(names, ("config.json", "*.json", "*")) == ("config.json", "vocab.txt")
    assert asking.chosen_names(names, ("sub/*.txt",)) == ("sub/c.txt",)
    assert asking.chosen_weights(("b.bin", "a.safetensors"), ("model.safetensors", "a.safetensors", "b.bin")) == "a.safetensors"
    assert asking.chosen_weights(("../a.bin",), ("../a.bin",)) == ""


def test_a_split_checkpoint_is_downloaded_by_its_index(entry: ModelEntry, hub: Hub, tmp_path: Path) -> None:
    parts = {"model-00001-of-00002.safetensors": WEIGHTS[:1_000_000], "model-00002-of-00002.safetensors": WEIGHTS[1_000_000:]}
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    hub.files = {"config.json": b"{}", "model.safetensors.index.json": json.dumps(index).encode(), "model-9.safetensors": b"stray", **parts}
    hub.large = tuple(parts)
    folder = download.install(entry, tmp_path, hub.endpoint)
    assert {path.name for path in folder.iterdir()} == {".installed.json", "config.json", "model.safetensors.index.json", *parts}
    assert b"".join((folder / name).read_bytes() for name in parts) == WEIGHTS


@pytest.mark.parametrize(
    ("index", "told"),
    [
        (b'{"weight_map": {"a": "model-1.safetensors"}}', "names model-1.safetensors, which is not there"),
        (b'{"weight_map": {"a": "../outside.safetensors"}}', "names files outside"),
        (b'{"weight_map": {}}', "has no weight_map"),
        (b"[]", "has no weight_map"),
    ],
)
def test_an_index_that_names_what_cannot_be_is_refused(index: bytes, told: str, entry: ModelEntry, hub: Hub, tmp_path: Path) -> None:
    hub.files = {"config.json": b"{}", "model.safetensors.index.json": index}
    with pytest.raises(WeightsInvalid, match=told):
        download.install(entry, tmp_path, hub.endpoint)


def test_a_file_whose_hash_nobody_here_knows_is_called_unproven(entry: ModelEntry, hub: Hub, tmp_path: Path) -> None:
    assert {file.proof for file in asking.plan(entry, hub.endpoint).files} == {"sha256 unproven"}
    sha256 = hashlib.sha256(WEIGHTS).hexdigest()
    assert entry.hub is not None
    known = replace(entry, hub=replace(entry.hub, sha256={"model.safetensors": sha256}))
    assert asking.plan(known, hub.endpoint).file("model.safetensors").proof == f"sha256 {sha256}"
    told = json.loads((download.install(entry, tmp_path, hub.endpoint) / ".installed.json").read_text())
    assert told["files"]["model.safetensors"]["proof"] == "unproven"


def test_every_downloadable_model_says_size_licence_and_weights() -> None:
    for model_id in model_ids():
        try:
            row = registered(model_id)
        except ModuleNotFoundError:
            continue
        if row.hub is not None:
            assert row.hub.size_bytes > 0, model_id
            assert row.card.licence, model_id
            assert any(name.endswith((".safetensors", ".bin", ".pt")) for name in row.hub.weights), model_id


def test_a_saved_token_goes_to_the_official_hub_only() -> None:
    assert asking.token("https://huggingface.co/") is None
    assert asking.token("http://127.0.0.1:1") is False


def test_a_downloaded_model_answers_through_the_engine_without_the_hub(tiny: Path, tmp_path: Path) -> None:
    checkpoint = tiny / "gpn" / "checkpoint"
    files = {path.name: path.read_bytes() for path in checkpoint.iterdir()}
    settings = Settings(home=tmp_path / "home", device="cpu")
    with serving(Hub("songlab/gpn-brassicales", files, large=("model.safetensors", "pytorch_model.bin"))) as server:
        engine = Engine(replace(settings, hub_endpoint=server.endpoint))
        assert not engine.model("gpn").installed
        folder = engine.install("gpn")
        assert sorted(path.name for path in folder.iterdir()) == [
            ".installed.json",
            "config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json",
        ]
    later = Engine(settings)
    assert later.model("gpn").installed
    result = later.run(Request("probabilities", NucleotideSequence("ACGTACGTAC"), "gpn"))
    direct = adapter.load(checkpoint, LoadOptions())
    reference = direct.prepare(NucleotideSequence("ACGTACGTAC"))
    with torch.inference_mode():
        expected = torch.softmax(direct.base_logits(reference, reference.ids[None])[0], dim=-1).numpy()
    assert abs(result.values - expected).max() < 1e-6


def test_downloads_switched_off_for_the_client_are_told(
    entry: ModelEntry, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(SourceUnavailable, match="HF_HUB_OFFLINE"):
        download.install(entry, tmp_path, hub.endpoint)
    assert not hub.log
