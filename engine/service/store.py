"""Results by content: memory first, then disk; bounded, atomic, without pickle, shared by several processes.

A result's key is a hash of everything that decides its numbers; the letters of the sequence are not written to disk, whoever
asks again has them. One file a result: an npz of its arrays plus one JSON text.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import threading
import time
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from engine.analyses.declared import analyses
from engine.core.card import Capability, ModelCard
from engine.core.errors import LocuscopeError
from engine.core.provenance import Provenance
from engine.core.sequence import Alphabet, NucleotideSequence

logger = logging.getLogger(__name__)

FORMAT = 2
"""Version of the files; another version is not read."""

_STALE_SECONDS = 3600.0


def content_key(parts: dict[str, Any]) -> str:
    """Hexadecimal sha256 of ``parts`` written as canonical JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def result_bytes(result: Any) -> int:
    """Bytes of the arrays of a result."""
    return sum(value.nbytes for value in vars(result).values() if isinstance(value, np.ndarray))


def bound_to(result: Any, sequence: NucleotideSequence) -> Any:
    """The same result said of ``sequence``, which has the same letters but may come from elsewhere."""
    if result.sequence == sequence:
        return result
    locus = "" if sequence.locus is None else str(sequence.locus)
    return replace(result, sequence=sequence, provenance=replace(result.provenance, locus=locus))


def encode(result: Any) -> dict[str, Any]:
    """Arrays of ``result`` by field name, and ``json``: uint8 text of everything else but the sequence."""
    arrays: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    for item in fields(result):
        value = getattr(result, item.name)
        if isinstance(value, np.ndarray):
            arrays[item.name] = value
        elif item.name not in ("sequence", "provenance"):
            plain[item.name] = value
    meta = {"format": FORMAT, "type": type(result).__name__, "plain": plain, "provenance": _plain_provenance(result.provenance)}
    text = json.dumps(meta, sort_keys=True).encode()
    return {**arrays, "json": np.frombuffer(text, dtype=np.uint8)}


def decode(arrays: dict[str, Any], sequence: NucleotideSequence) -> Any:
    """The result that `encode` took apart, of ``sequence``. Raises `ValueError` or `KeyError` for anything else."""
    meta = json.loads(bytes(arrays["json"]))
    if meta["format"] != FORMAT:
        raise ValueError(f"a stored result has format {meta['format']}; this version reads {FORMAT}")
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in meta["plain"].items()}
    values = {name: array for name, array in arrays.items() if name != "json"}
    for array in values.values():
        array.flags.writeable = False
    result = _type_of(meta["type"])(sequence=sequence, provenance=_provenance(meta["provenance"]), **plain, **values)
    locus = "" if sequence.locus is None else str(sequence.locus)
    return replace(result, provenance=replace(result.provenance, locus=locus))


def _type_of(name: str) -> Any:
    """The result type called ``name``. Raises `KeyError`."""
    return {row.result.__name__: row.result for row in analyses().values()}[name]


def _plain_provenance(provenance: Provenance) -> dict[str, Any]:
    values = {item.name: getattr(provenance, item.name) for item in fields(provenance)}
    card = {item.name: getattr(provenance.card, item.name) for item in fields(provenance.card)}
    card["capabilities"] = sorted(provenance.card.capabilities)
    return {**values, "card": card}


def _provenance(values: dict[str, Any]) -> Provenance:
    card = dict(values["card"])
    card["alphabet"] = Alphabet(card["alphabet"])
    card["capabilities"] = frozenset(Capability(name) for name in card["capabilities"])
    card["species"] = tuple(card["species"])
    card["assumed"] = tuple(card.get("assumed", ()))
    parameters = {name: tuple(value) if isinstance(value, list) else value for name, value in values["parameters"].items()}
    return Provenance(**{**values, "card": ModelCard(**card), "parameters": parameters})


class ResultStore:
    """Least recently used results leave first, from memory and from disk.

    Parameters
    ----------
    folder : Path or None
        Where results lie on disk; None = memory only.
    memory_bytes, disk_bytes : int
        Bounds; a result larger than a bound is not kept there.
    """

    def __init__(self, folder: Path | None, memory_bytes: int, disk_bytes: int) -> None:
        self._folder = folder
        self._memory_bytes = memory_bytes
        self._disk_bytes = disk_bytes
        self._memory: OrderedDict[str, Any] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()
        if folder is not None and not _writable(folder):
            self._folder = None

    def get(self, key: str, sequence: NucleotideSequence) -> Any | None:
        """The stored result, said of ``sequence``; None when there is none."""
        with self._lock:
            result = self._memory.get(key)
            if result is not None:
                self._memory.move_to_end(key)
        if result is None:
            result = self._read(key, sequence)
            if result is not None:
                self._remember(key, result)
        return None if result is None else bound_to(result, sequence)

    def put(self, key: str, result: Any) -> None:
        """Keep a complete result under ``key``."""
        self._remember(key, result)
        self._write(key, result)

    @contextlib.contextmanager
    def claim(self, key: str, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the right to compute ``key`` among all processes that share the folder.

        ``waiting`` is called every tenth of a second while another process has it; it may raise to give up. Where the folder has gone
        and cannot be made again, nobody is waited for.
        """
        lock = self._lock_of(key)
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

    def _lock_of(self, key: str) -> filelock.BaseFileLock | None:
        if self._folder is None or not _writable(self._folder):
            return None
        return filelock.FileLock(self._folder / f"{key}.lock", thread_local=False)

    def _remember(self, key: str, result: Any) -> None:
        size = result_bytes(result)
        if size > self._memory_bytes:
            return
        with self._lock:
            previous = self._memory.pop(key, None)
            self._held += size - (0 if previous is None else result_bytes(previous))
            self._memory[key] = result
            while self._held > self._memory_bytes:
                _, oldest = self._memory.popitem(last=False)
                self._held -= result_bytes(oldest)

    def _read(self, key: str, sequence: NucleotideSequence) -> Any | None:
        if self._folder is None:
            return None
        path = self._folder / f"{key}.npz"
        try:
            with path.open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            result = decode(arrays, sequence)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, LocuscopeError) as error:
            logger.warning("stored result %s is damaged and is removed: %s", key[:12], type(error).__name__)
            path.unlink(missing_ok=True)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return result

    def _write(self, key: str, result: Any) -> None:
        if self._folder is None or result_bytes(result) > self._disk_bytes:
            return
        temporary = None
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix="new-", suffix=".part", delete=False) as handle:
                temporary = Path(handle.name)
                np.savez(handle, allow_pickle=False, **encode(result))
            temporary.replace(self._folder / f"{key}.npz")
        except OSError as error:
            logger.warning("a result could not be kept on disk: %s", error.strerror)
            if temporary is not None:
                temporary.unlink(missing_ok=True)
            return
        self._trim()

    def _trim(self) -> None:
        """Remove the least recently used files above the bound, and what a crashed process left half written."""
        if self._folder is None:
            return
        found: list[tuple[float, int, Path]] = []
        now = time.time()
        for item in os.scandir(self._folder):
            with contextlib.suppress(FileNotFoundError):
                status = item.stat(follow_symlinks=False)
                if item.name.endswith(".npz"):
                    found.append((status.st_mtime, status.st_size, Path(item.path)))
                elif now - status.st_mtime > _STALE_SECONDS:
                    _remove_stale(Path(item.path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._disk_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size


def _remove_stale(path: Path) -> None:
    """Remove an old temporary file, or an old lock file that nobody holds."""
    if path.suffix == ".part":
        path.unlink(missing_ok=True)
    elif path.suffix == ".lock":
        lock = filelock.FileLock(path, thread_local=False)
        with contextlib.suppress(filelock.Timeout), lock.acquire(blocking=False):
            path.unlink(missing_ok=True)


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError as error:
        logger.warning("results are kept in memory only, %s cannot be written: %s", folder, error.strerror)
        return False
