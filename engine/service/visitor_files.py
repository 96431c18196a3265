"""Files of visitors on the disk: in a folder of their own each, bounded together, gone when nobody holds them any more."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import weakref
from pathlib import Path

from engine.core.errors import ResourceExhausted
from engine.core.settings import Settings

_SHARE = 4
"""Part of the setting ``disk_bytes`` that visitors' files may take together: one in so many."""

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
                self.path = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=root))
        except OSError as error:
            raise ResourceExhausted(
                f"Files of visitors cannot be written here ({error.strerror}); tell whoever runs this server."
            ) from error
        self._finalizer = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

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
    """Delete what processes left that have ended without a word."""
    for folder in root.iterdir():
        owner = folder.name.partition("-")[0]
        if owner.isdigit() and not _is_alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
