"""A pickle read as data: what it names and calls is written down, and nothing of it is imported, called or built.

Published ``.bin`` and ``.pt`` files hold a pickle that says which tensors there are; `engine.models.checkpoints.headers` reads names and shapes from
it without their numbers.
"""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from engine.core.errors import WeightsInvalid


@dataclass(frozen=True)
class Name:
    """A class or function that the pickle names, ``module.name``."""

    text: str


@dataclass(eq=False)
class Made:
    """What calling ``kind`` with ``arguments`` would have made; ``items`` and ``state`` are what it would have been filled with."""

    kind: Any
    arguments: Any
    items: dict[Any, Any] = field(default_factory=dict)
    state: Any = None


@dataclass(frozen=True)
class Stored:
    """A reference to bytes that lie elsewhere in the file (torch: a storage)."""

    key: Any


_MARK = object()
_VALUES = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_SET": list}
_NOTHING = ("PROTO", "FRAME", "STOP")
_PUT = ("PUT", "BINPUT", "LONG_BINPUT")
_GET = ("GET", "BINGET", "LONG_BINGET")


def read_pickle(stream: IO[bytes]) -> Any:
    """The next pickle of ``stream`` as dicts, lists, tuples, numbers and texts, with `Name`, `Made` and `Stored` where it says more.

    Raises `WeightsInvalid` when it is damaged or says something that no published checkpoint says.
    """
    machine = _Machine()
    try:
        for operation, argument, _ in pickletools.genops(stream):
            machine.step(operation.name, argument)
        (result,) = machine.stack
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, MemoryError, RecursionError) as error:
        raise WeightsInvalid("The table of tensors in the file is damaged; download it again.") from error
    return result


class _Machine:
    """The stack and the memory of a pickle."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Take in one operation."""
        stack = self.stack
        if name in _VALUES:
            stack.append(_VALUES[name])
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in _PUT or name == "MEMOIZE":
            self.memory[len(self.memory) if name == "MEMOIZE" else int(argument)] = stack[-1]
        elif name in _GET:
            stack.append(self.memory[int(argument)])
        elif handler := getattr(self, f"on_{name.lower()}", None):
            handler(argument)
        elif argument is not None and name not in _NOTHING:
            stack.append(argument)  # every other operation with an argument is a number, a text or bytes
        elif name not in _NOTHING:
            raise ValueError(name)

    def marked(self) -> list[Any]:
        """What was put on the stack behind the last mark."""
        place = max(index for index, value in enumerate(self.stack) if value is _MARK)
        found = self.stack[place + 1 :]
        del self.stack[place:]
        return found

    def on_mark(self, _: Any) -> None:
        self.stack.append(_MARK)

    def on_pop(self, _: Any) -> None:
        self.stack.pop()

    def on_tuple(self, _: Any) -> None:
        self.stack.append(tuple(self.marked()))

    def on_empty_tuple(self, _: Any) -> None:
        self.stack.append(())

    def on_tuple1(self, _: Any) -> None:
        self._tuple(1)

    def on_tuple2(self, _: Any) -> None:
        self._tuple(2)

    def on_tuple3(self, _: Any) -> None:
        self._tuple(3)

    def _tuple(self, size: int) -> None:
        self.stack[-size:] = [tuple(self.stack[-size:])]

    def on_list(self, _: Any) -> None:
        self.stack.append(self.marked())

    def on_dict(self, _: Any) -> None:
        self.stack.append(dict(_pairs(self.marked())))

    def on_append(self, _: Any) -> None:
        value = self.stack.pop()
        _fill(self.stack[-1], [(None, value)])

    def on_appends(self, _: Any) -> None:
        values = self.marked()
        _fill(self.stack[-1], [(None, value) for value in values])

    on_additems = on_appends

    def on_setitem(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        _fill(self.stack[-1], [(key, value)])

    def on_setitems(self, _: Any) -> None:
        values = self.marked()
        _fill(self.stack[-1], list(_pairs(values)))

    def on_global(self, argument: str) -> None:
        self.stack.append(Name(argument.replace(" ", ".")))

    def on_stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(Name(f"{module}.{name}"))

    def on_reduce(self, _: Any) -> None:
        arguments, kind = self.stack.pop(), self.stack.pop()
        self.stack.append(Made(kind, arguments))

    on_newobj = on_reduce

    def on_build(self, _: Any) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Made):
            self.stack[-1].state = state

    def on_binpersid(self, _: Any) -> None:
        self.stack.append(Stored(self.stack.pop()))


def _pairs(values: list[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(values[::2], values[1::2], strict=True)


def _fill(target: Any, pairs: list[tuple[Any, Any]]) -> None:
    if isinstance(target, list):
        target.extend(value for _, value in pairs)
    elif isinstance(target, dict):
        target.update(pairs)
    elif isinstance(target, Made):
        target.items.update(pairs)
    else:
        raise TypeError(type(target).__name__)
