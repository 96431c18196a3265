"""What a computation will cost before it runs: forward passes, tokens, memory, and seconds from earlier runs on this machine."""

from __future__ import annotations

import contextlib
import json
import math
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from engine.core.settings import Settings


@dataclass(frozen=True)
class Cost:
    """``passes`` through the model, ``tokens`` (bases) read in all, ``seconds`` (None before a first run), ``memory_bytes`` beside the model.

    ``work``: the tokens as `as_if_shipped` counts them.
    """

    passes: int
    tokens: int
    seconds: float | None
    memory_bytes: int
    work: int


SHIPPED_BYTES = 10_000_000
"""Of the weights of the shipped model."""
UNMEASURED_BASES = 20_000
"""Bases, as `as_if_shipped` counts them, that a model whose speed here is not known yet reads for many places without being asked again."""
AUTOMATIC_SECONDS = 30.0
"""What takes no longer, by earlier runs of the model here, starts by itself."""


def as_if_shipped(bases: int, weights_bytes: int) -> int:
    """Bases that the shipped model reads in about the time that another one needs for ``bases``, by the size of its weights: what is gone by
    where the speed of a model here is not known. A smaller one is not taken to be faster."""
    return round(bases * max(1.0, weights_bytes / SHIPPED_BYTES))


def is_small(work: int, seconds: float | None) -> bool:
    """Whether the reading of many places starts without being asked again: by measured time, and before a first run by its bases (`as_if_shipped`)."""
    return work <= UNMEASURED_BASES if seconds is None else seconds <= AUTOMATIC_SECONDS


def time_in_words(seconds: float | None) -> str:
    """How long it will take."""
    if seconds is None:
        return "time unknown before a first run here"
    if seconds < 1:
        return "under a second"
    return f"about {seconds:,.0f} s" if seconds < 120 else f"about {seconds / 60:,.0f} min"


class OfModel(Protocol):
    """A question that names a model and how it computes."""

    @property
    def model(self) -> str:
        """Its id; empty for the usual one."""

    @property
    def weights(self) -> Path | None:
        """A folder of its weights."""

    @property
    def device(self) -> str:
        """Where; empty for the usual place."""

    @property
    def dtype(self) -> str:
        """In which precision; empty for the usual one."""


def pace_of(what: str, question: OfModel, settings: Settings) -> str:
    """What decides how fast many places are read, as far as it is known before the model is loaded; names its `Timings`."""
    asked = (question.model or settings.model, question.weights or "", question.device or settings.device, question.dtype)
    return " ".join((what, *map(str, asked))).strip()


class Timings:
    """Seconds a base of earlier runs, by model, device, precision and doubling of the length; kept in one small JSON file.

    Parameters
    ----------
    memory : Path or None
        Where they are kept between sessions; None = nowhere.
    """

    def __init__(self, memory: Path | None) -> None:
        self._memory = memory
        self._known: dict[str, dict[str, float]] = {}
        self._lock = threading.Lock()
        if memory is not None:
            with contextlib.suppress(OSError, ValueError, TypeError):
                self._known = _checked(json.loads(memory.read_text(encoding="utf-8")))

    def note(self, kind: str, length: int, passes: int, seconds: float) -> None:
        """Remember that ``passes`` passes over ``length`` bases took ``seconds``; newer runs weigh half."""
        if length < 1 or passes < 1 or seconds <= 0:
            return
        rate = seconds / (length * passes)
        with self._lock:
            rates = self._known.setdefault(kind, {})
            doubling = str(_doubling(length))
            rates[doubling] = rate if doubling not in rates else 0.5 * (rates[doubling] + rate)
            self._save()

    def seconds(self, kind: str, length: int, passes: int) -> float | None:
        """Expected seconds, from the run of the nearest length; None when this kind never ran here."""
        with self._lock:
            rates = self._known.get(kind)
            if not rates:
                return None
            nearest = min(rates, key=lambda doubling: abs(int(doubling) - _doubling(length)))
            return rates[nearest] * length * passes

    def _save(self) -> None:
        if self._memory is None:
            return
        with contextlib.suppress(OSError):
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._memory.with_suffix(f".{threading.get_ident()}.part")
            temporary.write_text(json.dumps(self._known), encoding="utf-8")
            temporary.replace(self._memory)


def _doubling(length: int) -> int:
    return round(math.log2(max(1, length)))


def _checked(read: Any) -> dict[str, dict[str, float]]:
    """Only what has the right shape; the file may have been written by another version."""
    known: dict[str, dict[str, float]] = {}
    for kind, rates in read.items() if isinstance(read, dict) else ():
        if isinstance(rates, dict):
            good = {str(int(key)): float(rate) for key, rate in rates.items() if isinstance(rate, int | float) and rate > 0}
            known[str(kind)] = good
    return known
