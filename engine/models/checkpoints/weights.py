"""Reading published weights: safetensors, ``.bin``/``.pt`` state dicts, and whole pickled modules without running anything of them.

Nothing here unpickles freely: ``torch.load`` always runs with ``weights_only=True``. A whole pickled module (megaDNA is published as one)
is read by the same restricted unpickler with every layer class replaced by a stub that only keeps what it is given.
"""

from __future__ import annotations

import hashlib
import json
import struct
import threading
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError  # noqa: TID251 - the error's name only; nothing is unpickled with it
from typing import TYPE_CHECKING, Any

from engine.core.errors import ParameterError, WeightsInvalid, WeightsMissing
from engine.core.quoting import quoted
from engine.models.checkpoints.evidence import WEIGHT_FILES, require_directory, weight_files
from engine.models.checkpoints.pointers import refuse_swelling

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

_SMALLEST_CHUNK = 1 << 20
_MOST, _MOST_LAYERS = 10_000_000, 10_000
_DTYPES = ("float32", "float16", "bfloat16")
_STUB_PACKAGES = ("torch.nn.modules.", "MEGABYTE_pytorch.", "megaDNA.", "einops.layers.torch.")
_DAMAGED = (
    OSError,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    MemoryError,
    struct.error,
)
_READING_PICKLE = threading.Lock()
_DEEPEST_MODULE = 100


@dataclass(frozen=True)
class StateDict:
    """Tensors of a checkpoint by published name, the files they came from, and the sha256 of those files."""

    tensors: dict[str, Tensor] = field(repr=False)
    files: tuple[Path, ...]
    sha256: str


def file_sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file. Raises `WeightsMissing` when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_SMALLEST_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise WeightsMissing(f"Cannot read {path.name} in {path.parent}: {error.strerror}; check that the file is there.") from error
    return digest.hexdigest()


def files_sha256(paths: Iterable[Path]) -> str:
    """The sha256 of one file; of several, the sha256 of their hexadecimal hashes in name order."""
    hashes = [file_sha256(path) for path in sorted(paths)]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode("ascii")).hexdigest()


def read_json(directory: Path, name: str = "config.json") -> dict[str, Any]:
    """A JSON object beside the weights. Raises `WeightsMissing` when absent, `WeightsInvalid` when it does not parse."""
    path = require_directory(directory) / name
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WeightsMissing(f"{directory} has no {name}; a checkpoint in the published layout has one, copy it there.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsInvalid(f"{path} is not readable JSON ({error}); download it again.") from error
    if not isinstance(values, dict):
        raise WeightsInvalid(f"{path} holds a {type(values).__name__}; a JSON object is needed, download it again.")
    return values


def whole(config: Mapping[str, Any], name: str, default: int | None = None, *, minimum: int = 1) -> int:
    """A whole number of a configuration, at least ``minimum`` and not absurdly large. Raises `WeightsInvalid`."""
    value = config.get(name, default)
    most = _MOST_LAYERS if "layers" in name else _MOST
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= most:
        told = str(value)[:40]
        raise WeightsInvalid(f"config.json has {name} = {told}; a whole number from {minimum} to {most:,} is needed.")
    return value


def count_layers(numbers: Iterable[int]) -> int:
    """How many layers tensor names speak of, counted from 0 without a gap. Raises `WeightsInvalid`."""
    found = set(numbers)
    if not found or found != set(range(len(found))):
        raise WeightsInvalid("The checkpoint lacks a layer between its first and its last; download it again.")
    return len(found)


def read_state(directory: Path, patterns: tuple[str, ...] = WEIGHT_FILES) -> StateDict:
    """Tensors of a checkpoint directory on the CPU, in the dtype they are stored in.

    Parameters
    ----------
    directory : Path
        Folder in the published layout.
    patterns : tuple of str
        File names or globs in order of preference; ``*.index.json`` names the shards of a split checkpoint.

    Raises
    ------
    WeightsMissing, WeightsInvalid
        No such file; a file that is damaged or holds something other than tensors.
    """
    files = weight_files(directory, patterns)
    tensors: dict[str, Tensor] = {}
    for file in files:
        tensors.update(_tensors(file))
    return StateDict(tensors, files, files_sha256(files))


def _tensors(path: Path) -> dict[str, Tensor]:
    return _from_safetensors(path) if path.suffix == ".safetensors" else _from_torch(path)


def _from_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except FileNotFoundError as error:
        raise WeightsMissing(f"{path} is missing; download the checkpoint again.") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsInvalid(f"{path} is not a valid safetensors file ({error}); download it again.") from error


def _from_torch(path: Path) -> dict[str, Tensor]:
    import torch

    loaded = _load_restricted(path)
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, dict) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise WeightsInvalid(f"{path} holds a {type(loaded).__name__}; a table of tensors by name (state dict) is needed.")
    for name, value in loaded.items():
        _refuse_without_numbers(path, str(name), value)
    return {str(name): value.detach() for name, value in loaded.items()}


def _refuse_without_numbers(path: Path, name: str, value: Tensor) -> None:
    """Raise `WeightsInvalid` for a tensor that has fewer numbers in the file than it says, and would swell when it is copied."""
    import torch

    plain = value.layout == torch.strided and value.device.type == "cpu" and not value.is_quantized
    if not plain or value.numel() * value.element_size() > value.untyped_storage().nbytes():
        raise WeightsInvalid(f"Tensor {name[:80]} of {path} does not hold a number for each of its places; download it again.")


def _load_restricted(path: Path) -> Any:
    import torch

    refuse_swelling(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise WeightsMissing(f"{path} is missing; download the checkpoint again.") from error
    except UnpicklingError as error:
        raise WeightsInvalid(
            f"{path} is damaged, or asks to run code or to build objects that are not tensors, which is refused; download it again from "
            "its publisher."
        ) from error
    except _DAMAGED as error:
        raise WeightsInvalid(f"{path} is not a readable torch checkpoint, it is cut short or damaged; download it again.") from error


class ModuleStub:
    """Stands for a pickled layer or helper object: keeps its state, runs nothing."""

    def __init__(self, *_: object) -> None:
        self.state: dict[str, Any] = {}

    def __new__(cls, *_: object) -> ModuleStub:
        stub = super().__new__(cls)
        stub.state = {}
        return stub

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            self.state = {str(name): value for name, value in state.items()}

    def children(self) -> dict[str, ModuleStub]:
        """Sub-modules by name."""
        return {str(name): child for name, child in self._table("_modules").items() if isinstance(child, ModuleStub)}

    def _table(self, name: str) -> Mapping[Any, Any]:
        """A table of the module's state; empty when it is none. Raises `WeightsInvalid` when it is something else."""
        found = self.state.get(name) or {}
        if not isinstance(found, Mapping):
            raise WeightsInvalid(f"The pickled module has a {type(found).__name__} where its {name} should be; download it again.")
        return found

    def tensors(self, prefix: str = "") -> dict[str, Tensor]:
        """Parameters and buffers of this module and all below it, named as in its state dict."""
        import torch

        found: dict[str, Tensor] = {}
        for group in ("_parameters", "_buffers"):
            for name, value in self._table(group).items():
                if isinstance(value, torch.Tensor):
                    found[f"{prefix}{name}"] = value.detach()
        if prefix.count(".") > _DEEPEST_MODULE:
            raise WeightsInvalid("The pickled module is nested too deep, or holds itself; download it again.")
        for name, child in self.children().items():
            found.update(child.tensors(f"{prefix}{name}."))
        return found


def read_pickled_module(path: Path) -> ModuleStub:
    """A whole ``torch.save(module)`` file as a tree of stubs.

    Layer classes of torch, einops, MEGABYTE and megaDNA become `ModuleStub`; tensors are read; every other name in the file is refused
    before anything is read. No code of the file or of those packages runs.

    Raises
    ------
    WeightsInvalid
        Not such a file, or one that names anything else (the names are in the message).
    """
    import torch

    names = _foreign_names(path)
    refused = sorted(name for name in names if not name.startswith(_STUB_PACKAGES))
    if refused:
        raise WeightsInvalid(
            f"{path} asks for {', '.join(refused[:3])}, which is neither a tensor nor a layer, so it is refused: loading it could run "
            "code; download the checkpoint from its publisher again."
        )
    stubs: list[Any] = [(type(name.rpartition(".")[2], (ModuleStub,), {}), name) for name in sorted(names)]
    with _READING_PICKLE, torch.serialization.safe_globals(stubs):
        module = _load_restricted(path)
    if not isinstance(module, ModuleStub):
        raise WeightsInvalid(f"{path} holds a {type(module).__name__}; a pickled module is needed.")
    return module


def is_pickled_module(path: Path) -> bool:
    """Whether a torch file holds objects other than tensors, so that only `read_pickled_module` may read it."""
    return bool(_foreign_names(path))


def _foreign_names(path: Path) -> list[str]:
    """Names of classes and functions in the pickle that are not tensor machinery, found without running it."""
    import torch

    refuse_swelling(path)
    try:
        with _READING_PICKLE:
            return [str(name) for name in torch.serialization.get_unsafe_globals_in_checkpoint(path)]
    except FileNotFoundError as error:
        raise WeightsMissing(f"{path} is missing; download the checkpoint again.") from error
    except (UnpicklingError, *_DAMAGED) as error:
        raise WeightsInvalid(f"{path} is not a readable torch checkpoint, it is cut short or damaged; download it again.") from error


def unfilled() -> AbstractContextManager[object]:
    """Modules made inside get no storage and draw no random numbers; `load_tensors` then fills them."""
    import torch

    return torch.device("meta")


def load_tensors(module: nn.Module, tensors: Mapping[str, Tensor], *, unused: tuple[str, ...] = ()) -> None:
    """Copy ``tensors`` into ``module``; names and shapes must agree exactly, and are all that is compared of tensors without values.

    ``unused``: beginnings of published names that the forward pass does not use and that may be present or not.
    Raises `WeightsInvalid` naming the first missing, foreign or misshapen tensor.
    """
    own = module.state_dict()
    missing = [name for name in own if name not in tensors]
    foreign = [name for name in tensors if name not in own and not name.startswith(unused or ("\0",))]
    if missing or foreign:
        told = [f"lacks {_some(missing)}"] if missing else []
        told += [f"has {_some(foreign)}, which the model does not know"] if foreign else []
        raise WeightsInvalid(f"The checkpoint {' and '.join(told)}; its layout or its config.json is not the published one.")
    for name, value in own.items():
        if tuple(tensors[name].shape) != tuple(value.shape):
            raise WeightsInvalid(
                f"Tensor {name} is {tuple(tensors[name].shape)} but the configuration asks for {tuple(value.shape)}; "
                "take config.json and weights from the same publication."
            )
    if any(tensors[name].is_meta for name in own):
        return
    filled = {name: tensors[name].to(value.dtype) for name, value in own.items()}
    module.load_state_dict(filled, assign=any(value.is_meta for value in own.values()))


def _some(names: list[str]) -> str:
    return names[0][:80] + (f" and {len(names) - 1:,} more" if len(names) > 1 else "")


def resolve_device(name: str) -> str:
    """``auto`` as the first CUDA device or the CPU; other names checked. Raises `ParameterError`."""
    import torch

    if name in ("", "auto"):
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return name
    kind, _, index = name.partition(":")
    if kind != "cuda" or not (index == "" or (index.isascii() and index.isdigit() and len(index) < 5)):
        raise ParameterError(f"Device is {quoted(name)}; allowed: auto, cpu, cuda, cuda:N.")
    if not torch.cuda.is_available() or int(index or 0) >= torch.cuda.device_count():
        raise ParameterError(f"Device {name} is not on this machine ({torch.cuda.device_count()} CUDA devices); choose cpu.")
    return f"cuda:{int(index or 0)}"


def resolve_dtype(name: str, device: str) -> str:
    """``auto`` as float32 on the CPU and float16 on CUDA; other names checked. Raises `ParameterError`."""
    if name in ("", "auto"):
        return "float32" if device == "cpu" else "float16"
    if name not in _DTYPES:
        raise ParameterError(f"dtype is {quoted(name)}; allowed: auto, {', '.join(_DTYPES)}.")
    return name


def whole_float32() -> None:
    """Have CUDA compute float32 in float32, in the whole process: torch leaves convolutions 10 bits of their factors (TF32) otherwise.

    With TF32 68 % of the cells of a GPN map move by more than 2e-4. Half precision is not touched.
    """
    import torch

    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def placed(module: nn.Module, device: str, dtype: str) -> torch.device:
    """Move ``module`` to device and dtype, in evaluation mode without gradients; returns the device."""
    import torch

    if device.startswith("cuda"):
        whole_float32()
    module.to(device=torch.device(device), dtype=getattr(torch, dtype))
    module.eval()
    module.requires_grad_(requires_grad=False)
    return torch.device(device)
