"""One folder of files that several processes share: written whole or not at all, bounded in bytes, least recently used leave first."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import filelock
import numpy as np

logger = logging.getLogger(__name__)

SUFFIX = ".npz"
_STALE_SECONDS = 3600.0
_FEW = 20
"""Fewer files than these are trimmed to the bound itself, more of them to a twentieth below it, so that looking through them is rare."""


class Folder:
    """Archives of arrays by name.

    What lies there is looked through by a thread of its own, at the first write and whenever this process has written a fourth of what there
    was room for; a write itself looks at no other file.

    Parameters
    ----------
    path : Path
        Made when it is not there.
    bound : int
        Bytes of all archives.
    """

    def __init__(self, path: Path, bound: int) -> None:
        self.path = path
        self._bound = bound
        self._room = 0
        self._written = 0
        self._found: int | None = None
        self._looking: threading.Thread | None = None
        self._lock = threading.Lock()

    def read(self, name: str) -> dict[str, Any]:
        """Arrays of an archive. Raises `FileNotFoundError`, and whatever else a damaged file leads to."""
        place = self._file(name)
        with place.open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
            arrays = {item: archive[item] for item in archive.files}
        with contextlib.suppress(OSError):
            os.utime(place)
        return arrays

    def write(self, name: str, arrays: dict[str, Any]) -> None:
        """Replace an archive. A folder that cannot be written is a line in the log."""
        temporary = None
        try:
            with tempfile.NamedTemporaryFile(dir=self.path, prefix="new-", suffix=".part", delete=False) as handle:
                temporary = Path(handle.name)
                np.savez(handle, allow_pickle=False, **arrays)
                size = handle.tell()
            temporary.replace(self._file(name))
        except OSError as error:
            logger.warning("a result could not be kept on disk: %s", error.strerror)
            if temporary is not None:
                temporary.unlink(missing_ok=True)
            return
        self._note(size)

    def remove(self, name: str) -> None:
        """Remove an archive, if it is there."""
        with contextlib.suppress(OSError):
            self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self.path / f"{name}{SUFFIX}"

    # ---- several processes --------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def claim(self, name: str, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold ``name`` among all processes that share the folder.

        ``waiting`` is called every tenth of a second while another process has it; it may raise to give up. Where the folder has gone
        and cannot be made again, nobody is waited for.
        """
        lock = filelock.FileLock(self.path / f"{name}.lock", thread_local=False) if writable(self.path) else None
        while lock is not None and not lock.is_locked:
            try:
                lock.acquire(blocking=False)
            except filelock.Timeout:
                waiting()
                time.sleep(0.1)
            except OSError as error:
                logger.warning("a result is computed without asking other processes: %s", error.strerror)
                lock = None
        try:
            yield
        finally:
            if lock is not None:
                lock.release()

    # ---- the bound ----------------------------------------------------------------------------------------------------------

    @property
    def held_bytes(self) -> int:
        """Bytes of all archives: those that were there when the folder was looked through last, and what was written since."""
        if self._found is None:
            self._found = self._trimmed()
        with self._lock:
            return self._found + self._written

    def settle(self) -> None:
        """Wait until nobody looks through the folder."""
        with self._lock:
            looking = self._looking
        if looking is not None:
            looking.join()

    def _note(self, size: int) -> None:
        with self._lock:
            self._written += size
            if self._looking is not None or self._written <= self._room // 4:
                return
            self._looking = threading.Thread(target=self._look, name="results-trim")
            self._looking.start()

    def _look(self) -> None:
        while True:
            with self._lock:
                self._written = 0
            try:
                self._found = self._trimmed()
                room = self._bound - self._found
            except OSError as error:
                logger.warning("stored results could not be looked through: %s", error.strerror)
                room = self._bound
            with self._lock:
                self._room = max(room, 0)
                if self._written <= self._room // 4:
                    self._looking = None
                    return

    def _trimmed(self) -> int:
        """Remove the least recently used files above the bound, and what a crashed process left half written; bytes that are left."""
        found: list[tuple[float, int, Path]] = []
        now = time.time()
        for item in os.scandir(self.path):
            with contextlib.suppress(FileNotFoundError):
                status = item.stat(follow_symlinks=False)
                if item.name.endswith(SUFFIX):
                    found.append((status.st_mtime, status.st_size, Path(item.path)))
                elif now - status.st_mtime > _STALE_SECONDS:
                    _remove_stale(Path(item.path))
        total = sum(size for _, size, _ in found)
        if total <= self._bound:
            return total
        wanted = self._bound if len(found) < _FEW else self._bound - self._bound // 20
        for _, size, path in sorted(found):
            if total <= wanted:
                break
            path.unlink(missing_ok=True)
            total -= size
        return total


def _remove_stale(path: Path) -> None:
    """Remove an old temporary file, or an old lock file that nobody holds."""
    if path.suffix == ".part":
        path.unlink(missing_ok=True)
    elif path.suffix == ".lock":
        lock = filelock.FileLock(path, thread_local=False)
        with contextlib.suppress(filelock.Timeout), lock.acquire(blocking=False):
            path.unlink(missing_ok=True)


def writable(folder: Path) -> bool:
    """Whether files can be made in ``folder``, which is made first; if not, the log says why."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError as error:
        logger.warning("results are kept in memory only, %s cannot be written: %s", folder, error.strerror)
        return False
