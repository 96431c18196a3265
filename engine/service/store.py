"""Results by content: memory first, then disk; bounded, atomic, without pickle, shared by several processes.

A result's key is a hash of everything that decides its numbers. One file a result: an npz of its arrays plus one JSON text, which names the
key. The sequence is not written as such, whoever asks again has it; but letters can be read from some results (effects are missing at the
reference base, tokens are letters): an installation that must not write anything about a visitor's letters keeps results in memory only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from engine.analyses.declared import analyses
from engine.core.card import Capability, ModelCard
from engine.core.provenance import Provenance
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.service.disk import Folder, writable

logger = logging.getLogger(__name__)

FORMAT = 2
"""Version of the files; another version is not read."""


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


def encode(result: Any, key: str) -> dict[str, Any]:
    """Arrays of ``result`` by field name, and ``json``: uint8 text of everything else but the sequence, ``key`` included."""
    arrays: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    for item in fields(result):
        value = getattr(result, item.name)
        if isinstance(value, np.ndarray):
            arrays[item.name] = value
        elif item.name not in ("sequence", "provenance"):
            plain[item.name] = value
    meta = {"format": FORMAT, "key": key, "type": type(result).__name__, "plain": plain, "provenance": _plain_provenance(result.provenance)}
    text = json.dumps(meta, sort_keys=True).encode()
    return {**arrays, "json": np.frombuffer(text, dtype=np.uint8)}


def decode(arrays: dict[str, Any], sequence: NucleotideSequence, key: str = "") -> Any:
    """The result that `encode` took apart, of ``sequence``; with ``key``, only one that names it.

    Raises `ValueError` for another key or sequence, and errors of many kinds for what is damaged.
    """
    meta = json.loads(bytes(arrays["json"]))
    if meta["format"] != FORMAT:
        raise ValueError(f"a stored result has format {meta['format']}; this version reads {FORMAT}")
    if (key and meta.get("key") != key) or meta["provenance"]["sequence_sha256"] != sequence.sha256:
        raise ValueError("a stored result answers another question than its name says")
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
    card |= {name: tuple(card.get(name, ())) for name in ("assumed", "assemblies")}
    parameters = {name: tuple(value) if isinstance(value, list) else value for name, value in values["parameters"].items()}
    return Provenance(**{**values, "card": ModelCard(**card), "parameters": parameters})


class Others(Protocol):
    """Whoever holds results beside the store."""

    @property
    def held_bytes(self) -> int:
        """Bytes beside the arrays of results."""

    def let_go(self) -> bool:
        """Have somebody let go of results; False when nobody can."""


class ResultStore:
    """Least recently used results leave first, from memory and from disk.

    Parameters
    ----------
    folder : Path or None
        Where results lie on disk; None = memory only.
    memory_bytes, disk_bytes : int
        Bounds; a result larger than a bound is not kept there. In memory every result counts that is still in use, whoever holds it.
    others : Others or None
        Who else holds results.
    """

    def __init__(self, folder: Path | None, memory_bytes: int, disk_bytes: int, others: Others | None = None) -> None:
        self._folder = Folder(folder, disk_bytes) if folder is not None and writable(folder) else None
        self._memory_bytes = memory_bytes
        self._disk_bytes = disk_bytes
        self._others = others
        self._kept: OrderedDict[str, Any] = OrderedDict()
        self._in_use: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
        self._arrays = InUse()
        self._lock = threading.Lock()

    @property
    def bytes_in_use(self) -> int:
        """Bytes of the arrays of all results that anybody holds."""
        with self._lock:
            return self._arrays.total

    @property
    def disk_bytes_held(self) -> int:
        """Bytes of all results on the disk; see `Folder.held_bytes`. 0 where the folder cannot be read."""
        with contextlib.suppress(OSError):
            return 0 if self._folder is None else self._folder.held_bytes
        return 0

    def get(self, key: str, sequence: NucleotideSequence) -> Any | None:
        """The stored result, said of ``sequence``; None when there is none."""
        with self._lock:
            result = self._in_use.get(key)
            if key in self._kept:
                self._kept.move_to_end(key)
        if result is None:
            result = self._read(key, sequence)
            if result is not None:
                self._remember(key, result)
        return None if result is None else bound_to(result, sequence)

    def put(self, key: str, result: Any) -> None:
        """Keep a complete result under ``key``."""
        self._remember(key, result)
        self._write(key, result)

    def unfinished(self, key: str, sequence: NucleotideSequence) -> Any | None:
        """What a computation that was stopped left under ``key``; None when there is nothing."""
        return self.get(f"{key}-unfinished", sequence)

    def put_unfinished(self, key: str, partial: Any) -> Callable[[], None]:
        """Keep what a computation has so far, in memory at once; returns what writes it to disk."""
        name = f"{key}-unfinished"
        self._remember(name, partial)
        return lambda: self._write(name, partial)

    def remove_unfinished(self, key: str) -> None:
        """Forget what was left: the result is complete."""
        name = f"{key}-unfinished"
        with self._lock:
            self._kept.pop(name, None)
            self._in_use.pop(name, None)
        if self._folder is not None:
            self._folder.remove(name)

    @contextlib.contextmanager
    def claim(self, key: str, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the right to compute ``key`` among all processes that share the folder; see `Folder.claim`."""
        with contextlib.nullcontext() if self._folder is None else self._folder.claim(key, waiting):
            yield

    def settle(self) -> None:
        """Wait until the folder is within its bound."""
        if self._folder is not None:
            self._folder.settle()

    def _remember(self, key: str, result: Any) -> None:
        size = result_bytes(result)
        with self._lock:
            self._arrays.add(result)
            self._in_use[key] = result
            self._kept.pop(key, None)
            if size <= self._memory_bytes:
                self._kept[key] = result
        while self._too_much(key) and self._others is not None and self._others.let_go():
            pass

    def _too_much(self, key: str) -> bool:
        """Whether more than the bound is in use when nothing but ``key`` is kept that nobody uses."""
        bound = self._memory_bytes - (0 if self._others is None else self._others.held_bytes)
        with self._lock:
            while self._arrays.total > bound and self._kept:
                oldest = next(iter(self._kept))
                if oldest == key:
                    break
                del self._kept[oldest]
            return self._arrays.total > bound

    def _read(self, key: str, sequence: NucleotideSequence) -> Any | None:
        if self._folder is None:
            return None
        try:
            return decode(self._folder.read(key), sequence, key)
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001  flipped bits lead to errors of many kinds, in zipfile, numpy, json and here
            logger.warning("stored result %s is damaged and is removed: %s", key[:12], type(error).__name__)
            self._folder.remove(key)
            return None

    def _write(self, key: str, result: Any) -> None:
        if self._folder is not None and result_bytes(result) <= self._disk_bytes:
            self._folder.write(key, encode(result, key))


class InUse:
    """Bytes of arrays as long as anybody holds them; an array that several results share counts once. Not locked."""

    def __init__(self) -> None:
        self._bytes: dict[int, int] = {}
        self._gone: deque[int] = deque()
        self._total = 0

    @property
    def total(self) -> int:
        """Bytes of all arrays that were added and are still there."""
        while self._gone:
            self._total -= self._bytes.pop(self._gone.popleft())
        return self._total

    def add(self, result: Any) -> None:
        """Count the arrays of a result, until they are gone."""
        before = self.total
        for value in vars(result).values():
            if not isinstance(value, np.ndarray):
                continue
            owner = value
            while isinstance(owner.base, np.ndarray):
                owner = owner.base
            if id(owner) not in self._bytes:
                self._bytes[id(owner)] = owner.nbytes
                before += owner.nbytes
                weakref.finalize(owner, self._gone.append, id(owner)).atexit = False
        self._total = before
