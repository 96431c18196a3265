"""An analysis is one declaration: its file holds a ``DECLARED`` and everything else that speaks of it is derived.

The command and its options, the store's types, passes and estimate, scripts, the exports offered, the page's menu and address, the README's
tables and the contract test read these declarations; none of them knows an analysis by name. A file below ``engine/analyses`` that has
``DECLARED``, a tuple, is found by itself; so is a module of an installed package that an entry point of the group ``locuscope.analyses`` names,
such as ``gc = "my_package.gc"`` (or ``"my_package.gc:DECLARED"``). A package that cannot be used is left out with a sentence.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from engine.core.brought import NAME, Unusable, kind_of, read_packages
from engine.core.card import Capability, ModelCard, Offer
from engine.core.errors import ParameterError
from engine.core.parameters import Parameters, fields_of
from engine.core.quoting import quoted
from engine.core.results import Result, Table, WindowAnswer

if TYPE_CHECKING:
    from engine.core.progress import Monitor
    from engine.core.sequence import NucleotideSequence

GROUP = "locuscope.analyses"
Shown = Literal["always", "offered", "asked", "clicked", "page"]
_FLAG = re.compile(r"--[a-z][a-z0-9-]{0,59}")


class Run(Protocol):
    """The pure function of an analysis."""

    def __call__(
        self, model: Any, sequence: NucleotideSequence, parameters: Any, monitor: Monitor, answers: Mapping[str, Any], /
    ) -> Result:
        """The answer. ``model``: None where the declaration says it reads none; ``answers``: of the analyses it comes after, by name."""


@dataclass(frozen=True)
class Needed:
    """An answer of another analysis that this one reads.

    ``required`` False: it saves passes but changes no number, so it is left out where it would not fit into memory.
    ``as_rna``: about the same letters, read as RNA. ``part``: about these letters alone, 0-based half-open. ``analysis``: which it is an answer of;
    empty = the one of its name.
    """

    parameters: Parameters
    required: bool = True
    as_rna: bool = False
    analysis: str = ""
    part: tuple[int, int] | None = None


Passes = Callable[["NucleotideSequence", Any, ModelCard, Offer], int]
After = Callable[[Any, ModelCard], Mapping[str, Needed]]
Parts = Callable[["NucleotideSequence", Any, ModelCard], Mapping[str, Needed]]


def _nothing(parameters: Any, card: ModelCard) -> Mapping[str, Needed]:
    return {}


def _not_in_parts(sequence: NucleotideSequence, parameters: Any, card: ModelCard) -> Mapping[str, Needed]:
    return {}


def _as_given(parameters: Any, card: ModelCard) -> Any:
    return parameters


def _fits(sequence: NucleotideSequence, parameters: Any, card: ModelCard) -> None:
    return None


def _lacks_nothing(parameters: Any, card: ModelCard) -> str:
    return ""


def _by_the_base(sequence: NucleotideSequence, parameters: Any) -> int:
    return len(sequence) * 64


def square_bytes(sequence: NucleotideSequence, parameters: Any) -> int:
    """Bytes of a float32 value between any two bases of the part that is analysed."""
    return width_of(sequence, parameters) ** 2 * 4


@dataclass(frozen=True)
class Declared:
    """One analysis.

    Parameters
    ----------
    name, command, version : str
        Name in requests, provenance and store; on the command line; the version is part of every key.
    title, summary : str
        On screen; one sentence for help and README.
    capability : Capability
        What a model must offer.
    parameters, result : type
        Their types.
    passes : callable
        ``passes(sequence, parameters, card, offer)``: forward passes, the one home of that number.
    run : Run
        The pure function.
    fits : callable
        ``fits(sequence, parameters, card)``: raises an error of the house, before anything runs, for parameters that the model cannot answer on
        this sequence.
    lacks : callable
        ``lacks(parameters, card)``: one sentence why a model that can do the analysis cannot do it with these parameters; empty when it can.
    settled : callable
        ``settled(parameters, card)``: the parameters with everything decided that hangs on the model; these name the answer.
    after : callable
        ``after(parameters, card)``: answers of other analyses it reads, by name.
    parts : callable
        ``parts(sequence, parameters, card)``: answers about parts of the sequence that this one is put together from (`engine.analyses.tiling`);
        where there are any, ``run`` gets them and no model.
    grows : bool
        Whether ``run`` takes the answers of some of the parts, too, and gives what they say.
    longer : callable
        ``longer(parameters, card)``: how the explorer asks about a sequence that is longer than the model reads: name of the analysis, and its
        parameters; None = not at all.
    reads_model : bool
        False for what is computed from other answers alone.
    out : str
        File written when ``--out`` names none; a ``.tsv`` goes to standard output.
    default_model : str
        Who answers when none is named and the installation's default model cannot.
    lends : bool
        Whether on the explorer ``default_model`` answers beside another model that cannot: its answer says something of the sequence, not of
        that model.
    memory : callable
        ``memory(sequence, parameters)``: bytes of the answer while it is computed.
    growth : str
        Whether cost grows with the length or with its square: the installation's limit of length is of quadratic ones.
    tiled : bool
        Longer sequences than the model's are cut into windows and put together.
    pace : str
        Computations of one pace take equally long a pass: ``mutants`` of one sequence, unrelated ``passes``,
        ``windows`` of a sequence longer than the model reads, or ``bases`` that it adds.
    one_core : bool
        Every product runs on one core, several of them side by side (`engine.analyses.batches`), so that the number of cores changes no bit;
        of all others that number is part of the key.
    shown : str
        On the explorer: ``always`` (with every question; a model that cannot says so), ``offered`` (by the models that can), ``asked`` (a box
        in the menu), ``clicked`` (about a selection), ``page`` (on a page of its own instead).
    order : int
        Place in menus and tables.
    of_place : bool
        Whether a hosted model is asked about the place the letters come from: the place is then part of what names the answer, and on the
        explorer nothing is asked before a click that says what is sent.
    windows : bool
        Whether a run over a genome can do it window by window.
    ranked : callable
        ``ranked(windows, parameters)``: what all windows of such a run found, as one ranked table with the columns ``contig``,
        ``first_start`` and ``second_end`` (1-based inclusive); None = there is none.
    settings : callable
        ``settings(card)``: parameters the explorer starts with, where they depend on the model.
    package : str
        The installed package it came with, set where it is found; empty = this program.
    """

    name: str
    command: str
    version: str
    title: str
    summary: str
    capability: Capability
    parameters: type[Parameters]
    result: type[Result]
    passes: Passes
    run: Run
    fits: Callable[[NucleotideSequence, Any, ModelCard], None] = _fits
    lacks: Callable[[Any, ModelCard], str] = _lacks_nothing
    settled: Callable[[Any, ModelCard], Any] = _as_given
    after: After = _nothing
    parts: Parts = _not_in_parts
    grows: bool = False
    longer: Callable[[Any, ModelCard], tuple[str, Parameters]] | None = None
    reads_model: bool = True
    out: str = ""
    default_model: str = ""
    lends: bool = True
    memory: Callable[[NucleotideSequence, Any], int] = _by_the_base
    growth: Literal["linear", "quadratic"] = "linear"
    tiled: bool = False
    pace: Literal["mutants", "passes", "windows", "bases"] = "passes"
    one_core: bool = False
    shown: Shown = "asked"
    order: int = 100
    of_place: bool = False
    windows: bool = True
    ranked: Callable[[Iterable[WindowAnswer], Any], Table] | None = None
    settings: Callable[[ModelCard], Parameters] | None = None
    package: str = field(default="", compare=False)

    @property
    def default_file(self) -> str:
        """Name of the file when none is given."""
        return self.out or f"{self.command}.npz"

    def starting(self, card: ModelCard) -> Parameters:
        """Parameters the explorer starts with."""
        return self.settings(card) if self.settings is not None else self.parameters()

    def cannot(self, card: ModelCard) -> str:
        """One sentence why a model cannot do it; empty when it can."""
        return card.cannot(self.capability)


def width_of(sequence: NucleotideSequence, parameters: Any) -> int:
    """Bases of the part that is analysed."""
    window = getattr(parameters, "window", None)
    return len(sequence) if window is None else window[1] - window[0]


def analyses() -> dict[str, Declared]:
    """Every declared analysis by name, in the order of the menus."""
    return _found(tuple(_package().__path__))[0]


def left_out() -> tuple[str, ...]:
    """One sentence on each analysis of an installed package that cannot be used."""
    return _found(tuple(_package().__path__))[1]


def declared(name: str) -> Declared:
    """The analysis called ``name``. Raises `ParameterError` with those there are."""
    known = analyses()
    if name not in known:
        raise ParameterError(f"There is no analysis {name[:40]!r}; available: {', '.join(known)}.")
    return known[name]


def _package() -> ModuleType:
    return importlib.import_module("engine.analyses")


@functools.cache
def _found(folders: tuple[str, ...]) -> tuple[dict[str, Declared], tuple[str, ...]]:
    """What the files of these folders, and installed packages, declare, and what is said of packages that are left out."""
    rows: list[Declared] = []
    for item in pkgutil.iter_modules(folders, "engine.analyses."):
        rows += getattr(importlib.import_module(item.name), "DECLARED", ())
    names = [row.name for row in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ParameterError(f"Two analyses are called {twice[0]!r}; rename one of them.")

    def take(found: object, package: str) -> None:
        if not isinstance(found, tuple) or not found:
            raise Unusable(f"it is {kind_of(found)}, not a tuple of Declared")
        brought: list[Declared] = []
        for row in found:
            _check(row, [*rows, *brought])
            brought.append(replace(row, package=package))
        rows.extend(brought)

    left = read_packages(GROUP, "DECLARED", "analysis", take)
    return {row.name: row for row in sorted(rows, key=lambda row: (row.order, row.name))}, left


def _check(row: Any, known: Iterable[Declared]) -> None:
    """Raise `Unusable` for what a package must not bring: no declaration, or one that would get into the way of those that are ``known``."""
    if not isinstance(row, Declared):
        raise Unusable(f"it holds {kind_of(row)}, not a Declared")
    for what in ("name", "command"):
        value = getattr(row, what)
        if not isinstance(value, str) or not NAME.fullmatch(value):
            raise Unusable(f"its {what} is {quoted(value, 40)}, not small letters, digits, '-' and '_'")
        if value in (getattr(other, what) for other in known):
            raise Unusable(f"its {what} {value!r} is taken")
    kinds: tuple[tuple[str, type], ...] = (("parameters", Parameters), ("result", Result))
    for what, kind in kinds:
        value = getattr(row, what)
        if not isinstance(value, type) or not issubclass(value, kind):
            raise Unusable(f"its {what} is {kind_of(value)}, not a type of {kind.__name__}")
    if any(other.result.__name__ == row.result.__name__ and other.result is not row.result for other in known):
        raise Unusable(f"its result's name {row.result.__name__} is taken")
    row.parameters()  # the explorer starts with the usual ones
    for item in fields_of(row.parameters):
        if not _FLAG.fullmatch(item.option.flag):
            raise Unusable(f"its parameter {item.name} has the option {quoted(item.option.flag, 40)}, not --NAME")
    plain = isinstance(row.title, str) and isinstance(row.summary, str) and type(row.order) is int
    if not plain or not isinstance(row.capability, Capability) or row.shown not in get_args(Shown):
        raise Unusable("its title, summary, order, capability or shown is none")
