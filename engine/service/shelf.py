"""Loaded models: one load a model, least recently used leave, bounded by bytes, a lock a model around its passes.

A model never moves between devices: another device or precision is another entry on the shelf.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from engine.core.background import in_background
from engine.core.errors import LayoutUnread, ResourceExhausted, WeightsInvalid, WeightsMissing, is_out_of_memory
from engine.core.progress import interruption_point
from engine.core.quoting import quoted
from engine.core.settings import Settings
from engine.models.checkpoints.identity import PROOF
from engine.models.checkpoints.installed import installed, named_folders
from engine.models.entry import LoadOptions, ModelEntry

logger = logging.getLogger(__name__)

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "models"
_BLOCK = 1 << 20


class Registry(Protocol):
    """Where model ids lead: the module `engine.models.registry`, or a small one of a test."""

    def model_ids(self) -> tuple[str, ...]:
        """Every model id."""

    def entry(self, model_id: str) -> ModelEntry:
        """The row of one model; raises `UnknownModel`."""


UNREAD = "unread"
"""In place of the hash of files that nobody has read yet."""


@dataclass(frozen=True)
class ModelSpec:
    """A model as it is to be loaded: which files, by content, and how; ``size_bytes`` of its files is 0 for tables and services.

    ``fingerprint`` is `UNREAD` as long as the files' hash is not known: their reading may take half a minute.
    """

    model_id: str
    directory: Path
    fingerprint: str
    options: LoadOptions
    size_bytes: int = field(default=0, compare=False)


@dataclass(eq=False)
class Shelved:
    """A loaded model and the lock that its forward passes take."""

    model: Any
    size_bytes: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0


class Shelf:
    """Models in memory, at most ``bound_bytes`` of weights unless all of them are in use."""

    def __init__(self, bound_bytes: int) -> None:
        self._bound = bound_bytes
        self._held: OrderedDict[ModelSpec, Shelved] = OrderedDict()
        self._loading: dict[ModelSpec, int] = {}
        self._condition = threading.Condition()

    def models(self) -> tuple[ModelSpec, ...]:
        """What is loaded, least recently used first."""
        with self._condition:
            return tuple(self._held)

    @property
    def held_bytes(self) -> int:
        """Bytes of the models that are loaded or being loaded."""
        with self._condition:
            return self._total()

    @contextlib.contextmanager
    def borrow(self, entry: ModelEntry, spec: ModelSpec, waiting: Callable[[], None] = lambda: None) -> Iterator[Shelved]:
        """The loaded model, which stays on the shelf while the block runs; loads it when it is not there.

        ``waiting`` is called while another thread loads it or memory has to become free; it may raise to give up.
        Raises `ResourceExhausted` when the weights alone are above the bound.
        """
        shelved = self._taken(spec, waiting)
        if shelved is None:
            shelved = self._load(entry, spec)
        try:
            yield shelved
        finally:
            with self._condition:
                shelved.users -= 1
                self._evict(0)
                self._condition.notify_all()

    def clear(self) -> None:
        """Forget every model that is not in use."""
        with self._condition:
            for spec in [spec for spec, shelved in self._held.items() if not shelved.users]:
                self._drop(spec)

    def _taken(self, spec: ModelSpec, waiting: Callable[[], None]) -> Shelved | None:
        """A model that is there, or None once this thread has reserved the room and the right to load it."""
        size = spec.size_bytes
        if size > self._bound:
            raise ResourceExhausted(
                f"The weights of {spec.model_id} take {size:,} bytes; models in memory are bounded to {self._bound:,}; "
                "raise the setting LOCUSCOPE_MODEL_BYTES."
            )
        with self._condition:
            while True:
                shelved = self._held.get(spec)
                if shelved is not None:
                    shelved.users += 1
                    self._held.move_to_end(spec)
                    return shelved
                if spec not in self._loading and self._evict(size):
                    self._loading[spec] = size
                    return None
                self._condition.wait(0.1)
                waiting()

    def _load(self, entry: ModelEntry, spec: ModelSpec) -> Shelved:
        try:
            logger.info("loading %s on %s", spec.model_id, spec.options.device)
            model = self._loaded(entry, spec)
        except BaseException:
            with self._condition:
                del self._loading[spec]
                self._condition.notify_all()
            raise
        ask_between_layers(model)
        shelved = Shelved(model, memory_bytes(model) or self._loading[spec], users=1)
        with self._condition:
            del self._loading[spec]
            self._held[spec] = shelved
            self._evict(0)
            self._condition.notify_all()
        return shelved

    def _loaded(self, entry: ModelEntry, spec: ModelSpec) -> Any:
        """The model; when its device is full, once more after the idle models have left.

        An error of Python on files that fit their publication to the last name and shape is no fault of theirs: it goes on as it is.
        """
        try:
            return entry.load(spec.directory, spec.options)
        except LayoutUnread as error:
            if entry.card.proof.startswith(PROOF) and error.__cause__ is not None:
                raise error.__cause__ from None
            raise
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            logger.warning("no memory left for %s on %s; idle models leave", spec.model_id, spec.options.device)
        self.clear()
        try:
            return entry.load(spec.directory, spec.options)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise ResourceExhausted(
                f"{spec.model_id} does not fit into the memory of {spec.options.device}; choose a smaller model, a smaller dtype or another device."
            ) from error

    def _evict(self, coming: int) -> bool:
        """Make room for ``coming`` more bytes; whether there is room now."""
        for spec in [spec for spec, shelved in self._held.items() if not shelved.users]:
            if self._total() + coming <= self._bound:
                break
            self._drop(spec)
        return self._total() + coming <= self._bound

    def _total(self) -> int:
        return sum(shelved.size_bytes for shelved in self._held.values()) + sum(self._loading.values())

    def _drop(self, spec: ModelSpec) -> None:
        logger.info("dropping %s", spec.model_id)
        del self._held[spec]
        torch = sys.modules.get("torch")
        if torch is not None and spec.options.device.startswith("cuda"):
            torch.cuda.empty_cache()


def ask_between_layers(model: Any) -> None:
    """Let a computation end between the layers of a model, in the middle of a pass: a pass over a long sequence takes many seconds on a CPU."""
    for value in getattr(model, "__dict__", {}).values():
        if not callable(getattr(value, "modules", None)):
            continue  # torch may be half imported by another thread while a model without it is loaded
        import torch

        if isinstance(value, torch.nn.Module):
            lists = [part for part in value.modules() if isinstance(part, torch.nn.ModuleList | torch.nn.Sequential)]
            for layer in {layer for part in lists for layer in part}:
                layer.register_forward_pre_hook(lambda *_: interruption_point())


def memory_bytes(model: Any) -> int:
    """Bytes of the parameters and buffers of the torch modules a model holds; 0 when it has none."""
    total = 0
    for value in getattr(model, "__dict__", {}).values():
        if callable(getattr(value, "parameters", None)) and callable(getattr(value, "buffers", None)):
            total += sum(tensor.numel() * tensor.element_size() for tensor in (*value.parameters(), *value.buffers()))
    return total


def directory_bytes(directory: Path) -> int:
    """Bytes of the files below a folder, hidden ones left out."""
    return sum(found.size for found in _files(directory))


def find_directory(entry: ModelEntry, settings: Settings, weights: Path | None = None) -> Path:
    """The checkpoint folder of a model: ``weights`` when given, else that of the settings, the shipped one, or the one in the home.

    Raises `WeightsMissing` with the remedy, `WeightsInvalid` when ``weights`` or what the settings name is not a folder with files.
    """
    named = weights or named_folders(settings.weights).get(entry.card.id)
    if named is not None:
        if named.is_file():
            raise WeightsInvalid(
                f"The weights {quoted(named)} are one file; give the folder that holds it together with its configuration and tokenizer files."
            )
        if not named.is_dir():
            raise WeightsInvalid(f"The weights folder {quoted(named)} does not exist; give a checkpoint folder in the published layout.")
        return named
    if entry.shipped is not None:
        folder = ASSETS / entry.shipped
        if not folder.is_dir():
            raise WeightsMissing(f"The weights of {entry.card.id} come with the repository but {folder} is absent; fetch it again.")
        return folder
    if not entry.has_files:
        missing = entry.available(settings) if entry.available is not None else ""
        if missing:
            raise WeightsMissing(missing)
        return settings.home
    found = installed(entry, settings.home)
    if found is None:
        raise WeightsMissing(
            f"The weights of {entry.card.id} are not on this machine; install them from the Models page or name a folder with --weights."
        )
    return found


def long_card(directory: Path) -> str:
    """The model card of shipped weights, Markdown: how they were made and what was measured of them; empty for other folders."""
    if directory.parent != ASSETS:
        return ""
    found = next((path for path in (directory / "README.md", ASSETS / "README.md") if path.is_file()), None)
    return found.read_text(encoding="utf-8") if found is not None else ""


class Fingerprints:
    """Hash of a checkpoint folder's names and contents; hashes of files are remembered by path, size and time of change.

    A file is hashed once, by whoever needs it first; nobody who needs another file, or one whose hash is known, waits meanwhile.
    """

    def __init__(self, memory: Path | None) -> None:
        self._memory = memory
        self._known: dict[str, str] = {}
        self._hashing: dict[str, threading.Event] = {}
        self._reading: set[Path] = set()
        self._lock = threading.Lock()
        if memory is not None:
            with contextlib.suppress(OSError, ValueError):
                read = json.loads(memory.read_text(encoding="utf-8"))
                self._known = {str(name): str(value) for name, value in read.items()} if isinstance(read, dict) else {}

    def of(self, directory: Path, waiting: Callable[[], None] = lambda: None) -> str:
        """Hexadecimal sha256 over the sorted relative names and hashes of all files, hidden ones left out.

        ``waiting`` is called between megabytes; it may raise to give up.
        """
        total = hashlib.sha256()
        for found in _files(directory):
            total.update(f"{found.relative}\0{self._file(found, waiting)}\n".encode())
        return total.hexdigest()

    def known(self, directory: Path) -> bool:
        """Whether `of` answers without reading the files."""
        with self._lock:
            return all(found.name in self._known for found in _files(directory))

    def soon(self, directory: Path, seconds: float) -> bool:
        """`known`, after having them read in the background; who asks first waits up to ``seconds`` for small files."""
        if self.known(directory):
            return True
        with self._lock:
            if directory in self._reading:
                return False
            self._reading.add(directory)
        in_background("fingerprint", lambda: self._read_ahead(directory)).join(seconds)
        return self.known(directory)

    def _read_ahead(self, directory: Path) -> None:
        try:
            self.of(directory)
        except OSError as error:
            logger.warning("the files of a model could not be read: %s", error.strerror)
        finally:
            with self._lock:
                self._reading.discard(directory)

    def _file(self, file: _File, waiting: Callable[[], None]) -> str:
        name = file.name
        while True:
            with self._lock:
                if name in self._known:
                    return self._known[name]
                other = self._hashing.get(name)
                if other is None:
                    mine = self._hashing[name] = threading.Event()
                    break
            while not other.wait(0.1):
                waiting()
        try:
            digest = hashlib.sha256()
            with file.path.open("rb") as handle:
                while block := handle.read(_BLOCK):
                    digest.update(block)
                    waiting()
            with self._lock:
                self._known[name] = digest.hexdigest()
                self._save()
                return self._known[name]
        finally:
            with self._lock:
                del self._hashing[name]
            mine.set()

    def _save(self) -> None:
        if self._memory is None:
            return
        with contextlib.suppress(OSError):
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._memory.with_suffix(f".{threading.get_ident()}.part")
            temporary.write_text(json.dumps(self._known), encoding="utf-8")
            temporary.replace(self._memory)


@dataclass(frozen=True)
class _File:
    """A file below a folder: its relative name, what its hash is remembered by, and its bytes."""

    path: Path
    relative: str
    name: str
    size: int


_looked: ContextVar[dict[Path, list[_File]] | None] = ContextVar("looked", default=None)


@contextlib.contextmanager
def one_moment() -> Iterator[None]:
    """Inside, each checkpoint folder is looked at once: what one run of a page asks of the engine is about one state of the files."""
    if _looked.get() is not None:
        yield
        return
    token = _looked.set({})
    try:
        yield
    finally:
        _looked.reset(token)


def _files(directory: Path) -> list[_File]:
    """Files below a folder, sorted, hidden ones left out."""
    looked = _looked.get()
    if looked is not None and directory in looked:
        return looked[directory]
    found = []
    for path in sorted(directory.rglob("*")):
        relative = path.relative_to(directory)
        if path.is_file() and not any(part.startswith(".") for part in relative.parts):
            status = path.stat()
            found.append(_File(path, relative.as_posix(), f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}", status.st_size))
    if looked is not None:
        looked[directory] = found
    return found
