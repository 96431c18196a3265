"""Files of visitors on the disk: in a folder of their own each, bounded together, gone when nobody holds them any more."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import uuid
import weakref
from pathlib import Path

import filelock

from engine.core.errors import ResourceExhausted
from engine.core.settings import Settings

_SHARE = 4
"""Part of the setting ``disk_bytes`` that visitors' files may take together: one in so many."""

UNFINISHED = "unfinished"
"""Where rows of triages lie that may go on (`engine.service.triage_stream`)."""

_LOCK = ".lock"
_PATIENCE_SECONDS = 1.0
"""Another process that sweeps may have the new lock for a moment."""

_lock = threading.Lock()


def bound_bytes(settings: Settings) -> int:
    """How many bytes visitors' files may take together; stored results have the rest of the setting ``disk_bytes``."""
    return settings.disk_bytes // _SHARE


def folder_of(settings: Settings) -> Path:
    """Where visitors' files lie."""
    return settings.home / "visitors"


def held_bytes(settings: Settings) -> int:
    """Bytes of all visitors' files, those of other processes of this installation too."""
    total = 0
    for folder, _, names in os.walk(folder_of(settings)):
        for name in names:
            try:
                total += (Path(folder) / name).stat().st_size
            except OSError:  # just deleted by its owner
                continue
    return total


class VisitorFolder:
    """A folder for one visitor's files; it goes with `close`, when this object goes, and when the process ends.

    A lock beside it is held as long as it is wanted. The number of a process would not do: servers in containers of their own share this place
    and know nothing of each other's processes, and one that was started again often has the number of the one before.

    Raises
    ------
    ResourceExhausted
        Visitors' files take their share of the disk already, or the disk cannot be written.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        root = folder_of(settings)
        try:
            with _lock:
                root.mkdir(parents=True, exist_ok=True)
                _sweep(root)
                self.path = root / uuid.uuid4().hex
                lock = _lock_of(self.path)
                try:
                    lock.acquire(timeout=_PATIENCE_SECONDS)
                    self.path.mkdir(mode=0o700)
                except OSError:
                    _delete(self.path, lock)
                    raise
        except OSError as error:
            raise ResourceExhausted(
                f"Files of visitors cannot be written here ({error.strerror}); tell whoever runs this server."
            ) from error
        self._finalizer = weakref.finalize(self, _delete, self.path, lock)

    def write(self, name: str, data: bytes) -> Path:
        """A file with these bytes; ``name`` is ours, never the visitor's."""
        bound = bound_bytes(self._settings)
        if held_bytes(self._settings) + len(data) > bound:
            raise ResourceExhausted(
                f"Files of visitors take {bound:,} bytes here already, the limit; try again later or give a smaller file."
            )
        path = self.path / name
        try:
            path.write_bytes(data)
        except OSError as error:
            raise ResourceExhausted(f"The file cannot be kept here ({error.strerror}); try again later or give a smaller file.") from error
        return path

    def close(self) -> None:
        """Delete it now."""
        self._finalizer()


def _sweep(root: Path) -> None:
    """Delete what processes left that have ended without a word: folders, and locks that have none."""
    left = {item.with_suffix("") if item.suffix == _LOCK else item for item in root.iterdir() if item.is_dir() or item.suffix == _LOCK}
    for folder in left:
        if folder.name != UNFINISHED:
            lock = _lock_of(folder)
            with contextlib.suppress(filelock.Timeout, OSError):
                lock.acquire(blocking=False)
                _delete(folder, lock)


def _lock_of(folder: Path) -> filelock.FileLock:
    return filelock.FileLock(folder.with_name(folder.name + _LOCK), thread_local=False)


def _delete(folder: Path, lock: filelock.FileLock) -> None:
    """Delete a folder whose lock is held, and the lock."""
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()
