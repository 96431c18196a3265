"""What mutants share: values computed once a reference and dropped with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from engine.core.protocols import Prepared

Value = TypeVar("Value")


class PerReference(Generic[Value]):
    """Computes a value of a `Prepared` reference at first use and keeps it as long as the reference lives.

    Not locked: several batches of one question may ask at once, and at worst a value is computed twice.
    """

    def __init__(self, compute: Callable[[Prepared], Value]) -> None:
        self._compute = compute
        self._values: WeakKeyDictionary[Prepared, Value] = WeakKeyDictionary()

    def __call__(self, reference: Prepared) -> Value:
        """The value of ``reference``."""
        value = self._values.get(reference)
        if value is None:
            value = self._values[reference] = self._compute(reference)
        return value
