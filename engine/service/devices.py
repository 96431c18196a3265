"""Where and by what code answers are computed: devices, precisions, the code's own fingerprint."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import re
import sys
from pathlib import Path

from engine.core.errors import ParameterError
from engine.core.quoting import quoted

DECIDING = ("core", "analyses", "models")
"""Packages below ``engine`` whose code decides numbers."""

DTYPES = ("auto", "float32", "float16", "bfloat16")
_DEVICE = re.compile(r"^(auto|cpu|cuda(:\d{1,2})?)$")


def checked_device(name: str) -> str:
    """``cpu`` or ``cuda:N``, for any usual way to say it; ``auto`` is the first CUDA device or the CPU.

    torch is imported only where there may be a CUDA device. Raises `ParameterError`.
    """
    if not _DEVICE.match(name):
        raise ParameterError(f"The device is {quoted(name, 40)}; allowed: auto, cpu, cuda or cuda:N.")
    if name == "cpu":
        return name
    count = _cuda_devices()
    if name == "auto":
        return "cuda:0" if count else "cpu"
    number = int(name.partition(":")[2] or 0)
    if number >= count:
        plural = "" if count == 1 else "s"
        raise ParameterError(f"The device is {quoted(name)} but this machine has {count or 'no'} CUDA device{plural}; use cpu or auto.")
    return f"cuda:{number}"


def _cuda_devices() -> int:
    if sys.platform == "linux" and not any(Path(path).exists() for path in ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg")):
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def checked_dtype(name: str, device: str) -> str:
    """``name`` when it is one of `DTYPES`; ``auto`` is float32 on the CPU and left to the model elsewhere. Raises `ParameterError`."""
    if name not in DTYPES:
        raise ParameterError(f"The dtype is {quoted(name, 40)}; allowed: {', '.join(DTYPES)}.")
    return "float32" if name == "auto" and device == "cpu" else name


@functools.cache
def code_fingerprint() -> str:
    """Hash of the code that decides numbers and of the versions of torch and numpy: an answer of other code is another answer."""
    total = hashlib.sha256()
    for package in ("torch", "numpy"):
        total.update(importlib.metadata.version(package).encode() + b"\0")
    for name, path in deciding_files():
        total.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def deciding_files() -> list[tuple[str, Path]]:
    """Every source file whose change may change a number, by its name below ``engine``, sorted by that name."""
    folder = Path(__file__).parents[1]
    return sorted((path.relative_to(folder).as_posix(), path) for layer in DECIDING for path in (folder / layer).rglob("*.py"))
