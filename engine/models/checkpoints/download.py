"""Downloading published weights: only the needed files, resumable, verified, then usable without a network.

A model's folder appears under ``home/models`` in one move when every file is there and its hash is right; until then everything lies in
``home/models/.incoming``, where an interrupted download goes on.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import time
from pathlib import Path
from typing import Any

from engine.core.errors import ResourceExhausted, WeightsInvalid
from engine.core.progress import Monitor, SilentMonitor
from engine.models.checkpoints import hub
from engine.models.checkpoints.hub import Plan, RemoteFile, translated
from engine.models.checkpoints.installed import alone, folder_of, installed, put_in_place
from engine.models.entry import ModelEntry

logger = logging.getLogger(__name__)

RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0)
_CHUNK_BYTES = 1 << 20
_SPARE_BYTES = 200_000_000


def install(entry: ModelEntry, home: Path, endpoint: str, monitor: Monitor | None = None) -> Path:
    """Download a model unless it is there, and return its folder; progress in bytes through ``monitor``.

    A second caller, also in another process, waits for the first. Raises as `engine.models.checkpoints.hub.plan`, and

    Raises
    ------
    WeightsInvalid
        A file is not what its publisher states, also after a second download.
    ResourceExhausted
        The disk has too little room.
    Cancelled
        Through ``monitor.advance``; what has arrived is kept for the next attempt.
    """
    watcher = monitor or SilentMonitor()
    with alone(entry, home, watcher):
        ready = installed(entry, home)
        if ready is not None:
            return ready
        wanted = hub.plan(entry, endpoint)
        incoming = home / "models" / ".incoming" / entry.card.id / wanted.commit
        with translated(entry, endpoint):
            incoming.mkdir(parents=True, exist_ok=True)
        _check_room(wanted, incoming)
        watcher.start(wanted.size_bytes, "bytes")
        for file in wanted.files:
            _obtain(entry, endpoint, wanted, file, incoming, watcher)
        with translated(entry, endpoint):
            return put_in_place(_manifest(wanted, incoming), incoming, folder_of(entry, home))


def _manifest(wanted: Plan, incoming: Path) -> dict[str, Any]:
    hashes = {file.name: _digest(incoming / file.name, hashlib.sha256()) for file in wanted.files}
    return {
        "repository": wanted.repository,
        "commit": wanted.commit,
        "licence": wanted.licence,
        "files": {
            file.name: {"size_bytes": file.size_bytes, "sha256": hashes[file.name], "proof": file.proof if file.expected else "unproven"}
            for file in wanted.files
        },
    }


def _check_room(wanted: Plan, incoming: Path) -> None:
    have = sum(path.stat().st_size for path in incoming.iterdir() if path.is_file())
    free = shutil.disk_usage(incoming).free
    if wanted.size_bytes - have + _SPARE_BYTES > free:
        raise ResourceExhausted(
            f"The download needs {wanted.size_bytes - have:,} bytes but the disk of {incoming.parent.parent.parent} has {free:,} free; "
            "make room or set LOCUSCOPE_HOME to another disk."
        )


def _obtain(entry: ModelEntry, endpoint: str, wanted: Plan, file: RemoteFile, incoming: Path, monitor: Monitor) -> None:
    """Bring one file, verified, to its name in ``incoming``; a file with a wrong hash is fetched once more from the beginning."""
    target, part = incoming / file.name, incoming / f"{file.name}.part"
    if target.is_file() and target.stat().st_size == file.size_bytes:
        monitor.advance(file.size_bytes)
        return
    with translated(entry, endpoint):
        target.parent.mkdir(parents=True, exist_ok=True)
        progress = _Progress(monitor)
        for _ in range(2):
            etag = _stream(endpoint, wanted, file, part, progress)
            if _is_right(part, file, etag):
                part.replace(target)
                progress.reach(file.size_bytes)
                return
            logger.warning("%s has a wrong hash; it is downloaded again", file.name)
            part.unlink()
    raise WeightsInvalid(
        f"{file.name} of {wanted.repository} arrives damaged from {endpoint}: its hash is not the one stated; try again later or another mirror."
    )


class _Progress:
    """Reports bytes once, also when a server starts a file anew."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor, self._reported = monitor, 0

    def reach(self, done: int) -> None:
        """``done`` bytes of the file are here."""
        more = max(0, done - self._reported)
        self._reported += more
        self._monitor.advance(more)


def _stream(endpoint: str, wanted: Plan, file: RemoteFile, part: Path, progress: _Progress) -> str:
    """Append to ``part`` until it has the file's size; resumes, and retries while the network fails. Returns the file's etag."""
    import httpx2

    url = hub.address(wanted.repository, file.name, wanted.commit, endpoint)
    failures = 0
    while True:
        before = _size(part)
        try:
            place, etag = hub.location(url, endpoint)
            _append(place, url, file, part, progress, endpoint)
            if _size(part) >= file.size_bytes:
                return etag
            raise httpx2.RemoteProtocolError("the answer ended early")
        except httpx2.TransportError as error:
            failures = 0 if _size(part) > before else failures + 1
            if failures >= len(RETRY_SECONDS):
                raise
            logger.warning("%s interrupted at %d bytes (%s); going on", file.name, _size(part), type(error).__name__)
            time.sleep(RETRY_SECONDS[failures])


def _append(place: str, url: str, file: RemoteFile, part: Path, progress: _Progress, endpoint: str) -> None:
    """One GET from where ``part`` ends; a server that ignores the range starts the file anew."""
    have = _size(part)
    if have > file.size_bytes:
        part.unlink()
        have = 0
    progress.reach(have)
    if have == file.size_bytes:
        part.touch()
        return
    with (
        hub.opened(place, url, endpoint, f"{have}-" if have else "") as answer,
        part.open("ab" if have and answer.status_code == hub.PARTIAL else "wb") as stream,
    ):
        for chunk in answer.iter_bytes(_CHUNK_BYTES):
            stream.write(chunk)
            progress.reach(min(stream.tell(), file.size_bytes))
            if stream.tell() > file.size_bytes:
                break


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _is_right(path: Path, file: RemoteFile, etag: str) -> bool:
    """Whether size and hash are as stated: sha256, else the etag (sha256, or git's sha1 of small files)."""
    if _size(path) != file.size_bytes:
        return False
    expected = file.sha256 or etag
    if re.fullmatch(r"[0-9a-f]{64}", expected):
        return _digest(path, hashlib.sha256()) == expected
    if re.fullmatch(r"[0-9a-f]{40}", expected):
        return _digest(path, hashlib.sha1(b"blob %d\0" % file.size_bytes, usedforsecurity=False)) == expected
    return True


def _digest(path: Path, digest: Any) -> str:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return str(digest.hexdigest())
