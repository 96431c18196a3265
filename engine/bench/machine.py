"""What the figures are measured on: the processor, the instructions that decide the ratios, cores and software."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from engine.core.processor import features

TOLD = {"avx512f": "AVX-512", "avx512_bf16": "AVX-512 bf16", "amx_bf16": "AMX bf16"}
"""Instructions on x86-64: products in bfloat16 are fast with the second, several times faster still with the third."""
CPU_FILE = Path("/proc/cpuinfo")


def processor(described: str) -> str:
    """The first processor's name, family and model in the words of /proc/cpuinfo; empty where they are not told."""
    told: dict[str, str] = {}
    for line in described.splitlines():
        name, _, value = line.partition(":")
        told.setdefault(name.strip(), value.strip())
    kind = f" (family {told['cpu family']}, model {told['model']})" if {"cpu family", "model"} <= told.keys() else ""
    return told.get("model name", "") + kind


def instructions(held: frozenset[str]) -> str:
    """``AVX-512, AVX-512 bf16, no AMX bf16``; of other processors what they have."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return ", ".join(sorted(held)) or "instructions not told"
    return ", ".join(name if flag in held else f"no {name}" for flag, name in TOLD.items())


def machine() -> str:
    """One line on what the figures were measured on."""
    import torch

    name = processor(CPU_FILE.read_text(encoding="utf-8", errors="replace")) if CPU_FILE.is_file() else platform.processor()
    software = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, torch {torch.__version__}"
    return (
        f"{name or 'processor not told'}, {instructions(features())}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {software}"
    )
