"""Weights inside a package of the Python index: fetched by pip from a local index, verified, unpacked; nothing else happens."""

from __future__ import annotations

import functools
import hashlib
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import Cancelled, SourceUnavailable, WeightsInvalid
from engine.core.progress import SilentMonitor
from engine.core.settings import Settings
from engine.models.checkpoints import installed, package
from engine.models.entry import ModelEntry
from engine.models.registry import entry
from engine.service.engine import Engine
from tests.models.splice.tiny_graph import networks, wheel, write_graph

NAME = "cispliceai-1.2.2-py3-none-any.whl"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package index in a folder; the package's file lies in ``packages``."""
    root = tmp_path / "index"
    (root / "simple/cispliceai").mkdir(parents=True)
    (root / "packages").mkdir()
    (root / "simple/cispliceai/index.html").write_text(f'<!DOCTYPE html><html><body><a href="/packages/{NAME}">{NAME}</a></body></html>')
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_address[1]}/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    yield root
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def published(index: Path, tmp_path: Path) -> ModelEntry:
    """The registry row with the hash of a small package that the index has."""
    data = wheel(write_graph(tmp_path / "tiny.pb", networks()))
    (index / "packages" / NAME).write_bytes(data)
    row = entry("cispliceai")
    assert row.package is not None
    return replace(row, package=replace(row.package, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data)))


class Counting(SilentMonitor):
    def __init__(self) -> None:
        self.total = self.done = 0

    def start(self, total: int, unit: str = "model runs") -> None:
        self.total = total

    def advance(self, done: int) -> None:
        self.done += done


def install(row: ModelEntry, home: Path, monitor: Any = None) -> Path:
    assert row.package is not None
    return package.install(row, row.package, home, monitor)


def test_the_package_becomes_the_models_folder_and_is_fetched_once(published: ModelEntry, tmp_path: Path, index: Path) -> None:
    home, watched = tmp_path / "home", Counting()
    folder = install(published, home, watched)
    assert folder == home / "models" / "cispliceai" == installed.installed(published, home)
    manifest = json.loads((folder / ".installed.json").read_text())
    assert (manifest["package"], manifest["version"], manifest["licence"]) == ("cispliceai", "1.2.2", "CC BY 4.0")
    assert set(manifest["files"]) == {"LICENSE", "config.json", "grch37.csv", "grch38.csv", "model.safetensors"}
    assert watched.done == watched.total == len((index / "packages" / NAME).read_bytes())
    assert not (home / "models/.incoming/cispliceai").exists()
    (index / "packages" / NAME).unlink()
    assert install(published, home) == folder


def test_a_package_with_another_hash_is_refused_and_leaves_nothing(published: ModelEntry, tmp_path: Path) -> None:
    assert published.package is not None
    wrong = replace(published, package=replace(published.package, sha256="0" * 64))
    with pytest.raises(WeightsInvalid, match="not the published one"):
        install(wrong, tmp_path / "home")
    assert not [path for path in (tmp_path / "home" / "models").rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_wheel_in_a_folder_is_taken_without_asking_the_index(
    published: ModelEntry, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert published.package is not None
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    here = tmp_path / "here"
    here.mkdir()
    assert package.wheel_in(here, published.package) is None
    (here / NAME).write_bytes((index / "packages" / NAME).read_bytes())
    folder = package.install(published, published.package, tmp_path / "home", None, here)
    assert (folder / "model.safetensors").is_file()
    (here / NAME).write_bytes(b"another")
    with pytest.raises(WeightsInvalid, match="not the published one"):
        package.install(published, published.package, tmp_path / "other", None, here)


def test_an_index_without_it_or_a_dead_one_is_one_sentence(
    published: ModelEntry, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (index / "simple/cispliceai/index.html").write_text("<html></html>")
    with pytest.raises(SourceUnavailable, match="could not be fetched from the Python package index") as caught:
        install(published, tmp_path / "home")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(SourceUnavailable, match="check the network"):
        install(published, tmp_path / "home")


def test_a_python_without_pip_says_how_to_get_it(published: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho 'python: No module named pip' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    with pytest.raises(SourceUnavailable, match="ensurepip"):
        install(published, tmp_path / "home")


def test_a_stop_ends_pip_and_leaves_nothing(published: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "python"
    fake.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))

    class Stop(SilentMonitor):
        def advance(self, done: int) -> None:
            if (tmp_path / "pid").exists():
                raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        install(published, tmp_path / "home", Stop())
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()
    assert not (tmp_path / "home/models/.incoming/cispliceai").exists()


def test_the_engine_installs_it_and_then_says_that_it_is_there(
    published: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Rows:
        def model_ids(self) -> tuple[str, ...]:
            return ("cispliceai",)

        def entry(self, model_id: str) -> ModelEntry:
            return published

    engine = Engine(Settings(home=tmp_path / "home"), Rows())
    before = engine.model("cispliceai")
    assert (before.installed, before.size_bytes) == (False, published.package.size_bytes if published.package else 0)
    with pytest.raises(SourceUnavailable, match="offline"):
        Engine(Settings(home=tmp_path / "home", offline=True), Rows()).install("cispliceai")
    engine.install("cispliceai")
    assert engine.model("cispliceai").installed
    assert len(engine.fingerprint("cispliceai")) == 64


def test_the_row_names_the_published_file() -> None:
    row = entry("cispliceai")
    assert row.package is not None
    assert row.download is row.package
    assert len(row.package.sha256) == 64
    assert row.package.size_bytes == 16_996_547
    assert (row.package.package, row.package.version) == ("cispliceai", row.card.revision)
