"""Checkpoint folders of one installation: named in the settings, downloaded, installed from a folder, or copied into the home by hand."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.core.errors import LocuscopeError, ParameterError, ResourceExhausted
from engine.core.progress import Monitor, SilentMonitor
from engine.models.checkpoints.evidence import find_weights, weight_files
from engine.models.entry import ModelEntry

MANIFEST = ".installed.json"
"""Names, sizes and hashes of the files that were put into a folder; written last."""


def folder_of(entry: ModelEntry, home: Path) -> Path:
    """Where an installed model lies."""
    return home / "models" / entry.card.id


def installed(entry: ModelEntry, home: Path) -> Path | None:
    """The model's folder: every file of its manifest there in its full size, or, without a manifest, weights copied there by hand.

    Contacts nobody.
    """
    folder = folder_of(entry, home)
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except OSError:
        return _by_hand(entry, folder)
    try:
        files = json.loads(text)["files"]
        whole = all((folder / str(name)).stat().st_size == int(told["size_bytes"]) for name, told in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return folder if whole and files else None


def _by_hand(entry: ModelEntry, folder: Path) -> Path | None:
    try:
        find_weights(folder, entry.weights)
    except LocuscopeError:
        return None
    return folder


def named_folders(text: str) -> dict[str, Path]:
    """Model id → folder of the setting ``ID=DIR,ID=DIR``. Raises `ParameterError`."""
    found: dict[str, Path] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, sign, path = (part.strip() for part in item.partition("="))
        if not sign or not name or not path:
            raise ParameterError(f"LOCUSCOPE_WEIGHTS has {item[:80]!r}; write ID=DIR, separated by commas, e.g. nt-v2=/data/nt-v2.")
        found[name] = Path(path).expanduser()
    return found


def install_folder(entry: ModelEntry, source: Path, home: Path, monitor: Monitor | None = None) -> Path:
    """Put the files of a checked folder under ``home``, linked where the disk allows it, else copied; the folder they now lie in.

    Raises `ParameterError` when the model is there already, `WeightsMissing` without weights, `ResourceExhausted` when the disk refuses.
    """
    watcher = monitor or SilentMonitor()
    with alone(entry, home, watcher):
        folder = folder_of(entry, home)
        if installed(entry, home) is not None:
            raise ParameterError(f"{entry.card.title} is installed in {folder}; remove that folder first to install another one.")
        weights = set(weight_files(source, entry.weights)) | {find_weights(source, entry.weights)}
        files = [path for path in sorted(source.iterdir()) if path in weights or _is_beside(path)]
        incoming = home / "models" / ".incoming" / entry.card.id / "folder"
        try:
            shutil.rmtree(incoming, ignore_errors=True)
            incoming.mkdir(parents=True)
            watcher.start(sum(path.stat().st_size for path in files), "bytes")
            for path in files:
                _bring(path, incoming / path.name)
                watcher.advance(path.stat().st_size)
            told = {path.name: {"size_bytes": path.stat().st_size} for path in files}
            return put_in_place({"from": str(source.resolve()), "files": told}, incoming, folder)
        except OSError as error:
            raise ResourceExhausted(
                f"Cannot write to {home} ({error.strerror}); make room or set LOCUSCOPE_HOME to another disk."
            ) from error


def _is_beside(path: Path) -> bool:
    return (
        path.is_file()
        and path.suffix in (".json", ".txt", ".csv")
        and not path.name.startswith(".")
        and not path.name.endswith(".index.json")
    )


def _bring(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copy2(source, target)


def put_in_place(manifest: dict[str, Any], incoming: Path, folder: Path) -> Path:
    """Make ``incoming`` the folder of a model in one move; what was there before, incomplete, is removed."""
    for leftover in incoming.rglob("*.part"):
        leftover.unlink()
    (incoming / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    incoming.replace(folder)
    shutil.rmtree(incoming.parent, ignore_errors=True)
    return folder


@contextlib.contextmanager
def alone(entry: ModelEntry, home: Path, monitor: Monitor) -> Iterator[None]:
    """Hold the lock of this model's installation across threads and processes; stays cancellable while waiting."""
    from filelock import FileLock, Timeout

    path = home / "models" / f".{entry.card.id}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceExhausted(
            f"Cannot write to {home} ({error.strerror}); set LOCUSCOPE_HOME to a folder that can be written."
        ) from error
    lock = FileLock(path)
    while True:
        try:
            lock.acquire(timeout=0.2)
            break
        except Timeout:
            monitor.advance(0)
    try:
        yield
    finally:
        lock.release()
