"""Regions and steps in a session file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from engine.core.errors import LocusError
from engine.core.regions import Region
from engine.sources.regions import MOST
from pages._ui import address, choices
from pages._ui.question import Question
from pages._ui.steps import LONGEST_TITLE, MOST_RECENT, MOST_STEPS, History, Step


def read(found: dict[str, Any]) -> History:
    """Steps, recent loci and the place that was asked for. Raises what numbers and names that are none raise."""
    told = found.get("steps") or {"at": -1, "steps": []}
    steps = tuple(Step(_question(item["question"]), regions_of(item["regions"])) for item in told["steps"])[-MOST_STEPS:]
    recent = tuple((str(text), str(title)[:LONGEST_TITLE]) for text, title in found.get("recent", ()))[:MOST_RECENT]
    asked = found.get("asked") or None
    place = (str(asked[0]), str(asked[1]), int(asked[2]), int(asked[3])) if asked is not None else None
    return History(steps, max(min(int(told["at"]), len(steps) - 1), min(0, len(steps) - 1)), recent, place)


def content(history: History) -> dict[str, Any]:
    """The parts of a session file: steps without those that show other files, whose letters are not kept, recent loci, the place asked for."""
    kept = [(number, step) for number, step in enumerate(history.steps) if not step.question.is_of_file]
    rows = [{"question": _plain(step.question), "regions": cells_of(step.regions)} for _, step in kept]
    steps = {"at": sum(number <= history.at for number, _ in kept) - 1, "steps": rows}
    return {"steps": steps, "recent": [list(item) for item in history.recent], "asked": list(history.asked or ())}


def _plain(question: Question) -> dict[str, Any]:
    return {**asdict(replace(question, allele=None)), "allele": address.allele_text(question.allele)}


def _question(given: Mapping[str, Any]) -> Question:
    window = given["window"]
    return Question(
        text=str(given["text"]),
        model=str(given["model"]),
        record=int(given["record"]),
        reverse=bool(given["reverse"]),
        window=None if window is None else (int(window[0]), int(window[1])),
        species=str(given["species"]),
        settings=tuple((str(name), choices.read(str(name), str(text))) for name, text in given["settings"]),
        asked=tuple(name for name in map(str, given["asked"]) if name in choices.on_demand()),
        elements=str(given["elements"]),
        allele=address.allele_of(str(given["allele"])) if given["allele"] else None,
        moved=bool(given["moved"]),
        elsewhere=None if given.get("elsewhere") is None else str(given["elsewhere"]),
    )


def cells_of(regions: Sequence[Region]) -> list[list[Any]]:
    """Regions as plain values."""
    return [[item.assembly, item.contig, item.start, item.end, item.name, item.colour, item.note] for item in regions]


def regions_of(given: Any) -> tuple[Region, ...]:
    """Regions again. Raises `ValueError` for what is none."""
    try:
        return tuple(Region(*cells) for cells in given[:MOST])
    except LocusError as error:
        raise ValueError(str(error)) from error
