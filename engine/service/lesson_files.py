"""Lessons: scripted steps over sequences, one TOML file a lesson, which a teacher can write (``docs/lessons.md``).

A step asks, offers choices, and reveals. Numbers in what is revealed are never written in the file: a text has ``{name}``, the file says how
``name`` is worked out of a result (`engine.service.lesson_numbers`), and what must hold so that the answer is right.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.core.errors import FileFormatError, InputError, ParameterError
from engine.core.quoting import file_name, quoted
from engine.service.lesson_numbers import SLOT, Number

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "lessons"
LARGEST_FILE = 200_000
MOST_STEPS = 30
MOST_CHOICES = 6
RELATIONS = ("above", "below", "equals")
REVEALED = ("reveal", "conclude", "do_not_conclude")
"""Texts of a step that come after the answer; none has a number that was written by hand."""

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
_DIGITS = re.compile(r"(?<![\w′'’])\d[\d.,]*(?![\w′'’])")
_RANGE = re.compile(r"(\d{1,9})-(\d{1,9})", re.ASCII)


@dataclass(frozen=True)
class Expectation:
    """What must hold so that the answer of a step is right: the number called ``number`` is ``relation`` (`RELATIONS`) the ``value``, a number or
    the name of another one."""

    number: str
    relation: str
    value: float | str

    def words(self, values: Mapping[str, Any]) -> str:
        """One sentence when it does not hold of these values; else empty. Of words only ``equals`` can hold."""
        found, other = values[self.number], values[self.value] if isinstance(self.value, str) else self.value
        words = isinstance(found, str) or isinstance(other, str)
        holds = (
            found == other if self.relation == "equals" else not words and (found > other if self.relation == "above" else found < other)
        )
        relation = "" if self.relation == "equals" else f"{self.relation} "
        told, wanted = (item if isinstance(item, str) else f"{item:.4g}" for item in (found, other))
        return "" if holds else f"{self.number} is {told}, and the lesson expects it {relation}{wanted}."


@dataclass(frozen=True)
class Step:
    """One step of a lesson.

    Parameters
    ----------
    title, question : str
        On screen.
    show, file : str
        What is looked at: a text as the box takes it, or a FASTA file beside the lesson or in ``assets/examples``.
    window : (int, int) or None
        Part of it, 0-based half-open.
    change : str
        A substitution that is laid beside it, as ``374-C-T``, counted from 1 in what is looked at.
    choices, answer : tuple of str, int
        What can be predicted, and the index of the right one.
    before, panels : tuple of str
        Panels of the figure that stand beside the question, and beside the answer.
    region, select : pair of int or None
        Region of the figure (0-based half-open), and a pair of bases that is marked (0-based).
    shape, heights : str, mapping of str to int
        Of the map; pixels of panels by their names, where they are not the usual ones.
    reveal, conclude, do_not_conclude : str
        The answer, with ``{name}`` for each number; what to conclude, and what not.
    numbers, expectations
        How the numbers are worked out, and what must hold of them.
    """

    title: str
    question: str
    show: str = ""
    file: str = ""
    window: tuple[int, int] | None = None
    change: str = ""
    choices: tuple[str, ...] = ()
    answer: int = 0
    before: tuple[str, ...] = ("sequence",)
    panels: tuple[str, ...] = ("sequence",)
    region: tuple[int, int] | None = None
    select: tuple[int, ...] = ()
    shape: str = "square"
    heights: Mapping[str, int] = field(default_factory=dict, hash=False)
    reveal: str = ""
    conclude: str = ""
    do_not_conclude: str = ""
    numbers: tuple[Number, ...] = ()
    expectations: tuple[Expectation, ...] = ()


@dataclass(frozen=True)
class Lesson:
    """A lesson: its steps in order; ``model`` answers where it can (empty = the installation's), ``minutes`` it takes, ``source`` its file."""

    id: str
    title: str
    summary: str
    minutes: int
    steps: tuple[Step, ...]
    model: str = ""
    order: int = 1000
    source: Path = field(default_factory=Path)


def lessons(own: str = "") -> tuple[dict[str, Lesson], tuple[str, ...]]:
    """The shipped lessons and those of the folder ``own`` by id, in order, and a sentence for each file that is none."""
    found: dict[str, Lesson] = {}
    problems: list[str] = []
    paths = sorted(FOLDER.glob("*.toml"))
    if own:
        folder = Path(own).expanduser()
        if not folder.is_dir():
            problems.append(f"The folder of lessons {quoted(own)} (LOCUSCOPE_LESSONS) is not there; make it or take the setting out.")
        else:
            paths += sorted(folder.glob("*.toml"))
    for path in paths:
        try:
            lesson = read_lesson(path)
            if lesson.id in found:
                raise FileFormatError(f"The lesson {file_name(path.name)} has the name of another one; call the file something else.")
        except InputError as error:
            problems.append(str(error))
        else:
            found[lesson.id] = lesson
    return dict(sorted(found.items(), key=lambda row: (row[1].order, row[0]))), tuple(problems)


def lesson_called(name: str, own: str = "") -> Lesson:
    """One lesson by its id or title (case ignored). Raises `ParameterError` with those there are."""
    found, problems = lessons(own)
    wanted = name.strip().casefold()
    for lesson in found.values():
        if wanted in (lesson.id, lesson.title.casefold()):
            return lesson
    said = " ".join(problem for problem in problems if f"'{wanted}.toml'" in problem)
    raise ParameterError(said or f"There is no lesson {quoted(name, 40)}; there are {', '.join(found)}.")


def read_lesson(path: Path) -> Lesson:
    """Read a lesson. Raises `FileFormatError` with the step and what is wrong in it."""
    try:
        data = path.read_bytes()
        if len(data) > LARGEST_FILE:
            raise FileFormatError(f"The lesson {file_name(path.name)} has {len(data):,} bytes; {LARGEST_FILE:,} is the most.")
        given = tomllib.loads(data.decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileFormatError(f"The lesson {file_name(path.name)} cannot be read as TOML: {error}.") from error
    reader = _Reader(given, f"The lesson {file_name(path.name)}")
    if not _ID.fullmatch(path.stem):
        raise reader.wrong("has a file name that is no name of a lesson; use small letters, digits and hyphens")
    names = reader.texts("names")
    rows = reader.given.pop("step", None)
    if not isinstance(rows, list) or not 0 < len(rows) <= MOST_STEPS or not all(isinstance(row, dict) for row in rows):
        raise reader.wrong(f"has no steps; write 1 to {MOST_STEPS} of them, each under [[step]]")
    steps = tuple(_step(_Reader(row, f"{reader.where}, step {number},"), names, path) for number, row in enumerate(rows, start=1))
    for number, step in enumerate(steps, start=1):
        if missing := [row for row in step.numbers if row.step > len(steps)]:
            raise reader.wrong(
                f"has in step {number} the number {missing[0].name} of step {missing[0].step:,}; there are {len(steps)} steps"
            )
    lesson = Lesson(
        path.stem,
        reader.text("title", needed=True),
        reader.text("summary", needed=True),
        reader.whole("minutes", 1, 600, 20),
        steps,
        reader.text("model"),
        reader.whole("order", 1, 10_000, 1000),
        path,
    )
    reader.end()
    return lesson


def _step(reader: _Reader, names: tuple[str, ...], path: Path) -> Step:
    texts = {name: reader.text(name) for name in (*REVEALED, "show", "file", "change", "shape")}
    choices = reader.texts("choices")
    numbers = tuple(Number.read(name, row, reader.where) for name, row in reader.table("numbers").items())
    values: dict[str, Any] = {
        "title": reader.text("title", needed=True),
        "question": reader.text("question", needed=True),
        **{name: text for name, text in texts.items() if text},
        "window": reader.range("window"),
        "region": reader.range("region"),
        "select": reader.places("select"),
        "heights": reader.heights(),
        "choices": choices,
        "answer": reader.whole("answer", 1, max(1, len(choices)), 1) - 1,
        "numbers": numbers,
        "expectations": tuple(_expectation(row, reader, numbers) for row in reader.tables("expect")),
        **{name: found for name in ("before", "panels") if (found := reader.texts(name))},
    }
    reader.end()
    step = Step(**values)
    _check(step, reader, names, path)
    return step


def _check(step: Step, reader: _Reader, names: tuple[str, ...], path: Path) -> None:
    from engine.views.evidence import SHAPES
    from engine.views.panel import panels

    if bool(step.show) == bool(step.file):
        raise reader.wrong("says with neither or both of show and file what is looked at; give one of them")
    if step.file and file_of(step.file, path) is None:
        raise reader.wrong(f"names the file {file_name(step.file)}, which is not beside the lesson")
    known = {panel.id for panel in panels()}
    if unknown := [name for name in (*step.before, *step.panels, *step.heights) if name not in known]:
        raise reader.wrong(f"names the panel {quoted(unknown[0], 40)}; there are {', '.join(sorted(known))}")
    if step.shape not in SHAPES:
        raise reader.wrong(f"has the shape {quoted(step.shape, 40)}; there are {', '.join(SHAPES)}")
    if step.choices and not 2 <= len(step.choices) <= MOST_CHOICES:
        raise reader.wrong(f"has {len(step.choices)} choices; 2 to {MOST_CHOICES} are usual, or none")
    if step.choices and not step.expectations:
        raise reader.wrong("has choices and nothing under [[step.expect]] that must hold so that the answer is right")
    called = {number.name for number in step.numbers}
    for name in REVEALED:
        text = str(getattr(step, name))
        if missing := [slot for slot in SLOT.findall(text) if slot not in called]:
            raise reader.wrong(f"has {{{missing[0]}}} in {name}, and nothing of that name under [step.numbers]")
        bare = SLOT.sub("", text)
        for known_name in names:
            bare = bare.replace(known_name, "")
        if (found := _DIGITS.search(bare)) is not None:
            raise reader.wrong(
                f"has the number {quoted(found[0], 20)} in {name}; numbers are worked out: write {{name}} and say under [step.numbers] what it "
                "is, or put it under names at the top of the lesson when it is part of a name"
            )


def file_of(name: str, lesson: Path) -> Path | None:
    """The FASTA file that a step names, beside its lesson or among the shipped examples; None when there is none."""
    if name != Path(name).name:
        return None
    folders = (lesson.parent, FOLDER.parent / "examples")
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def _expectation(row: dict[str, Any], reader: _Reader, numbers: tuple[Number, ...]) -> Expectation:
    known = [number.name for number in numbers]
    given = [name for name in RELATIONS if name in row]
    number = row.get("number")
    if number not in known or len(given) != 1 or len(row) != 2:
        raise reader.wrong(
            f"has an expectation that cannot be read; write number = one of {', '.join(known) or 'numbers'} and one of {', '.join(RELATIONS)}"
        )
    value = row[given[0]]
    if isinstance(value, bool) or not (isinstance(value, int | float) or value in known):
        raise reader.wrong(f"expects {number} {given[0]} {quoted(value, 40)}; write a number or the name of another one")
    return Expectation(number, given[0], value if isinstance(value, str) else float(value))


class _Reader:
    """Takes named values out of a table, each of its kind; `end` refuses what nobody took."""

    def __init__(self, given: dict[str, Any], where: str) -> None:
        self.given, self.where = dict(given), where

    def wrong(self, what: str) -> FileFormatError:
        return FileFormatError(f"{self.where} {what}.")

    def text(self, name: str, *, needed: bool = False) -> str:
        value = self.given.pop(name, "")
        if not isinstance(value, str) or (needed and not value.strip()):
            raise self.wrong(f'has no text as {name}; write {name} = "..."')
        return " ".join(value.split())

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.given.pop(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
            raise self.wrong(f'has no list of texts as {name}; write {name} = ["...", "..."]')
        return tuple(" ".join(item.split()) for item in value)

    def whole(self, name: str, low: int, high: int, usual: int) -> int:
        value = self.given.pop(name, usual)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.wrong(f"has {quoted(value, 20)} as {name}; a whole number from {low:,} to {high:,} is allowed")
        return value

    def range(self, name: str) -> tuple[int, int] | None:
        text = self.text(name)
        found = _RANGE.fullmatch(text)
        if text and (found is None or not 1 <= int(found[1]) <= int(found[2])):
            raise self.wrong(f"has {quoted(text, 40)} as {name}; write start-end, counted from 1")
        return (int(found[1]) - 1, int(found[2])) if found is not None else None

    def places(self, name: str) -> tuple[int, ...]:
        value = self.given.pop(name, [])
        if not isinstance(value, list) or len(value) > 2 or not all(isinstance(item, int) and item > 0 for item in value):
            raise self.wrong(f"has {quoted(value, 40)} as {name}; write one or two positions, counted from 1, such as [28, 42]")
        return tuple(item - 1 for item in value)

    def heights(self) -> dict[str, int]:
        value = self.given.pop("heights", {})
        if not isinstance(value, dict) or not all(isinstance(pixels, int) and 16 <= pixels <= 2000 for pixels in value.values()):
            raise self.wrong(f"has {quoted(value, 40)} as heights; write panels with 16 to 2,000 pixels, such as {{ elements = 150 }}")
        return value

    def table(self, name: str) -> dict[str, dict[str, Any]]:
        value = self.given.pop(name, {})
        if not isinstance(value, dict) or not all(isinstance(row, dict) for row in value.values()):
            raise self.wrong(f'has no table as {name}; write name = {{ measure = "...", ... }} under [step.{name}]')
        return value

    def tables(self, name: str) -> list[dict[str, Any]]:
        value = self.given.pop(name, [])
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise self.wrong(f"has no tables as {name}; write [[step.{name}]]")
        return value

    def end(self) -> None:
        if self.given:
            raise self.wrong(f"has {quoted(next(iter(self.given)), 40)}, which means nothing there; see docs/lessons.md")
