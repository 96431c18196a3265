"""Names, shapes and types of a checkpoint's tensors, read from the header of its weights: no numbers, no torch, from a disk or by ranges.

safetensors: the JSON at the beginning. Files of ``torch.save``: the table in ``data.pkl`` of the archive (or, before torch 1.6, at the beginning of
the file), read as data by `engine.models.checkpoints.pickles`.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from engine.core.errors import WeightsInvalid, WeightsMissing
from engine.models.checkpoints.pickles import Made, Name, Stored, read_pickle
from engine.models.checkpoints.pointers import DAMAGED_ARCHIVE

LARGEST_HEADER = 100_000_000
"""Bytes; the header of a published model of billions of parameters has some ten thousand."""

_POINTER = b"version https://git-lfs"
_MOST_MODULES = 100_000
_STORAGES = {
    "DoubleStorage": "F64",
    "FloatStorage": "F32",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
}
_BEFORE_THE_TABLE = 3  # pickles of a file from before torch 1.6: a number, a version, the machine


@dataclass(frozen=True)
class StoredTensor:
    """Shape and type of a tensor as it is stored; ``dtype`` as safetensors names it (``F32``, ``BF16``, ``I64`` ...)."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Header:
    """What the header of weights says.

    ``tensors``: by published name. ``classes``: names in a pickle other than tensors' own. ``attributes``: of a whole pickled module, its plain
    values.
    """

    tensors: Mapping[str, StoredTensor] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def joined(self, other: Header) -> Header:
        """Both files of a split checkpoint."""
        return Header({**self.tensors, **other.tensors}, (*self.classes, *other.classes), {**self.attributes, **other.attributes})


def read_header(path: Path) -> Header:
    """Header of one weight file. Raises `WeightsMissing` and `WeightsInvalid`."""
    try:
        with path.open("rb") as stream:
            return header_of(stream, path.name)
    except FileNotFoundError as error:
        raise WeightsMissing(f"{path} is missing; download the checkpoint again.") from error
    except OSError as error:
        raise WeightsInvalid(f"{path} cannot be read ({error.strerror or type(error).__name__}); check the file.") from error


def header_of(stream: IO[bytes], name: str) -> Header:
    """Header of weights in a seekable stream, told by the ending of ``name``. Raises `WeightsInvalid`; what the stream raises goes through."""
    if stream.read(len(_POINTER)) == _POINTER:
        raise WeightsInvalid(
            f"{name} is a Git LFS pointer of a few lines, not the weights it stands for; run 'git lfs pull' in its folder, or download the file."
        )
    stream.seek(0)
    return _of_safetensors(stream, name) if name.endswith(".safetensors") else _of_torch(stream, name)


def _of_safetensors(stream: IO[bytes], name: str) -> Header:
    start = stream.read(8)
    size = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    if not 2 <= size <= LARGEST_HEADER:
        raise WeightsInvalid(f"{name} is not a valid safetensors file; download it again.")
    text = stream.read(size)
    try:
        listed = json.loads(text)
        tensors = {str(key): _tensor(told) for key, told in listed.items() if key != "__metadata__"}
        ends = [int(told["data_offsets"][1]) for key, told in listed.items() if key != "__metadata__"]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise WeightsInvalid(f"{name} has no readable safetensors header; download it again.") from error
    stream.seek(0, io.SEEK_END)
    if stream.tell() != 8 + size + max(ends, default=0):
        raise WeightsInvalid(f"{name} is not as long as its header says; download it again.")
    return Header(tensors)


def _tensor(told: Mapping[str, Any]) -> StoredTensor:
    return StoredTensor(tuple(int(size) for size in told["shape"]), str(told["dtype"]))


def _of_torch(stream: IO[bytes], name: str) -> Header:
    try:
        if zipfile.is_zipfile(stream):
            stream.seek(0)
            root = read_pickle(io.BytesIO(_table(stream, name)))
        else:
            stream.seek(0)
            for _ in range(_BEFORE_THE_TABLE):
                read_pickle(stream)
            root = read_pickle(stream)
    except (*DAMAGED_ARCHIVE, WeightsInvalid) as error:
        raise WeightsInvalid(f"{name} is not a readable torch checkpoint, it is cut short or damaged; download it again.") from error
    return _of_root(root, name)


def _table(stream: IO[bytes], name: str) -> bytes:
    with zipfile.ZipFile(stream) as archive:
        found = [info for info in archive.infolist() if info.filename.rpartition("/")[2] == "data.pkl"]
        if len(found) != 1 or found[0].file_size > LARGEST_HEADER:
            raise WeightsInvalid(f"{name} has no table of tensors")
        with archive.open(found[0]) as member:
            return member.read(LARGEST_HEADER)


def _of_root(root: Any, name: str) -> Header:
    items = _items(root)
    if items is not None and _items(items.get("state_dict")) is not None:
        items = _items(items["state_dict"])
    if items is not None:
        tensors = {str(key): tensor for key, value in items.items() if (tensor := _of_call(value)) is not None}
        if not tensors:
            raise WeightsInvalid(f"{name} holds no tensors by name; it is not a checkpoint.")
        return Header(tensors)
    if isinstance(root, Made) and isinstance(root.state, dict):
        modules = list(_modules(root))
        tensors = {f"{prefix}{key}": tensor for prefix, module in modules for key, tensor in _own(module)}
        classes = tuple(sorted({module.kind.text for _, module in modules if isinstance(module.kind, Name)}))
        plain = {str(key): value for key, value in root.state.items() if not str(key).startswith("_") and _is_plain(value)}
        return Header(tensors, (_class_of(root), *(found for found in classes if found != _class_of(root))), plain)
    raise WeightsInvalid(f"{name} holds a {type(root).__name__}; a table of tensors by name (state dict) is needed.")


def _items(value: Any) -> dict[Any, Any] | None:
    if isinstance(value, dict):
        return value
    is_ordered = isinstance(value, Made) and isinstance(value.kind, Name) and value.kind.text == "collections.OrderedDict"
    return value.items if is_ordered else None


def _class_of(module: Made) -> str:
    named = module.kind if isinstance(module.kind, Name) else module.arguments[0] if module.arguments else None
    return named.text if isinstance(named, Name) else ""


def _modules(root: Made) -> Iterator[tuple[str, Made]]:
    """Every module below and with ``root``, with the beginning of its tensors' names."""
    waiting, seen = [("", root)], 0
    while waiting:
        prefix, module = waiting.pop()
        seen += 1
        if seen > _MOST_MODULES:
            raise WeightsInvalid("The pickled module has too many parts; it is not a published checkpoint.")
        yield prefix, module
        children = _items(module.state.get("_modules")) or {}
        waiting += [
            (f"{prefix}{key}.", child) for key, child in children.items() if isinstance(child, Made) and isinstance(child.state, dict)
        ]


def _own(module: Made) -> Iterator[tuple[str, StoredTensor]]:
    for group in ("_parameters", "_buffers"):
        for key, value in (_items(module.state.get(group)) or {}).items():
            tensor = _of_call(value)
            if tensor is not None:
                yield str(key), tensor


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return len(value) <= 100 and all(_is_plain(part) for part in value)
    return value is None or isinstance(value, (bool, int, float, str))


def _of_call(value: Any) -> StoredTensor | None:
    """The tensor that a call of torch's own would have rebuilt; None for anything else."""
    if not isinstance(value, Made) or not isinstance(value.kind, Name) or not isinstance(value.arguments, tuple) or not value.arguments:
        return None
    function, arguments = value.kind.text, value.arguments
    if function == "torch._utils._rebuild_parameter":
        return _of_call(arguments[0])
    if not function.startswith("torch._utils._rebuild_tensor") or len(arguments) < 3:
        return None
    storage, shape = arguments[0], arguments[2]
    if not isinstance(storage, Stored) or not isinstance(shape, tuple) or not all(isinstance(size, int) and size >= 0 for size in shape):
        return None
    told = next((part for part in (*arguments[6:7], storage.key[1]) if isinstance(part, Name)), None) if len(storage.key) > 1 else None
    kind = told.text.rpartition(".")[2] if told is not None else ""
    return StoredTensor(shape, _STORAGES.get(kind, kind))
