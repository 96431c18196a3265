"""Values that an address has for one page beside the question of the explorer: read one by one, and what cannot be meant is left out and said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.core.errors import ParameterError
from engine.core.parameters import Field
from engine.core.quoting import quoted

_NAMED = 12
"""Allowed values that a sentence names."""


class AddressValues:
    """Reads the values of ``query``; ``problems`` has one sentence for each that was left out."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = query
        self.problems: list[str] = []

    def text(self, name: str) -> str:
        """The value as it stands, empty for none."""
        return self._query.get(name, "").strip()

    def choice(self, name: str, allowed: Iterable[str], usual: str = "") -> str:
        """One of ``allowed``."""
        text, values = self.text(name), tuple(allowed)
        if text and text not in values:
            self._left_out(name, f"can be {', '.join(values[:_NAMED]) or 'none'}")
        return text if text in values else usual

    def number(self, name: str, low: int, high: int, usual: int) -> int:
        """A whole number from ``low`` to ``high``."""
        text = self.text(name)
        if text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high:
            return int(text)
        if text:
            self._left_out(name, f"takes {low:,} to {high:,}")
        return usual

    def fields(self, named: Mapping[str, Field]) -> dict[str, Any]:
        """Values of an analysis' parameters by their field, of those that the address has under the given names."""
        found: dict[str, Any] = {}
        for name, item in named.items():
            text = self.text(name)
            if not text:
                continue
            try:
                value = item.value_of(text)
                item.check(value)
            except ParameterError as error:
                self.problems.append(f"The address has {name}={quoted(text, 40)}, so it was left out: {error}")
            else:
                found[item.name] = value
        return found

    def _left_out(self, name: str, allowed: str) -> None:
        self.problems.append(f"The address has {name}={quoted(self.text(name), 40)}; it {allowed}, so it was left out.")
