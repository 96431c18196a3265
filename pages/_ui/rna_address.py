"""What the address says of the page RNA beside how contacts are read: what is drawn and how, and the pair of the compensation test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.core.quoting import quoted
from engine.views.layouts import RADIAL
from pages._ui.address_values import AddressValues

STRUCTURES = ("contacts", "fold", "stems", "known")
"""Structures there can be, by their names in the address."""
COLOURS = ("letters", "contact score", "dependency", "reconstruction", "probability of pairing", "reactivity")
LAYOUTS = ("best", RADIAL)
FILES = ("structure", "reactivities")
"""What a file can be given for."""


@dataclass(frozen=True)
class Wanted:
    """``drawn`` and ``against``: of `STRUCTURES`, empty for the usual ones; ``colour`` of `COLOURS`; ``layout`` of `LAYOUTS`; ``pair``: the chosen bases,
    0-based, one or two, and ``tested``: the two that were tested, both empty for none; ``own``: of `FILES`, what was of a file, which no address
    carries; ``problems`` one sentence for each value that was left out."""

    drawn: str = ""
    against: str = ""
    colour: str = COLOURS[0]
    layout: str = LAYOUTS[0]
    pair: tuple[int, ...] = ()
    tested: tuple[int, ...] = ()
    own: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def texts(self) -> dict[str, str]:
        """For the address, as `read` takes it."""
        values = {
            "draw": self.drawn,
            "against": self.against,
            "colour": self.colour if self.colour != COLOURS[0] else "",
            "layout": self.layout if self.layout != LAYOUTS[0] else "",
            "pair": ",".join(str(index + 1) for index in self.pair),
            "tested": ",".join(str(index + 1) for index in self.tested),
            "own": ",".join(self.own),
        }
        return {name: text for name, text in values.items() if text}


def read(query: Mapping[str, str], length: int) -> Wanted:
    """What an address asks for, of a sequence of ``length`` bases; what cannot be meant is left out, and said."""
    values = AddressValues(query)
    own = [name.strip() for name in values.text("own").split(",")]
    return Wanted(
        values.choice("draw", STRUCTURES),
        values.choice("against", STRUCTURES),
        values.choice("colour", COLOURS, COLOURS[0]),
        values.choice("layout", LAYOUTS, LAYOUTS[0]),
        _bases(values, "pair", (1, 2), length),
        _bases(values, "tested", (2,), length),
        tuple(name for name in FILES if name in own),
        tuple(values.problems),
    )


def _bases(values: AddressValues, name: str, counts: tuple[int, ...], length: int) -> tuple[int, ...]:
    """So many different bases, 0-based in order."""
    text = values.text(name)
    parts = text.split(",") if text else []
    found = {int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 10}
    if not parts or (len(found) == len(parts) and len(parts) in counts and all(1 <= place <= length for place in found)):
        return tuple(place - 1 for place in sorted(found))
    wanted = (
        "two different positions with a comma between" if counts == (2,) else "one position, or two different ones with a comma between"
    )
    values.problems.append(f"The address has {name}={quoted(text, 40)}; it takes {wanted}, from 1 to {length:,}, so it was left out.")
    return ()
