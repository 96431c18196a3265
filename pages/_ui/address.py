"""The address bar: read and checked here once, when a session starts; written by the locus view in the browser.

Everything in an address is hostile until parsed: a value that is not understood is left out, and one sentence says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlencode

from engine.core.alleles import Change, trimmed
from engine.views.evidence import GENE_ROWS, SHAPES, SYMMETRIES, FigureStyle
from engine.views.own_panels import PREFIX
from engine.views.palettes import BASE_COLOURS, PALETTES
from engine.views.panel import panels
from pages._ui import choices

CHOICES: dict[str, tuple[str, ...]] = {
    "map": SHAPES,
    "palette": tuple(PALETTES),
    "symmetry": SYMMETRIES,
    "bases": tuple(BASE_COLOURS),
    "genes": GENE_ROWS,
    "scale": ("linear", "log"),
}
NUMBERS: dict[str, tuple[float, float]] = {
    "high": (1e-3, 1e6),
    "percentile": (50, 100),
    "threshold": (0, 1e6),
    "distance": (1, 100_000),
    "near": (1, 1000),
    "arcs": (0, 400),
}
_LINES = str.maketrans(dict.fromkeys("\t\n\r", " ") | dict.fromkeys("\xad\u200b\u2060\ufeff", "-"))
"""Signs that the reader of the box understands although they cannot be seen."""
DISPLAY_NAMES = {"map": "shape", "hide": "hidden", "theme": "dark"}
STYLED = {
    "map": "shape",
    "palette": "colours",
    "bases": "bases",
    "genes": "genes",
    "symmetry": "symmetry",
    "percentile": "percentile",
    "threshold": "threshold",
    "distance": "minimum_distance",
    "near": "hide_near",
    "arcs": "arcs",
    "width": "width",
}
"""Names in the address and in `FigureStyle` of what a drawn figure can be told."""
WIDTHS = (300, 4000)
"""Pixels of a drawn figure."""
WHOLE = ("distance", "near", "arcs")
_ELEMENTS = r"[a-z0-9][a-z0-9-]{0,60}(?:/[A-Za-z0-9][A-Za-z0-9_.-]{0,80})?"
LONGEST_SEQUENCE = 8000
"""Letters that an address carries; longer pasted sequences have no address of their own."""
LONGEST_NAME = 98
"""Letters of their name there."""
NO_SPECIES = "none"
"""What an address says where no species is told."""
MOST_NAMED = 3
"""Parts of a list that a sentence names."""
LONGEST_ALLELE = 90
"""Letters of an allele that an address carries."""


@dataclass(frozen=True)
class AddressState:
    """What an address asks for. Positions are 0-based here, 1-based inclusive in the address.

    ``text`` is what would be typed into the box; ``elsewhere`` the species asked of every other sequence, None where it is ``species``, too; ``settings`` of the analyses by their names in the address, ``asked`` further analyses,
    ``elements`` the model of the element track, perhaps with ``/SPECIES``, or ``none``; ``region`` half-open, ``rows`` of the map where they are others; ``select`` one
    base or a pair (changed, read); ``allele`` what is changed, in forward letters of the record; ``display`` are the
    view's settings by their names there; ``figure`` what else a drawn figure takes (`figure_of`); ``problems`` one sentence for each value that was left out.
    """

    text: str = ""
    model: str = ""
    species: str = ""
    elsewhere: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    asked: tuple[str, ...] = ()
    elements: str = ""
    record: int = 0
    reverse: bool = False
    window: tuple[int, int] | None = None
    region: tuple[int, int] | None = None
    rows: tuple[int, int] | None = None
    select: tuple[int, ...] = ()
    allele: Change | None = None
    display: dict[str, Any] = field(default_factory=dict)
    figure: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def outside(self, length: int) -> str:
        """One sentence when the region or the selection lies beyond a sequence of ``length`` bases; else empty."""
        beyond = [f"region {self.region[0] + 1:,}-{self.region[1]:,}"] if self.region and self.region[1] > length else []
        beyond += (
            ["selection " + ", ".join(f"{place + 1:,}" for place in self.select)] if self.select and max(self.select) >= length else []
        )
        if not beyond:
            return ""
        return f"The address asks for the {' and the '.join(beyond)}, but the sequence has {length:,} bases, so it was left out."

    def initial(self, length: int) -> dict[str, Any]:
        """Where the view starts on a sequence of ``length`` bases; positions beyond it are left out."""
        start: dict[str, Any] = {"display": self.display}
        if self.region and self.region[1] <= length:
            start["region"] = list(self.region)
        if self.rows and self.rows[1] <= length:
            start["rows"] = list(self.rows)
        if self.select and max(self.select) < length:
            start["select"] = list(self.select)
        return start


def parse(parameters: Mapping[str, str]) -> AddressState:
    """Read an address' parameters; never raises."""
    reader = _Reader(parameters)
    display = _display(reader)
    if hidden := reader.several("hide", _panel, "names of panels"):
        display["hidden"] = [name for name in hidden if name]
    return AddressState(
        text=reader.text(),
        model=reader.get("model", lambda text: _matching(text, r"[a-z0-9][a-z0-9-]{0,60}"), "a model id", ""),
        species=reader.get("species", _species, "a species the model knows", ""),
        elsewhere=reader.get(
            "species_elsewhere", lambda text: "" if text == NO_SPECIES else _species(text), "a species the model knows, or none", None
        ),
        settings=_settings(reader),
        asked=reader.several("analyses", _further, f"any of {', '.join(choices.on_demand()) or 'none'}"),
        elements=reader.get("elements", lambda text: _matching(text, _ELEMENTS), "a model id, perhaps /SPECIES behind it, or none", ""),
        record=int(reader.get("record", lambda text: _number(text, 1, 10_000), "the number of a record", 1)) - 1,
        reverse=reader.get("strand", lambda text: _choice(text, ("reverse",)) == "reverse", "reverse, or nothing", False),
        window=reader.get("window", _region, "start-end, 1-based", None),
        region=reader.get("region", _region, "start-end, 1-based", None),
        rows=reader.get("rows", _region, "start-end, 1-based", None),
        select=reader.get("select", _positions, "one position, or two with a comma between", ()),
        allele=reader.get("allele", allele_of, "position-reference-alternate, 1-based, up to 90 letters each, such as 31-C-T", None),
        display=display,
        figure=_figure(reader),
        problems=tuple(reader.problems),
    )


def display_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the display as a browser sends them, checked as those of an address; what is not allowed is left out."""
    names = {given: name for name, given in DISPLAY_NAMES.items()}
    texts = {
        names.get(name, name): f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in values.items()
        if value is not None
    }
    return _display(_Reader(texts))


def _display(reader: _Reader) -> dict[str, Any]:
    display: dict[str, Any] = {}
    for name, allowed in CHOICES.items():
        reader.put(display, name, partial(_choice, allowed=allowed), f"one of {', '.join(allowed)}")
    for name, (low, high) in NUMBERS.items():
        reader.put(display, name, partial(_number, low=low, high=high), f"a number from {low:g} to {high:g}")
    return {name: int(value) if name in WHOLE else value for name, value in display.items()}


def _figure(reader: _Reader) -> dict[str, Any]:
    """Order, heights and parts of the panels, width and theme of a drawn figure, by their names in `FigureStyle`."""
    found: dict[str, Any] = {}
    if order := tuple(filter(None, reader.several("order", _panel, "names of panels"))):
        found["order"] = order
    if heights := dict(filter(None, reader.several("heights", _height, "panels with their pixels, such as map:300,effects:60"))):
        found["heights"] = heights
    if off := reader.several("off", lambda part: _matching(part, r"[a-z_]{1,30}/[\w .-]{1,60}"), "parts of panels"):
        found["off"] = off
    reader.put(found, "width", lambda text: int(_number(text, *WIDTHS)), f"pixels, {WIDTHS[0]} to {WIDTHS[1]:,}")
    reader.put(found, "theme", lambda text: _choice(text, ("dark", "light")) == "dark", "dark or light")
    return found


def of_style(style: FigureStyle, length: int) -> dict[str, str]:
    """What an address says of a drawn figure of a sequence of ``length`` bases, as `parse` reads it; usual settings are left out."""
    usual = FigureStyle(shape="wide")
    first, last = style.region(length)
    values = {
        "region": f"{first}-{last}" if (first, last) != (1, length) else "",
        "rows": f"{style.rows[0]}-{style.rows[1]}" if style.rows else "",
        "select": ",".join(str(place + 1) for place in dict.fromkeys(style.selected)),
        "hide": ",".join(style.hidden),
        "order": ",".join(style.order),
        "heights": ",".join(f"{name}:{pixels}" for name, pixels in style.heights.items()),
        "off": ",".join(style.off),
        "theme": "dark" if style.dark else "light",
        "scale": "log" if style.log else "",
        "high": f"{style.colour_limit:g}" if style.colour_limit is not None else "",
    }
    for name, field_name in STYLED.items():
        value = getattr(style, field_name)
        values[name] = "" if value == getattr(usual, field_name) else f"{value:g}" if isinstance(value, float) else str(value)
    return {name: value for name, value in values.items() if value}


def build(text_kind: str, text: str, **values: Any) -> str:
    """The part of an address that the server owns: what is shown, by which model. The view adds region, selection and display."""
    parameters: dict[str, str] = {text_kind: text} if text else {}
    for name, value in values.items():
        if value:
            parameters[name] = str(value)
    return urlencode(parameters, safe=":,")


def allele_of(text: str) -> Change:
    """``31-C-T``, ``31-CA-`` (a deletion) or ``31--G`` (an insertion before base 31). Raises `ValueError`."""
    found = re.fullmatch(r"(\d{1,9})-([ACGTN]{0,90})-([ACGTN]{0,90})", text.upper().replace("U", "T"), re.ASCII)
    if not found or int(found[1]) < 1 or found[2] == found[3]:
        raise ValueError(text)
    return trimmed(int(found[1]) - 1, found[2], found[3])


def allele_text(change: Change | None) -> str:
    """A change as `allele_of` reads it; empty for none, and for one whose letters are too many for an address."""
    if change is None or max(len(change.reference), len(change.alternate)) > LONGEST_ALLELE:
        return ""
    return f"{change.start + 1}-{change.reference}-{change.alternate}"


def species_text(species: str | None) -> str:
    """The species of other sequences as `parse` reads it; empty for None."""
    return "" if species is None else species or NO_SPECIES


class _Reader:
    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._parameters = parameters
        self.problems: list[str] = []

    def get(self, name: str, convert: Callable[[str], Any], allowed: str, usual: Any) -> Any:
        given = self._parameters.get(name)
        if given is None:
            return usual
        try:
            return convert(given[:600])
        except ValueError:
            self.problems.append(f"The address has {name}={given[:40]!r}; allowed is {allowed}, so it was left out.")
            return usual

    def put(self, values: dict[str, Any], name: str, convert: Callable[[str], Any], allowed: str) -> None:
        found = self.get(name, convert, allowed, None)
        if found is not None:
            values[DISPLAY_NAMES.get(name, name)] = found

    def several(self, name: str, convert: Callable[[str], Any], allowed: str) -> tuple[Any, ...]:
        """The parts of a list that are understood, each once; one sentence names the others."""
        found: list[Any] = []
        unknown: list[str] = []
        for part in filter(None, self._parameters.get(name, "")[:600].split(",")):
            try:
                found.append(convert(part))
            except ValueError:
                unknown.append(repr(part[:40]))
        if unknown:
            more = f" and {len(unknown) - MOST_NAMED:,} more" if len(unknown) > MOST_NAMED else ""
            named = ", ".join(unknown[:MOST_NAMED]) + more
            left = "it was" if len(unknown) == 1 else "they were"
            self.problems.append(f"The address has {named} among {name}; allowed is {allowed}, so {left} left out.")
        return tuple(dict.fromkeys(found))

    def text(self) -> str:
        for name in ("sequence", "locus", "example"):
            given = self._parameters.get(name, "").strip()
            if not given:
                continue
            if len(given) > LONGEST_SEQUENCE + LONGEST_NAME + 2:
                self.problems.append(
                    f"The address has {len(given):,} characters of {name}; {LONGEST_SEQUENCE:,} is the most, so it was left out."
                )
                continue
            if not given.translate(_LINES).isprintable():
                self.problems.append(f"The address has characters in {name} that cannot be shown, so it was left out.")
                continue
            return given
        return ""


def _settings(reader: _Reader) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for name, row in choices.settings().items():
        allowed = " or ".join(row.field.option.choices) or row.field.option.help
        text = reader.get(name, partial(choices.read, name), allowed, None)
        if text is not None and text != row.usual:
            found.append((name, text))
    return tuple(sorted(found))


def _choice(text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise ValueError(text)
    return text


def _number(text: str, low: float, high: float) -> float:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text, re.ASCII):
        raise ValueError(text)
    value = float(text)
    if not low <= value <= high:
        raise ValueError(text)
    return value


def _matching(text: str, pattern: str) -> str:
    if not re.fullmatch(pattern, text):
        raise ValueError(text)
    return text


def _species(text: str) -> str:
    return _matching(text, r"[A-Za-z0-9][A-Za-z0-9_. -]{0,80}")


def _further(name: str) -> str:
    return _choice(name, tuple(choices.on_demand()))


def _panel(name: str) -> str:
    """A panel; empty for one of an own track, which has no address."""
    return "" if name.startswith(PREFIX) else _choice(name, tuple(panel.id for panel in panels()))


def _height(text: str) -> tuple[str, int] | None:
    name, colon, pixels = text.partition(":")
    if not colon:
        raise ValueError(text)
    return (name, int(_number(pixels, 16, WIDTHS[1]))) if _panel(name) else None


def _region(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,9})-(\d{1,9})", text, re.ASCII)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise ValueError(text)
    return int(found[1]) - 1, int(found[2])


def _positions(text: str) -> tuple[int, ...]:
    found = re.fullmatch(r"(\d{1,9})(?:,(\d{1,9}))?", text, re.ASCII)
    if not found or found[1] == found[2]:
        raise ValueError(text)
    places = tuple(int(part) - 1 for part in found.groups() if part is not None)
    if min(places) < 0:
        raise ValueError(text)
    return places
