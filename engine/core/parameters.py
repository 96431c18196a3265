"""Parameters of an analysis: a frozen dataclass whose fields carry their option, help and range.

The command line, exported scripts, the page's menu and the address are read from the fields; nothing about a parameter is written twice.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from engine.core.errors import ParameterError
from engine.core.quoting import quoted
from engine.core.typography import folded

Precision = Literal["auto", "exact", "delta", "sparse"]
Window = tuple[int, int]
_DIGITS = r"(\d{1,18}|\d{1,3}(?:,\d{3}){1,5})"
_WINDOW = re.compile(rf"\s*{_DIGITS}\s*(?:-|\.\.)\s*{_DIGITS}\s*", re.ASCII)
_WHOLE = re.compile(r"[+-]?(?:\d{1,18}|\d{1,3}(?:,\d{3}){1,5})", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d{1,18}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,3})?|[+-]?(?:inf|nan)", re.ASCII | re.IGNORECASE)


def whole_number(text: str | int) -> int:
    """A whole number as people write it, thousands with commas or without; ``12_34``, which Python reads as 1,234, is none.

    Raises `ParameterError`.
    """
    plain = folded(str(text)).strip()
    if not _WHOLE.fullmatch(plain):
        raise ParameterError(f"{quoted(text, 40)} is not a whole number; write digits, such as 1234 or 1,234.")
    return int(plain.replace(",", ""))


def number(text: str | float) -> float:
    """A number with a decimal point, such as ``0.05`` or ``1e-10``. Raises `ParameterError`."""
    plain = folded(str(text)).strip()
    if not _NUMBER.fullmatch(plain):
        raise ParameterError(f"{quoted(text, 40)} is not a number; write it with a decimal point, such as 0.05 or 1e-10.")
    return float(plain)


@dataclass(frozen=True)
class Option:
    """One parameter as a user meets it.

    ``flag``: option of the command line. ``help``: one sentence. ``metavar``: what stands for the value. ``low``, ``high``: allowed range,
    ``open_ends`` when its ends are not allowed. ``unit``: of the range, in words. ``choices``: the allowed words, taken from a ``Literal``.
    ``read``, ``write``: between the text of the command line or an address and the value. ``required``: the command line demands it.
    ``address``: name in the page's address, and so in its menu; empty = not offered there. ``title``, ``words``: its label there, and what its
    choices are called.
    """

    flag: str
    help: str
    metavar: str = ""
    low: float | None = None
    high: float | None = None
    open_ends: bool = False
    unit: str = ""
    choices: tuple[str, ...] = ()
    read: Callable[[str], Any] | None = None
    write: Callable[[Any], str] | None = None
    required: bool = False
    address: str = ""
    title: str = ""
    words: tuple[tuple[str, str], ...] = ()


def option(default: Any, flag: str, help: str, **more: Any) -> Any:
    """A dataclass field with an `Option`."""
    return dataclasses.field(default=default, metadata={"option": Option(flag, help, **more)})


@dataclass(frozen=True)
class Field:
    """A parameter: its name, default, the type of its value, whether it may be None, and its `Option`."""

    name: str
    default: Any
    kind: type
    optional: bool
    option: Option

    def check(self, value: Any) -> None:
        """Raise `ParameterError` for a value outside the range, in one sentence."""
        option = self.option
        if value is None and self.optional:
            return
        if option.choices:
            if value not in option.choices:
                raise ParameterError(f"{self.name} is {quoted(value)}; allowed: {', '.join(option.choices)}.")
        elif self.kind in (int, float) and not isinstance(value, bool):
            self._check_number(value)

    def _check_number(self, value: float) -> None:
        option = self.option
        if not math.isfinite(value):
            raise ParameterError(f"{self.name} is {value}; give a number{', or none' if self.optional else ''}.")
        low = option.low is None or (value > option.low if option.open_ends else value >= option.low)
        high = option.high is None or (value < option.high if option.open_ends else value <= option.high)
        if not (low and high):
            raise ParameterError(f"{self.name} is {value}; allowed: {self._range()}{', or none' if self.optional else ''}.")

    def _range(self) -> str:
        option = self.option
        unit = f" {option.unit}" if option.unit else ""
        if option.low is not None and option.high is not None:
            words = f"above {option.low:,} and below {option.high:,}" if option.open_ends else f"{option.low:,} to {option.high:,}"
        elif option.low is not None:
            words = f"above {option.low:,}" if option.open_ends else f"{option.low:,} or more"
        else:
            words = f"below {option.high:,}" if option.open_ends else f"{option.high:,} or less"
        return words + unit

    def value_of(self, text: str) -> Any:
        """The value a text of the command line or an address means. Raises `ParameterError`."""
        if self.option.read is not None:
            return self.option.read(text)
        if self.kind is bool:
            return text.casefold() in ("1", "true", "yes", "on")
        if self.kind not in (int, float):
            return self.kind(text)
        try:
            return whole_number(text) if self.kind is int else number(text)
        except ParameterError as error:
            raise ParameterError(
                f"{self.name} is {quoted(text, 40)}; a {'whole number' if self.kind is int else 'number'} is needed."
            ) from error

    def text_of(self, value: Any) -> str:
        """The text that means ``value``."""
        return self.option.write(value) if self.option.write is not None else str(value)


@dataclass(frozen=True)
class Parameters:
    """Base of every analysis' parameters; what their options say is checked at construction."""

    def __post_init__(self) -> None:
        for field in fields_of(type(self)):
            field.check(getattr(self, field.name))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for provenance, keys and JSON."""
        return asdict(self)

    def check(self, length: int) -> None:
        """Raise `ParameterError` for what is outside a sequence of ``length`` bases."""
        window = getattr(self, "window", None)
        if window is not None and window[1] > length:
            raise ParameterError(f"The window {window[0] + 1:,}-{window[1]:,} is outside the sequence; positions 1 to {length:,} exist.")

    def changes(self) -> Iterator[tuple[Field, Any]]:
        """The fields whose values are not the defaults."""
        for field in fields_of(type(self)):
            value = getattr(self, field.name)
            if value != field.default or field.option.required:
                yield field, value


def fields_of(kind: type[Parameters]) -> tuple[Field, ...]:
    """The parameters of a type, in order."""
    return _fields_of(cast("Any", kind))


@functools.cache
def _fields_of(kind: Any) -> tuple[Field, ...]:
    hints = get_type_hints(kind)
    return tuple(_field(item, hints[item.name]) for item in dataclasses.fields(kind))


def _field(item: dataclasses.Field[Any], hint: Any) -> Field:
    option: Option = item.metadata["option"]
    inner = [part for part in get_args(hint) if part is not type(None)]
    optional = type(None) in get_args(hint)
    plain = inner[0] if optional and len(inner) == 1 else hint
    if get_origin(plain) is Literal:
        return Field(item.name, item.default, str, optional, dataclasses.replace(option, choices=get_args(plain)))
    kind = get_origin(plain) or plain
    return Field(item.name, item.default, kind if kind in (bool, int, float, str) else str, optional, option)


def parameters_from(kind: type[Parameters], texts: Mapping[str, str]) -> Parameters:
    """Parameters of ``kind`` from texts by field name. Raises `ParameterError`."""
    known = {field.name: field for field in fields_of(kind)}
    return kind(**{name: known[name].value_of(text) for name, text in texts.items()})


def read_window(text: str) -> Window:
    """``START-END``, 1-based inclusive, as a 0-based half-open pair. Raises `ParameterError`."""
    match = _WINDOW.fullmatch(folded(text)) if len(text) <= 100 else None
    if match is None:
        raise ParameterError(f"The window {quoted(text, 40)} is not an interval; write START-END, 1-based inclusive, for example 101-300.")
    digits = [group.replace(",", "") for group in match.groups()]
    return int(digits[0]) - 1, int(digits[1])


def write_window(window: Window) -> str:
    """``START-END``, 1-based inclusive."""
    return f"{window[0] + 1}-{window[1]}"


def check_window(window: Window | None) -> None:
    """Raise `ParameterError` for a window that ends before it begins."""
    if window is not None and not 0 <= window[0] < window[1]:
        raise ParameterError(f"window is {window[0] + 1}-{window[1]}; the start is at least 1 and not after the end.")


WINDOW: Any = functools.partial(
    option,
    None,
    "--window",
    "Part that is changed and read, 1-based inclusive.",
    metavar="START-END",
    read=read_window,
    write=write_window,
)
"""Makes the field ``window``: a 0-based half-open part of the sequence, the rest of which is context."""


def _position(text: str) -> int:
    try:
        return whole_number(text) - 1
    except ParameterError as error:
        raise ParameterError(f"The position is {quoted(text, 40)}; a whole number from 1 on is needed.") from error


def position(default: int, flag: str, help: str) -> Any:
    """A field that is a 0-based index inside and a 1-based position outside."""
    return option(default, flag, help, metavar="POSITION", low=0, required=True, read=_position, write=lambda index: str(index + 1))
