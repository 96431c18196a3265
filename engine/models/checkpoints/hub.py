"""Downloading published weights: only the needed files, resumable, verified, then usable without a network.

A model's folder appears under ``home/models`` in one move when every file is there and its hash is right; until then everything lies in
``home/models/.incoming``, where an interrupted download goes on. Hosts contacted: the endpoint of the settings, and where it redirects.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from engine.core.errors import ResourceExhausted, SourceUnavailable, WeightsInvalid, WeightsMissing
from engine.core.progress import Monitor, SilentMonitor
from engine.models.entry import HubFiles, ModelEntry

logger = logging.getLogger(__name__)

OFFICIAL_ENDPOINT = "https://huggingface.co"
MANIFEST = ".installed.json"
"""Names, sizes and hashes of a downloaded folder; written last."""

_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
_ANSWER_SECONDS = 20.0
_RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0)
_CHUNK_BYTES = 1 << 20
_PARTIAL = 206
_SPARE_BYTES = 200_000_000


@dataclass(frozen=True)
class RemoteFile:
    """One file to download: name in the repository, size, and the sha256 the publisher states (empty for small text files)."""

    name: str
    size_bytes: int
    sha256: str = ""


@dataclass(frozen=True)
class Plan:
    """What a download would bring: shown before it starts."""

    repository: str
    commit: str
    licence: str
    files: tuple[RemoteFile, ...]

    @property
    def size_bytes(self) -> int:
        """Sum of the files."""
        return sum(file.size_bytes for file in self.files)


def folder_of(entry: ModelEntry, home: Path) -> Path:
    """Where a downloaded model lies."""
    return home / "models" / entry.card.id


def installed(entry: ModelEntry, home: Path) -> Path | None:
    """The model's folder when every downloaded file is there in its full size; contacts nobody."""
    folder = folder_of(entry, home)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = manifest["files"]
        whole = all((folder / str(name)).stat().st_size == int(told["size_bytes"]) for name, told in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return folder if whole and files else None


def plan(entry: ModelEntry, endpoint: str) -> Plan:
    """Ask the hub for the files, their sizes and the licence.

    Raises
    ------
    WeightsMissing
        The model has no public download, or its publisher wants terms accepted first.
    SourceUnavailable
        The hub cannot be reached, is too slow, or answers something that is not the hub's protocol.
    """
    hub = _download_of(entry)
    with _translated(entry, endpoint):
        info = _api(endpoint).model_info(hub.repository, revision=hub.revision, files_metadata=True, timeout=_ANSWER_SECONDS)
        listed = {str(item.rfilename): item for item in info.siblings or ()}
        files = tuple(_remote(listed[name], hub) for name in chosen_names(tuple(listed), hub.patterns))
        commit, licence = str(info.sha or ""), _licence(info)
    if not re.fullmatch(r"[0-9a-f]{7,64}", commit):
        raise SourceUnavailable(f"The hub at {endpoint} names no commit for {hub.repository}; it is not a model hub, check the endpoint.")
    if not any(file.name.endswith(_WEIGHT_SUFFIXES) for file in files):
        raise SourceUnavailable(
            f"{hub.repository} at {endpoint} has none of the weights {entry.card.title} needs ({', '.join(hub.patterns)})."
        )
    return Plan(hub.repository, commit, licence, files)


def chosen_names(names: tuple[str, ...], patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Names that fit the patterns; of several weight patterns only the first that fits anything. Names in sub-folders need a pattern with /."""
    found: dict[str, None] = {}
    have_weights = False
    for pattern in patterns:
        is_weights = pattern.endswith(_WEIGHT_SUFFIXES)
        if is_weights and have_weights:
            continue
        fitting = [
            name for name in sorted(names) if fnmatchcase(name, pattern) and name.count("/") == pattern.count("/") and _is_safe(name)
        ]
        found.update(dict.fromkeys(fitting))
        have_weights = have_weights or (is_weights and bool(fitting))
    return tuple(found)


def _is_safe(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and not any(part in ("..", "") or part.startswith(".") for part in path.parts) and "\\" not in name


def install(entry: ModelEntry, home: Path, endpoint: str, monitor: Monitor | None = None) -> Path:
    """Download a model unless it is there, and return its folder; progress in bytes through ``monitor``.

    A second caller, also in another process, waits for the first. Raises as `plan`, and

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
    with _alone(entry, home, watcher):
        ready = installed(entry, home)
        if ready is not None:
            return ready
        wanted = plan(entry, endpoint)
        incoming = home / "models" / ".incoming" / entry.card.id / wanted.commit
        with _translated(entry, endpoint):
            incoming.mkdir(parents=True, exist_ok=True)
        _check_room(wanted, incoming)
        watcher.start(wanted.size_bytes, "bytes")
        for file in wanted.files:
            _obtain(entry, endpoint, wanted, file, incoming, watcher)
        with _translated(entry, endpoint):
            return _put_in_place(wanted, incoming, folder_of(entry, home))


@contextlib.contextmanager
def _alone(entry: ModelEntry, home: Path, monitor: Monitor) -> Iterator[None]:
    """Hold the lock of this model's download across threads and processes; stays cancellable while waiting."""
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


def _download_of(entry: ModelEntry) -> HubFiles:
    if entry.hub is None:
        raise WeightsMissing(f"{entry.card.title} has no public download; name a folder with its files by --weights.")
    return entry.hub


def _api(endpoint: str) -> Any:
    from huggingface_hub import HfApi, constants

    constants.HF_HUB_DISABLE_TELEMETRY = True  # else the client asks huggingface.co for a list, whatever the endpoint is
    return HfApi(endpoint=endpoint.rstrip("/"), token=_token(endpoint), library_name="locuscope")


def _token(endpoint: str) -> bool | None:
    """The user's saved token goes to the official hub only."""
    return None if endpoint.rstrip("/") == OFFICIAL_ENDPOINT else False


def _remote(item: Any, hub: HubFiles) -> RemoteFile:
    lfs = item.lfs
    published = hub.sha256.get(item.rfilename, "")
    stated = str(lfs.sha256) if lfs is not None else ""
    if published and stated and published != stated:
        raise WeightsInvalid(
            f"{item.rfilename} of {hub.repository} is not the published file (sha256 {stated[:12]}…, published {published[:12]}…); "
            "it was replaced, do not use it."
        )
    return RemoteFile(str(item.rfilename), int(item.size if item.size is not None else lfs.size), published or stated)


def _licence(info: Any) -> str:
    data = getattr(info, "card_data", None)
    stated = data.get("license") if data is not None else None
    tagged = [tag.removeprefix("license:") for tag in (info.tags or ()) if tag.startswith("license:")]
    return str(stated or (tagged[0] if tagged else ""))


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
    with _translated(entry, endpoint):
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
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(wanted.repository, file.name, revision=wanted.commit, endpoint=endpoint.rstrip("/"))
    failures = 0
    while True:
        before = _size(part)
        try:
            told = get_hf_file_metadata(url, token=_token(endpoint), timeout=_ANSWER_SECONDS, library_name="locuscope")
            _append(told.location, url, file, part, progress, endpoint)
            if _size(part) >= file.size_bytes:
                return str(told.etag or "")
            raise httpx2.RemoteProtocolError("the answer ended early")
        except httpx2.TransportError as error:
            failures = 0 if _size(part) > before else failures + 1
            if failures >= len(_RETRY_SECONDS):
                raise
            logger.warning("%s interrupted at %d bytes (%s); going on", file.name, _size(part), type(error).__name__)
            time.sleep(_RETRY_SECONDS[failures])


def _append(location: str, url: str, file: RemoteFile, part: Path, progress: _Progress, endpoint: str) -> None:
    """One GET from where ``part`` ends; a server that ignores the range starts the file anew."""
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    have = _size(part)
    if have > file.size_bytes:
        part.unlink()
        have = 0
    progress.reach(have)
    if have == file.size_bytes:
        part.touch()
        return
    headers = build_hf_headers(token=_token(endpoint), library_name="locuscope")
    headers["Accept-Encoding"] = "identity"
    if _host(location) != _host(url):
        headers.pop("authorization", None)
    if have:
        headers["Range"] = f"bytes={have}-"
    with get_session().stream("GET", location, headers=headers, timeout=_ANSWER_SECONDS) as answer:
        hf_raise_for_status(answer)
        with part.open("ab" if have and answer.status_code == _PARTIAL else "wb") as stream:
            for chunk in answer.iter_bytes(_CHUNK_BYTES):
                stream.write(chunk)
                progress.reach(min(stream.tell(), file.size_bytes))
                if stream.tell() > file.size_bytes:
                    break


def _host(url: str) -> str:
    from urllib.parse import urlsplit

    return urlsplit(url).netloc


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


def _put_in_place(wanted: Plan, incoming: Path, folder: Path) -> Path:
    manifest = {
        "repository": wanted.repository,
        "commit": wanted.commit,
        "licence": wanted.licence,
        "files": {
            file.name: {"size_bytes": file.size_bytes, "sha256": _digest(incoming / file.name, hashlib.sha256())} for file in wanted.files
        },
    }
    for leftover in incoming.rglob("*.part"):
        leftover.unlink()
    (incoming / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    incoming.replace(folder)
    shutil.rmtree(incoming.parent, ignore_errors=True)
    return folder


@contextlib.contextmanager
def _translated(entry: ModelEntry, endpoint: str) -> Iterator[None]:
    """Foreign errors of the hub's client, the network and the disk as one sentence."""
    import httpx2
    from huggingface_hub import errors

    title, repository = entry.card.title, _download_of(entry).repository
    try:
        yield
    except errors.GatedRepoError as error:
        raise WeightsMissing(
            f"The publisher of {title} asks to accept terms first: open {endpoint.rstrip('/')}/{repository}, accept them, log in with "
            "'hf auth login' and install again."
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError) as error:
        raise SourceUnavailable(
            f"The hub at {endpoint} does not have {repository} or one of its files, or it is private; check the endpoint setting."
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise SourceUnavailable(f"Downloads are switched off (HF_HUB_OFFLINE); unset it to install {title}.") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        raise SourceUnavailable(
            f"The hub at {endpoint} answers with status {status}; try again later, what has arrived is kept."
        ) from error
    except httpx2.TimeoutException as error:
        raise SourceUnavailable(
            f"The hub at {endpoint} did not answer within {_ANSWER_SECONDS:.0f} seconds; try again later, what has arrived is kept."
        ) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise SourceUnavailable(
            f"The hub at {endpoint} cannot be reached ({type(error).__name__}); check the network and the endpoint setting, what has arrived is kept."
        ) from error
    except OSError as error:
        raise ResourceExhausted(f"Cannot write the download ({error.strerror or type(error).__name__}); make room on the disk.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceUnavailable(f"{endpoint} does not answer as a model hub does; check the endpoint setting.") from error
