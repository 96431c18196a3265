"""Numbers of lessons: how each that a step reveals is worked out of results, by a closed list of measures (`MEASURES`).

Positions in a lesson's file count from 1 in what the step looks at; indices here from 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.compensation import CompensationParameters
from engine.analyses.declared import analyses, declared
from engine.core.base_pairs import pairs_of_dot_bracket
from engine.core.errors import FileFormatError, ParameterError
from engine.core.quoting import quoted
from engine.core.results import base_at
from engine.core.sequence import BASES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.parameters import Parameters
    from engine.core.results import Result
    from engine.core.sequence import NucleotideSequence

SLOT = re.compile(r"\{([a-z][a-z0-9_]{0,40})\}")
APART = 4
"""Bases between the two of a strongest pair at least."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_SPAN = re.compile(r"(\d{1,9})-(\d{1,9})", re.ASCII)
_SUBSTITUTION = re.compile(r"(\d{1,9})-([ACGTU])-([ACGTU])", re.ASCII)

Value = float | int | str


@dataclass(frozen=True)
class Number:
    """One number: its ``measure``, of the answer of ``analysis`` (by ``model``; empty = the step's), with the measure's options.

    ``changed``: of the letters with the step's change in them. ``step``: of what that step of the lesson looks at (from 1; 0 = its own).
    ``decimals``: as it is written; None = as the measure does.
    """

    name: str
    measure: str
    analysis: str = ""
    model: str = ""
    changed: bool = False
    step: int = 0
    decimals: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @classmethod
    def read(cls, name: str, row: Mapping[str, Any], where: str) -> Number:
        """Out of a lesson's file; ``where`` begins each sentence. Raises `FileFormatError`."""
        problem = f"{where} number {quoted(name, 40)},"
        if not _NAME.fullmatch(name):
            raise FileFormatError(f"{problem} has a name that cannot stand in a text; use small letters, digits and _.")
        given = dict(row)
        measure = MEASURES.get(str(given.get("measure")))
        if measure is None:
            raise FileFormatError(f"{problem} has the measure {quoted(given.get('measure', ''), 40)}; there are {', '.join(MEASURES)}.")
        allowed = {"measure", "decimals", *measure.needs, *measure.may, *(("analysis", "model", "changed") if measure.reads else ())}
        allowed |= {"step"} if "of" not in measure.needs else set()
        if unknown := [key for key in given if key not in allowed]:
            raise FileFormatError(f"{problem} has {quoted(unknown[0], 40)}; {given['measure']} takes {', '.join(sorted(allowed))}.")
        if missing := [key for key in (*measure.needs, *(("analysis",) if measure.reads == "any" else ())) if key not in given]:
            raise FileFormatError(f"{problem} lacks {missing[0]}, which {given['measure']} needs.")
        analysis = str(given.pop("analysis", "") or ("" if measure.reads == "any" else measure.reads))
        if analysis and analysis not in analyses():
            raise FileFormatError(f"{problem} names the analysis {quoted(analysis, 40)}; there are {', '.join(analyses())}.")
        if analysis and measure.face and measure.face not in declared(analysis).result.faces:
            raise FileFormatError(f"{problem} asks {analysis} for {measure.face}, which its answers have not.")
        options = {key: _option(key, value, problem) for key, value in given.items() if key in _OPTIONS}
        changed, decimals = given.get("changed", False), given.get("decimals")
        if not isinstance(changed, bool) or not (decimals is None or (isinstance(decimals, int) and 0 <= decimals <= 6)):
            raise FileFormatError(f"{problem} has changed or decimals that cannot be read; true or false, and 0 to 6, are allowed.")
        step = given.get("step", 0)
        if not isinstance(step, int) or isinstance(step, bool) or ("step" in given and step < 1):
            raise FileFormatError(f"{problem} has {quoted(step, 20)} as step; write the number of a step of this lesson, such as 1.")
        return cls(name, str(given["measure"]), analysis, str(given.get("model", "")), changed, step, decimals, options)

    def text(self, value: Value) -> str:
        """The value as it stands in a text."""
        if isinstance(value, str):
            return value
        if isinstance(value, int):
            return f"{value:,}".replace("-", "−")
        return f"{value:,.{self._digits}f}".replace("-", "−")

    def shown(self, value: Value) -> Value:
        """The value that its text says, rounded as that is."""
        return float(f"{value:.{self._digits}f}") if isinstance(value, float) else value

    @property
    def _digits(self) -> int:
        return 2 if self.decimals is None else self.decimals


@dataclass(frozen=True)
class Given:
    """What a measure works with: the letters, the known structure (pairs int64 (n, 2)), the answers of its requests, and the values that the texts
    of numbers before it say, so that what is worked out of two agrees with both as a reader sees them."""

    sequence: NucleotideSequence
    known: NDArray[np.int64]
    results: tuple[Any, ...]
    before: Mapping[str, Value]
    options: Mapping[str, Any]

    @property
    def result(self) -> Any:
        """The one answer."""
        return self.results[0]


@dataclass(frozen=True)
class Measure:
    """``needs`` and ``may``: options; ``reads``: ``any`` analysis, one by name, or none; ``face`` that its result must have; ``help`` one line for
    teachers; ``parameters``: of each request, when they are not the usual ones."""

    help: str
    value: Callable[[Given], Value]
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    reads: str = "any"
    face: str = ""
    parameters: Callable[[Given], tuple[Parameters, ...]] | None = None


def _region(given: Given, name: str = "region") -> slice:
    start, end = given.options.get(name, (0, len(given.sequence)))
    if end > len(given.sequence):
        raise ParameterError(f"A number of the lesson asks for {name} {start + 1:,}-{end:,} of {len(given.sequence):,} bases.")
    return slice(start, end)


def _values(given: Given) -> NDArray[np.float64]:
    """Values of a track in the region, those that are known."""
    tracks = {track.name: track for track in given.result.tracks()}
    name = given.options.get("track") or next(iter(tracks))
    if name not in tracks:
        raise ParameterError(f"The {given.result.provenance.analysis} have no track {quoted(name, 40)}; they have {', '.join(tracks)}.")
    values: NDArray[np.float64] = tracks[name].values[_region(given)].astype(np.float64)
    known: NDArray[np.float64] = values[np.isfinite(values)]
    if not known.size:
        raise ParameterError(f"A number of the lesson asks for {name} where it has no values; choose another region.")
    return known


def _matrix(given: Given) -> NDArray[np.float32]:
    """Of both directions the larger one that is known."""
    values: NDArray[np.float32] = given.result.matrix().values
    both: NDArray[np.float32] = np.fmax(values, values.T)
    return both


def _apart(given: Given) -> NDArray[np.float32]:
    """The matrix, NaN where bases are not `APART`, and below the diagonal. Raises `ParameterError` where nothing else is known."""
    values = _matrix(given)
    found: NDArray[np.float32] = np.where(np.triu(np.ones(values.shape, bool), APART), values, np.nan)
    if not np.isfinite(found).any():
        raise ParameterError(f"A number of the lesson asks for pairs of bases at least {APART} apart, and none has a value.")
    return found


def _strongest(given: Given) -> tuple[int, int, float]:
    values = _apart(given)
    first, second = np.unravel_index(int(np.nanargmax(values)), values.shape)
    return int(first), int(second), float(values[first, second])


def _at_known(given: Given) -> float:
    """Mean over the known pairs, those between the two regions where they are given."""
    one, other = _region(given), _region(given, "other")
    pairs = [(i, j) for i, j in _known(given) if one.start <= i < one.stop and other.start <= j < other.stop]
    if not pairs:
        raise ParameterError("A number of the lesson asks for known pairs between two regions that have none.")
    values = _matrix(given)
    return _mean(np.array([values[pair] for pair in pairs]))


def _elsewhere(given: Given) -> float:
    values, pairs = _apart(given), np.array(sorted(_known(given)))
    values[pairs[:, 0], pairs[:, 1]] = np.nan
    return _mean(values)


def _mean(values: NDArray[np.float32]) -> float:
    """Of the values that are known; NaN where none is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan


def _pairs(given: Given) -> set[tuple[int, int]]:
    return {(int(i), int(j)) for i, j in pairs_of_dot_bracket(given.result.structure())}


def _known(given: Given) -> set[tuple[int, int]]:
    if not len(given.known):
        raise ParameterError("A number of the lesson asks for known pairs, and no known structure comes with what is shown.")
    return {(int(i), int(j)) for i, j in given.known}


def _between(given: Given) -> int:
    one, other = _region(given), _region(given, "other")
    return sum(one.start <= i < one.stop and other.start <= j < other.stop for i, j in _pairs(given))


def _scores(given: Given) -> NDArray[np.float32]:
    found = given.result.substitutions()
    name = given.options.get("scores") or next(iter(found))
    if name not in found:
        raise ParameterError(f"There are no scores {quoted(name, 40)}; there are {', '.join(found)}.")
    values: NDArray[np.float32] = found[name]
    return values


def _substitution(given: Given) -> float:
    place, reference, alternate = given.options["substitution"]
    letters = given.sequence.as_dna()
    if letters[place : place + 1] != reference:
        there = letters[place : place + 1] or "nothing"
        raise ParameterError(f"A number of the lesson changes {reference} at {place + 1:,}, but {there} is there; mend its substitution.")
    return float(_scores(given)[place, BASES.index(alternate)])


def _below(given: Given) -> int:
    values = _scores(given)[_region(given)]
    return int((values[np.isfinite(values)] < given.options["value"]).sum())


def _combination(given: Given) -> float:
    one, other = (BASES.index(letter) for letter in given.options["letters"].upper().replace("U", "T"))
    return float(given.result.values[one, other])


def _tested(given: Given) -> tuple[Parameters, ...]:
    first, second = given.options["pair"]
    return (CompensationParameters(first, second),)


def _all_tested(given: Given) -> tuple[Parameters, ...]:
    return tuple(CompensationParameters(first, second) for first, second in sorted(_known(given)))


def _two(given: Given) -> tuple[float, float] | tuple[int, int]:
    """Both as whole numbers, or both as others."""
    names = given.options["of"]
    one, other = (given.before[name] for name in names)
    if isinstance(one, str) or isinstance(other, str):
        raise ParameterError(f"A number of the lesson is of {' and '.join(names)}, which are not both numbers.")
    return (one, other) if isinstance(one, int) and isinstance(other, int) else (float(one), float(other))


def _difference(given: Given) -> Value:
    one, other = _two(given)
    return one - other


def _ratio(given: Given) -> float:
    one, other = _two(given)
    if not other:
        raise ParameterError(f"A number of the lesson divides by {given.options['of'][1]}, which is 0.")
    return one / other


MEASURES: dict[str, Measure] = {
    "bases": Measure("number of bases that are shown", lambda given: len(given.sequence), reads=""),
    "mean": Measure("mean of a track over a region", lambda given: float(_values(given).mean()), may=("track", "region"), face="tracks"),
    "highest": Measure("its highest value", lambda given: float(_values(given).max()), may=("track", "region"), face="tracks"),
    "lowest": Measure("its lowest value", lambda given: float(_values(given).min()), may=("track", "region"), face="tracks"),
    "bases above": Measure(
        "bases of a region where a track is above a value",
        lambda given: int((_values(given) > given.options["value"]).sum()),
        ("value",),
        ("track", "region"),
        face="tracks",
    ),
    "bases below": Measure(
        "bases of a region where a track is below a value",
        lambda given: int((_values(given) < given.options["value"]).sum()),
        ("value",),
        ("track", "region"),
        face="tracks",
    ),
    "strongest pair": Measure(
        f"names of the two bases, at least {APART} apart, that depend most on each other, with their places on the figure's ruler",
        lambda given: " with ".join(base_at(given.sequence, index) for index in _strongest(given)[:2]),
        face="matrix",
    ),
    "strongest value": Measure("how much those two do", lambda given: _strongest(given)[2], face="matrix"),
    "cell": Measure(
        "how much the two bases of a pair depend on each other, the larger of both directions",
        lambda given: float(_matrix(given)[given.options["pair"]]),
        ("pair",),
        face="matrix",
    ),
    "block": Measure(
        "mean of the cells between a region and another one",
        lambda given: _mean(_matrix(given)[_region(given), _region(given, "other")]),
        ("region", "other"),
        face="matrix",
    ),
    "known pairs mean": Measure(
        "mean of the cells of the known pairs, those from a region to another one where they are given",
        _at_known,
        may=("region", "other"),
        face="matrix",
    ),
    "elsewhere mean": Measure(f"mean of all other cells at least {APART} bases off the diagonal", _elsewhere, face="matrix"),
    "pairs": Measure("base pairs of a structure", lambda given: len(_pairs(given)), face="structure"),
    "pairs between": Measure("base pairs between a region and another one", _between, ("region", "other"), face="structure"),
    "known pairs": Measure("base pairs of the known structure", lambda given: len(_known(given)), reads=""),
    "known pairs found": Measure(
        "base pairs that the structure and the known one share", lambda given: len(_pairs(given) & _known(given)), face="structure"
    ),
    "substitution": Measure("score of one substitution", _substitution, ("substitution",), ("scores",), face="substitutions"),
    "substitutions below": Measure(
        "substitutions of a region whose score is below a value", _below, ("value",), ("scores", "region"), face="substitutions"
    ),
    "disturbance": Measure(
        "largest change at any other base when a pair has these two letters",
        _combination,
        ("pair", "letters"),
        reads="compensation",
        parameters=_tested,
    ),
    "rank": Measure(
        "place of the pairing letters among the 24 ways to match them, 1 = they disturb least",
        lambda given: int(given.result.rank),
        ("pair",),
        reads="compensation",
        parameters=_tested,
    ),
    "known pairs that pass": Measure(
        "pairs of the known structure whose pairing letters disturb least",
        lambda given: sum(bool(result.behaves_like_a_pair) for result in given.results),
        reads="compensation",
        parameters=_all_tested,
    ),
    "difference": Measure("the first of two numbers less the second, as both are written", _difference, ("of",), reads=""),
    "ratio": Measure("the first of two numbers over the second, as both are written", _ratio, ("of",), reads=""),
    "percent": Measure(
        "the first of two numbers in percent of the second, as both are written",
        lambda given: round(100 * _ratio(given)),
        ("of",),
        reads="",
    ),
}
_OPTIONS = ("track", "region", "other", "value", "pair", "substitution", "scores", "letters", "of")


def _option(name: str, value: Any, problem: str) -> Any:
    """One option as the measures take it: positions from 0. Raises `FileFormatError`."""
    text = value if isinstance(value, str) else ""
    if name in ("track", "scores") and text:
        return text
    if name in ("region", "other") and (found := _SPAN.fullmatch(text)) is not None and 1 <= int(found[1]) <= int(found[2]):
        return int(found[1]) - 1, int(found[2])
    if name == "value" and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if name == "substitution" and (found := _SUBSTITUTION.fullmatch(text)) is not None and int(found[1]):
        return (int(found[1]) - 1, *found[2].replace("U", "T"), *found[3].replace("U", "T"))
    if name == "letters" and len(text) == 2 and set(text.upper()) <= set("ACGTU"):
        return text
    if name == "of" and isinstance(value, list) and len(value) == 2 and all(isinstance(item, str) for item in value):
        return tuple(value)
    if name == "pair" and isinstance(value, list) and len(value) == 2 and all(isinstance(item, int) and item > 0 for item in value):
        return value[0] - 1, value[1] - 1
    examples = {"region": "'11-25'", "other": "'30-40'", "value": "1.8", "pair": "[28, 42]", "substitution": "'28-A-G'", "letters": "'GC'"}
    examples["of"] = "['after', 'before'], names of numbers above it"
    raise FileFormatError(f"{problem} has {quoted(value, 40)} as {name}; write it as {examples.get(name, 'a name')}.")


def worked_out(
    number: Number, sequence: NucleotideSequence, known: NDArray[np.int64], results: tuple[Result, ...], before: Mapping[str, Value]
) -> Value:
    """The value of a number. Raises `ParameterError` for what is not there in the results."""
    measure = MEASURES[number.measure]
    if missing := [name for name in number.options.get("of", ()) if name not in before]:
        raise ParameterError(f"The number {number.name} is of {missing[0]}, which does not stand above it in the lesson.")
    options = dict(number.options)
    if "pair" in options and max(options["pair"]) >= len(sequence):
        raise ParameterError(f"The number {number.name} asks for base {max(options['pair']) + 1:,} of {len(sequence):,}.")
    value = measure.value(Given(sequence, known, results, before, options))
    if isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(f"The number {number.name} has no value where the lesson asks for it; choose another place.")
    return value


def parameters_of(number: Number, sequence: NucleotideSequence, known: NDArray[np.int64]) -> tuple[Parameters, ...] | None:
    """Parameters of the requests behind a number; None = one request with the usual ones."""
    made = MEASURES[number.measure].parameters
    return made(Given(sequence, known, (), {}, number.options)) if made is not None else None
