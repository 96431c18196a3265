"""A GPU that is not there: tensors that say they are on ``cuda:0`` and hold their numbers on the CPU.

Every operation is computed by the CPU, but as strictly as a GPU would allow it: tensors of two devices do not mix (but for single numbers and
indices), and nothing becomes a NumPy array before it is brought to the CPU. A model that works here puts everything where it belongs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils._device import _device_constructors
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

CUDA = torch.device("cuda:0")
LEARNING = torch.device("meta")
"""What the device is called where gradients are wanted: a build without CUDA has no backward pass for what says it is on ``cuda:0``."""
_called = [CUDA]
_INDEXING = ("index", "index_put", "index_put_", "_unsafe_index", "_index_put_impl_")
_EARLY = {
    *("__getitem__", "__setitem__", "contiguous", "tolist", "nonzero", "isnan", "__invert__", "bitwise_not"),
    *("__int__", "__float__", "__bool__", "__index__", "item"),
}
_MATH = 0
_ASKING = ("tolist", "nonzero", "__int__", "__float__", "__bool__", "__index__", "item")
_WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal", "_unique2", "unique_dim", "unique_consecutive")


@dataclass
class Counted:
    """What a GPU would have been asked: operations that compute, and answers that the host waited for."""

    launches: int = 0
    waits: int = 0


_counting: list[Counted] = []


@contextlib.contextmanager
def counted() -> Iterator[Counted]:
    """Counts while the block runs."""
    found = Counted()
    _counting.append(found)
    try:
        yield found
    finally:
        _counting.remove(found)


def _count(*, launches: int = 0, waits: int = 0) -> None:
    for found in _counting:
        found.launches += launches
        found.waits += waits


def _by_mask(indices: Any) -> bool:
    """Whether something is picked by truth, whose number the host has to know."""
    found: list[torch.Tensor] = []
    tree_map(lambda value: found.append(value) if isinstance(value, torch.Tensor) and value.dtype == torch.bool else None, indices)
    return bool(found)


class MixedDevices(RuntimeError):
    """What CUDA answers with an error: tensors of two devices in one operation."""


class PretendTensor(torch.Tensor):
    """``held``: its numbers, on the CPU."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> PretendTensor:
        made = torch.Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype, device=_called[-1]
        )
        made.held = held
        return made

    def __repr__(self) -> str:  # type: ignore[override]
        return f"pretended {self.held!r}"

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Some methods ask the build for a GPU before any mode is asked; everything else goes the usual way."""
        within = getattr(func, "__name__", "") == "copy_" and all(isinstance(one, PretendTensor) for one in args[:2])
        if not (within or getattr(func, "__name__", "") in _EARLY) or _called[-1] is LEARNING:
            with torch._C.DisableTorchFunctionSubclass():
                return func(*args, **(kwargs or {}))
        if not isinstance(args[0], PretendTensor):
            raise MixedDevices("a tensor on the CPU takes indices and values on the CPU")
        name = func.__name__
        _count(launches=1, waits=int(name in _ASKING or (name.endswith("item__") and name != "item" and _by_mask(args[1]))))
        found = func(*tree_map(_held, args), **(kwargs or {}))
        return PretendTensor(found) if isinstance(found, torch.Tensor) else found

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


def _to_the_host(name: str, args: Any, kwargs: dict[str, Any]) -> bool:
    """Whether numbers are copied to the CPU and waited for."""
    if name != "copy_" or isinstance(args[0], PretendTensor):
        return False
    return not (args[2] if len(args) > 2 else kwargs.get("non_blocking", False))


def _held(value: Any) -> Any:
    return value.held if isinstance(value, PretendTensor) else value


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors: list[torch.Tensor] = []
    tree_map(lambda value: tensors.append(value) if isinstance(value, torch.Tensor) else None, (args, kwargs))
    name = func.overloadpacket.__name__
    here = any(isinstance(value, PretendTensor) for value in tensors)
    if name == "_fused_sdp_choice":
        return _MATH
    if here and name not in ("_to_copy", "copy_", *_INDEXING):
        strangers = [value for value in tensors if not isinstance(value, PretendTensor) and value.dim()]
        if strangers:
            raise MixedDevices(f"{name}: expected all tensors on {_called[-1]}, found one of shape {tuple(strangers[0].shape)} on the CPU")
    if here and not getattr(func, "is_view", False):
        brought = name == "_to_copy" and torch.device(kwargs.get("device") or _called[-1]).type == "cpu"
        _count(
            launches=1,
            waits=int(name in _WAITING or brought or _to_the_host(name, args, kwargs) or (name in _INDEXING and _by_mask(args[1]))),
        )
    target = kwargs.get("device")
    if name == "_to_copy" and not here and target is not None and torch.device(target).type == _called[-1].type:
        _count(launches=1, waits=int(not kwargs.get("non_blocking")))  # from memory that is not pinned
    moved = target is not None
    inner = {**kwargs, "device": torch.device("cpu")} if moved else dict(kwargs)
    inner.pop("pin_memory", None)
    inner_args, inner = tree_map(_held, (args, inner))
    if name == "mm" and func._overloadname == "dtype":
        out = inner_args[0].to(inner_args[2]) @ inner_args[1].to(inner_args[2])
    elif name == "_softmax" and inner_args[2]:  # of half precision in float32, which only a GPU does in one step
        out = func(inner_args[0].float(), inner_args[1], False)
    else:
        out = func(*inner_args, **inner)
    stays = torch.device(target).type == _called[-1].type if moved else here
    if name.endswith("_") and not name.startswith("_") and isinstance(args[0], torch.Tensor):
        return args[0]
    if kwargs.get("out") is not None:
        return kwargs["out"]
    return tree_map(lambda value: PretendTensor(value) if isinstance(value, torch.Tensor) else value, out) if stays else out


class _Pretend(TorchDispatchMode):
    """Lets factories make tensors on the device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class _Stream:
    def record_event(self) -> _Stream:
        return self

    def synchronize(self) -> None:
        """Nothing is ever behind."""


def _nothing(*_: object, **__: object) -> None:
    """A call that would only matter on a real device."""


@contextlib.contextmanager
def pretend_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """``cuda:0`` exists while the block runs."""
    _device_constructors()  # torch keeps this list from its first use on: not with a function of ours in it
    for name in ("_lazy_init", "synchronize", "empty_cache", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.cuda, name, _nothing)
    for name in ("memory_allocated", "max_memory_allocated"):
        monkeypatch.setattr(torch.cuda, name, lambda device=None: 0)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device=None: "pretended")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device=None: SimpleNamespace(total_memory=80 * 2**30, name="pretended"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cudnn, "enabled", False)  # a build for CUDA would choose its kernels, which are not there
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device=None: _Stream())
    monkeypatch.setattr(torch, "inference_mode", lambda mode=True: torch.no_grad() if mode else contextlib.nullcontext())
    made = torch.tensor
    monkeypatch.setattr(
        torch,
        "tensor",
        lambda data, dtype=None, device=None: made(data, dtype=dtype) if device is None else made(data, dtype=dtype).to(device),
    )
    monkeypatch.setattr(torch.__future__, "_overwrite_module_params_on_conversion", True)
    with _Pretend(), torch.no_grad():
        yield


@contextlib.contextmanager
def pretend_learning_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A device that refuses what a GPU refuses and has a backward pass; its name. Nothing is rounded there by itself."""
    _called.append(LEARNING)
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda *_: False)
    try:
        with pretend_gpu(monkeypatch), torch.enable_grad():
            yield str(LEARNING)
    finally:
        _called.remove(LEARNING)
